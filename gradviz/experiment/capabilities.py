"""A run's capabilities: whether it draws masks, uses batch statistics, and its layers. Ask these, not its name."""

from dataclasses import dataclass
from typing import Literal

from gradviz.experiment.config import TrainingConfig


@dataclass(frozen=True)
class LayerShape:
    """A layer: the prefix of its parameters' names, its kind, and its number of units."""

    name: str
    kind: Literal["linear"]
    width: int


@dataclass(frozen=True)
class Capabilities:
    """`draws_masks`: train mode multiplies activations by random masks; `has_batch_statistics`: train mode
    normalizes over the minibatch, so that its rows depend on each other."""

    draws_masks: bool
    has_batch_statistics: bool
    layers: tuple[LayerShape, ...]

    def draws_masks_in(self, mode: str) -> bool:
        """Whether results in this mode depend on masks."""
        return self.draws_masks and mode == "train"


def capabilities_of(config: TrainingConfig) -> Capabilities:
    """The capabilities of a run with this configuration."""
    _, *hidden, output = config.widths
    names = [f"hidden.{number}" for number in range(len(hidden))]
    layers = [LayerShape(name, "linear", width) for name, width in zip(names, hidden, strict=True)]
    return Capabilities(
        config.regularizer.draws_masks,
        config.regularizer.has_batch_statistics,
        (*layers, LayerShape("output", "linear", output)),
    )
