"""A copy of a model that nobody else holds, as it was again after every forward pass."""

import copy
import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from gradviz.experiment.batches import Batch, mapped, tensors_of
from gradviz.landscape.replay.problem import Problem


class PrivateModel:
    """The problem's model and minibatch in its dtype and mode: whatever a forward pass does to parameters and buffers,
    `restore` undoes. What it keeps in attributes of Python stays: such a model is not a function of its parameters."""

    def __init__(self, problem: Problem) -> None:
        self.module = _copied(problem.model)
        for tensor in _stored(self.module):
            tensor.data = cast(tensor.data, problem.dtype)
        self.module.train(problem.mode == "train")
        self.tensors = dict(self.module.named_parameters(remove_duplicate=False))
        self._batch = mapped(problem.batch, lambda tensor: cast(tensor.detach(), problem.dtype).to(problem.device))
        self._places: list[tuple[Any, str, Tensor]] = [
            (place, name, tensor)
            for module in self.module.modules()
            for place in (module._parameters, module._buffers)
            if isinstance(place, dict)  # those of a scripted module cannot be exchanged
            for name, tensor in place.items()
            if tensor is not None
        ]
        own = {id(tensor): tensor for tensor in (*self.module.parameters(), *self.module.buffers())}
        self._kept = [(tensor, tensor.detach().clone()) for tensor in own.values()]
        self._versions = [tensor._version for tensor in own.values()]

    @property
    def batch(self) -> Batch:
        """The minibatch in containers of its own, so that the loss may change these."""
        return mapped(self._batch, lambda tensor: tensor)

    def own_tensors(self) -> list[Tensor]:
        """All parameters and buffers, and the tensors of the minibatch."""
        return [*(tensor for tensor, _ in self._kept), *tensors_of(self._batch).values()]

    def copied_batch(self) -> Batch:
        """The minibatch in tensors of its own too."""
        return mapped(self._batch, Tensor.clone)

    def hide(self, tensor: Tensor) -> Tensor:
        """Fills a parameter with NaN, which `restore` keeps, and returns its value."""
        k = next(k for k, (own, _) in enumerate(self._kept) if own is tensor)
        value = self._kept[k][1]
        with torch.no_grad():
            tensor.fill_(math.nan)
        self._kept[k], self._versions[k] = (tensor, tensor.detach().clone()), tensor._version
        return value

    def restore(self, *, always: bool = False) -> None:
        """Puts back what was put in the place of a parameter or buffer, or was written into one (`always`: into any,
        without looking whether it was)."""
        for place, name, tensor in self._places:
            if place.get(name) is not tensor:
                place[name] = tensor
        for k, (tensor, value) in enumerate(self._kept):
            if always or tensor._version != self._versions[k]:
                with torch.no_grad():
                    tensor.copy_(value)
                self._versions[k] = tensor._version


def cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Real and complex numbers in `dtype`'s precision; anything else as it is."""
    if tensor.is_complex():
        return tensor.to(torch.complex128 if dtype == torch.float64 else torch.complex64)
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _copied(model: nn.Module) -> nn.Module:
    """A deep copy; tensors that were computed from parameters, as the old `weight_norm` keeps one, without their graph,
    because torch does not copy those."""
    computed = [tensor for module in model.modules() for tensor in _attributes(module) if not tensor.is_leaf]
    with torch.no_grad():  # scripted modules copy their parameters by computing
        return copy.deepcopy(model, {id(tensor): tensor.detach().clone() for tensor in computed})


def _stored(model: nn.Module) -> Iterator[Tensor]:
    for module in model.modules():
        yield from (tensor for tensor in module._parameters.values() if tensor is not None)
        yield from (tensor for tensor in module._buffers.values() if tensor is not None)
        yield from _attributes(module)


def _attributes(module: nn.Module) -> Iterator[Tensor]:
    return (value for value in vars(module).values() if isinstance(value, Tensor))
