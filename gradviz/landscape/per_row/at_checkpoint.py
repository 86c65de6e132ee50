"""Each row's own arrow at the checkpoint: the derivatives of its loss by the two axes.

The minibatch's arrow is their mean. Where batch statistics couple the rows, a row's arrow is the derivative of its own
loss while all rows move the statistics, and the mean still holds.
"""

# Shape suffixes: B = rows of the minibatch, 3 = the loss and its derivatives by x and y.

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import NotHere
from gradviz.experiment.users_code import users_code
from gradviz.landscape.engine import outputs_on_grid
from gradviz.landscape.landscape import Minibatch
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.reference import mask_numbers
from gradviz.landscape.replay.axes import PlaneAxis, names_of
from gradviz.landscape.replay.loop import differentiable, mean_loss, row_losses
from gradviz.landscape.replay.problem import Plane, Problem, check_plane
from gradviz.landscape.replay.randomness import Seeded, Source
from gradviz.landscape.request import LandscapeSpec
from gradviz.landscape.rows import check_finite, check_size
from gradviz.landscape.scalar import Scalar
from gradviz.landscape.surroundings import undisturbed
from gradviz.landscape.tiling import Part

_TOLERANCE = 1e-9
"""Of the rows' mean magnitude, in float64: both sum the same terms in another order."""

_ROUND_OFF = 1e-12
"""Of the loss, per unit of the axis: where no row has more, all are zero, as by a bias before batch statistics."""


@dataclass(frozen=True, eq=False)
class RowsAtCheckpoint:
    """Of each row, (B,) each: its loss, the derivatives `u` and `v` of that by x and y (float64), and, where they are
    known, its prediction, its target and whether the unit of x, and that of y, is active on it."""

    loss_B: np.ndarray
    u_B: np.ndarray
    v_B: np.ndarray
    prediction_B: np.ndarray | None = None
    target_B: np.ndarray | None = None
    active_x_B: np.ndarray | None = None
    active_y_B: np.ndarray | None = None

    @property
    def shares_B(self) -> np.ndarray | None:
        """What each row adds to the minibatch's arrow along that: ⟨g_b, g⟩ / (B ⟨g, g⟩), which sum to 1; None where the
        rows cancel up to round-off."""
        each = np.stack([self.u_B, self.v_B], 1)
        mean = each.mean(0)
        squared = float(mean @ mean)
        if squared <= (1e-6 * np.abs(each).mean()) ** 2:  # of float32's sums of terms of both signs
            return None
        return each @ mean / (len(each) * squared)


def rows_by_engine(minibatch: Minibatch, spec: LandscapeSpec) -> RowsAtCheckpoint:
    """Of the built-in network, for about a forward pass; averaged masks give the mean over their sets.

    `UserError` for too few rows for batch statistics, or values that are not finite.
    """
    network = minibatch.network
    check_size(network, spec.mode, len(minibatch.inputs))
    middle = spec.points // 2
    point = Part([middle], [middle])
    own_sets = spec.mode == "train" and network.draws_masks and spec.masks != "fresh"
    numbers: Sequence[int | None] = mask_numbers(spec, 0) if own_sets else [None]
    sums_4B = torch.zeros((4, len(minibatch.targets)), dtype=torch.float64)
    with undisturbed(), torch.inference_mode():
        for number in numbers:
            [tile] = outputs_on_grid(minibatch.clean(spec, number), spec, point)
            outputs_B = tile.outputs.value[0, 0]
            residual_B = outputs_B - minibatch.targets
            slopes = (0 * outputs_B if d is None else residual_B.sign() * d[0, 0] for d in tile.outputs[1:])
            sums_4B += torch.stack([outputs_B, residual_B.abs(), *slopes]).double().cpu()
        check_finite(network, sums_4B)
        first = minibatch.clean(spec, numbers[0])
        active = [
            np.ones(len(minibatch.targets), bool)
            if ref.layer is None
            else first.active(ref.layer)[:, ref.unit].cpu().numpy()
            for ref in spec.refs
        ]
    prediction_B, loss_B, u_B, v_B = (sums_4B / len(numbers)).numpy()
    return RowsAtCheckpoint(loss_B, u_B, v_B, prediction_B, minibatch.targets.double().cpu().numpy(), *active)


