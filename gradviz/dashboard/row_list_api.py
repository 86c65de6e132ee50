"""HTTP API of the rows of a minibatch: what they are, and each one's own arrow at the checkpoint."""

from flask import Response
from pydantic import BaseModel, Field

from gradviz.compute.found_rows import MOST_FOUND, FoundRowsQuestion, SoughtRows
from gradviz.compute.row_list import RowsQuestion
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.statistics_api import answer_to
from gradviz.experiment.row_images import RowImage
from gradviz.landscape.request import LandscapeRequest


class RowAnswer(BaseModel):
    """A row of a minibatch. Numbers are null where the study tells none."""

    row: int = Field(description="its number in the run")
    text: dict[str, str] | str | None = Field(description="its fields, or the study's line of text")
    image: RowImage | None = Field(description="where its inputs are a small image")
    loss: float | None
    u: float | None = Field(description="the derivative of its own loss by x at the checkpoint")
    v: float | None = Field(description="the same by y")
    share: float | None = Field(
        description="of the minibatch's arrow, along that; shares sum to 1. Null where the rows' arrows cancel"
    )
    prediction: float | None
    target: float | None
    residual: float | None = Field(description="prediction - target")
    below: bool | None = Field(description="whether it is predicted below its target")
    active: tuple[bool | None, bool | None] = Field(
        description="whether the unit of x, and that of y, is active on it; null where unknown"
    )


class RowsAnswer(BaseModel):
    """The rows of a minibatch at a checkpoint."""

    request: LandscapeRequest
    num_rows: int = Field(description="rows of the run of which a minibatch may be composed, numbered from 0")
    coupled: bool = Field(description="batch statistics couple the rows")
    has_masks: bool = Field(description="masks are drawn, which belong to places in the minibatch")
    has_classes: bool = Field(description="predictions and targets are classes, so that residuals mean nothing")
    sentence: str = Field(description="what the numbers mean here, or why there are none")
    u: float | None = Field(description="the mean of the rows' own: the minibatch's arrow")
    v: float | None
    rows: list[RowAnswer]


def rows(served: Served, asked: LandscapeRequest) -> Response:
    return answer_to(served, RowsQuestion(request=asked))


class FoundRowsAnswer(BaseModel):
    """The numbers of the first rows that were found, one whose number is the text before all others."""

    rows: list[int] = Field(max_length=MOST_FOUND)
    num_found: int


def found(served: Served, asked: SoughtRows) -> Response:
    return answer_to(served, FoundRowsQuestion(run=asked.run, text=asked.text))


OPERATIONS = (
    Operation(
        "get",
        "/rows/found",
        found,
        "Rows of which a minibatch may be composed, by their number or text",
        (SoughtRows,),
        FoundRowsAnswer,
    ),
    Operation(
        "get",
        "/rows",
        rows,
        "The rows of a minibatch: what they are, and what each adds to its arrow",
        (LandscapeRequest,),
        RowsAnswer,
    ),
)
