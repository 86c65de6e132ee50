"""What defines a run: the configuration of a training, and what makes two runs the same run."""

import itertools
from collections.abc import Sequence
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

Variant = Literal["none", "dropout", "batchnorm"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
Preset = Literal["quick", "source"]
PRESETS: tuple[Preset, ...] = get_args(Preset)
NormPlacement = Literal["before", "after"]
NORM_PLACEMENTS: tuple[NormPlacement, ...] = get_args(NormPlacement)
Derived = Literal["linear_ests"]
MAX_EPOCHS = 9999
MIN_ROWS = 10

# Labels and limits that may differ without the run being another one: more epochs continue the same run, and a table
# is known by its digest, wherever it lies.
_NOT_IDENTITY = frozenset({"preset", "epochs", "data"})


class TrainingConfig(BaseModel):
    """Everything that decides the numbers of one run; frozen and validated.

    `rows`: usable rows taken from the table (fewer if it has fewer); `hidden`: units of each hidden layer;
    `data`: None for the synthetic table, else the path of a CSV, known by `data_digest` (sha256 of its content);
    `derive`: a column that the table lacks and that is computed from its others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    preset: Preset = "quick"
    variant: Variant = "none"
    seed: int = Field(default=0, ge=0, lt=2**63)
    epochs: int = Field(default=30, ge=1, le=MAX_EPOCHS)
    rows: int = Field(default=6000, ge=MIN_ROWS, le=2_000_000)
    hidden: tuple[Annotated[int, Field(ge=1, le=20_000)], ...] = (2000, 1000, 200)
    norm_placement: NormPlacement = "before"
    dropout: float = Field(default=0.3, ge=0.0, lt=1.0)
    output_scale: float = Field(default=100.0, ge=1e-9, le=1e9)
    batch_size: int = Field(default=64, ge=2, le=100_000)
    learning_rate: float = Field(default=3e-4, gt=0.0)
    data: str | None = None
    data_digest: str | None = None
    derive: Derived | None = None

    @field_validator("hidden")
    @classmethod
    def _depth(cls, hidden: tuple[int, ...]) -> tuple[int, ...]:
        if not 1 <= len(hidden) <= 16:
            raise ValueError(f"`hidden` must name 1 to 16 layers, such as 2000,1000,200, got {len(hidden)}.")
        widths = (675, *hidden, 1)  # 675 inputs: see encoding.py, not imported because it needs torch
        num_weights = sum(a * b for a, b in itertools.pairwise(widths))
        if num_weights > 1_000_000_000:
            raise ValueError(f"`hidden` must stay below a billion weights, got {num_weights:,}: use narrower layers.")
        return hidden

    @property
    def name(self) -> str:
        """What the run is called."""
        return self.variant

    def identity(self) -> dict[str, object]:
        """The values that two trainings must share to be the same run.

        What is derived is among them only where something is, so that the addresses of older runs stay as they are.
        """
        without = _NOT_IDENTITY if self.derive else _NOT_IDENTITY | {"derive"}
        return self.model_dump(mode="json", exclude=set(without))

    def differences(self, other: "TrainingConfig") -> list[tuple[str, object, object]]:
        """(key, value here, value there) of every key in which the two are different runs."""
        here, there = self.identity(), other.identity()
        return [(key, here.get(key), there.get(key)) for key in here | there if here.get(key) != there.get(key)]


def describe_differences(differences: Sequence[tuple[str, object, object]]) -> str:
    """`rows: 6000 there, 2000 asked for; ...`, for the refusal of a run with another configuration."""
    return "; ".join(
        f"{key}: {_shown(key, there)} there, {_shown(key, here)} asked for" for key, here, there in differences
    )


def _shown(key: str, value: object) -> str:
    """A value as the command line takes it; of a digest, what is enough to tell two apart."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, str) and len(value) > 40:
        return value[:12] + "..."
    if value is None:
        return "none (the synthetic table)" if key == "data_digest" else "nothing"
    return str(value)
