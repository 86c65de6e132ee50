"""Models of the HTTP API's answers about runs: those of deliveries and of other studies, their groups, the training."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from gradviz.dashboard.answers import OldName
from gradviz.experiment.capabilities import Capabilities


class Broken(BaseModel):
    file: str
    reason: str


class Metrics(BaseModel):
    """Columns, one entry for each measured epoch, under the study's own names; null where there is no finite number."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, list[float | None]]

    epoch: list[int]


class DeliveriesMetrics(Metrics):
    """The columns of every run of deliveries."""

    train_loss: list[float | None]
    test_loss: list[float | None]
    test_r2: list[float | None]
    share_below_target: list[float | None]
    wall_seconds: list[float | None]


class CurveFamily(BaseModel):
    """What is measured, and the metrics that show it on test and on training rows; null where there is none."""

    name: str
    unit: str = Field(description="empty where unknown")
    test: str | None
    train: str | None


class Tensor(BaseModel):
    layer: str = Field(description="the `value` of its layer")
    label: str = Field(description="the layer's name for people")
    kind: str = Field(description="weight, bias, gamma or beta, or the tensor's own name in its module")


class LayerChoice(BaseModel):
    """A layer that the page offers; its position in the list is its number in other addresses."""

    value: str
    label: str = Field(description="its name for people")
    width: int = Field(description="its units")
    has_units: bool = Field(description="whether /units answers for it")
    part: str = Field(description="its name as a part of the model, in /agreement and /cosines")


class Suggested(BaseModel):
    """Two parameters for each picture, shown without a choice."""

    a: tuple[str, str]
    b: tuple[str, str]


class RunColour(BaseModel):
    """The colours of its curves, on the light and on the dark page."""

    light: str
    dark: str


class Tagged(BaseModel):
    """Its kind, its name for people, and its settings."""

    model_config = ConfigDict(extra="allow")

    kind: str
    label: str


class CommonRun(BaseModel):
    """What every run has: its parameters, complete checkpoints and metrics, and the files left out."""

    run: str
    variant: OldName
    label: str = Field(description="what people call the run")
    colour: RunColour
    study: str
    group: str = Field(description="the set of runs it belongs to, such as several seeds; empty for none")
    stamp: str = Field(description="changes when the run starts over")
    epochs: list[int] = Field(description="epochs with a complete checkpoint, ascending")
    planned_epochs: int
    cannot: str | None = Field(description="why no landscape can be computed now; null if it can")
    disk_bytes: int = Field(description="size of its files")
    shapes: dict[str, list[int]] = Field(description="shape of each parameter tensor, by its name in the state dict")
    tensors: dict[str, Tensor] = Field(description="layer and kind of each parameter tensor, by its name")
    layers: list[LayerChoice]
    minibatch_sizes: list[int] = Field(description="the page's choices; none where minibatches were recorded")
    minibatches: dict[str, int] = Field(description="number of minibatches, by their size; recorded ones under 64")
    seconds_per_point: float | None = Field(
        description="about, of a plane along directions with one set of masks, on two cores; null with `cannot`"
    )
    curves: list[CurveFamily] = Field(description="families of metrics, losses first; none before the first metric")
    about: list[tuple[str, str]] = Field(description="names and values that define the run, for people")
    broken: list[Broken]


class DeliveriesRun(CommonRun):
    """A run of deliveries, with its configuration."""

    study: Literal["deliveries"]
    regularizer: Tagged
    optimizer: Tagged
    widths: list[int] = Field(description="inputs, units of each hidden layer, outputs")
    capabilities: Capabilities
    hidden: list[int]
    dropout: float
    batch_size: int
    rows: int
    train_rows: int = Field(description="rows of one epoch of training")
    seed: int
    suggested: Suggested
    metrics: DeliveriesMetrics


class StudysRun(CommonRun):
    """A run of another study. What only its model tells is empty or null where `cannot` says why."""

    seed: int | None
    study_changed: bool | None = Field(
        description="whether the study's source is another than when the run was recorded; null with `cannot`"
    )
    capabilities: Capabilities | None
    suggested: Suggested | None = Field(description="null too for a model of one parameter")
    metrics: Metrics


class RunAnswer(RootModel[DeliveriesRun | StudysRun]):
    """A run: of deliveries, or of another study."""


class Progress(BaseModel):
    run: str
    variant: OldName
    epoch: int | None
    epochs: int = Field(description="as planned; of a recorded run without a plan, those that there are")
    recorded: bool = Field(description="whether another program records it, which this server neither starts nor stops")


class TrainingAnswer(BaseModel):
    """The state of the background trainer."""

    state: Literal["running", "stopping", "stopped", "finished", "failed", "empty"]
    message: str
    progress: list[Progress]
    trains: bool = Field(description="whether a training belongs here, to be started and stopped")
    read_only: bool


class GroupAnswer(BaseModel):
    """Two or more runs of one configuration, with different seeds."""

    label: str
    colour: RunColour
    runs: list[str] = Field(min_length=2, description="their names")
    seeds: list[int] = Field(min_length=2, description="the seed of each")


class RunsAnswer(BaseModel):
    """All runs by name, the groups of seeds among them, and the state of the background trainer."""

    runs: dict[str, RunAnswer]
    groups: list[GroupAnswer]
    unreadable: list[Broken] = Field(description="runs that exist but cannot be read now")
    training: TrainingAnswer
