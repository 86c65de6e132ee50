"""HTTP API of the fields of a minibatch's rows, in one binary answer."""

from flask import Response
from pydantic import BaseModel, ConfigDict, Field

from gradviz.compute.row_fields import RowFieldsQuestion
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.statistics_api import answer_to
from gradviz.landscape.composed import RowNumbers
from gradviz.landscape.request import LandscapeRequest

_ROW_FIELDS = (
    "The fields of a minibatch's rows, whose mean is the minibatch's field: a little-endian uint32 (the length of the "
    "JSON), the JSON, padded to a multiple of four bytes, and float32 u, then v, each (rows, points, points) with x "
    "running fastest. `rows` are their numbers in the run, in the order of the minibatch; `coupled`: with batch "
    "statistics an entry is the derivative of the row's own loss while all rows move the statistics; `has_masks`: "
    "under the masks of the row's place."
)


class OtherRows(BaseModel):
    """Rows in place of the minibatch's. (An `Atom` has another `of`.)"""

    model_config = ConfigDict(frozen=True, extra="forbid")

    of: RowNumbers | None = Field(
        default=None,
        description="numbers of training rows, in place of the minibatch's and on the same plane: where rows do not "
        "depend on each other and no masks are drawn",
    )


def row_fields(served: Served, asked: LandscapeRequest, others: OtherRows) -> Response:
    question = RowFieldsQuestion(request=asked, of=others.of)
    return answer_to(served, question, "binary")


OPERATIONS = (
    Operation("get", "/rows/fields", row_fields, _ROW_FIELDS, (LandscapeRequest, OtherRows), forms=("binary",)),
)
