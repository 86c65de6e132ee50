"""Layer norm of a tensor with a few changed channels, followed by a product: rank one again.

With x = k + Σ_i δ_i e_i in each position, and n, μ, σ those of the known k over its C channels,

    μ' = μ + Σ δ_i / C        σ'² = σ² + Σ δ_i (2 (k_i − μ) + δ_i) / C − (Σ δ_i / C)²
    γ n(x) + β = (σ/σ') γ n − ((μ' − μ)/σ') γ + β + Σ_i (δ_i/σ') γ_i e_i

So what a matrix W makes of it is known but for three or so numbers for each position:

    W (γ n(x) + β) = (σ/σ') W γ n − ((μ' − μ)/σ') W γ + W β + Σ_i (δ_i/σ') γ_i W_i
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.landscape.replay.channels import Channels, Held


class Normed(Held):
    """The layer norm of `x` over its last axis: `known` is that of the known part of `x`."""

    def __init__(self, known: Tensor, x: Channels, weight: Tensor | None, bias: Tensor | None, eps: float) -> None:
        self.x, self.weight, self.bias, self.eps = x, weight, bias, eps

    def __repr__(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return f"Normed({self.x!r})"

    @property
    def num_made(self) -> int:
        return 3 * self.known.numel() // self.known.shape[-1]  # σ/σ', μ' − μ and δ at each position

    def _put_together(self) -> Tensor:
        return F.layer_norm(self.x.whole(), self.known.shape[-1:], self.weight, self.bias, self.eps)


def normed(mode: Any, x: Any, values: dict[str, Any]) -> Any:
    """Layer norm of changed channels, each of which is an entry of the normalised axis; else NotImplemented."""
    weight, bias, shape = (values[name] for name in ("weight", "bias", "normalized_shape"))
    if not isinstance(x, Channels) or x.axis != x.known.ndim - 1 or len(shape) != 1 or not mode.keeps_channels:
        return NotImplemented
    if not all(mode.is_known(tensor) for tensor in (x.known, weight, bias)):
        return NotImplemented
    known = mode.known(F.layer_norm, x.known, shape, weight, bias, values["eps"])
    return Normed(known, x, weight, bias, values["eps"])


def put_together(x: Any) -> Any:
    return x.whole() if isinstance(x, Normed) else x


def product(mode: Any, x: Any, weight: Tensor, bias: Tensor | None) -> Any:
    """W times the norm, plus a bias; NotImplemented where x is no norm, or W or the bias are not known."""
    if not isinstance(x, Normed) or not all(mode.is_known(tensor) for tensor in (x.known, weight, bias)):
        return NotImplemented
    ratio, shift, changes = _statistics(mode, x)
    k, size = x.x.known, x.known.shape[-1:]
    scaled = mode.known(F.linear, mode.known(F.layer_norm, k, size, x.weight, None, x.eps), weight)
    gains = mode.known(Tensor.sum, weight, 1) if x.weight is None else mode.known(torch.mv, weight, x.weight)
    columns = [weight if x.weight is None else mode.known(torch.mul, weight, x.weight)]
    rows = [gains, *(column for start, n, _ in x.x.parts for column in columns[0].narrow(1, start, n).unbind(1))]
    factors = torch.cat([shift, *changes], -1)
    offset = bias if x.bias is None else mode.known(F.linear, x.bias, weight, bias)
    return torch.addcmul(F.linear(factors, torch.stack(rows, 1), offset), ratio, scaled)


def _statistics(mode: Any, x: Normed) -> tuple[Tensor, Tensor, Sequence[Tensor]]:
    """σ/σ', −(μ' − μ)/σ' and δ/σ' of each part, at every position."""
    k, size = x.x.known, x.known.shape[-1]
    mean, variance = (mode.known(function, k, -1, keepdim=True) for function in (torch.mean, _variance))
    changes = [value - mode.known(Tensor.narrow, k, x.x.axis, start, n) for start, n, value in x.x.parts]
    delta = torch.cat(changes, -1)
    places = torch.cat([mode.known(Tensor.narrow, k, x.x.axis, start, n) for start, n, _ in x.x.parts], -1)
    moved_mean = delta.sum(-1, keepdim=True) / size
    more = (delta * (2 * (places - mean) + delta)).sum(-1, keepdim=True) / size - moved_mean.square()
    scale = (variance + more + x.eps).rsqrt()
    return (variance + x.eps).sqrt() * scale, -moved_mean * scale, [change * scale for change in changes]


def _variance(tensor: Tensor, axis: int, keepdim: bool) -> Tensor:
    return tensor.var(axis, correction=0, keepdim=keepdim)
