"""What a moved scalar does to the layer that takes it: it changes one channel of the output, by a known amount for
each step.

    linear        x W' + b          W[i, j] + α adds α x[:, j] to channel i; b[i] + α adds α to it
    convolution   likewise, with the input's channel j shifted to the place in the kernel
    norms         γ n(x) + β        γ[i] + α adds α n(x)[i]
    embedding     W[r, i] + α       adds α to channel i of every row whose input is r

The output with the checkpoint's own parameters is looked up where the input is known. Where the input itself has
changed channels, the product adds their change times their columns of the weight.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.landscape.replay import channels, layer_norm
from gradviz.landscape.replay.along import Along, embedding_along, product_along
from gradviz.landscape.replay.channels import Channels, Held, Part, with_parts
from gradviz.landscape.replay.recurrent import RECURRENT, between_layers, layers_of


@dataclass
class Moved:
    """How one tensor of the checkpoint moves: `base` is its own value, `scalars` are places in it and the steps
    there."""

    base: Tensor
    scalars: list[tuple[tuple[int, ...], Tensor]] = field(default_factory=list)

    def take(self, index: tuple[int, ...], step: Tensor) -> None:
        self.scalars.append((index, step))

    def at_point(self) -> Tensor:
        tensor = self.base
        for index, step in self.scalars:
            places = tuple(torch.tensor(i, device=tensor.device) for i in index)
            tensor = tensor.index_put(places, step, accumulate=True) if index else tensor + step
        return tensor


def changed(mode: Any, out: Tensor, axis: int, additions: Sequence[tuple[int, Tensor]]) -> Tensor:
    """`out` with these amounts added to channels along `axis`."""
    by_channel: dict[int, Tensor] = {}
    for channel, amount in additions:
        by_channel[channel] = by_channel[channel] + amount if channel in by_channel else amount
    if not by_channel:
        return out
    parts = [Part(channel, 1, _channel(mode, out, axis, channel) + by_channel[channel]) for channel in by_channel]
    if isinstance(out, Channels):
        others = [part for part in out.single() if part.start not in by_channel]
        return Channels(out.known, axis, [*others, *parts])
    if mode.keeps_channels and mode.is_known(out):
        return Channels(out, axis, parts)
    return with_parts(out, axis, sorted(parts, key=lambda part: part.start))


def bound(names: str, defaults: Sequence[Any], args: Any, kwargs: Any) -> list[Any] | None:
    """The arguments by these names; None if there are others."""
    order = names.split()
    values = dict(zip(order, args, strict=False)) | kwargs
    if len(args) > len(order) or set(values) - set(order):
        return None
    return [values.get(name, default) for name, default in zip(order, defaults, strict=True)]


def _product(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    """`linear` and convolutions: func(x, weight, bias, *rest)."""
    is_linear = func is F.linear
    given = bound(*(_LINEAR if is_linear else CONV), args, kwargs)
    if given is None:
        return NotImplemented
    x, weight, bias, *rest = given
    result = layer_norm.product(mode, x, weight, bias) if is_linear else NotImplemented
    if result is not NotImplemented:
        return result
    x = layer_norm.put_together(x)
    of_weight, of_bias, of_input = mode.moved(weight), mode.moved(bias), isinstance(x, Channels)
    axis = x.ndim - 1 if is_linear else 1
    if mode.moved(x) or (rest and x.ndim != weight.ndim):
        return NotImplemented  # a parameter as input, or a convolution without a batch
    if isinstance(of_weight or of_bias, Along):
        return product_along(mode, func, x, weight, bias, rest)
    if of_input and (x.axis != axis or (rest and rest[-1] != 1)):
        x, of_input = x.whole(), False
    if not (of_weight or of_bias or of_input):
        return NotImplemented
    out = mode.known(func, x.known if of_input else x, weight, bias, *rest)
    additions = []
    if of_weight:
        tap = _column if is_linear else _tap(func)
        additions += [(i, step * tap(mode, x, of_weight.base, i, at, rest)) for (i, *at), step in of_weight.scalars]
    if of_bias:
        additions += [(i, step) for (i,), step in of_bias.scalars]
    if of_input:
        out = out + _change(mode, func, x, mode.base(weight), rest)
    return changed(mode, out, axis, additions)


def _change(mode: Any, func: Any, x: Channels, weight: Tensor, rest: Sequence[Any]) -> Tensor:
    """Σ over the changed channels of their change times their columns of the weight."""
    changes = [value - mode.known(Tensor.narrow, x.known, x.axis, start, n) for start, n, value in x.parts]
    columns = [weight.narrow(1, start, n) for start, n, _ in x.parts]
    return func(torch.cat(changes, x.axis), torch.cat(columns, 1), None, *rest)


def _channel(mode: Any, x: Tensor, axis: int, channel: int) -> Tensor:
    """One channel of an input, at the point."""
    if isinstance(x, Channels):
        for start, length, value in x.parts:
            if start <= channel < start + length:
                return value.narrow(axis, channel - start, 1)
        x = x.known
    return mode.known(Tensor.narrow, x, axis, channel, 1)


def _column(mode: Any, x: Tensor, weight: Tensor, unit: int, place: Sequence[int], rest: Sequence[Any]) -> Tensor:
    return _channel(mode, x, x.ndim - 1, place[0])


def _tap(func: Any) -> Callable[..., Tensor]:
    """What a kernel with a single 1 makes of its input channel."""

    def tap(mode: Any, x: Tensor, weight: Tensor, unit: int, place: Sequence[int], rest: Sequence[Any]) -> Tensor:
        *geometry, groups = rest
        channel = unit // (weight.shape[0] // groups) * weight.shape[1] + place[0]
        own = _channel(mode, x, 1, channel)

        def shifted() -> Tensor:
            kernel = weight.new_zeros((1, 1, *weight.shape[2:]))
            kernel[(0, 0, *place[1:])] = 1
            return func(own, kernel, None, *geometry)

        return mode.kept(("tap", func, tuple(place[1:]), tuple(weight.shape[2:]), *geometry), own, shifted)

    return tap


def _norm(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    """Norms with γ and β by channel, of which one moves, and batch norm of an input with changed channels."""
    names, defaults, axis = NORMS[func]
    given = bound(names, defaults, args, kwargs)
    if given is None:
        return NotImplemented
    x, values = given[0], dict(zip(names.split(), given, strict=True))
    of_weight, of_bias = mode.moved(values["weight"]), mode.moved(values.get("bias"))
    if not (of_weight or of_bias):
        of_channels = {F.batch_norm: _batch_norm_of_channels, F.layer_norm: layer_norm.normed}.get(func)
        return NotImplemented if of_channels is None else of_channels(mode, x, values)
    if isinstance(of_weight or of_bias, Along):
        return NotImplemented
    shape = values.get("normalized_shape")
    if mode.moved(x) or (shape is not None and len(shape) != 1):
        return NotImplemented
    axis = axis % x.ndim
    out = _normed(mode, func, x, values)
    additions = []
    if of_weight:
        plain = values | {"weight": None} | ({"bias": None} if "bias" in values else {})
        normal = _normed(mode, func, x, plain)
        additions += [(i, step * _channel(mode, normal, axis, i)) for (i,), step in of_weight.scalars]
    if of_bias:
        additions += [(i, step) for (i,), step in of_bias.scalars]
    return changed(mode, out, axis, additions)


def _normed(mode: Any, func: Any, x: Tensor, values: dict[str, Any]) -> Tensor:
    """The norm with the checkpoint's own parameters, channel by channel where that can be."""
    own = {name: mode.base(value) for name, value in values.items() if name != "input"}
    if func is F.batch_norm:
        out = _batch_norm_of_channels(mode, x, own)
        if out is not NotImplemented:
            return out
    return mode.known(func, x.whole() if isinstance(x, Held) else x, **own)


