"""Models of the HTTP API's answers about the probe."""

from typing import Literal

from pydantic import BaseModel, Field

from gradviz.landscape.probe import Schedule
from gradviz.landscape.request import LandscapeRequest


class ProbePath(BaseModel):
    """The path of one schedule of minibatches, the start first."""

    schedule: Schedule
    x: list[float] = Field(description="offsets from the checkpoint")
    y: list[float]
    loss: list[float] = Field(description="at each point, of the minibatch that makes the next step")
    all_loss: float | None = Field(description="at the last point, over all rows; null where it is not finite")
    ended: Literal["left", "not finite"] | None = Field(
        description="why it stops early: the next point is more than 10 half widths away, or not finite"
    )
    name: str
    line: str = Field(description="from which loss to which, in words")


class ProbeAnswer(BaseModel):
    """Paths of SGD on a plane, on which nothing but its two coordinates moves."""

    request: LandscapeRequest
    start: tuple[float, float]
    rate: float
    default_rate: float = Field(description="that of a question that chooses none")
    steps: int
    is_flat: bool = Field(description="the gradient at the start is zero for all paths, up to round-off")
    start_loss: float = Field(description="at the start, over all rows")
    minibatches: list[int] = Field(description="those whose mean stands for all rows")
    num_minibatches: int = Field(description="that the run has")
    method: Literal["engine", "loop"] = Field(description="what computed the gradients, at each point visited")
    paths: list[ProbePath] = Field(description="one alone where the run has one minibatch")
    sentences: list[str] = Field(description="how to read them")
