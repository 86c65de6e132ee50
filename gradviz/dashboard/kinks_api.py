"""HTTP API of kinks: the lines on a plane at which rows' gates switch, or their residuals change sign."""

from flask import Response
from pydantic import Field

from gradviz.compute.kinks import KinksQuestion
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.statistics_api import answer_to
from gradviz.landscape.request import Atom, LandscapeRequest

_SUMMARY = (
    "The lines on a plane at which gates of a minibatch's rows switch, or their residuals change sign. A little-endian "
    "uint32 (a length) and JSON of that length, with the row numbers `rows`, for each row the number of its lines "
    "(`counts`) and of those that follow (`lines`), `sites`, `num_segments`, `num_lines`, `num_left_out` and a `note`; "
    "then float32 segments (num_segments, 4), x0, y0, x1, y1 in offsets from the checkpoint; then uint32 (num_lines, "
    "3), for each line its number of segments, site and unit. Lines are sorted by row."
)


class OfRow(Atom):
    """Of one row alone."""

    row: int | None = Field(default=None, ge=0, lt=10**9, description="the number of a row; without it, of all rows")


def kinks(served: Served, asked: LandscapeRequest, of: OfRow) -> Response:
    question = KinksQuestion(request=asked, row=of.row)
    return answer_to(served, question, "binary")


OPERATIONS = (Operation("get", "/rows/kinks", kinks, _SUMMARY, (LandscapeRequest, OfRow), forms=("binary",)),)
