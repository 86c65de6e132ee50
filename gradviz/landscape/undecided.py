"""Exact piecewise linearity: of a ReLU layer, evaluates only the units that can change sign on the grid.

If the rows do not depend on each other, the pre-activation of unit n for row b is z_bn + Σ_i δ_ib p_in, with δ_i the
change of the i-th moved unit below and p_i its outgoing weights. Its range over the grid is known in advance, so a unit
is *open* on the whole grid, *closed* on the whole grid, or *undecided*. Open units add a constant and a slope per δ_i
to the next layer's input, once for all grid points; closed ones add nothing; the undecided few add the same three
numbers wherever their gate is open. So everything beyond the first matrix products is

    [constant, slopes](b, y, x) = [constant, slopes](b) + Σ_{n undecided} gate_n(b, y, x) [z_bn, p_1n, p_2n] w_n
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gradviz.landscape.dual import Dual
from gradviz.landscape.network import Layer, Norm

# Shape suffixes: Y/X = grid rows/columns (or 1), B = examples, N = units of the ReLU layer, S = undecided units of a
# row (padded to the most of any row), P = grid points, M = units of the layer after it, C = 1 + number of changes.

_MARGIN = 1 + 1e-5
"""A unit whose range ends within round-off of zero counts as undecided."""


class Change(NamedTuple):
    """The output of unit `unit` of the layer below exceeds the checkpoint's by `delta` (Y, X, B, 1)."""

    unit: int
    delta: Dual
    open: Tensor
    """(Y, X): whether the unit is active on any row, before any mask."""
    kept: Tensor
    """(Y, X): whether the mask keeps it on any row on which it is active; same as `open` without a mask."""
    gate: Tensor
    """(Y, X, B, 1): what the unit's ReLU takes."""


def through_relu(layer: Layer, after: Layer, z_BN: Tensor, gain_BN: Tensor | None, changes: Sequence[Change]) -> Dual:
    """Pre-activations (Y, X, B, M) of `after`, when `layer` reads the checkpoint's inputs and `changes`.

    `z_BN` are the unchanged pre-activations of `layer`, a ReLU layer whose norm, if any, has running statistics.
    """
    weights_NM, constant = folded(layer, after, gain_BN)
    z_BN, slopes = gates_of(layer, z_BN, changes)
    middle_BN, radius_BN = _ranges(z_BN, slopes, changes)
    open_BN = (middle_BN > radius_BN).to(z_BN.dtype)
    undecided_BN = middle_BN.abs() <= radius_BN
    if gain_BN is not None:
        open_BN = open_BN * gain_BN

    coefficients = [torch.addmm(constant, open_BN * z_BN, weights_NM)]
    coefficients += [open_BN @ (slope_N[:, None] * weights_NM) for slope_N in slopes]
    always_B1CM = torch.stack(coefficients, dim=1)[:, None]

    num_undecided = int(undecided_BN.sum(1).max())
    shape_YX = torch.broadcast_shapes(*(change.delta.value.shape[:2] for change in changes))
    if num_undecided:
        found = undecided_BN.to(z_BN.dtype).topk(num_undecided, dim=1)
        where_BS, flag_BS = found.indices, found.values
        if gain_BN is not None:
            flag_BS = flag_BS * gain_BN.gather(1, where_BS)
        terms_BS = [z_BN.gather(1, where_BS), *(slope_N[where_BS] for slope_N in slopes)]
        *others_BYXS, last_BYXS = (
            change.delta.value.permute(2, 0, 1, 3) * term_BS[:, None, None]
            for change, term_BS in zip(changes, terms_BS[1:], strict=True)
        )
        # z + δ_1 p_1 + δ_2 p_2 > 0, as a comparison of its two parts, without forming the sum over grid points × units.
        gate_BYXS = z_BN.new_empty((len(z_BN), *shape_YX, num_undecided))
        torch.gt(last_BYXS, -sum(others_BYXS, start=terms_BS[0][:, None, None]), out=gate_BYXS)
        gate_BPS = gate_BYXS.flatten(1, 2)
        weights_BSCM = torch.stack(terms_BS, dim=2)[..., None] * (weights_NM[where_BS] * flag_BS[..., None])[:, :, None]
        sums_BPC_M = torch.bmm(gate_BPS, weights_BSCM.flatten(2))
        sums_BPCM = sums_BPC_M.view(*sums_BPC_M.shape[:2], *weights_BSCM.shape[2:]) + always_B1CM
    else:
        sums_BPCM = always_B1CM.expand(-1, shape_YX.numel(), -1, -1)

    sums_CYXBM = sums_BPCM.unflatten(1, shape_YX).permute(3, 1, 2, 0, 4)
    total = Dual(sums_CYXBM[0])
    for change, slope_YXBM in zip(changes, sums_CYXBM[1:], strict=True):
        total = total + change.delta.map(lambda t, slope=slope_YXBM: t * slope)
    return total


