"""What computing keeps at hand: the last few models and minibatches of a store, with their forward passes."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch

from gradviz.experiment.device import resolve_device
from gradviz.experiment.model import MLP
from gradviz.experiment.store import Run, RunStore
from gradviz.landscape import (
    GradientField,
    LandscapeRequest,
    LandscapeSpec,
    Minibatch,
    check_spec,
    gradient_landscape,
    network_of,
    parameter_shapes,
    share_layers_below,
)
from gradviz.landscape.network import check_minibatch

MINIBATCHES_KEPT = 64
_MODELS_KEPT = 8
_Value = TypeVar("_Value")


class Workbench:
    """The runs of `store` on one device (auto, cpu or cuda); for one computation at a time."""

    def __init__(self, store: RunStore, *, device: str = "auto") -> None:
        self.store = store
        self.device = resolve_device(device)
        self._models: Recent[MLP] = Recent(_MODELS_KEPT)
        self._minibatches: Recent[Minibatch] = Recent(MINIBATCHES_KEPT)

    def model(self, variant: str, epoch: int) -> MLP:
        """The network of one checkpoint, on the device; read it, never change it."""
        run = self.store.run(variant)
        return self._models.get(run.address(epoch), lambda: run.model(epoch).to(self.device))

    def minibatch(self, request: LandscapeRequest) -> Minibatch:
        """The checkpoint and minibatch of one request; UserError if they or the parameters are not there."""
        run = self.store.run(request.variant)
        if _draws_masks(run, request):
            minibatch = self._load(request)  # a forward pass per set of masks: too much to keep
        else:
            key = (run.address(request.epoch), request.minibatch, request.minibatch_size, request.mode)
            minibatch = self._minibatches.get(key, lambda: self._load(request))
        check_spec(parameter_shapes(minibatch.network), request.spec())
        return minibatch

    def share_layers_below(self, requests: Sequence[LandscapeRequest]) -> None:
        """One forward pass for those of the `requests` that have none yet; they differ in the minibatch alone."""
        first = requests[0]
        if _draws_masks(self.store.run(first.variant), first):
            return
        minibatches = [each for each in map(self.minibatch, requests) if not each.has_clean()]
        if len(minibatches) > 1:
            share_layers_below(minibatches, first.spec())

    def reference(self, request: LandscapeRequest) -> GradientField:
        """The field by the plain loop, the yardstick of truth: the same numbers, hundreds of times slower."""
        rows = self.store.run(request.variant).minibatch(request.minibatch, request.minibatch_size)
        model = self.model(request.variant, request.epoch)
        return gradient_landscape(
            model, rows.inputs_BI, rows.targets_B, request.spec(), method="reference", device=self.device
        )

    def _load(self, request: LandscapeRequest) -> Minibatch:
        rows = self.store.run(request.variant).minibatch(request.minibatch, request.minibatch_size)
        network = network_of(self.model(request.variant, request.epoch), dtype=torch.float32, device=self.device)
        check_minibatch(network, request.spec(), rows.inputs_BI, rows.targets_B)
        return Minibatch(network, rows.inputs_BI, rows.targets_B)


class Recent(Generic[_Value]):
    """The `size` values used last, by key; for use under a lock."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[object, _Value] = OrderedDict()

    def get(self, key: object, load: Callable[[], _Value]) -> _Value:
        if key not in self._values:
            self._values[key] = load()
        self._values.move_to_end(key)
        while len(self._values) > self._size:
            self._values.popitem(last=False)
        return self._values[key]


def _draws_masks(run: Run, spec: LandscapeSpec) -> bool:
    return spec.mode == "train" and run.variant == "dropout"