def _batch_norm_of_channels(mode: Any, x: Tensor, values: dict[str, Any]) -> Any:
    of_channels = ("weight", "bias", "running_mean", "running_var")
    if not isinstance(x, Channels) or x.axis != 1 or not all(mode.is_known(values[name]) for name in of_channels):
        return NotImplemented
    rest: dict[str, Any] = {name: value for name, value in values.items() if name != "input"}
    weight, bias, mean, variance = (rest[name] for name in of_channels)
    known = mode.known(F.batch_norm, x.known, **rest)
    if rest["training"] or mean is None:
        normed = [_by_own_statistics(part, weight, bias, rest["eps"]) for part in x.parts]
    else:
        given = (mean, variance, weight, bias, rest["eps"], x.known.ndim - 2)
        scale, shift = mode.call(scale_and_shift, given, {})
        normed = [torch.addcmul(shift.narrow(0, at, n), value, scale.narrow(0, at, n)) for at, n, value in x.parts]
    return Channels(known, 1, [part._replace(value=value) for part, value in zip(x.parts, normed, strict=True)])


def scale_and_shift(
    mean: Tensor, variance: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, axes: int
) -> tuple[Tensor, Tensor]:
    """γ (x − μ) / √(σ² + ε) + β = x scale + shift, each (C, 1, …) with so many axes of positions."""
    scale = (variance + eps).rsqrt() if weight is None else (variance + eps).rsqrt() * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    return scale.view(-1, *[1] * axes), shift.view(-1, *[1] * axes)


