"""Models of the HTTP API's answers about what rows do to the gradient."""

from pydantic import BaseModel, Field

from gradviz.compute.all_rows import AllRowsRequest


class AllRowsAnswer(BaseModel):
    """Every training row by its number: the coordinates `u` and `v` of its gradient and its length. By a pair they are
    the gradient; by more parameters its exact projections on two directions, as `sentence` says. Where rows have no
    gradients of their own, `is_there` is false, and `sentence` the reason."""

    request: AllRowsRequest
    is_there: bool
    row: list[int]
    u: list[float]
    v: list[float]
    length: list[float]
    share: float | None = Field(description="of Σ length², what the coordinates hold; null if there is none")
    sentence: str
