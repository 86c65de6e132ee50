"""A checkpoint of the built-in network as the workbench keeps it: its weights, and what its minibatches have made."""

from collections import OrderedDict

import torch

from gradviz.experiment.model import MLP
from gradviz.landscape import Minibatch, network_of
from gradviz.landscape.probe_together import Together

MINIBATCHES_TOGETHER = 8
"""Minibatches that share a forward pass: enough for the full rate of matrix products, and quick to finish."""


class Checkpoint:
    """A model and its minibatches, which share its weights and hold their own activations."""

    def __init__(self, model: MLP, device: torch.device) -> None:
        self.model = model
        self.network = network_of(model, dtype=torch.float32, device=device)
        # by its rows and the mode, the last used at the end
        self.minibatches: OrderedDict[tuple[object, ...], Minibatch] = OrderedDict()
        self.together: tuple[tuple[str, ...], Together] | None = None

    @property
    def nbytes(self) -> int:
        own = self.network.nbytes + sum(minibatch.nbytes for minibatch in self.minibatches.values())
        return own + (0 if self.together is None else self.together[1].nbytes)

    def make_room(self, excess: int) -> None:
        """Drops what is evaluated together, and the minibatches used longest ago, until so many bytes are free; those
        computed together last stay."""
        if excess > 0 and self.together is not None:
            excess -= self.together[1].nbytes
            self.together = None
        while excess > 0 and len(self.minibatches) > MINIBATCHES_TOGETHER:
            excess -= self.minibatches.popitem(last=False)[1].nbytes
