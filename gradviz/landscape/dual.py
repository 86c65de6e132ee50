"""Forward-mode differentiation with respect to the two parameters, on a whole grid of their values at once.

A `Dual` is a value with its derivatives by x and y. All three broadcast: a quantity that does not depend on y yet has
size 1 along Y, and a zero derivative is None, so that no value is computed 441 times before it differs 441 times.
(Dual numbers: Griewank & Walther, Evaluating Derivatives, 2nd ed. 2008, ch. 3.)
"""

# Shape suffixes: Y/X = grid rows/columns (or 1), B = examples of a minibatch, N = units of a layer. Here all are YXBN.

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gradviz.landscape.network import Layer, Norm


class Dual(NamedTuple):
    value: Tensor
    dx: Tensor | None = None
    dy: Tensor | None = None

    def map(self, function: Callable[[Tensor], Tensor]) -> "Dual":
        """Applies a linear `function` to the value and both derivatives."""
        return Dual(function(self.value), *(None if d is None else function(d) for d in (self.dx, self.dy)))

    def unit(self, index: int) -> "Dual":
        """One column of the last axis, kept as an axis of size 1."""
        return self.map(lambda t: t[..., index : index + 1])

    def __add__(self, other: "Dual") -> "Dual":  # type: ignore[override]  (tuples concatenate, numbers add)
        return Dual(self.value + other.value, _sum(self.dx, other.dx), _sum(self.dy, other.dy))

    def __sub__(self, other: "Dual") -> "Dual":
        return self + other.map(torch.neg)

    def __mul__(self, other: "Dual") -> "Dual":  # type: ignore[override]
        return Dual(
            self.value * other.value,
            _sum(_product(self.dx, other.value), _product(other.dx, self.value)),
            _sum(_product(self.dy, other.value), _product(other.dy, self.value)),
        )


def _sum(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    return b if a is None else a if b is None else a + b


def _product(a: Tensor | None, b: Tensor) -> Tensor | None:
    return None if a is None else a * b


def relu(z: Dual) -> Dual:
    """max(z, 0), with derivative 0 at 0 as in torch."""
    value = torch.relu(z.value)
    if z.dx is None and z.dy is None:
        return Dual(value)
    gate = (value > 0).to(value.dtype)
    return Dual(value, _product(z.dx, gate), _product(z.dy, gate))


def batch_norm(z: Dual, weight: Dual, bias: Dual, norm: Norm, *, batch_statistics: bool) -> Dual:
    """Batch normalization over the examples (dim -2), with `weight` (γ) and `bias` (β) that may move too.

    With statistics of the minibatch, dẑ = (dz - mean dz - ẑ mean(ẑ dz)) / σ (Ioffe & Szegedy 2015, section 3, as a
    forward derivative): a shift common to all examples gives exactly zero, even in floating point.
    """
    if not batch_statistics:
        inverse = torch.rsqrt(norm.var_N + norm.eps)
        return Dual((z.value - norm.mean_N) * inverse, *(_product(d, inverse) for d in z[1:])) * weight + bias
    centred = z.value - z.value.mean(-2, keepdim=True)
    inverse = torch.rsqrt(centred.square().mean(-2, keepdim=True) + norm.eps)
    normalized = centred * inverse

    def tangent(dz: Tensor | None) -> Tensor | None:
        if dz is None:
            return None
        dz = dz - dz.mean(-2, keepdim=True)
        return (dz - normalized * (normalized * dz).mean(-2, keepdim=True)) * inverse

    return Dual(normalized, *map(tangent, z[1:])) * weight + bias


def gate_input(
    layer: Layer,
    z: Dual,
    *,
    batch_statistics: bool,
    gamma: Dual | None = None,
    beta: Dual | None = None,
) -> Dual:
    """What the ReLU of `layer` takes, for its pre-activations: these themselves, or normalized where the norm comes
    first."""
    norm = layer.norm
    if norm is None or norm.after:
        return z
    return batch_norm(
        z, gamma or Dual(norm.weight_N), beta or Dual(norm.bias_N), norm, batch_statistics=batch_statistics
    )


def activate(
    layer: Layer,
    z: Dual,
    gain: Tensor | None,
    *,
    batch_statistics: bool,
    gamma: Dual | None = None,
    beta: Dual | None = None,
) -> Dual:
    """The outputs of `layer` for its pre-activations: norm, ReLU and dropout in their order.

    `gain` is the dropout mask divided by its keep-probability; `gamma` and `beta` replace the norm's own if they move.
    """
    norm = layer.norm
    if not layer.relu:
        return z
    out = relu(gate_input(layer, z, batch_statistics=batch_statistics, gamma=gamma, beta=beta))
    if norm is not None and norm.after:
        gamma, beta = gamma or Dual(norm.weight_N), beta or Dual(norm.bias_N)
        out = batch_norm(out, gamma, beta, norm, batch_statistics=batch_statistics)
    return out if gain is None else out * Dual(gain)


def linear(layer: Layer, h: Dual) -> Dual:
    """Pre-activations of `layer`: the derivatives pass through the same matrix."""
    value = nn.functional.linear(h.value, layer.weight_NM, layer.bias_N)
    return Dual(value, *(None if d is None else d @ layer.weight_NM.T for d in h[1:]))
