"""Models of the HTTP API's answers: the OpenAPI document is made from them, and a test checks answers by it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, RootModel

from gradviz.compute.agreement import AgreementRequest
from gradviz.experiment.facts import Fact
from gradviz.landscape.directions.marks import Mark, Ray
from gradviz.landscape.directions.told import AxisFacts, PlaneFacts
from gradviz.landscape.field import ZeroReason
from gradviz.landscape.request import LandscapeRequest
from gradviz.landscape.statistics import Agreement, Estimate

Share = Annotated[float, Field(ge=0, le=1)]
OldName = Annotated[str, Field(description="the same as `run`, under the key of version 0.1")]
Grid = Annotated[list[list[float]], Field(description="(Y, X): one list for each value of y")]
Units = Annotated[list[Share], Field(description="for each unit, the share of rows on which it is active")]


class Mistake(BaseModel):
    """Why there is no answer."""

    model_config = ConfigDict(extra="forbid")

    error: str = Field(min_length=1, description="one sentence: which value, what is allowed, what to do")


class ActivityAnswer(BaseModel):
    """The activity of each hidden layer's units, on the first `num_rows` training rows."""

    num_rows: int
    layers: list[Units]


class LayerActivityAnswer(BaseModel):
    """The activity of one hidden layer's units."""

    layer: int
    active: Units


class AgreementAnswer(BaseModel):
    """Agreement of the minibatches' gradients by part, with 95 % bootstrap intervals over the minibatches."""

    request: AgreementRequest
    share_below: Estimate | None = Field(
        description="share of all rows predicted below their target; null for a study that has no such targets"
    )
    share_below_K: list[Share] | None = Field(description="the same for each minibatch")
    num_minibatches: int
    num_rows: int
    parts: list[Agreement]
    facts: list[list[Fact]] | None = Field(default=None, description="what the run's study says of each minibatch")


class UnitsAnswer(BaseModel):
    """The units of one layer: how often each is active, and the size of its gradient."""

    layer: int
    tensor: str = Field(
        description="tensor of these gradients: the biases, β where batch statistics cancel them, the weights where"
        " there is no bias"
    )
    num_minibatches: int
    active: Units | None = Field(
        description="of deliveries on training rows, else on the rows and positions of the minibatches; null where no"
        " ReLU follows the layer"
    )
    active_reason: str | None = Field(default=None, description="why `active` is null")
    gradient_rms: list[Annotated[float, Field(ge=0)]] = Field(description="root mean square over the minibatches")
    parameters: list[str] = Field(description="for each unit, the parameter that stands for it")


class Pair(BaseModel):
    """Two parameters worth looking at, and why."""

    x: str
    y: str
    score: float = Field(description="√(spread · planarity)")
    spread: float = Field(description="1 − R of the minibatches' arrows: 0 where all agree")
    planarity: float = Field(description="0 where all arrows lie on one line")
    x_active: Share | None = Field(description="null where no ReLU follows the layer")
    y_active: Share | None


class PairsAnswer(BaseModel):
    """Suggested pairs of a layer, best first; empty if fewer than two units are alive."""

    layer: int
    num_minibatches: int
    pairs: list[Pair]


class CosinesAnswer(BaseModel):
    """Cosines of the angles between the gradients of all minibatches, numbered from 0."""

    part: str
    cosine: list[list[float | None]] = Field(description="null where one of the two gradients is zero up to round-off")
    order: list[int] = Field(description="the minibatches by direction, in the principal plane of the directions")


class WhyAnswer(BaseModel):
    """Whether the gradient by a parameter is zero at the checkpoint, and why."""

    parameter: str
    is_zero: bool
    sentence: str
    zero_reason: int | None = Field(description="as in a landscape, where what takes the parameter out has a name")
    float32: float = Field(description="the gradient, in units of the loss per unit of the parameter")
    float64: float


