"""A tensor of which only a few channels differ from a known one: what a moved scalar makes of its layer's output.

It is a holder with the shape and dtype of the tensor that goes through the user's code; no kernel ever sees it.
Functions that keep channels apart act on the changed ones alone, and what they make of the known tensor is looked up;
a product with a weight adds the change, of low rank, to the known product (`moved.py`); for everything else the
tensor is put together.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.landscape.replay.problem import CannotReplay


class Part(NamedTuple):
    """Channels `start` to `start + length`, with their values at the point."""

    start: int
    length: int
    value: Tensor


class Held(Tensor):
    """Stands for a tensor of which only what differs from a known one is there; `whole` computes it."""

    known: Tensor
    """At the checkpoint."""
    has_views: bool
    """Whether another holder stands for the same memory, as after `flatten`."""
    _whole: Tensor | None

    @staticmethod
    def __new__(cls, known: Tensor, *content: Any) -> Any:
        make = Tensor._make_wrapper_subclass  # pyright: ignore[reportAttributeAccessIssue]
        self = make(cls, known.shape, dtype=known.dtype, device=known.device)
        self.known, self.has_views, self._whole = known, False, None
        return self

    __torch_function__ = torch._C._disabled_torch_function_impl  # pyright: ignore[reportAssignmentType]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise CannotReplay(f"{func} takes a tensor where it cannot be seen")

    @property
    def is_whole(self) -> bool:
        """Whether it has been put together, so that others may have seen that tensor."""
        return self._whole is not None

    @property
    def num_made(self) -> int:
        """How many numbers were computed for it."""
        raise NotImplementedError

    def whole(self) -> Tensor:
        """The tensor itself, put together once."""
        if self._whole is None:
            self._whole = self._put_together()
        return self._whole

    def _put_together(self) -> Tensor:
        raise NotImplementedError


class Channels(Held):
    """`known` with these parts, in order, in the place of its own along `axis` (counted from the front)."""

    def __init__(self, known: Tensor, axis: int, parts: Sequence[Part]) -> None:
        self.axis, self.parts = axis, sorted(parts, key=lambda part: part.start)

    def __repr__(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return f"Channels({tuple(self.known.shape)}, axis {self.axis}, {[part[:2] for part in self.parts]})"

    @property
    def num_made(self) -> int:
        return sum(part.value.numel() for part in self.parts)

    def single(self) -> list[Part]:
        """The parts, one for each channel."""
        return [
            Part(start + k, 1, value.narrow(self.axis, k, 1))
            for start, length, value in self.parts
            for k in range(length)
        ]

    def _put_together(self) -> Tensor:
        return with_parts(self.known, self.axis, self.parts)


def with_parts(tensor: Tensor, axis: int, parts: Sequence[Part]) -> Tensor:
    """The tensor with these parts, in order, in the place of its own."""
    pieces, at = [], 0
    for start, length, value in parts:
        if start > at:
            pieces.append(tensor.narrow(axis, at, start - at))
        pieces.append(value)
        at = start + length
    if at < tensor.shape[axis]:
        pieces.append(tensor.narrow(axis, at, tensor.shape[axis] - at))
    return torch.cat(pieces, axis)


def _pointwise(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    x, *rest = args
    if not isinstance(x, Channels) or _has_tensor(rest, kwargs):
        return NotImplemented
    known = mode.known(func, x.known, *rest, **kwargs)
    return Channels(known, x.axis, [Part(s, n, func(v, *rest, **kwargs)) for s, n, v in x.parts])


def _rectified(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    """ReLU. A channel that is 0 at the point as at the checkpoint has closed gates alone: it is known, and so is its
    derivative, 0."""
    out = _pointwise(mode, func, args, kwargs)
    if out is NotImplemented or not mode.sees_closed_gates:
        return out
    known = out.known.detach()
    parts = [p for p in out.parts if bool(p.value.any()) or bool(known.narrow(out.axis, p.start, p.length).any())]
    return Channels(out.known, out.axis, parts) if parts else out.known


def _per_channel(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    """Pooling and the like: positions are mixed, channels are not."""
    x, num_axes = args[0], 2 + int(func.__name__[-2])
    if not isinstance(x, Channels) or x.axis != 1 or x.known.ndim != num_axes or kwargs.get("return_indices"):
        return NotImplemented
    return _pointwise(mode, func, args, kwargs)


def _binary(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    """With a number or a known tensor, which may broadcast but has no more axes; or with one changed in the same
    places."""
    if len(args) != 2 or kwargs:
        return NotImplemented
    x, other = args
    turned = not isinstance(x, Channels)
    if turned:
        x, other = other, x
    if not isinstance(x, Channels):  # a parameter moves, and is added as it is
        return NotImplemented
    if isinstance(other, Channels):
        same = other.axis == x.axis and other.known.shape == x.known.shape
        if not same or [part[:2] for part in other.parts] != [part[:2] for part in x.parts]:
            return NotImplemented
        known = mode.known(func, x.known, other.known)
        both = zip(x.parts, other.parts, strict=True)
        return Channels(known, x.axis, [Part(a.start, a.length, func(a.value, b.value)) for a, b in both])
    if isinstance(other, Tensor) and (not mode.is_known(other) or other.ndim > x.known.ndim):
        return NotImplemented
    known = mode.known(func, *((other, x.known) if turned else (x.known, other)))
    if known.shape != x.known.shape:
        return NotImplemented
    if isinstance(other, Tensor):
        axis = x.axis - (x.known.ndim - other.ndim)
        if axis >= 0 and other.shape[axis] > 1:
            pieces = [other.narrow(axis, start, length) for start, length, _ in x.parts]
        else:
            pieces = [other] * len(x.parts)
    else:
        pieces = [other] * len(x.parts)
    values = [func(b, p.value) if turned else func(p.value, b) for p, b in zip(x.parts, pieces, strict=True)]
    return Channels(known, x.axis, [Part(p.start, p.length, v) for p, v in zip(x.parts, values, strict=True)])


def _reshaped(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    """Axes are merged or split before the channels, or merged with them from behind."""
    x = args[0]
    if not isinstance(x, Channels):
        return NotImplemented
    known = mode.known(func, *(x.known, *args[1:]), **kwargs)
    before, after = x.known.shape, known.shape
    if known.dtype != x.known.dtype:
        return NotImplemented
    if x.axis == len(before) - 1 and after and after[-1] == before[-1]:
        axis, each, rest = len(after) - 1, 1, ()
    elif before[: x.axis] == after[: x.axis] and len(after) == x.axis + 1:
        axis, each, rest = x.axis, math.prod(before[x.axis + 1 :]), ()
    elif before[: x.axis + 1] == after[: x.axis + 1]:
        axis, each, rest = x.axis, 1, after[x.axis + 1 :]
    else:
        return NotImplemented
    parts = [Part(s * each, n * each, v.reshape(*after[:axis], n * each, *rest)) for s, n, v in x.parts]
    out = Channels(known, axis, parts)
    x.has_views = out.has_views = True
    return out


def _reduced(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    """Sums and means over axes other than the channels'."""
    x, axes = args[0], kwargs.get("dim", args[1] if len(args) > 1 else None)
    if not isinstance(x, Channels) or axes is None or len(args) > 3 or set(kwargs) - {"dim", "keepdim"}:
        return NotImplemented
    axes = [axis % x.known.ndim for axis in ((axes,) if isinstance(axes, int) else axes)]
    if x.axis in axes or not axes:
        return NotImplemented
    out = _pointwise(mode, func, args, kwargs)
    out.axis -= 0 if out.known.ndim == x.known.ndim else sum(axis < x.axis for axis in axes)
    return out


