"""Which arrows are zero up to round-off, and why.

The rule. A gradient component is a sum over rows and paths of products of weights. In floating point such a sum is
known to about ε times the root of the sum of its squared terms (rounding errors of either sign: Higham, Accuracy and
Stability of Numerical Algorithms, 2nd ed. 2002, section 2.8), however small its true value is. `round_off` is `SAFETY`
times that scale, for this checkpoint, minibatch and parameter; an arrow with both components below it is marked as
zero. Batch normalization adds the terms that its subtraction of the minibatch mean cancels. All gates count as open, so
the scale does not depend on the grid point.
"""

import torch
from torch import Tensor

from gradviz.landscape.clean import CleanPass
from gradviz.landscape.field import ZeroReason
from gradviz.landscape.network import Norm
from gradviz.landscape.parameters import ParameterRef

# Shape suffixes: Y/X = grid rows/columns, B = examples of a minibatch, N = units of a layer.

SAFETY = 64


def round_off(clean: CleanPass, ref: ParameterRef) -> float:
    """The size, in units of the loss per unit of the parameter, below which a component of the gradient is rounding."""
    network = clean.network
    k = network.output if ref.layer is None else ref.layer
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
        normalized_BN, inverse_N = _normalized(clean, k, norm, unit)
        if kind == "gamma":
            squares_BN = normalized_BN.square()
        elif kind != "beta":
            if clean.batch_statistics:
                squares_BN = (
                    squares_BN
                    + squares_BN.mean(0)
                    + normalized_BN.square() * (normalized_BN.square() * squares_BN).mean(0)
                )
            squares_BN = squares_BN * (norm.weight_N[unit] * inverse_N).square()
    if clean.gains is not None and k < clean.network.output:
        squares_BN = squares_BN / (1 - clean.network.dropout)
    return squares_BN


def _normalized(clean: CleanPass, k: int, norm: Norm, unit: slice) -> tuple[Tensor, Tensor]:
    z_BN = clean.pre(k)[:, unit]
    if norm.after:
        z_BN = z_BN.relu()
    mean_N, var_N = norm.mean_N[unit], norm.var_N[unit]
    if clean.batch_statistics:
        mean_N, var_N = z_BN.mean(0), z_BN.var(0, correction=0)
    inverse_N = torch.rsqrt(var_N + norm.eps)
    return (z_BN - mean_N) * inverse_N, inverse_N


def is_cancelled_by_norm(clean: CleanPass, ref: ParameterRef) -> bool:
    """True if batch statistics take this parameter out: it shifts a pre-activation by the same amount on all rows."""
    if ref.layer is None or not clean.batch_statistics or ref.kind not in ("bias", "weight"):
        return False
    norm = clean.network.layers[ref.layer].norm
    if norm is None or norm.after:
        return False
    if ref.kind == "bias":
        return True
    column_B = clean.inputs(ref.layer)[:, ref.index[1]]
    return bool(column_B[0] != 0) and bool((column_B == column_B[0]).all())


def fixes_mean(clean: CleanPass, ref: ParameterRef) -> bool:
    """True if a norm after the ReLU, at or above the parameter's layer, holds the minibatch mean of the prediction."""
    norms = [layer.norm for layer in clean.network.layers[ref.layer or 0 :] if layer.norm is not None]
    return clean.batch_statistics and ref.layer is not None and any(norm.after for norm in norms)


def reason_of_component(
    clean: CleanPass, ref: ParameterRef, open_YX: Tensor, reach_YX: Tensor, shared_YX: Tensor, threshold: float
) -> Tensor:
    """(Y, X) uint8: why this component would be zero.

    `open_YX`: the unit is active on some row; `reach_YX`: mean of the magnitudes of the rows' terms; `shared_YX`: all
    residuals share a sign.
    """
    reason = torch.full_like(reach_YX, ZeroReason.TERMS_CANCEL, dtype=torch.uint8)
    if fixes_mean(clean, ref):
        reason[shared_YX] = ZeroReason.SHARED_SIGN
    reason[reach_YX <= threshold] = ZeroReason.NOT_REACHED
    reason[~open_YX.expand_as(reason)] = ZeroReason.DEAD_UNIT
    if is_cancelled_by_norm(clean, ref):
        reason.fill_(ZeroReason.BATCH_STATISTICS)
    return reason
