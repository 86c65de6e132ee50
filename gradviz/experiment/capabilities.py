"""What a run can do: which noise it draws, which statistics it takes, and its layers. Asked instead of its name."""

from dataclasses import dataclass
from typing import Literal

from gradviz.experiment.config import TrainingConfig


@dataclass(frozen=True)
class LayerShape:
    """A layer by the name that its parameters begin with, its kind, and how many units it has."""

    name: str
    kind: Literal["linear"]
    width: int


@dataclass(frozen=True)
class Capabilities:
    """`draws_masks`: train mode multiplies activations by something random; `has_batch_statistics`: train mode
    normalizes by the minibatch, so that its rows depend on each other."""

    draws_masks: bool
    has_batch_statistics: bool
    layers: tuple[LayerShape, ...]

    def draws_masks_in(self, mode: str) -> bool:
        """Whether what is computed in this mode depends on masks."""
        return self.draws_masks and mode == "train"


def capabilities_of(config: TrainingConfig) -> Capabilities:
    """Those of every run of this configuration."""
    _, *hidden, output = config.widths
    names = [f"hidden.{number}" for number in range(len(hidden))]
    layers = [LayerShape(name, "linear", width) for name, width in zip(names, hidden, strict=True)]
    return Capabilities(
        config.regularizer.draws_masks,
        config.regularizer.has_batch_statistics,
        (*layers, LayerShape("output", "linear", output)),
    )