def rows_by_replay(problem: Problem, plane: Plane) -> RowsAtCheckpoint | None:
    """Of any network in float64, for a forward and three backward passes, or a backward pass of each row where torch
    cannot differentiate twice. None where the loss returns one number for all rows.

    `UserError` for another number of losses than of rows, and for what is not finite.
    """
    check_plane(problem, plane)
    exact = problem.computed_in(torch.float64)
    numbers = exact.sets(plane.points**2 // 2)
    total_B3 = torch.zeros((exact.num_rows, 3), dtype=torch.float64)
    with undisturbed(problem.model), torch.enable_grad():
        for number in numbers:
            between_tiles()
            found_B3 = _under(exact, plane, number)
            if found_B3 is None:
                return None
            total_B3 += found_B3 / len(numbers)
    if not bool(total_B3.isfinite().all()):
        raise NotHere(
            "The loss of a row or its gradient is not finite at this checkpoint", "choose one from before it broke down"
        )
    loss_B, u_B, v_B = total_B3.T.numpy()
    least = _ROUND_OFF * np.abs(loss_B).mean()
    u_B, v_B = (np.zeros_like(each) if np.abs(each).max() <= least else each for each in (u_B, v_B))
    return RowsAtCheckpoint(loss_B, u_B, v_B)


def _under(problem: Problem, plane: Plane, number: int) -> Tensor | None:
    """(B, 3) under one set of random numbers."""
    model, source = differentiable(problem), Source(problem.own_seed, number)
    with users_code("loss"), Seeded(source, exact=True):
        losses_B = problem.loss(model.module, model.copied_batch())
        source.close()
        mean_loss(losses_B)
        if losses_B.ndim == 0 and problem.num_rows > 1:
            return None
        losses_B = row_losses(losses_B if losses_B.ndim else losses_B[None], problem.num_rows)
        axes = (plane.x, plane.y)
        moved = {name: model.tensors[name] for axis in axes for name in names_of(axis)}
        slopes_B2 = _twice(losses_B, axes, moved) if losses_B.requires_grad else losses_B.new_zeros((len(losses_B), 2))
        if slopes_B2 is None:
            slopes_B2 = torch.stack([_of_row(loss, axes, moved) for loss in losses_B])
    return torch.cat([losses_B.detach()[:, None], slopes_B2], 1).cpu()


def _twice(losses_B: Tensor, axes: Sequence[PlaneAxis], moved: Mapping[str, Tensor]) -> Tensor | None:
    """(B, 2): the slope of Σ w_b ℓ_b along an axis is linear in w, so its derivative by w_b is the slope of ℓ_b. None
    where that cannot be had, or its sum is not the slope itself."""
    weights_B = torch.ones_like(losses_B, requires_grad=True)
    columns = []
    try:
        gradients = torch.autograd.grad(losses_B, list(moved.values()), weights_B, create_graph=True, allow_unused=True)
        by_name = dict(zip(moved, gradients, strict=True))
        for axis in axes:
            slope = _slope(by_name, axis, losses_B)
            column_B = torch.zeros_like(losses_B)
            if slope.requires_grad:
                [found] = torch.autograd.grad(slope, weights_B, retain_graph=True, allow_unused=True)
                column_B = column_B if found is None else found
            if not (column_B.sum() - slope).abs() <= _TOLERANCE * column_B.abs().sum().clamp_min(slope.abs()):
                return None
            columns.append(column_B.detach())
    except (RuntimeError, NotImplementedError):  # a fused kernel, or a function with a backward pass of its own
        return None
    return torch.stack(columns, 1)


def _of_row(loss: Tensor, axes: Sequence[PlaneAxis], moved: Mapping[str, Tensor]) -> Tensor:
    """(2,) by a backward pass."""
    between_tiles()
    gradients = torch.autograd.grad(loss, list(moved.values()), retain_graph=True, allow_unused=True)
    by_name = dict(zip(moved, gradients, strict=True))
    return torch.stack([_slope(by_name, axis, loss) for axis in axes])


def _slope(gradients: Mapping[str, Tensor | None], axis: PlaneAxis, like: Tensor) -> Tensor:
    """As `slope` in axes.py, within the graph."""
    found = like.new_zeros(())
    for name in names_of(axis):
        gradient = gradients[name]
        if gradient is None:
            continue
        gradient = gradient.to_dense() if gradient.is_sparse else gradient
        if isinstance(axis, Scalar):
            found = found + gradient[axis.index]
        else:
            found = found + (gradient * axis.parts[name].to(gradient)).sum()
    return found
