"""Finds components that may be zero: a cheap bound that flags them, the structure that proves it, and the reasons.

A component is a sum over rows and paths of products of weights. In floating point such a sum is known to about ε times
the root of the sum of its squared terms (rounding errors of either sign: Higham, Accuracy and Stability of Numerical
Algorithms, 2nd ed. 2002, section 2.8). If rows are independent, their terms are at hand, and cancellation happens only
between them. Batch statistics also cancel within each row, so the bound adds the part that they subtract as the
minibatch mean, with all gates open, at the checkpoint and at two corners of the grid. The bound
compounds from norm to norm and is then far above the true error, so float64 decides what it flags (`resolving`).
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gradviz.landscape.clean import CleanPass
from gradviz.landscape.evaluate import Component
from gradviz.landscape.field import ZeroReason
from gradviz.landscape.network import Layer, Network, Norm
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.request import LandscapeSpec

# Shape suffixes: Y/X = grid rows/columns, B = examples of a minibatch, N = units of a layer.

SAFETY = 512
"""The largest observed error of a component whose true value is 0 was 31 bounds; flagging too much only costs time."""
CANCELLED = 64
"""A mean over rows below this many ε of the mean magnitude of its terms may be the rounding error of a zero."""


def cancelled(component: Component) -> Tensor:
    """(Y, X): whether the rows have terms that cancel to within rounding."""
    eps = torch.finfo(component.reach.dtype).eps
    return (component.gradient.abs() <= CANCELLED * eps * component.reach) & (component.reach > 0)


def round_off_on_grid(clean: CleanPass, spec: LandscapeSpec) -> tuple[float, float]:
    """`round_off` of both parameters, the largest of the checkpoint's and that of two corners of the grid; 0 where
    rows are independent."""
    if not clean.batch_statistics:
        return 0.0, 0.0
    start = min(layer_of(clean.network, ref) for ref in spec.refs)
    units = {ref.unit for ref in spec.refs if layer_of(clean.network, ref) == start}
    corners = [
        clean.moved(_moved(clean.network, spec.refs, (step, step)), start, units)
        for step in (-spec.half_width, spec.half_width)
    ]
    x, y = (max(round_off(each, ref) for each in (clean, *corners)) for ref in spec.refs)
    return x, y


def round_off(clean: CleanPass, ref: ParameterRef) -> float:
    """The size, in units of the loss per unit of the parameter, below which a component of the gradient may be
    rounding, with every gate open."""
    network = clean.network
    k = layer_of(network, ref)
    unit = slice(ref.unit, ref.unit + 1)
    squares = torch.ones((len(clean), 1), dtype=network.dtype, device=network.device)
    if ref.kind == "weight":
        squares = clean.inputs(k)[:, ref.index[1], None].square()
    squares = _through_block(clean, k, squares, unit, ref.kind)
    while k < network.output:
        k += 1
        squares = squares @ network.layers[k].weight_NM[:, unit].square().T
        unit = slice(None)
        squares = _through_block(clean, k, squares, unit, "weight")
    total = network.output_scale * squares.sum().sqrt().item() / len(clean)
    return SAFETY * torch.finfo(network.dtype).eps * total


def _through_block(clean: CleanPass, k: int, squares_BN: Tensor, unit: slice, kind: str) -> Tensor:
    """Squared terms of the derivative of the block's outputs, given those of its pre-activations (or of γ, β)."""
    norm = clean.network.layers[k].norm
    if norm is not None:
        scaled_BN, normalized_BN, inverse_N = normalized(norm, clean.pre(k)[:, unit], clean.batch_statistics, unit)
        if kind == "gamma":
            squares_BN = normalized_BN.square()
        elif kind != "beta":
            if clean.batch_statistics:
                squares_BN = taken_out(squares_BN, normalized_BN, scaled_BN)
            squares_BN = squares_BN * (norm.weight_N[unit] * inverse_N).square()
    if clean.gains is not None and k < clean.network.output:
        squares_BN = clean.network.regularizer.squares_acted(squares_BN)
    return squares_BN


