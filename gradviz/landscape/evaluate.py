"""Turns predictions on the grid into the gradient of the minibatch loss, with facts about each component."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.landscape.clean import CleanPass
from gradviz.landscape.engine import Tile, outputs_on_grid
from gradviz.landscape.request import LandscapeSpec
from gradviz.landscape.tiling import Part

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


@dataclass(frozen=True)
class Terms:
    """What each row of the minibatch contributes on a tile, before the mean over the rows: its residual with its sign,
    and the derivatives of its loss |o_b - y_b| by both parameters, (Y, X, B) or broadcastable."""

    tile: Tile
    residual_YXB: Tensor
    sign_YXB: Tensor
    derivatives_YXB: tuple[Tensor, Tensor]


def terms_on_grid(clean: CleanPass, targets_B: Tensor, spec: LandscapeSpec, part: Part) -> Iterator[Terms]:
    """The rows' terms in tiles of bounded size: each residual's sign times the derivative of its o_b.

    With batch statistics o_b depends on all rows, and its derivative is the one while all of them move.
    """
    for tile in outputs_on_grid(clean, spec, part):
        residual_YXB = tile.outputs.value - targets_B
        sign_YXB = residual_YXB.sign()
        by_x, by_y = (0 * sign_YXB if d is None else sign_YXB * d for d in (tile.outputs.dx, tile.outputs.dy))
        yield Terms(tile, residual_YXB, sign_YXB, (by_x, by_y))


def evaluate(clean: CleanPass, targets_B: Tensor, spec: LandscapeSpec, part: Part | None = None) -> Evaluation:
    """∂J/∂x, ∂J/∂y and J = mean_b |o_b - y_b| over the grid or a `part` of it: the mean of the rows' terms."""
    part = part or Part.whole(spec)
    shape, device = (len(part.rows), len(part.columns)), targets_B.device

    def empty(dtype: torch.dtype) -> Tensor:
        return torch.empty(shape, dtype=dtype, device=device)

    def component() -> Component:
        own = targets_B.dtype
        return Component(empty(own), empty(own), empty(torch.bool), empty(torch.bool))

    found = Evaluation(component(), component(), empty(targets_B.dtype), empty(torch.float64), empty(torch.bool))
    for terms in terms_on_grid(clean, targets_B, spec, part):
        tile, residual_YXB, sign_YXB = terms.tile, terms.residual_YXB, terms.sign_YXB
        at = tile.rows, tile.columns
        found.loss[at] = residual_YXB.abs().mean(-1)
        found.below[at] = (residual_YXB < 0).sum(-1).double() / len(targets_B)
        found.shared[at] = (sign_YXB == sign_YXB[..., :1]).all(-1)
        both = zip(found.components, terms.derivatives_YXB, (tile.gates_x, tile.gates_y), strict=True)
        for own, terms_YXB, gates in both:
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
