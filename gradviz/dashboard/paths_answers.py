"""Models of the HTTP API's answers about the paths that training takes from a checkpoint."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from gradviz.dashboard.answers import GridAnswer
from gradviz.landscape.paths.request import Condition, PathsRequest

Along = Annotated[list[float], Field(description="one number for each of `steps`")]
AlongOrNull = Annotated[list[float | None], Field(description="the same; null where there is none")]
Way = Annotated[list[list[float]], Field(description="points in the plane; the first is the checkpoint")]
_WITHIN = "of the squared length of the way to its end, the share in the plane; null for a way that leads nowhere"


class PathsJob(BaseModel):
    """The job under way, else the last one."""

    key: str
    request: PathsRequest
    state: Literal["running", "finished", "stopped", "failed"]
    message: str = Field(description="how it ended, or why it waits; empty if it finished, or goes on")
    what: str = Field(description="what is trained now")
    done: int = Field(description="steps")
    total: int
    seconds_left: float | None


class PathsJobAnswer(BaseModel):
    """The job of this server, of which there is one at a time."""

    job: PathsJob | None


class PathsCondition(BaseModel):
    """A condition that may be asked for."""

    condition: Condition
    words: str
    absent: str = Field(description="why it tells nothing of this run; empty if it does")


class PathsCost(BaseModel):
    """What the paths take."""

    epochs: int = Field(description="of training, of all replicas and of the run's own path")
    before: int = Field(description="further epochs, about, to find the optimizer's state or rate")
    steps: int = Field(description="of one replica")
    num_bytes: int = Field(description="on disk, until the paths are compared")


class PathsAskedAnswer(BaseModel):
    """What is known of a request for paths. Their key is that of the content that determines them."""

    key: str
    request: PathsRequest
    is_known: bool = Field(description="whether /paths/results/{key} answers")
    refusal: str = Field(description="why this server does not compute them; empty if it does, or knows them")
    conditions: list[PathsCondition]
    cost: PathsCost
    job: PathsJob | None = Field(description="the job of this server, which may be another's")


class TriedRate(BaseModel):
    rate: float
    train_loss: float | None = Field(description="null where the training broke down")


class Losses(BaseModel):
    """Mean losses of all rows, in eval mode."""

    train_loss: float
    test_loss: float


class PathsAxis(BaseModel):
    """An axis of a chosen plane."""

    text: str = Field(description="as asked for")
    meaning: str = Field(description="what coordinate 1 is")
    unit: str = Field(description="the same in few words")
    notes: list[str]
    length: float = Field(description="of coordinate 1, over all parameters; the same along both axes")
    part: float = Field(description="of the length of what `text` stands for, the part across the other axis")


class PathsAxes(BaseModel):
    """Both axes, which are orthogonal."""

    x: PathsAxis
    y: PathsAxis


class PathsPlane(BaseModel):
    """The plane of the ways: that of the first two principal components of all ends (fewer if the ends span no more),
    or a chosen one."""

    axes: PathsAxes | None = Field(description="of a chosen plane; null for the principal one, whose unit is a length")
    shares: list[float] = Field(
        description="of the variance of the ends, what each principal axis holds; none of a chosen plane"
    )


class RecordedPath(Losses):
    """The path of the run's own minibatches."""

    step: Along
    way: Way
    within: float | None = Field(description=_WITHIN)


class ConditionAnswer(BaseModel):
    """The replicas of one condition. `spread` and `step` are lengths in the space of all parameters."""

    words: str
    replicas: int
    spread: Along
    step: Along
    ratio: AlongOrNull
    ratio_low: AlongOrNull
    ratio_high: AlongOrNull
    cosine: AlongOrNull
    cosines: list[list[float | None]] = Field(description="of all pairs, at the end")
    train_losses: list[float] = Field(description="at the end, one for each replica")
    test_losses: list[float]
    ways: list[Way]
    within: list[float | None] = Field(description=_WITHIN)


class PathsResultAnswer(BaseModel):
    """The paths. Intervals are 95 % bootstrap intervals (BCa) over the replicas."""

    request: PathsRequest
    optimizer: str
    learning_rate: float = Field(description="as used")
    moments: Literal["none", "saved", "trained again"] = Field(description="where the optimizer's state is from")
    searched: list[TriedRate]
    reproduces: bool | None = Field(
        description="whether the run's own minibatches lead to its next checkpoint, to the bit; null where unknown"
    )
    num_parameters: int
    steps_per_epoch: int
    batch_size: int
    start: Losses
    steps: list[int] = Field(description="after how many steps the parameters are compared")
    plane: PathsPlane
    recorded: RecordedPath
    conditions: dict[str, ConditionAnswer]


class PathsStepAnswer(BaseModel):
    """The minibatch that made a step of a replica."""

    condition: Condition
    replica: int
    step: int
    rows: list[int] = Field(description="numbers of training rows; repeated where a row was drawn twice")
    own_step: int | None = Field(
        description="the step of the run's own epochs whose minibatch has the same rows; null if none has"
    )
    minibatch: int | None = Field(
        description="its number among the minibatches of this size in other addresses; null if it is none of them"
    )
    loss: float | None = Field(description="before the step; null while the paths are not known")


class PathsLandscapeAnswer(BaseModel):
    """u = ∂J/∂x, v = ∂J/∂y and loss = J of a step's rows, in eval mode, at the checkpoint where all replicas begin."""

    x: str
    y: str
    num_rows: int
    method: str = Field(description="what computed the field")
    grid: GridAnswer
