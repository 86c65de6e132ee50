"""A ReLU layer where each row is at one point near the checkpoint: few of its gates differ from the checkpoint's.

With the gates of the checkpoint, the next layer's input is [constant, slopes](b) for all points, as in `undecided`; a
point corrects it by the gates that are flipped there:

    [constant, slopes](b) = [constant, slopes](b; checkpoint) + Σ_{n flipped} ± [z_bn, p_1n, p_2n] w_n
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gradviz.landscape.dual import Dual
from gradviz.landscape.network import Layer
from gradviz.landscape.undecided import Change, folded, gates_of

# Shape suffixes: B = examples, N = units of the ReLU layer, M = units of the layer after it, C = 1 + number of changes,
# F = flipped gates of all rows, f = a part of these.

_FEW = 1 / 64
"""Of all gates: where more are flipped, products of whole matrices are quicker."""

_ENTRIES_AT_ONCE = 2**22
"""Of corrections, F · C · M: 16 MB in float32."""


class AtCheckpoint(NamedTuple):
    """A ReLU layer at the checkpoint, and the one after it."""

    z_BN: Tensor
    slopes_CN: Tensor
    """Of z, which is 1 · z, and of the changes: the first row is not used."""
    open_BN: Tensor
    weights_NM: Tensor
    sums_BCM: Tensor

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in self)


def at_checkpoint(
    layer: Layer, after: Layer, z_BN: Tensor, gain_BN: Tensor | None, changes: Sequence[Change]
) -> AtCheckpoint:
    """What is the same for all points: depends on which units the `changes` are of, and not on their sizes."""
    weights_NM, constant = folded(layer, after, gain_BN)
    z_BN, slopes = gates_of(layer, z_BN, changes)
    is_open_BN = z_BN > 0
    open_BN = is_open_BN.to(z_BN.dtype) if gain_BN is None else is_open_BN * gain_BN
    sums = [torch.addmm(constant, open_BN * z_BN, weights_NM)]
    sums += [open_BN @ (slope_N[:, None] * weights_NM) for slope_N in slopes]
    slopes_CN = torch.stack([torch.ones_like(slopes[0]), *slopes])
    return AtCheckpoint(z_BN, slopes_CN, is_open_BN, weights_NM.contiguous(), torch.stack(sums, dim=1))


def through_relu_near(known: AtCheckpoint, gain_BN: Tensor | None, changes: Sequence[Change]) -> Dual | None:
    """Pre-activations (1, 1, B, M) of the layer after it, as `through_relu`; None where too many gates are flipped.

    Each change has one value for each row, (1, 1, B, 1).
    """
    moved_BN = known.z_BN
    for change, slope_N in zip(changes, known.slopes_CN[1:], strict=True):
        moved_BN = torch.addcmul(moved_BN, change.delta.value[0, 0], slope_N)
    flipped_BN = (moved_BN > 0) != known.open_BN
    rows_F, units_F = torch.nonzero(flipped_BN, as_tuple=True)
    if len(rows_F) > _FEW * flipped_BN.numel():
        return None
    sign_F = 1 - 2 * known.open_BN[rows_F, units_F].to(moved_BN.dtype)
    if gain_BN is not None:
        sign_F = sign_F * gain_BN[rows_F, units_F]
    terms_CF = known.slopes_CN[:, units_F] * sign_F
    terms_CF[0] *= known.z_BN[rows_F, units_F]
    sums_BCM = known.sums_BCM.clone()
    each = max(1, _ENTRIES_AT_ONCE // sums_BCM[0].numel())
    for rows_f, units_f, terms_Cf in zip(rows_F.split(each), units_F.split(each), terms_CF.split(each, 1), strict=True):
        corrections_fCM = terms_Cf.T[:, :, None] * known.weights_NM[units_f][:, None]
        sums_BCM.index_add_(0, rows_f, corrections_fCM)
    sums_CBM = sums_BCM.transpose(0, 1)
    total = Dual(sums_CBM[0])
    for change, slope_BM in zip(changes, sums_CBM[1:], strict=True):
        total = total + change.delta.map(lambda t, slope=slope_BM: t * slope)
    return total
