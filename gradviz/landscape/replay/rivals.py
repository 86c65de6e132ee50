"""What one would write without `replay`: the training loop's backward pass, and `vmap` of a gradient by two scalars.

Only the benchmark uses them; they know eval mode alone, and fail for models that `torch.func` cannot map.
"""

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from gradviz.experiment.batches import Batch
from gradviz.landscape.replay.loop import mean_loss
from gradviz.landscape.replay.problem import Plane, Problem, Scalar


class _Loss(nn.Module):
    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.model, self.loss = copy.deepcopy(problem.model).eval(), problem.loss

    def forward(self, batch: Batch) -> Tensor:
        return mean_loss(self.loss(self.model, batch))


def by_backward(problem: Problem, plane: Plane, points: Sequence[int]) -> Tensor:
    """(len(points), 3): forward and backward of the whole model at each point, as in training."""
    module = _Loss(problem)
    tensors = {scalar: _tensor(module, scalar) for scalar in (plane.x, plane.y)}
    own = {scalar: tensor[scalar.index].item() for scalar, tensor in tensors.items()}
    results = []
    for point in points:
        with torch.no_grad():
            for (scalar, tensor), step in zip(tensors.items(), plane.at(point), strict=True):
                tensor[scalar.index] = own[scalar] + step
        module.zero_grad()
        value = module(problem.batch)
        value.backward()
        gradient = [tensor.grad[scalar.index].item() for scalar, tensor in tensors.items() if tensor.grad is not None]
        results.append([value.item(), *gradient])
    return torch.tensor(results)


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
    names = [first[id(_tensor(module, scalar))] for scalar in (plane.x, plane.y)]
    places = [tuple(torch.tensor(i) for i in scalar.index) for scalar in (plane.x, plane.y)]

    def loss(x: Tensor, y: Tensor) -> Tensor:
        moved = dict(state)
        for name, place, step in zip(names, places, (x, y), strict=True):
            moved[name] = moved[name].index_put(place, step, accumulate=True)
        return torch.func.functional_call(module, moved, (problem.batch,))

    return loss


def _steps(problem: Problem, plane: Plane, points: Sequence[int]) -> tuple[Tensor, Tensor]:
    x, y = torch.tensor([plane.at(point) for point in points], dtype=problem.dtype).unbind(1)
    return x, y


def _tensor(module: _Loss, scalar: Scalar) -> nn.Parameter:
    return dict(module.model.named_parameters(remove_duplicate=False))[scalar.name]
