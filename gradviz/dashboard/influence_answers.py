"""Models of the HTTP API's answers about what rows do to the gradient."""

from pydantic import BaseModel, Field

from gradviz.compute.all_rows import AllRowsRequest
from gradviz.compute.influence import InfluenceRequest


class RowInfluence(BaseModel):
    """A row by its number: its `share` of the gradient (shares sum to 1) and the `length` of its own; and if it is left
    out, the change of R, the angle in degrees by which the gradient turns, and its relative change of length. Null
    where it is not defined."""

    row: int
    share: float | None
    length: float | None
    resultant_change: float | None
    turn: float | None
    length_change: float | None


class OpposingRows(BaseModel):
    """Two rows whose gradients have a negative inner product."""

    row: int
    other: int
    product: float
    cosine: float


class InfluenceAnswer(BaseModel):
    """`resultant` is R of the run's minibatches with this one, over the `num_minibatches` whose gradients are not zero;
    `length` that of this gradient. `is_recomputed`: rows have no gradients of their own, and the minibatch was
    computed again without each. `opposing` has the pairs with the most negative inner products. Where nothing can be
    told, `rows` is empty, and `sentence` the reason."""

    request: InfluenceRequest
    resultant: float | None
    num_minibatches: int
    length: float | None
    is_recomputed: bool
    sentence: str
    rows: list[RowInfluence]
    opposing: list[OpposingRows]


class AllRowsAnswer(BaseModel):
    """Every training row by its number, or 20,000 drawn ones: the coordinates `u` and `v` of its gradient and its
    length. By a pair they are the gradient; by more parameters its exact projections on two directions, as `sentence`
    says. Where rows have no gradients of their own, `is_there` is false, and `sentence` the reason."""

    request: AllRowsRequest
    is_there: bool
    row: list[int]
    u: list[float]
    v: list[float]
    length: list[float]
    share: float | None = Field(description="of Σ length², what the coordinates hold; null if there is none")
    sentence: str
