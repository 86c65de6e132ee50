"""A run's capabilities: whether it draws masks, uses batch statistics, and its layers. Ask these, not its name."""

from dataclasses import dataclass

import torch
from torch import nn

from gradviz.experiment import asking
from gradviz.experiment.batches import Batch
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.study import Study
from gradviz.experiment.users_code import same_model, same_randomness


@dataclass(frozen=True)
class LayerShape:
    """A layer: the prefix of its parameters' names, its kind, and its number of units."""

    name: str
    kind: str
    width: int


@dataclass(frozen=True)
class Capabilities:
    """`draws_masks`: train mode draws random numbers, such as masks that multiply activations; `has_batch_statistics`:
    train mode normalizes over the minibatch, so that its rows depend on each other."""

    draws_masks: bool
    has_batch_statistics: bool
    layers: tuple[LayerShape, ...]

    def draws_masks_in(self, mode: str) -> bool:
        """Whether results in this mode depend on masks."""
        return self.draws_masks and mode == "train"

    def couples_rows_in(self, mode: str) -> bool:
        """Whether in this mode the rows of a minibatch depend on each other, by batch statistics."""
        return self.has_batch_statistics and mode == "train"


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


def capabilities_of_study(study: Study, model: nn.Module, batch: Batch) -> Capabilities:
    """Those of a study's model: one forward pass in train mode shows whether it draws from torch's random numbers.

    Costs that pass; nothing of the model or the global random state changes. UserError if the study's loss fails.
    """
    with same_randomness(), same_model(model, training=True), torch.no_grad():
        before = torch.get_rng_state()
        asking.losses(study, model, batch)
        draws = not torch.equal(before, torch.get_rng_state())
    parts = {name: part for name, part in model.named_modules() if any(True for _ in part.parameters(recurse=False))}
    return Capabilities(
        draws,
        any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in model.modules()),
        tuple(LayerShape(name, type(part).__name__, _width(part)) for name, part in parts.items()),
    )


def _width(part: nn.Module) -> int:
    """The first dimension of its first tensor of parameters: in torch, that of its outputs (or an embedding's rows)."""
    first = next(part.parameters(recurse=False))
    return first.shape[0] if first.ndim else 1
