"""What defines a run: the configuration of a training, and what makes two runs the same run."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from gradviz.experiment import deliveries, optimizers, regularizers
from gradviz.experiment.names import RunName
from gradviz.experiment.optimizers import Adam, AnyOptimizer
from gradviz.experiment.regularizers import AnyRegularizer, Plain

Preset = Literal["quick", "source"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
Derived = Literal["linear_ests"]
MAX_EPOCHS = 9999
MIN_ROWS = 10
MOST_LABEL = 80

# Names, labels and limits that may differ without the run being another one: more epochs continue the same run, and a
# table is known by its digest, wherever it lies.
_NOT_IDENTITY = frozenset({"name", "label", "group", "preset", "epochs", "data"})


def _usual_name(known: dict[str, Any]) -> str:
    """That of the regularizer; where this could not be read, its error is what is told."""
    return known["regularizer"].run_name if "regularizer" in known else Plain.run_name


class TrainingConfig(BaseModel):
    """Everything that decides the numbers of one run, and what it is called; frozen and validated.

    `name`: its directory, by default that of its regularizer; `label`: what people call it, "" for the name or the
    regularizer's own; `group`: what it is one of, such as several seeds of one configuration, "" for nothing.
    `rows`: usable rows taken from the table (fewer if it has fewer); `hidden`: units of each hidden layer;
    `data`: None for the synthetic table, else the path of a CSV, known by `data_digest` (sha256 of its content);
    `derive`: a column that the table lacks and that is computed from its others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    study: Literal["deliveries"] = "deliveries"
    regularizer: AnyRegularizer = Plain()
    name: RunName = Field(default_factory=_usual_name)
    label: str = Field(default="", max_length=MOST_LABEL)
    group: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,64}$")
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

    @field_validator("label")
    @classmethod
    def _one_line(cls, label: str) -> str:
        if not label.isprintable():
            raise ValueError("`label` must be one line of characters that can be shown.")
        return label

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
        """What people call the run: its label, else the regularizer's if it goes by the name of that, else its name."""
        return self.label or (self.regularizer.label if self.name == self.regularizer.run_name else self.name)

    def identity(self) -> dict[str, object]:
        """The values that two trainings must share to be the same run, whatever it is called.

        In the form of version 0.1 where that had one, so that the addresses of older runs stay as they are; what is
        derived is among them only where something is, for the same reason.
        """
        without = _NOT_IDENTITY if self.derive else _NOT_IDENTITY | {"derive"}
        values = self.model_dump(mode="json", exclude=set(without))
        old = regularizers.to_flat(self.regularizer), optimizers.to_flat(self.optimizer)
        if old[0] is None or old[1] is None:
            return values
        return {key: value for key, value in values.items() if key not in _SINCE_VERSION_2} | old[0] | old[1]

    def differences(self, other: "TrainingConfig") -> list[tuple[str, object, object]]:
        """(key, value here, value there) of every key in which the two are different runs."""
        here, there = _in_words(self), _in_words(other)
        return [(key, here.get(key), there.get(key)) for key in here | there if here.get(key) != there.get(key)]


_SINCE_VERSION_2 = frozenset({"study", "regularizer", "optimizer"})


def from_flat(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a configuration from those that version 0.1 wrote, where a run was its regularizer."""
    flat = ("variant", "dropout", "norm_placement", "learning_rate")
    others = {key: value for key, value in values.items() if key not in flat}
    regularizer = regularizers.from_flat(values)
    return others | {
        "name": regularizer.run_name,
        "regularizer": regularizer,
        "optimizer": optimizers.from_flat(values),
    }


def by_configuration(configs: Iterable[TrainingConfig]) -> list[tuple[TrainingConfig, ...]]:
    """The configurations that differ in nothing but the seed (and what they are called) together, in their order.

    Those of another `group` stay apart.
    """
    groups: dict[str, list[TrainingConfig]] = {}
    for config in configs:
        apart = f"{config.group} {sorted((config.identity() | {'seed': 0}).items())}"
        groups.setdefault(apart, []).append(config)
    return [tuple(group) for group in groups.values()]


def describe_differences(differences: Sequence[tuple[str, object, object]]) -> str:
    """`rows: 6000 there, 2000 asked for; ...`, for the refusal of a run with another configuration."""
    return "; ".join(
        f"{key}: {_shown(key, there)} there, {_shown(key, here)} asked for" for key, here, there in differences
    )


def _widths(hidden: tuple[int, ...]) -> tuple[int, ...]:
    return (deliveries.NUM_INPUTS, *hidden, 1)


def _in_words(config: TrainingConfig) -> dict[str, object]:
    values = config.model_dump(mode="json", exclude=set(_NOT_IDENTITY))
    optimizer = config.optimizer
    told: dict[str, object] = {"regularizer": str(config.regularizer), "optimizer": str(optimizer)}
    return values | told | {"learning_rate": optimizer.learning_rate}


def _shown(key: str, value: object) -> str:
    """A value as the command line takes it; of a digest, what is enough to tell two apart."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, str) and len(value) > 40:
        return value[:12] + "..."
    if value is None:
        return "none (the synthetic table)" if key == "data_digest" else "nothing"
    return str(value)
