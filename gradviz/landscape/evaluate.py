"""Turns predictions on the grid into the gradient of the minibatch loss, with facts about each component."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.landscape.clean import CleanPass
from gradviz.landscape.engine import Part, outputs_on_grid
from gradviz.landscape.request import LandscapeSpec

# Shape suffixes: Y/X = grid rows/columns (of the evaluated part), B = examples of a minibatch.


@dataclass(frozen=True)
class Component:
    """∂J by one of the two parameters, (Y, X) each, and facts that distinguish zero from round-off.

    `reach` is the mean magnitude of the rows' terms; `open`: whether its unit is active on any row; `kept`: whether the
    mask keeps it on one of those.
    """

    gradient: Tensor
    reach: Tensor
    open: Tensor
    kept: Tensor


@dataclass(frozen=True)
class Evaluation:
    """Both components and the loss; `below`: the share of rows predicted below their target at each point (float64);
    `shared`: all residuals share a sign there."""

    x: Component
    y: Component
    loss: Tensor
    below: Tensor
    shared: Tensor

    @property
    def components(self) -> tuple[Component, Component]:
        return self.x, self.y


def evaluate(clean: CleanPass, targets_B: Tensor, spec: LandscapeSpec, part: Part | None = None) -> Evaluation:
    """∂J/∂x, ∂J/∂y and J = mean_b |o_b - y_b| over the grid or a `part` of it: each residual's sign times the
    derivative of its o_b."""
    part = part or Part.whole(spec)
    shape, device = (len(part.rows), len(part.columns)), targets_B.device

    def empty(dtype: torch.dtype) -> Tensor:
        return torch.empty(shape, dtype=dtype, device=device)

    def component() -> Component:
        own = targets_B.dtype
        return Component(empty(own), empty(own), empty(torch.bool), empty(torch.bool))

    found = Evaluation(component(), component(), empty(targets_B.dtype), empty(torch.float64), empty(torch.bool))
    for tile in outputs_on_grid(clean, spec, part):
        at = tile.rows, tile.columns
        residual_YXB = tile.outputs.value - targets_B
        sign_YXB = residual_YXB.sign()
        found.loss[at] = residual_YXB.abs().mean(-1)
        found.below[at] = (residual_YXB < 0).sum(-1).double() / len(targets_B)
        found.shared[at] = (sign_YXB == sign_YXB[..., :1]).all(-1)
        derivatives = tile.outputs.dx, tile.outputs.dy
        for own, d_YXB, gates in zip(found.components, derivatives, (tile.gates_x, tile.gates_y), strict=True):
            terms_YXB = 0 * sign_YXB if d_YXB is None else sign_YXB * d_YXB
            own.gradient[at], own.reach[at] = terms_YXB.mean(-1), terms_YXB.abs().mean(-1)
            own.open[at], own.kept[at] = gates
    return found


def average(evaluations: Sequence[Evaluation]) -> Evaluation:
    """The mean gradients of several sets of masks; a unit is open if it is open with any of them."""
    if len(evaluations) == 1:
        return evaluations[0]

    def component(name: str) -> Component:
        each = [getattr(evaluation, name) for evaluation in evaluations]
        return Component(
            torch.stack([one.gradient for one in each]).mean(0),
            torch.stack([one.reach for one in each]).mean(0),
            torch.stack([one.open for one in each]).any(0),
            torch.stack([one.kept for one in each]).any(0),
        )

    loss, below = (torch.stack([getattr(one, name) for one in evaluations]).mean(0) for name in ("loss", "below"))
    shared = torch.stack([one.shared for one in evaluations]).all(0)
    return Evaluation(component("x"), component("y"), loss, below, shared)
