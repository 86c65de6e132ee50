"""The plain loop over points and rows, the reference: at each point one forward pass, and a backward pass for each
row."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gradviz.experiment.users_code import users_code
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.replay.axes import gradient_of, move, names_of, slope
from gradviz.landscape.replay.loop import differentiable, renew, row_losses
from gradviz.landscape.replay.private import PrivateModel
from gradviz.landscape.replay.problem import Plane, Problem
from gradviz.landscape.replay.randomness import Seeded, Source


def rows_by_loop(
    problem: Problem, plane: Plane, points: Sequence[int], rows: Sequence[int], *, whole: bool = True
) -> Tensor:
    """(len(points), 3, len(rows)) float64 on the CPU: the losses of these rows of the whole minibatch, by their places,
    and the derivatives by x and y. `whole` as of `by_loop`. `UserError` if the loss fails, or gives no losses of rows.
    """
    model = differentiable(problem)
    found = torch.zeros((len(points), 3, len(rows)), dtype=torch.float64)
    for own, point in zip(found, points, strict=True):
        sets = problem.sets(point)
        for number in sets:
            renew(model)
            own += _at(problem, plane, model, point, number, rows, whole) / len(sets)
    return found


def _at(
    problem: Problem, plane: Plane, model: PrivateModel, point: int, number: int, rows: Sequence[int], whole: bool
) -> Tensor:
    axes = plane.x, plane.y
    with torch.no_grad():
        for axis, step in zip(axes, plane.at(point), strict=True):
            move(model.tensors, axis, step)
    source, found = Source(problem.own_seed, number), []
    moving = dict.fromkeys(name for axis in axes for name in names_of(axis))
    inputs = None if whole else [model.tensors[name] for name in moving]
    with users_code("loss"), Seeded(source, exact=problem.dtype == torch.float64):
        losses_B = row_losses(problem.loss(model.module, model.copied_batch()), problem.num_rows)
        source.close()
        for row in rows:
            between_tiles()
            model.module.zero_grad(set_to_none=True)
            if losses_B.requires_grad:
                torch.autograd.backward(losses_B[row], inputs=inputs, retain_graph=True)
            gradients = {name: gradient_of(model.tensors[name]) for name in moving}
            found.append([losses_B[row].item(), *(slope(gradients, axis) for axis in axes)])
    return torch.tensor(found, dtype=torch.float64).T