class CourseAnswer(BaseModel):
    """One point of the curves over the epochs, from a picture and the minibatches' arrows at its centre."""

    request: LandscapeRequest
    num_minibatches: int
    num_zero: int = Field(description="minibatches whose arrow is zero up to round-off, left out of R and cosine")
    resultant: Estimate | None = Field(description="R; null where fewer than two arrows have a direction")
    cosine: Estimate | None = Field(description="mean over the pairs of minibatches")
    share_below: Estimate | None = Field(
        description="s, the share of all rows predicted below their target; null for other studies"
    )
    balance: Share | None = Field(description="|2s − 1|: 0 where the signs of the residuals are balanced")
    angle: Annotated[float, Field(ge=0, le=180)] | None = Field(
        description="mean angle in degrees between neighbouring arrows of the picture; null where no two have one"
    )


class DeliveriesMinibatch(BaseModel):
    """The row numbers of a minibatch in the run, and their targets."""

    run: str
    variant: OldName
    minibatch: int
    rows: list[int]
    targets: list[float]


class StudysMinibatch(BaseModel):
    """A minibatch that was recorded with a run of another study."""

    run: str
    variant: OldName
    minibatch: int
    num_rows: int
    rows: list[str] = Field(description="each row as the study describes it; empty if it describes none")


class MinibatchAnswer(RootModel[DeliveriesMinibatch | StudysMinibatch]):
    """The rows of a minibatch."""


class FactAnswer(BaseModel):
    """A number that a study tells of a minibatch."""

    name: str
    value: float
    unit: str = Field(description="empty if it has none")
    sentence: str = Field(description="what it says to people, without a full stop")


class GridAnswer(BaseModel):
    """On a grid of values of the two parameters: u = ∂J/∂x, v = ∂J/∂y, and loss = J; rows are values of `y`."""

    x: list[float]
    y: list[float]
    u: Grid
    v: Grid
    loss: Grid
    is_zero: list[list[bool]] = Field(description="arrows that are zero up to round-off")
    zero_reason: list[list[ZeroReason]] = Field(
        description=", ".join(f"{reason.value} {reason.name.lower().replace('_', ' ')}" for reason in ZeroReason)
    )


class LandscapeAnswer(GridAnswer):
    """A gradient landscape."""

    request: LandscapeRequest
    u_reason: list[list[ZeroReason]] = Field(description="why ∂J/∂x is zero, 0 where it is not")
    v_reason: list[list[ZeroReason]] = Field(description="why ∂J/∂y is zero, 0 where it is not")
    share_below: Share | None = Field(
        description="share of the rows predicted below their target, at the centre and with its masks; for averaged"
        " masks the mean over the sets; null for other studies, which tell `facts`"
    )
    num_rows: int
    num_unresolved: int = Field(description="arrows within float32's rounding error: these are float64's")
    x_active: Share | None = Field(
        description="share of the rows on which the unit of x is active, at the centre; null where unknown"
    )
    y_active: Share | None
    facts: list[FactAnswer] = Field(default=[], description="what the study tells of the minibatch at the centre")
    method: str = Field(default="engine", description="what computed the field")
    passed_over: list[str] = Field(default=[], description="why no quicker method did")
    plane: PlaneFacts | None = Field(default=None, description="of a plane along directions")


class EstimateAnswer(BaseModel):
    """How long a landscape will take on two cores, about."""

    request: LandscapeRequest
    seconds: float = Field(description="0 where the answer is kept")
    is_kept: bool = Field(description="whether the landscape has been computed and is at hand")


class PlaneAnswer(BaseModel):
    """A plane along directions: its axes, and what lies in it."""

    request: LandscapeRequest
    x: AxisFacts
    y: AxisFacts
    gram: tuple[float, float, float] = Field(description="⟨x, x⟩, ⟨x, y⟩, ⟨y, y⟩")
    gradient_share: Share | None = Field(
        description="of the gradient's length at the checkpoint, the part in the plane"
    )
    statistics: str = Field(description="which batch statistics are used; empty for networks without any")
    checkpoints: list[Mark] = Field(default=[], description="the run's recorded ones, projected")
    variance_share: Share | None = Field(
        default=None, description="of the recorded path's variance, the part in the plane"
    )
    minibatches: list[Ray] = Field(default=[], description="the gradient of each at the checkpoint")


class RecipeAnswer(BaseModel):
    """Commands that reproduce the numbers of a view on the machine of the runs; `names` of files, without suffix."""

    command_lines: str
    python: str
    names: list[str]
