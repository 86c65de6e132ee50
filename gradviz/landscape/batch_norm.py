"""Exact batch statistics without the grid, for a layer with batch normalization before its ReLU, below the output.

The pre-activation of unit n for row b is z_bn + Σ_i δ_ib p_in, as in `undecided`. Its minibatch mean and variance are
linear and quadratic functions of the changes, so they follow from a few covariances over the rows, without an array of
grid points × rows × units. Differentiating the normalization (Ioffe & Szegedy 2015, section 3) leaves,
for each grid point, sums over units of gate × weight and of activation × weight, two small matrix products:

    ∂o_b = Σ_i ∂δ̃_ib Σ_n gate_bn w_n γ_n p_in / σ_n  -  Σ_n (h_bn - β_n gate_bn) w_n κ_n / σ_n

with h the activations, δ̃ = δ minus its mean, σ² the variance, and κ_n the mean over rows of ẑ_bn Σ_i ∂δ̃_ib p_in.
"""

from collections.abc import Sequence
from itertools import product

import torch
from torch import Tensor

from gradviz.landscape.dual import Dual
from gradviz.landscape.network import Layer
from gradviz.landscape.undecided import Change

# Shape suffixes: Y/X = grid rows/columns (or 1), B = examples, N = units of the layer. Changes are YXB.


def through_batch_norm(layer: Layer, output: Layer, z_BN: Tensor, changes: Sequence[Change]) -> Dual:
    """Values (Y, X, B, 1) of the output layer, when `layer` reads the checkpoint's inputs and `changes`.

    `z_BN` are the unchanged pre-activations of `layer`, which is normalized with the statistics of the minibatch.
    Computes the statistics in float64, because a variance that shrinks on the grid is a difference of larger numbers.
    """
    norm = layer.norm
    assert norm is not None
    assert not norm.after
    dtype = z_BN.dtype
    slopes = [layer.weight_NM[:, change.unit].double() for change in changes]
    deltas = [_centred(change.delta.value) for change in changes]
    z_BN = z_BN.double()
    z_BN = z_BN - z_BN.mean(0)

    def covariance_with_z(t_YXB: Tensor) -> Tensor:  # mean_b z̃_b t_b, (Y, X, N), t centred
        at_centre_YXN = t_YXB @ z_BN / len(z_BN)
        return at_centre_YXN + sum(
            (delta * t_YXB).mean(-1, keepdim=True) * slope for delta, slope in zip(deltas, slopes, strict=True)
        )

    variance_YXN = z_BN.square().mean(0)
    for delta, slope in zip(deltas, slopes, strict=True):
        variance_YXN = variance_YXN + 2 * slope * (delta @ z_BN / len(z_BN))
    for (left, p), (right, q) in product(zip(deltas, slopes, strict=True), repeat=2):
        variance_YXN = variance_YXN + (left * right).mean(-1, keepdim=True) * (p * q)
    inverse_YXN = torch.rsqrt(variance_YXN + norm.eps)
    weight_N = output.weight_NM[0].double()
    gamma_N, beta_N = norm.weight_N.double(), norm.bias_N.double()

    shifted = [z_BN.to(dtype)] + [
        delta.to(dtype)[..., None] * slope.to(dtype) for delta, slope in zip(deltas, slopes, strict=True)
    ]
    h_YXBN = sum(shifted[1:-1], start=shifted[0]) + shifted[-1]
    # The one array of grid points × rows × units: activations, then in its place the gates.
    h_YXBN.mul_((gamma_N * inverse_YXN).to(dtype)[:, :, None]).add_(norm.bias_N).relu_()

    directions = [[getattr(change.delta, name) for change in changes] for name in ("dx", "dy")]
    tangents = [[None if d is None else _centred(d) for d in direction] for direction in directions]
    by_h, by_gate = [weight_N.expand_as(inverse_YXN)], [weight_N * gamma_N * inverse_YXN * slope for slope in slopes]
    for direction in tangents:
        covariance_YXN = sum(
            (slope * covariance_with_z(t) for t, slope in zip(direction, slopes, strict=True) if t is not None),
            start=torch.zeros_like(inverse_YXN),
        )
        by_h.append(weight_N * covariance_YXN * inverse_YXN.square())
        by_gate.append(beta_N * by_h[-1])
    from_h = torch.stack(by_h, dim=2).to(dtype) @ h_YXBN.mT
    gate_YXBN = torch.gt(h_YXBN, 0, out=h_YXBN)
    from_gate = torch.stack(by_gate, dim=2).to(dtype) @ gate_YXBN.mT

    derivatives = []
    for number, direction in enumerate(tangents):
        total = from_gate[:, :, len(changes) + number] - from_h[:, :, 1 + number]
        for at, t in enumerate(direction):
            if t is not None:
                total = total + t.to(dtype) * from_gate[:, :, at]
        derivatives.append(total[..., None])
    return Dual(from_h[:, :, 0, :, None] + output.bias_N, *derivatives)


def _centred(t_YXB1: Tensor) -> Tensor:
    t_YXB = t_YXB1[..., 0].double()
    return t_YXB - t_YXB.mean(-1, keepdim=True)
