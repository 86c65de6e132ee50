"""Images of many channels in the layout in which a processor computes them quicker.

Channels last, forward and backward of a convolution of 256 channels take 0.7 of the time in float32 and 0.4 in
float64; below `WIDE`, and with kernels of one number, they take longer than it is worth to change the layout. What
such a convolution makes stays so through norms, activations and sums, to the next one. The user's code sees it laid
out as before: for everything else it is copied back.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.landscape.replay.channels import BINARY, POINTWISE, Held
from gradviz.landscape.replay.moved import CONV, NORMS, bound, scale_and_shift

WIDE = 128


class Image(Held):
    """`last` is the tensor, channels last; `known` has its form alone."""

    def __init__(self, known: Tensor, last: Tensor) -> None:
        self.last = last

    def __repr__(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return f"Image({tuple(self.known.shape)})"

    @property
    def num_made(self) -> int:
        return self.last.numel()

    def _put_together(self) -> Tensor:
        return _laid(self.last, torch.contiguous_format)


def channels_last(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    """The call, where it takes an image or begins one; NotImplemented: no rule here."""
    rule = None if mode.batched or not args else _RULES.get(func)
    found = NotImplemented if rule is None else rule(mode, func, args, kwargs)
    return found if found is NotImplemented else Image(torch.empty(found.shape, dtype=found.dtype), found)


def _convolution(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    given = bound(*CONV, args, kwargs)
    if given is None:
        return NotImplemented
    x, weight, bias, *rest = given
    if (
        rest[-1] != 1
        or any(mode.moved(each) for each in (x, weight, bias))
        or not (isinstance(x, Image) or _is_wide(x, weight))
    ):
        return NotImplemented
    return func(_last(mode, x), _last(mode, weight), bias, *rest)


def _is_wide(x: Tensor, weight: Tensor) -> bool:
    """Whether an image may begin with this convolution of a tensor that is computed anew at every point."""
    is_such = torch.is_grad_enabled() and x.ndim == 4 and x.device.type == "cpu" and x.requires_grad
    return is_such and x.is_contiguous() and x.shape[1] >= WIDE and weight[0, 0].numel() > 1


def _norm(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    given = bound(*NORMS[func][:2], args, kwargs)
    if given is None or not isinstance(given[0], Image) or any(mode.moved(each) for each in given):
        return NotImplemented
    x, mean, variance, weight, bias, training, _, eps = given
    if training or mean is None:
        return func(x.last, *given[1:])
    scale, shift = mode.call(scale_and_shift, (mean, variance, weight, bias, eps, 2), {})
    return torch.addcmul(shift, x.last, scale)


def _pointwise(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    x, *rest = args
    others = (*rest, *kwargs.values())
    if not isinstance(x, Image) or any(isinstance(each, Tensor | torch.memory_format) for each in others):
        return NotImplemented
    return func(x.last, *rest, **kwargs)


def _binary(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    """With a number, or with what has the same shape."""
    if len(args) != 2 or kwargs or not any(isinstance(each, Image) for each in args):
        return NotImplemented
    tensors = [each for each in args if isinstance(each, Tensor)]
    of_kind = all(isinstance(each, Image) or not (isinstance(each, Held) or mode.moved(each)) for each in tensors)
    if not of_kind or len({(each.shape, each.dtype, each.device) for each in tensors}) > 1:
        return NotImplemented
    return func(*(_last(mode, each) if isinstance(each, Tensor) else each for each in args))


def _last(mode: Any, tensor: Tensor) -> Tensor:
    if isinstance(tensor, Image):
        return tensor.last
    return mode.kept(("channels last",), tensor, lambda: _laid(tensor, torch.channels_last))


def _laid(tensor: Tensor, layout: torch.memory_format) -> Tensor:
    """The same numbers in this layout, and its gradient in the one before: functions of mixed ones take many times
    longer."""
    laid = tensor.contiguous(memory_format=layout)
    if laid is not tensor and laid.requires_grad:
        before = torch.contiguous_format if layout is torch.channels_last else torch.channels_last

        def back(gradient: Tensor) -> Tensor:
            with torch._C.DisableTorchFunction():
                return gradient.contiguous(memory_format=before)

        laid.register_hook(back)
    return laid


_RULES: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys(POINTWISE, _pointwise),
    **dict.fromkeys(BINARY, _binary),
    F.conv2d: _convolution,
    F.batch_norm: _norm,
}
