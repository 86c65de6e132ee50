"""Everything random in a forward pass as a pure function of a seed, the set's number and the place of the call.

The masks of dropout are read from the stream of gradviz/experiment/keep_masks.py one after the other, in the order of
the calls: the built-in network's own masks are the same ones. Other random functions get a generator of their own for
each call. No global random state is read or moved.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from gradviz.errors import UserError
from gradviz.experiment.keep_masks import KeepStream
from gradviz.landscape.replay.stand_ins import stand_in


class Source:
    """The random numbers of one set, from the start of a forward pass on."""

    def __init__(self, seed: int, number: int) -> None:
        self.seed, self.number = seed, number
        self._stream: KeepStream | None = None
        self.restart()

    def restart(self) -> None:
        """Begins a forward pass."""
        self.position = self.call = 0
        self.is_closed = False

    def close(self) -> None:
        """Ends the forward pass: what draws now draws in the backward pass."""
        self.is_closed = True

    def next_mask(self, shape: tuple[int, ...]) -> int:
        """The position in the stream of a mask of this shape, which the next one follows."""
        self._check()
        start = self.position
        self.position += int(np.prod(shape, dtype=np.int64))
        return start

    def gain(self, start: int, shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
        """What dropout multiplies by: the mask at this position over its probability to keep."""
        if p == 1:
            return torch.zeros(shape, dtype=like.dtype, device=like.device)
        self._stream = self._stream or KeepStream(self.seed, self.number)
        kept = self._stream.kept(start, int(np.prod(shape, dtype=np.int64)), p)
        return torch.from_numpy(kept).view(shape).to(like.device).to(like.dtype) / (1 - p)

    def next_call(self) -> int:
        """The place of a random call that draws no mask."""
        self._check()
        self.call += 1
        return self.call

    def generator(self, call: int, device: torch.device) -> torch.Generator:
        [mixed] = np.random.SeedSequence((self.seed, self.number, call)).generate_state(1, np.uint64)
        return torch.Generator(device).manual_seed(int(mixed) >> 1)

    def _check(self) -> None:
        if self.is_closed:
            raise UserError(
                "The model draws random numbers in the backward pass, as activation checkpointing with dropout does, so"
                " that no gradient can be computed twice: switch checkpointing off, or use eval mode."
            )


class Seeded(TorchFunctionMode):
    """Random functions of torch take their numbers from `source`; everything else runs as it is written.

    With `exact`, code that names float32 computes in float64.
    """

    def __init__(self, source: Source, *, exact: bool = False) -> None:
        super().__init__()
        self.source, self.exact = source, exact

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.exact:
            func, args, kwargs = exact_call(func, args, kwargs or {}, lambda tensor: doubled(tensor))
        rule = stand_in(func, args, kwargs or {})
        if rule is None:
            return func(*args, **(kwargs or {}))
        with self:
            return rule(self, *args, **(kwargs or {}))

    def gain(self, shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
        """For `stand_ins`: the next mask over its probability to keep."""
        return self.source.gain(self.source.next_mask(shape), shape, p, like)

    def drawn(self, func: Any, args: Any, kwargs: Any) -> Tensor:
        """For `stand_ins`: a random function with a generator of its own."""
        return func(*args, **kwargs, generator=self.source.generator(self.source.next_call(), device_of(args, kwargs)))


def device_of(args: Any, kwargs: Any) -> torch.device:
    """Where a random function draws."""
    found = next((arg for arg in args if isinstance(arg, Tensor)), None)
    return found.device if found is not None else torch.device(kwargs.get("device") or "cpu")


_DOUBLE = {torch.float32: torch.float64, torch.complex64: torch.complex128}


def doubled(tensor: Tensor) -> Tensor:
    return tensor.to(_DOUBLE[tensor.dtype]) if tensor.dtype in _DOUBLE else tensor


def exact_call(func: Any, args: Any, kwargs: Any, double: Any) -> tuple[Any, Any, Any]:
    """The same call without float32: names of the dtype are exchanged, and tensors of it go through `double`."""
    if func is Tensor.float:
        return Tensor.double, args, kwargs

    def lifted(value: Any) -> Any:
        if isinstance(value, Tensor):
            return double(value) if value.dtype in _DOUBLE else value
        if isinstance(value, torch.dtype):
            return _DOUBLE.get(value, value)
        if type(value) in (list, tuple):
            return type(value)(map(lifted, value))
        return value

    return func, lifted(tuple(args)), {name: lifted(value) for name, value in kwargs.items()}
