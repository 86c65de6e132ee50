"""From predictions on the grid to the gradient of the minibatch loss, and what tells a zero from round-off."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.landscape.clean import CleanPass
from gradviz.landscape.engine import Tile, outputs_on_grid
from gradviz.landscape.field import ZeroReason
from gradviz.landscape.request import LandscapeSpec
from gradviz.landscape.zero import reason_of_component, round_off

# Shape suffixes: Y/X = grid rows/columns, B = examples of a minibatch.


@dataclass(frozen=True)
class Evaluation:
    """u, v and loss (Y, X) under one set of masks, the scales below which u and v are round-off, and why zeros are."""

    u: Tensor
    v: Tensor
    loss: Tensor
    thresholds: tuple[float, float]
    reason: Tensor


def evaluate(clean: CleanPass, targets_B: Tensor, spec: LandscapeSpec) -> Evaluation:
    """∂J/∂x, ∂J/∂y and J = mean_b |o_b - y_b| over the grid: each residual's sign times the derivative of its o_b."""
    shape = (spec.points, spec.points)
    thresholds = round_off(clean, spec.refs[0]), round_off(clean, spec.refs[1])
    u, v, loss = (torch.empty(shape, dtype=targets_B.dtype, device=targets_B.device) for _ in range(3))
    reason = torch.zeros(shape, dtype=torch.uint8, device=targets_B.device)
    for tile in outputs_on_grid(clean, spec):
        at = tile.rows, tile.columns
        residual_YXB = tile.outputs.value - targets_B
        sign_YXB = residual_YXB.sign()
        loss[at] = residual_YXB.abs().mean(-1)
        terms = [0 * sign_YXB if d is None else sign_YXB * d for d in (tile.outputs.dx, tile.outputs.dy)]
        u[at], v[at] = (term.mean(-1) for term in terms)
        zero_YX = (u[at].abs() <= thresholds[0]) & (v[at].abs() <= thresholds[1])
        if zero_YX.any():
            reason[at] = torch.where(zero_YX, _reasons(clean, spec, tile, terms, sign_YXB, thresholds), ZeroReason.NONE)
    return Evaluation(u, v, loss, thresholds, reason)


def _reasons(
    clean: CleanPass, spec: LandscapeSpec, tile: Tile, terms: list[Tensor], sign_YXB: Tensor, thresholds
) -> Tensor:
    """The reasons of the two components, the more telling one (the smaller code) where they differ."""
    shared_YX = (sign_YXB == sign_YXB[..., :1]).all(-1)
    by_component = [
        reason_of_component(clean, ref, open_YX, term.abs().mean(-1), shared_YX, threshold)
        for ref, open_YX, term, threshold in zip(spec.refs, (tile.open_x, tile.open_y), terms, thresholds, strict=True)
    ]
    return torch.minimum(*by_component)
