"""Landscapes computed in this process: from the cache if it has them, else one computation at a time."""

import json
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

import numpy as np
import torch

from gradviz.compute.cache import FieldCache
from gradviz.experiment.device import resolve_device
from gradviz.experiment.model import MLP
from gradviz.experiment.store import Run, RunStore
from gradviz.landscape import (
    ENGINE_VERSION,
    GradientField,
    LandscapeRequest,
    LandscapeSpec,
    Minibatch,
    check_spec,
    gradient_landscape,
    network_of,
    parameter_shapes,
    share_layers_below,
    unit_activity,
)
from gradviz.landscape.landscape import Method
from gradviz.landscape.network import check_minibatch

ACTIVITY_ROWS = 2000
"""Training rows over which the activity of units is measured."""

_NUM_MODELS = 8
_NUM_MINIBATCHES = 64
_Value = TypeVar("_Value")


class LocalCompute:
    """Answers requests about the runs of `store`, and keeps the last few models and their forward passes in memory.

    `device` is auto, cpu or cuda; `threads` of torch, 0 for its own choice. Safe to share between threads: the cache
    answers at any time, the computations take turns.
    """

    def __init__(self, store: RunStore, cache: FieldCache, *, device: str = "auto", threads: int = 0) -> None:
        self.store = store
        self.cache = cache
        self.device = resolve_device(device)
        if threads:
            torch.set_num_threads(threads)
        self._turn = threading.Lock()
        self._models: _Recent[MLP] = _Recent(_NUM_MODELS)
        self._minibatches: _Recent[Minibatch] = _Recent(_NUM_MINIBATCHES)

    def landscape(self, request: LandscapeRequest, method: Method = "engine") -> GradientField:
        """The field of one request; UserError if the run, epoch, minibatch or parameters are not there.

        The reference is always computed anew, the engine's answer is taken from the cache if it is there.
        """
        run = self.store.run(request.variant)
        if method == "reference":
            with self._turn:
                minibatch = run.minibatch(request.minibatch, request.minibatch_size)
                return gradient_landscape(
                    self._model(run, request.epoch),
                    minibatch.inputs_BI,
                    minibatch.targets_B,
                    request.spec(),
                    method=method,
                    device=self.device,
                )

        def compute() -> bytes:
            with self._turn:
                return self._minibatch(run, request).landscape(request.spec()).to_bytes()

        return GradientField.from_bytes(self.cache.once(self.key(request), compute))

    def key(self, request: LandscapeRequest) -> str:
        """The address of the answer: changes with the checkpoint's content and with what else defines the run."""
        run = self.store.run(request.variant)
        # An initialisation is the same for other data or another dropout rate: the content alone does not tell.
        return request.key(f"{run.digest(request.epoch)} {_identity(run)}")

    def sweep(self, request: LandscapeRequest, epochs: Iterable[int]) -> Iterator[tuple[int, GradientField]]:
        """The same selection at many epochs, as they are ready."""
        for epoch in epochs:
            yield epoch, self.landscape(request.model_copy(update={"epoch": epoch}))

    def minibatches(self, request: LandscapeRequest, indices: Iterable[int]) -> Iterator[tuple[int, GradientField]]:
        """The same selection for many minibatches, as they are ready; those not cached share their forward pass."""
        requests = [request.model_copy(update={"minibatch": index}) for index in indices]
        for first in range(0, len(requests), _NUM_MINIBATCHES):
            part = requests[first : first + _NUM_MINIBATCHES]
            self._share_layers_below([each for each in part if self.cache.get(self.key(each)) is None])
            for each in part:
                yield each.minibatch, self.landscape(each)

    def _share_layers_below(self, requests: list[LandscapeRequest]) -> None:
        """One forward pass for the minibatches of all `requests`, which differ in nothing else."""
        if not requests:
            return
        run = self.store.run(requests[0].variant)
        if not _draws_masks(run, requests[0]):
            with self._turn:
                share_layers_below([self._minibatch(run, each) for each in requests], requests[0].spec())

    def activity(self, variant: str, epoch: int) -> list[np.ndarray]:
        """For each hidden layer (N,) float32: the share of training rows on which each unit is active, in eval mode."""
        run = self.store.run(variant)

        def compute() -> bytes:
            with self._turn:
                shares = unit_activity(self._model(run, epoch), run.training_inputs(limit=ACTIVITY_ROWS))
                return _pack([share.cpu().numpy() for share in shares])

        key = f"activity {ENGINE_VERSION} {ACTIVITY_ROWS} {run.digest(epoch)} {_identity(run)}"
        return _unpack(self.cache.once(key, compute))

    def _model(self, run: Run, epoch: int) -> MLP:
        key = (run.digest(epoch), _identity(run))
        return self._models.get(key, lambda: run.model(epoch).to(self.device))

    def _minibatch(self, run: Run, request: LandscapeRequest) -> Minibatch:
        def load() -> Minibatch:
            rows = run.minibatch(request.minibatch, request.minibatch_size)
            network = network_of(self._model(run, request.epoch), dtype=torch.float32, device=self.device)
            check_minibatch(network, request.spec(), rows.inputs_BI, rows.targets_B)
            return Minibatch(network, rows.inputs_BI, rows.targets_B)

        if _draws_masks(run, request):
            minibatch = load()  # a forward pass per set of masks: too much to keep
        else:
            key = (run.digest(request.epoch), _identity(run), request.minibatch, request.minibatch_size, request.mode)
            minibatch = self._minibatches.get(key, load)
        check_spec(parameter_shapes(minibatch.network), request.spec())
        return minibatch


class _Recent(Generic[_Value]):
    """The `size` values used last, by key; for use under a lock."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[tuple, _Value] = OrderedDict()

    def get(self, key: tuple, load: Callable[[], _Value]) -> _Value:
        if key not in self._values:
            self._values[key] = load()
        self._values.move_to_end(key)
        while len(self._values) > self._size:
            self._values.popitem(last=False)
        return self._values[key]


def _identity(run: Run) -> str:
    return json.dumps(run.config.identity(), sort_keys=True, separators=(",", ":"))


def _draws_masks(run: Run, spec: LandscapeSpec) -> bool:
    return spec.mode == "train" and run.variant == "dropout"


def _pack(arrays: list[np.ndarray]) -> bytes:
    lengths = struct.pack(f"<{len(arrays) + 1}I", len(arrays), *(len(array) for array in arrays))
    return lengths + b"".join(array.astype("<f4").tobytes() for array in arrays)


def _unpack(content: bytes) -> list[np.ndarray]:
    (count,) = struct.unpack_from("<I", content)
    lengths = struct.unpack_from(f"<{count}I", content, 4)
    flat = np.frombuffer(content, "<f4", offset=4 * (count + 1))
    return np.split(flat, np.cumsum(lengths)[:-1])