def _by_own_statistics(part: Part, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    start, length, value = part
    weight, bias = (None if tensor is None else tensor.narrow(0, start, length) for tensor in (weight, bias))
    if value.device.type == "cpu":
        return torch.batch_norm(value, weight, bias, None, None, True, 0.0, eps, False)
    return normed_written_out(value, weight, bias, eps)


def normed_written_out(value: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float) -> Tensor:
    """(value − μ) / √(σ² + ε) γ + β with the statistics of `value` (B, C, …) itself. On a GPU torch's own refuses one
    channel of many points at once, whose layout it takes for another one."""
    axes = [axis for axis in range(value.ndim) if axis != 1]
    variance, mean = torch.var_mean(value, axes, correction=0, keepdim=True)
    out = (value - mean) * (variance + eps).rsqrt()
    weight, bias = (None if each is None else each.view(-1, *[1] * (value.ndim - 2)) for each in (weight, bias))
    out = out if weight is None else out * weight
    return out if bias is None else out + bias


def _embedding(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    given = bound(_EMBEDDING, (None, None, None, None, 2.0, False, False), args, kwargs)
    if given is None:
        return NotImplemented
    rows, weight, padding, max_norm, _, by_frequency, is_sparse = given
    moved = mode.moved(weight)
    if not moved or padding is not None or max_norm is not None or by_frequency or is_sparse or not mode.is_known(rows):
        return NotImplemented
    if isinstance(moved, Along):
        return embedding_along(mode, rows, weight)
    out = mode.known(func, rows, weight)
    additions = [
        (column, step * mode.kept(("rows", row), rows, lambda row=row: (rows == row).unsqueeze(-1).to(out.dtype)))
        for (row, column), step in moved.scalars
    ]
    return changed(mode, out, out.ndim - 1, additions)


def _matmul(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    """x @ W with changed channels of x and a known matrix W."""
    if len(args) != 2 or kwargs or not isinstance(args[0], Channels):
        return NotImplemented
    x, matrix = args
    if x.axis != x.known.ndim - 1 or matrix.ndim != 2 or not mode.is_known(matrix):
        return NotImplemented
    return mode.known(func, x.known, matrix) + _change(mode, F.linear, x, matrix.T, ())


def _recurrent(mode: Any, func: Any, args: Any, kwargs: Any) -> Any:
    if kwargs or layers_of(args)[0] == 1:
        return NotImplemented
    with mode:
        return between_layers(func)(mode, *args)


_LINEAR = ("input weight bias", (None, None, None))
CONV = ("input weight bias stride padding dilation groups", (None, None, None, 1, 0, 1, 1))
_EMBEDDING = "input weight padding_idx max_norm norm_type scale_grad_by_freq sparse"
NORMS: dict[Any, tuple[str, tuple[Any, ...], int]] = {
    F.batch_norm: (
        "input running_mean running_var weight bias training momentum eps",
        (None, None, None, None, None, False, 0.1, 1e-5),
        1,
    ),
    F.layer_norm: ("input normalized_shape weight bias eps", (None, None, None, None, 1e-5), -1),
    F.rms_norm: ("input normalized_shape weight eps", (None, None, None, None), -1),
    F.group_norm: ("input num_groups weight bias eps", (None, None, None, None, 1e-5), 1),
}
RULES: dict[Any, Callable[..., Any]] = {
    **channels.RULES,
    **dict.fromkeys((F.linear, F.conv1d, F.conv2d, F.conv3d), _product),
    **dict.fromkeys(NORMS, _norm),
    **dict.fromkeys((torch.matmul, Tensor.matmul, Tensor.__matmul__), _matmul),
    **dict.fromkeys(RECURRENT, _recurrent),
    F.embedding: _embedding,
}
"""rule(mode, func, args, kwargs), asked where an argument moves or has changed channels; NotImplemented: no rule
here."""
