"""The configuration of a training, which defines a run, and when two runs are the same."""

import itertools
from collections.abc import Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gradviz.experiment import optimizers, regularizers
from gradviz.experiment.names import RunGroup, RunLabel, RunName
from gradviz.experiment.optimizers import Adam, AnyOptimizer
from gradviz.experiment.regularizers import AnyRegularizer, Plain
from gradviz.experiment.run_directory import MAX_EPOCHS
from gradviz.experiment.studies.deliveries.fields import NUM_INPUTS

Preset = Literal["quick", "source"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
Derived = Literal["linear_ests"]
MIN_ROWS = 10

# Names, labels and limits that may differ between equal runs: more epochs continue the same run, and a table's digest
# identifies it, at any path.
_NOT_IDENTITY = frozenset({"name", "label", "group", "preset", "epochs", "data"})


def _usual_name(known: dict[str, Any]) -> str:
    """The regularizer's name; if it is invalid, only its own error is reported."""
    return known["regularizer"].run_name if "regularizer" in known else Plain.run_name


class TrainingConfig(BaseModel):
    """Everything that determines the numbers of one run, and its name; frozen and validated.

    `name`: its directory, by default that of its regularizer; `label`: a name for people, "" for the name or the
    regularizer's label; `group`: the set of runs it belongs to, such as several seeds of one configuration, or "".
    `rows`: usable rows to take from the table (all, if it has fewer); `hidden`: units of each hidden layer;
    `data`: None for the synthetic table, else the path of a CSV, identified by `data_digest` (sha256 of its content);
    `derive`: a missing column to compute from the others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    study: Literal["deliveries"] = "deliveries"
    regularizer: AnyRegularizer = Plain()
    name: RunName = Field(default_factory=_usual_name)
    label: RunLabel = ""
    group: RunGroup = ""
    preset: Preset = "quick"
    optimizer: AnyOptimizer = Adam()
    seed: int = Field(default=0, ge=0, lt=2**63)
    epochs: int = Field(default=30, ge=1, le=MAX_EPOCHS)
    rows: int = Field(default=6000, ge=MIN_ROWS, le=2_000_000)
    hidden: tuple[Annotated[int, Field(ge=1, le=20_000)], ...] = (2000, 1000, 200)
    output_scale: float = Field(default=100.0, ge=1e-9, le=1e9)
    batch_size: int = Field(default=64, ge=2, le=100_000)
    data: str | None = None
    data_digest: str | None = None
    derive: Derived | None = None

    @field_validator("hidden")
    @classmethod
    def _depth(cls, hidden: tuple[int, ...]) -> tuple[int, ...]:
        if not 1 <= len(hidden) <= 16:
            raise ValueError(f"`hidden` must name 1 to 16 layers, such as 2000,1000,200, got {len(hidden)}.")
        num_weights = sum(a * b for a, b in itertools.pairwise(_widths(hidden)))
        if num_weights > 1_000_000_000:
            raise ValueError(f"`hidden` must stay below a billion weights, got {num_weights:,}: use narrower layers.")
        return hidden

    @property
    def widths(self) -> tuple[int, ...]:
        """Inputs, units of each hidden layer, outputs."""
        return _widths(self.hidden)

    @property
    def title(self) -> str:
        """The run's title: its label, else the regularizer's label if it has the regularizer's name, else its name."""
        return self.label or (self.regularizer.label if self.name == self.regularizer.run_name else self.name)

    def identity(self) -> dict[str, object]:
        """The values that two trainings must share to be the same run, under any name.

        It uses version 0.1's form where that had one, so that the addresses of older runs stay valid; for the same
        reason it includes `derive` only if it is set.
        """
        without = _NOT_IDENTITY if self.derive else _NOT_IDENTITY | {"derive"}
        values = self.model_dump(mode="json", exclude=set(without))
        old = regularizers.to_flat(self.regularizer), optimizers.to_flat(self.optimizer)
        if old[0] is None or old[1] is None:
            return values
        return {key: value for key, value in values.items() if key not in _SINCE_VERSION_2} | old[0] | old[1]

    def differences(self, other: "TrainingConfig") -> list[tuple[str, object, object]]:
        """(key, value here, value there) for every key that makes the two different runs."""
        here, there = _in_words(self), _in_words(other)
        return [(key, here.get(key), there.get(key)) for key in here | there if here.get(key) != there.get(key)]


_SINCE_VERSION_2 = frozenset({"study", "regularizer", "optimizer"})


def from_flat(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a configuration from version 0.1's, in which a run was its regularizer."""
    flat = (*regularizers.FLAT_KEYS, *optimizers.FLAT_KEYS)
    others = {key: value for key, value in values.items() if key not in flat}
    regularizer = regularizers.from_flat(values)
    return others | {
        "name": regularizer.run_name,
        "regularizer": regularizer,
        "optimizer": optimizers.from_flat(values),
    }


def describe_differences(differences: Sequence[tuple[str, object, object]]) -> str:
    """`rows: 6000 there, 2000 asked for; ...`, for the refusal of a run with another configuration."""
    return "; ".join(
        f"{key}: {_shown(key, there)} there, {_shown(key, here)} asked for" for key, here, there in differences
    )


def _widths(hidden: tuple[int, ...]) -> tuple[int, ...]:
    return (NUM_INPUTS, *hidden, 1)


def _in_words(config: TrainingConfig) -> dict[str, object]:
    values = config.model_dump(mode="json", exclude=set(_NOT_IDENTITY))
    optimizer = config.optimizer
    told: dict[str, object] = {"regularizer": str(config.regularizer), "optimizer": str(optimizer)}
    return values | told | {"learning_rate": optimizer.learning_rate}


def _shown(key: str, value: object) -> str:
    """A value in the form of the command line; a digest shortened, but enough to distinguish two."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, str) and len(value) > 40:
        return value[:12] + "..."
    if value is None:
        return "none (the synthetic table)" if key == "data_digest" else "nothing"
    return str(value)
