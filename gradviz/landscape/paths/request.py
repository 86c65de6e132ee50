"""The request: from which checkpoint replicas train on, how many, under which conditions and with which optimizer, and
the plane in which their ways are told."""

from typing import Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from gradviz.landscape.directions.axis import axis_text
from gradviz.landscape.request import Atom, Checkpoint, OneText

PATHS_VERSION = 1
"""Part of every key: raise it whenever the same request gives different numbers."""

Condition = Literal["same", "order", "composition", "resampled", "rows", "masks"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
WORDS: dict[Condition, str] = {
    "same": "same minibatches, same order",
    "order": "same minibatches, another order",
    "composition": "same rows, cut into other minibatches",
    "resampled": "rows drawn with replacement",
    "rows": "same minibatches and order, their rows in another order",
    "masks": "same minibatches and order, other masks",
}
DEFAULT_CONDITIONS: tuple[Condition, ...] = ("same", "order", "composition", "resampled")
DEFAULT_REPLICAS, MOST_REPLICAS = 8, 64
_NUM_OF_SAME = 2  # a control: more of what is equal tells nothing


class Replicas(Checkpoint, OneText):
    """K `replicas` for each condition train `epochs` epochs on from a checkpoint.

    `optimizer`: `own` is the run's own with its state at the checkpoint; `sgd` is plain stochastic gradient descent,
    without momentum. `learning_rate`: None is the run's own rate, and for `sgd` the one that lowers the training loss
    as far as the run's own epochs did. `rate_factor` multiplies it. `points`: at how many times, evenly spaced, the
    parameters are compared (each step, if there are fewer); None is 32, and 6 for more than a million parameters.
    `seed`: of all orders, minibatches and masks that are drawn.
    """

    replicas: int = Field(default=DEFAULT_REPLICAS, ge=2, le=MOST_REPLICAS)
    epochs: int = Field(default=1, ge=1, le=20)
    conditions: tuple[Condition, ...] = DEFAULT_CONDITIONS
    optimizer: Literal["own", "sgd"] = "own"
    learning_rate: float | None = Field(default=None, gt=0, le=1e6)
    rate_factor: float = Field(default=1.0, gt=0, le=1e6)
    points: int | None = Field(default=None, ge=2, le=1024)
    seed: int = Field(default=0, ge=0, lt=2**32)

    @field_validator("conditions", mode="before")
    @classmethod
    def _as_list(cls, value: object) -> object:
        """Also as one text with commas, as in an address, and as JSON's list."""
        named = value.split(",") if isinstance(value, str) else value
        return tuple(named) if isinstance(named, list) else named

    @field_validator("conditions")
    @classmethod
    def _each_once(cls, conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
        if not conditions or len(set(conditions)) < len(conditions):
            raise ValueError(f"`conditions` must name some of {', '.join(CONDITIONS)}, each once.")
        return tuple(each for each in CONDITIONS if each in conditions)

    @property
    def searches_rate(self) -> bool:
        """Whether the rate is found by trying."""
        return self.optimizer == "sgd" and self.learning_rate is None

    def num_replicas(self, condition: Condition) -> int:
        """Of one condition: two of `same`, which is the control."""
        return min(_NUM_OF_SAME, self.replicas) if condition == "same" else self.replicas


class PathsRequest(Replicas):
    """`x`, `y`: the axes of the plane through the checkpoint in which the ways are told, each a parameter or a
    direction (gradviz/landscape/directions/axis.py); None is the plane of the ends' first two principal components."""

    # Left out where there is none, so that what has the principal plane is written, and named, as ever.
    x: str | None = Field(default=None, exclude_if=lambda x: x is None, description="an axis of the plane of the ways")
    y: str | None = Field(default=None, exclude_if=lambda y: y is None, description="the other one; both, or none")

    @field_validator("x", "y")
    @classmethod
    def _known_form(cls, text: str | None) -> str | None:
        return None if text is None else axis_text(text)

    @model_validator(mode="after")
    def _two_or_none(self) -> Self:
        if (self.x is None) != (self.y is None):
            given, lacking = ("x", "y") if self.y is None else ("y", "x")
            raise ValueError(f"`{lacking}` is missing beside `{given}`: give both axes of a plane, or neither.")
        if self.x is not None and self.x == self.y:
            raise ValueError(f"`x` and `y` are both {self.x}: a plane needs two different axes.")
        return self

    @property
    def axes(self) -> tuple[str, str] | None:
        """Those of a chosen plane."""
        return None if self.x is None or self.y is None else (self.x, self.y)

    def in_principal_plane(self) -> Self:
        """The same replicas, told in the plane of their ends."""
        return self.model_copy(update={"x": None, "y": None})


class PathsStep(Atom):
    """A step of a replica."""

    condition: Condition
    replica: int = Field(default=0, ge=0, lt=MOST_REPLICAS, description="counted from 0")
    step: int = Field(ge=1, lt=10_000_000, description="counted from 1")
