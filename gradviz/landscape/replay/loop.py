"""The plain loop, the reference for any model: at each point the parameters are set, the loss runs forward and
backward.

It shares the definition of the random numbers with `replay`, and nothing else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment.users_code import users_code
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.replay.axes import gradient_of, move, names_of, slope
from gradviz.landscape.replay.private import PrivateModel
from gradviz.landscape.replay.problem import Plane, Problem
from gradviz.landscape.replay.randomness import Seeded, Source


def by_loop(problem: Problem, plane: Plane, points: Sequence[int], *, whole: bool = True) -> Tensor:
    """(len(points), 3) float64 on the CPU: the loss and its derivatives by x and y at these grid points.

    `whole`: the backward pass goes to all parameters, as in training, which some models need; else to the moved two.
    `UserError` if the loss fails, or returns something else than losses of rows or their mean.
    """
    model = differentiable(problem)
    results = []
    for point in points:
        sets = problem.sets(point)
        total = torch.zeros(3, dtype=torch.float64)
        for number in sets:
            between_tiles()
            if results or number != sets[0]:
                renew(model)
            total += _at(problem, plane, model, point, number, whole)
        results.append(total / len(sets))
    return torch.stack(results)


def _at(problem: Problem, plane: Plane, model: PrivateModel, point: int, number: int, whole: bool) -> Tensor:
    with torch.no_grad():
        for axis, step in zip((plane.x, plane.y), plane.at(point), strict=True):
            move(model.tensors, axis, step)
    moving = dict.fromkeys(name for axis in (plane.x, plane.y) for name in names_of(axis))
    loss = passed_back(problem, model, number, None if whole else [model.tensors[name] for name in moving])
    gradients = {name: gradient_of(model.tensors[name]) for name in moving}
    return torch.tensor([loss, *(slope(gradients, axis) for axis in (plane.x, plane.y))], dtype=torch.float64)


@dataclass(frozen=True)
class AtCentre:
    """The loss at the checkpoint itself and its derivatives by all parameters, whatever plane goes through it."""

    loss: float
    gradients: Mapping[str, Tensor | None]

    def along(self, plane: Plane) -> Tensor:
        """(3,) float64 on the CPU, as `by_loop`."""
        slopes = (slope(self.gradients, axis) for axis in (plane.x, plane.y))
        return torch.tensor([self.loss, *slopes], dtype=torch.float64)

    @property
    def nbytes(self) -> int:
        return sum({id(each): each.nbytes for each in self.gradients.values() if each is not None}.values())


def at_centre(problem: Problem, sets: Sequence[int]) -> AtCentre:
    """One forward and backward pass of the whole model for each set of random numbers."""
    model, loss = differentiable(problem), 0.0
    for number in sets:  # gradients add up
        between_tiles()
        model.restore(always=True)
        loss += passed_back(problem, model, number) / len(sets)
    own = {name: gradient_of(tensor) for name, tensor in model.tensors.items()}
    return AtCentre(loss, {name: None if g is None else g / len(sets) for name, g in own.items()})


def differentiable(problem: Problem) -> PrivateModel:
    """A copy of the model, all of whose parameters get gradients."""
    model = PrivateModel(problem)
    for parameter in model.module.parameters():
        parameter.requires_grad_(parameter.is_floating_point() or parameter.is_complex())
    return model


def renew(model: PrivateModel) -> None:
    """Puts everything back, and drops the gradients."""
    model.restore(always=True)
    model.module.zero_grad(set_to_none=True)


def passed_back(problem: Problem, model: PrivateModel, number: int, inputs: Sequence[Tensor] | None = None) -> float:
    """The loss of the minibatch with a set of random numbers, after a backward pass to `inputs` (None: to all)."""
    source = Source(problem.own_seed, number)
    with users_code("loss"), Seeded(source, exact=problem.dtype == torch.float64):
        value = mean_loss(problem.loss(model.module, model.copied_batch()))
        source.close()
        if value.requires_grad:
            torch.autograd.backward(value, inputs=inputs)
    return value.item()


def mean_loss(losses: object) -> Tensor:
    """The loss of the minibatch: the mean over the rows, unless that is what the user's loss returned."""
    if not isinstance(losses, Tensor) or losses.ndim > 1 or not losses.is_floating_point():
        form = f"{tuple(losses.shape)} of {losses.dtype}" if isinstance(losses, Tensor) else type(losses).__name__
        raise UserError(
            f"`loss` must return a tensor of real numbers, (B,) losses of the rows or their mean, got {form}."
        )
    return losses.mean() if losses.ndim else losses
