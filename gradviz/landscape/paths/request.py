"""The request: from which checkpoint replicas train on, how many, under which conditions and with which optimizer."""

from typing import Literal, get_args

from pydantic import Field, field_validator

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


class PathsRequest(Checkpoint, OneText):
    """K `replicas` for each condition train `epochs` epochs on from a checkpoint.

    `optimizer`: `own` is the run's own with its state at the checkpoint; `sgd` is plain stochastic gradient descent,
    without momentum. `learning_rate`: None is the run's own rate, and for `sgd` the one that lowers the training loss
    as far as the run's own epochs did. `rate_factor` multiplies it. `points`: at how many times, evenly spaced, the
    parameters are compared (each step, if there are fewer); None is 32, and 8 for more than a million parameters.
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


class PathsStep(Atom):
    """A step of a replica."""

    condition: Condition
    replica: int = Field(default=0, ge=0, lt=MOST_REPLICAS, description="counted from 0")
    step: int = Field(ge=1, lt=10_000_000, description="counted from 1")
