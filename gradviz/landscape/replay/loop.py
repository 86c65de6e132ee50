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


def by_loop(
    problem: Problem,
    plane: Plane,
    points: Sequence[int],
    *,
    whole: bool = True,
    centre: "AtCentre | None" = None,
) -> Tensor:
    """(len(points), 3) float64 on the CPU: the loss and its derivatives by x and y at these grid points.

    `whole`: the backward pass goes to all parameters, as in training, which some models need; else to the moved two.
    `centre`: of this problem; its copies of the parameters that do not move are used, which saves copying them.
    `UserError` if the loss fails, or returns something else than losses of rows or their mean.
    """
    model = differentiable(problem, {} if centre is None else centre.unmoved(problem, plane))
    results = []
    for point in points:
        sets = problem.sets(point)
        total = torch.zeros(3, dtype=torch.float64)
        for number in sets:
            between_tiles()
            if results or number != sets[0]:
                renew(model)
            total += at_offsets(problem, plane, model, plane.at(point), number, whole=whole)
        results.append(total / len(sets))
    return torch.stack(results)


def at_offsets(
    problem: Problem,
    plane: Plane,
    model: PrivateModel,
    offsets: tuple[float, float],
    number: int,
    *,
    whole: bool = True,
) -> Tensor:
    """(3,) float64 on the CPU, as `by_loop`, at any point of the plane: (α, β) away from the checkpoint. `model`: of
    `differentiable(problem)`, and after each point through `renew`."""
    with torch.no_grad():
        for axis, step in zip((plane.x, plane.y), offsets, strict=True):
            move(model.tensors, axis, step)
    moving = _moving(plane)
    loss = passed_back(problem, model, number, None if whole else [model.tensors[name] for name in moving])
    gradients = {name: gradient_of(model.tensors[name]) for name in moving}
    return torch.tensor([loss, *(slope(gradients, axis) for axis in (plane.x, plane.y))], dtype=torch.float64)


@dataclass(frozen=True)
class AtCentre:
    """The loss at the checkpoint itself and its derivatives by all parameters, whatever plane goes through it."""

    loss: float
    gradients: Mapping[str, Tensor | None]
    parameters: Mapping[str, Tensor]

    def along(self, plane: Plane) -> Tensor:
        """(3,) float64 on the CPU, as `by_loop`."""
        slopes = (slope(self.gradients, axis) for axis in (plane.x, plane.y))
        return torch.tensor([self.loss, *slopes], dtype=torch.float64)

    def unmoved(self, problem: Problem, plane: Plane) -> dict[str, Tensor]:
        """The parameters that stay at the checkpoint on this plane, under their first names."""
        return unmoved(problem, plane, self.parameters)

    @property
    def nbytes(self) -> int:
        held = [*self.gradients.values(), *self.parameters.values()]
        return sum({id(each): each.nbytes for each in held if each is not None}.values())


def unmoved(problem: Problem, plane: Plane, parameters: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those of these parameters of the model, by their first names, that no step on this plane moves."""
    tensors = dict(problem.model.named_parameters(remove_duplicate=False))
    moving = {id(tensors[name]) for name in _moving(plane)}
    return {name: value for name, value in parameters.items() if id(tensors[name]) not in moving}


def at_centre(problem: Problem, sets: Sequence[int]) -> AtCentre:
    """One forward and backward pass of the whole model for each set of random numbers."""
    model, loss = differentiable(problem), 0.0
    for number in sets:  # gradients add up
        between_tiles()
        model.restore(always=True)
        loss += passed_back(problem, model, number) / len(sets)
    own = {name: gradient_of(tensor) for name, tensor in model.tensors.items()}
    gradients = {name: None if g is None else g / len(sets) for name, g in own.items()}
    model.restore(always=True)
    return AtCentre(loss, gradients, {name: each.detach() for name, each in model.module.named_parameters()})


def _moving(plane: Plane) -> dict[str, None]:
    """The names of the parameters that move, each once."""
    return dict.fromkeys(name for axis in (plane.x, plane.y) for name in names_of(axis))


def differentiable(problem: Problem, values: Mapping[str, Tensor] | None = None) -> PrivateModel:
    """A copy of the model, all of whose parameters get gradients. `values`: see `PrivateModel`."""
    model = PrivateModel(problem, values)
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
    checked = _checked(losses)
    return checked.mean() if checked.ndim else checked


def row_losses(losses: object, num_rows: int) -> Tensor:
    """(B,): the loss of each row; `UserError` where the user's loss returned something else."""
    checked = _checked(losses)
    if checked.ndim == 0:
        raise UserError(
            "`loss` returns the mean of the minibatch, so that its rows have no losses of their own: return the losses"
            ' of the rows, (B,), as torch gives them with reduction="none".'
        )
    if checked.shape[0] != num_rows:
        raise UserError(f"`loss` returns {checked.shape[0]} losses for {num_rows} rows: return one for each row, (B,).")
    return checked


def _checked(losses: object) -> Tensor:
    if not isinstance(losses, Tensor) or losses.ndim > 1 or not losses.is_floating_point():
        form = f"{tuple(losses.shape)} of {losses.dtype}" if isinstance(losses, Tensor) else type(losses).__name__
        raise UserError(
            f"`loss` must return a tensor of real numbers, (B,) losses of the rows or their mean, got {form}."
        )
    return losses
