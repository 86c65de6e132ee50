"""Creates a network's optimizer, and saves and restores its state by the names of the parameters.

It learns the form of the state from the optimizer itself: a new kind of optimizer needs no change here.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from gradviz.experiment.optimizers import Optimizer
from gradviz.experiment.tensor_file import TensorShape


def state_by_name(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Copies on the CPU of the state of each parameter, `KEPT.NAME`; empty before the first step."""
    return {
        f"{kept}.{name}": value.detach().cpu().clone()
        for name, parameter in model.named_parameters()
        for kept, value in optimizer.state[parameter].items()
        if isinstance(value, Tensor)
    }


def restore(model: nn.Module, optimizer: torch.optim.Optimizer, state: Mapping[str, Tensor]) -> None:
    """Restores the result of `state_by_name`, on the parameters' device."""
    for key, value in state.items():
        kept, _, name = key.partition(".")
        parameter = model.get_parameter(name)
        optimizer.state[parameter][kept] = value.to(parameter.device, copy=True)


def state_shapes_of(optimizer: Optimizer, parameters: Mapping[str, TensorShape]) -> dict[str, TensorShape]:
    """Names, dtypes and shapes of `state_by_name` after a step, for parameters of these names and shapes.

    It runs one step with a parameter of two numbers: state of that shape is kept for each number of a parameter.
    """
    probe = torch.zeros(2, requires_grad=True)
    probe.grad = torch.zeros(2)
    made = made_optimizer(optimizer, [probe])
    made.step()
    kept = {key: value for key, value in made.state[probe].items() if isinstance(value, Tensor)}
    return {
        f"{key}.{name}": TensorShape(value.dtype, shape.shape if value.shape == probe.shape else tuple(value.shape))
        for name, shape in parameters.items()
        for key, value in kept.items()
    }


def made_optimizer(optimizer: Optimizer, parameters: Sequence[Tensor]) -> torch.optim.Optimizer:
    """The optimizer of torch for these parameters, without state."""
    return getattr(torch.optim, optimizer.torch_name)(parameters, **optimizer.arguments())