def taken_out(squares: Tensor, normalized: Tensor, scaled: Tensor) -> Tensor:
    """Squared terms (…, B, N) behind the subtractions of dẑ = dz - mean dz - ẑ mean(ẑ dz), whose ẑ are themselves
    known to ε times the pre-activations over σ, `scaled`: those of a unit that is far from its mean lose digits."""
    mean, rows = squares.mean(-2, keepdim=True), normalized.square()
    lost = scaled.square().mean(-2, keepdim=True)
    return squares + mean + rows * (rows * squares).mean(-2, keepdim=True) + (1 + rows) * lost * mean


def normalized(
    norm: Norm, z: Tensor, batch_statistics: bool, unit: slice = slice(None)
) -> tuple[Tensor, Tensor, Tensor]:
    """The norm's input over its σ (…, B, N), the same minus its mean, and 1/σ."""
    z = z.relu() if norm.after else z
    mean, var = norm.mean_N[unit], norm.var_N[unit]
    if batch_statistics:
        mean, var = z.mean(-2, keepdim=True), z.var(-2, correction=0, keepdim=True)
    inverse = torch.rsqrt(var + norm.eps)
    return z * inverse, (z - mean) * inverse, inverse


def layer_of(network: Network, ref: ParameterRef) -> int:
    return network.output if ref.layer is None else ref.layer


def _moved(network: Network, refs: Sequence[ParameterRef], steps: Sequence[float]) -> Network:
    """The network with these parameters moved by these steps; shares all other tensors."""
    layers = list(network.layers)
    for ref, step in zip(refs, steps, strict=True):
        k = layer_of(network, ref)
        layers[k] = _with_step(layers[k], ref, step)
    return replace(network, layers=tuple(layers))


def _with_step(layer: Layer, ref: ParameterRef, step: float) -> Layer:
    owner = layer if ref.kind in ("weight", "bias") else layer.norm
    name = {"weight": "weight_NM", "bias": "bias_N", "gamma": "weight_N", "beta": "bias_N"}[ref.kind]
    tensor = getattr(owner, name).clone()
    tensor[ref.index] += step
    if owner is layer:
        return replace(layer, **{name: tensor})
    assert layer.norm is not None
    return replace(layer, norm=replace(layer.norm, **{name: tensor}))


def is_cancelled_by_norm(clean: CleanPass, ref: ParameterRef, other: ParameterRef | None = None) -> bool:
    """True if batch statistics cancel this parameter: it shifts a pre-activation by the same amount on all rows,
    for every value of `other`, the second parameter of the plane."""
    if ref.layer is None or not clean.batch_statistics or ref.kind not in ("bias", "weight"):
        return False
    norm = clean.network.layers[ref.layer].norm
    if norm is None or norm.after:
        return False
    if ref.kind == "bias":
        return True
    if other is not None and layer_of(clean.network, other) < ref.layer:
        return False
    column_B = clean.inputs(ref.layer)[:, ref.index[1]]
    return bool(column_B[0] != 0) and bool((column_B == column_B[0]).all())


def fixes_mean(clean: CleanPass, ref: ParameterRef) -> bool:
    """True if the last norm, after its ReLU, fixes the minibatch mean of the prediction for every value of this
    parameter: its gradient is exactly zero where all residuals share a sign."""
    last = clean.network.output - 1
    if ref.layer is None or not clean.batch_statistics or clean.gains is not None:
        return False
    norm = clean.network.layers[last].norm
    return norm is not None and norm.after and not (ref.layer == last and ref.kind == "beta")


def reasons(clean: CleanPass, ref: ParameterRef, component: Component, shared_YX: Tensor, within_YX: Tensor) -> Tensor:
    """(Y, X) uint8: why this component is zero, if it is. `shared_YX`: all residuals share a sign; `within_YX`: the
    terms of the rows are zero themselves, up to round-off."""
    reason = torch.full_like(component.reach, ZeroReason.TERMS_CANCEL, dtype=torch.uint8)
    if fixes_mean(clean, ref):
        reason[shared_YX] = ZeroReason.SHARED_SIGN
    if clean.batch_statistics:
        reason[within_YX] = ZeroReason.BATCH_STATISTICS
    taken_out = is_cancelled_by_norm(clean, ref)
    reason[component.reach == 0] = ZeroReason.BATCH_STATISTICS if taken_out else ZeroReason.NOT_REACHED
    reason[component.open & ~component.kept] = ZeroReason.DROPPED
    reason[~component.open] = ZeroReason.DEAD_UNIT
    return reason