def undecided(layer: Layer, z_BN: Tensor, changes: Sequence[Change]) -> tuple[Tensor, Tensor, Tensor]:
    """Rows (S,) and units (S,) of the gates of `layer` that may switch on the grid, and what these take, (Y, X, S)."""
    z_BN, slopes = gates_of(layer, z_BN, changes)
    middle_BN, radius_BN = _ranges(z_BN, slopes, changes)
    rows_S, units_S = torch.nonzero(middle_BN.abs() <= radius_BN, as_tuple=True)
    gates_YXS = z_BN[rows_S, units_S]
    for change, slope_N in zip(changes, slopes, strict=True):
        gates_YXS = gates_YXS + change.delta.value[..., rows_S, 0] * slope_N[units_S]
    return rows_S, units_S, gates_YXS


def folded(layer: Layer, after: Layer, gain_BN: Tensor | None) -> tuple[Tensor, Tensor]:
    """Weights (N, M) and constant of `after`, with a norm behind the ReLU of `layer` in them."""
    weights_NM, constant = after.weight_NM.T, after.bias_N
    if layer.norm is None or not layer.norm.after:
        return weights_NM, constant
    scale_N, shift_N = _scale_and_shift(layer.norm)
    constant = constant + (shift_N if gain_BN is None else gain_BN * shift_N) @ weights_NM
    return scale_N[:, None] * weights_NM, constant


def _scale_and_shift(norm: Norm) -> tuple[Tensor, Tensor]:
    """(N,) each: what a norm with running statistics multiplies by and adds."""
    scale_N = norm.weight_N * torch.rsqrt(norm.var_N + norm.eps)
    return scale_N, norm.bias_N - norm.mean_N * scale_N


def gates_of(layer: Layer, z_BN: Tensor, changes: Sequence[Change]) -> tuple[Tensor, list[Tensor]]:
    """What the gates take at the checkpoint, (B, N), and by how much of each change it changes, (N,) each."""
    slopes = [layer.weight_NM[:, change.unit] for change in changes]
    if layer.norm is None or layer.norm.after:
        return z_BN, slopes
    scale_N, shift_N = _scale_and_shift(layer.norm)
    return scale_N * z_BN + shift_N, [scale_N * slope for slope in slopes]


def _ranges(z_BN: Tensor, slopes: Sequence[Tensor], changes: Sequence[Change]) -> tuple[Tensor, Tensor]:
    """Middle and radius, (B, N) each, of what the gates take on the grid."""
    middle_BN, radius_BN = z_BN, torch.zeros_like(z_BN)
    for change, slope_N in zip(changes, slopes, strict=True):
        low_B1, high_B1 = torch.aminmax(change.delta.value.flatten(0, 1), dim=0)
        middle_BN = torch.addcmul(middle_BN, (high_B1 + low_B1) / 2, slope_N)
        radius_BN = torch.addcmul(radius_BN, (high_B1 - low_B1) / 2, slope_N.abs())
    return middle_BN, radius_BN * _MARGIN