def _itself(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    """`contiguous`, which copies nothing here."""
    x = args[0]
    return x if isinstance(x, Channels) and x.known.is_contiguous() and not args[1:] and not kwargs else NotImplemented


def _has_tensor(rest: Any, kwargs: Any) -> bool:
    return any(isinstance(value, Tensor) for value in (*rest, *kwargs.values()))


def _named(names: str) -> set[Any]:
    """The functions of these names in torch, its tensors and torch.nn.functional."""
    places = (torch, Tensor, F)
    return {getattr(place, name) for name in names.split() for place in places if hasattr(place, name)}


_POINTWISE = """abs celu clamp clamp_min clamp_max clone cos elu erf exp expm1 gelu hardsigmoid hardswish hardtanh
leaky_relu log log1p logsigmoid mish neg pow reciprocal relu6 rsqrt selu sigmoid silu sin softplus softsign sqrt
square tanh tanhshrink threshold"""
_BINARY = """add sub mul div true_divide multiply divide subtract __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__
__truediv__ __rtruediv__ maximum minimum"""
_POOLING = """max_pool1d max_pool2d max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d
adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d"""

POINTWISE, BINARY = _named(f"{_POINTWISE} relu"), _named(_BINARY)
RULES: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys(POINTWISE, _pointwise),
    **dict.fromkeys(_named("relu"), _rectified),
    **dict.fromkeys(BINARY, _binary),
    **dict.fromkeys(_named(_POOLING), _per_channel),
    **dict.fromkeys(_named("flatten reshape view unflatten"), _reshaped),
    **dict.fromkeys(_named("mean sum"), _reduced),
    **dict.fromkeys(_named("contiguous"), _itself),
}
"""rule(mode, func, args, kwargs) where the first argument, or for `_BINARY` one of two, has changed channels."""
