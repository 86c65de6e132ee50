"""What one would write without `replay`: the training loop's backward pass, and `vmap` of a gradient by two steps.

Only the benchmark uses them; they know eval mode alone, and fail for models that `torch.func` cannot map.
"""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from gradviz.experiment.batches import Batch
from gradviz.landscape.directions.vector import Vector
from gradviz.landscape.replay.axes import PlaneAxis, slope
from gradviz.landscape.replay.loop import mean_loss
from gradviz.landscape.replay.problem import Plane, Problem
from gradviz.landscape.scalar import Scalar


class _Loss(nn.Module):
    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.model, self.loss = copy.deepcopy(problem.model).eval(), problem.loss

    def forward(self, batch: Batch) -> Tensor:
        return mean_loss(self.loss(self.model, batch))


def by_backward(problem: Problem, plane: Plane, points: Sequence[int]) -> Tensor:
    """(len(points), 3): forward and backward of the whole model at each point, as in training."""
    module = _Loss(problem)
    tensors = dict(module.model.named_parameters(remove_duplicate=False))
    axes = (plane.x, plane.y)
    own = {name: tensors[name].detach().clone() for axis in axes if isinstance(axis, Vector) for name in axis.parts}
    parts = [
        {name: part.to(problem.dtype) for name, part in axis.parts.items()} if isinstance(axis, Vector) else {}
        for axis in axes
    ]
    values = [tensors[axis.name][axis.index].item() if isinstance(axis, Scalar) else 0.0 for axis in axes]
    results = []
    for point in points:
        with torch.no_grad():
            for name, tensor in own.items():
                tensors[name].copy_(tensor)
            for axis, part_of, value, step in zip(axes, parts, values, plane.at(point), strict=True):
                if isinstance(axis, Scalar):
                    tensors[axis.name][axis.index] = value + step
                for name, part in part_of.items():
                    tensors[name].add_(part, alpha=step)
        module.zero_grad()
        value = module(problem.batch)
        value.backward()
        results.append([value.item(), *(_slope(tensors, *each) for each in zip(axes, parts, strict=True))])
    return torch.tensor(results)


def _slope(tensors: dict[str, nn.Parameter], axis: PlaneAxis, parts: dict[str, Tensor]) -> float:
    if isinstance(axis, Scalar):
        return slope({axis.name: tensors[axis.name].grad}, axis)
    flat = ((tensors[name].grad, part.reshape(-1)) for name, part in parts.items())
    return sum(torch.dot(gradient.reshape(-1), part).item() for gradient, part in flat if gradient is not None)


def by_vmap_of_grad(problem: Problem, plane: Plane, points: Sequence[int]) -> Tensor:
    """(len(points), 3) by reverse mode, all points at once."""
    loss = _of_steps(problem, plane)
    gradient, value = torch.func.vmap(torch.func.grad_and_value(loss, argnums=(0, 1)))(*_steps(problem, plane, points))
    return torch.stack([value, *gradient], 1)


def by_vmap_of_jvp(problem: Problem, plane: Plane, points: Sequence[int]) -> Tensor:
    """(len(points), 3) by forward mode with two directions, all points at once."""
    loss = _of_steps(problem, plane)

    def at(x: Tensor, y: Tensor) -> Tensor:
        along_x = torch.func.jvp(lambda a: loss(a, y), (x,), (torch.ones_like(x),))
        along_y = torch.func.jvp(lambda b: loss(x, b), (y,), (torch.ones_like(y),))
        return torch.stack([*along_x, along_y[1]])

    return torch.func.vmap(at)(*_steps(problem, plane, points))


def _of_steps(problem: Problem, plane: Plane) -> Callable[[Tensor, Tensor], Tensor]:
    module = _Loss(problem)
    state = {name: tensor.detach() for name, tensor in (*module.named_parameters(), *module.named_buffers())}
    first = {id(tensor): name for name, tensor in module.named_parameters()}
    own = dict(module.model.named_parameters(remove_duplicate=False))
    moves: list[tuple[int, str, tuple[Tensor, ...] | Tensor]] = []
    for k, axis in enumerate((plane.x, plane.y)):
        if isinstance(axis, Scalar):
            moves.append((k, first[id(own[axis.name])], tuple(torch.tensor(i) for i in axis.index)))
        else:
            moves += [(k, first[id(own[name])], part.to(own[name])) for name, part in axis.parts.items()]

    def loss(x: Tensor, y: Tensor) -> Tensor:
        moved = dict(state)
        for k, name, what in moves:
            step = (x, y)[k]
            still = moved[name]
            moved[name] = (
                still + step * what if isinstance(what, Tensor) else still.index_put(what, step, accumulate=True)
            )
        return torch.func.functional_call(module, moved, (problem.batch,))

    return loss


def _steps(problem: Problem, plane: Plane, points: Sequence[int]) -> tuple[Tensor, Tensor]:
    x, y = torch.tensor([plane.at(point) for point in points], dtype=problem.dtype).unbind(1)
    return x, y
