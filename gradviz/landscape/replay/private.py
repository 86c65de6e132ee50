"""A copy of a model that nobody else holds, as it was again after every forward pass."""

import copy
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from gradviz.experiment.batches import Batch, mapped
from gradviz.landscape.replay.problem import Problem


class PrivateModel:
    """The problem's model in its dtype and mode: whatever a forward pass does to parameters and buffers, `restore`
    undoes. What it keeps in attributes of Python stays: such a model is not a function of its parameters.

    `values`: parameters of the problem's model, in its dtype, that are not copied once more: who gives them lets nobody
    write into them.
    """

    def __init__(self, problem: Problem, values: Mapping[str, Tensor] | None = None) -> None:
        self.module = _copied(problem.model, problem.dtype, values or {})
        self._problem = problem
        self.module.train(problem.mode == "train")
        self.tensors = dict(self.module.named_parameters(remove_duplicate=False))
        self._places: list[tuple[Any, str, Tensor]] = [
            (place, name, tensor)
            for module in self.module.modules()
            for place in (module._parameters, module._buffers)
            if isinstance(place, dict)  # those of a scripted module cannot be exchanged
            for name, tensor in place.items()
            if tensor is not None
        ]
        pairs = zip(_held(self.module), _held(problem.model), strict=True)
        self._values = {id(tensor): (tensor, value.detach()) for tensor, value in pairs}
        self._versions = {key: tensor._version for key, (tensor, _) in self._values.items()}
        self._hidden: set[int] = set()
        self._bases: dict[int, Tensor] = {}

    @property
    def batch(self) -> Batch:
        """The minibatch in containers that the loss may change."""
        return in_own_containers(self._batch)

    def on(self, batch: Batch) -> "PrivateModel":
        """The same copy of the model, not another one, on another `private_batch`."""
        other = copy.copy(self)
        other._batch = batch
        return other

    def copied_batch(self) -> Batch:
        """The minibatch in containers and tensors that the loss may change."""
        return mapped(self._batch, Tensor.clone)

    @cached_property
    def _batch(self) -> Batch:
        return private_batch(self._problem)

    def own_tensors(self) -> list[Tensor]:
        """All parameters and buffers."""
        return [tensor for tensor, _ in self._values.values()]

    def hide(self, tensors: Iterable[Tensor]) -> dict[int, Tensor]:
        """Puts NaN in the place of these parameters, which `restore` keeps, and in that of no other; returns their
        values by their ids. The values stay where they are in memory, so that views of them stay true."""
        wanted = {id(tensor): tensor for tensor in tensors}
        for key, tensor in wanted.items():
            if key not in self._bases:
                self._bases[key] = tensor.data
        for key in self._hidden ^ set(wanted):
            tensor, base = self._values[key][0], self._bases[key]
            tensor.data = torch.full_like(base, math.nan) if key in wanted else base
        self._hidden = set(wanted)
        return {key: self._bases[key] for key in wanted}

    def restore(self, *, always: bool = False) -> None:
        """Puts back what was put in the place of a parameter or buffer, or was written into one (`always`: into any,
        without looking whether it was)."""
        for place, name, tensor in self._places:
            if place.get(name) is not tensor:
                place[name] = tensor
        for key, (tensor, _) in self._values.items():
            if always or tensor._version != self._versions[key]:
                self._put_back(key)

    def _put_back(self, key: int) -> None:
        tensor, value = self._values[key]
        with torch.no_grad():
            tensor.fill_(math.nan) if key in self._hidden else tensor.copy_(value)
        self._versions[key] = tensor._version


def private_batch(problem: Problem) -> Batch:
    """The problem's minibatch in tensors of its own, in its dtype and on its device."""
    return mapped(problem.batch, lambda tensor: cast(tensor.detach(), problem.dtype).to(problem.device, copy=True))


def in_own_containers(batch: Batch) -> Batch:
    """The same tensors, for a loss that may change the lists and dicts around them."""
    return mapped(batch, lambda tensor: tensor)


def cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Real and complex numbers in `dtype`'s precision; anything else as it is."""
    if tensor.is_complex():
        return tensor.to(torch.complex128 if dtype == torch.float64 else torch.complex64)
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _copied(model: nn.Module, dtype: torch.dtype, values: Mapping[str, Tensor]) -> nn.Module:
    """A deep copy in `dtype` with these `values` for its parameters; tensors that were computed from parameters, as the
    old `weight_norm` keeps one, without their graph, because torch does not copy those."""
    instead: dict[int, Any] = {}
    for module in model.modules():
        instead |= {id(tensor): tensor.detach().clone() for tensor in _attributes(module) if not tensor.is_leaf}
    with torch.no_grad():  # scripted modules copy their parameters by computing
        for name, parameter in model.named_parameters():
            is_cast = parameter.is_floating_point() and parameter.dtype != dtype
            if type(parameter) is nn.Parameter and (is_cast or name in values):  # copied and cast at once
                value = values[name] if name in values else cast(parameter.detach(), dtype)
                instead[id(parameter)] = nn.Parameter(value, parameter.requires_grad)
        copied = copy.deepcopy(model, instead)
    for tensor in _stored(copied):
        tensor.data = cast(tensor.data, dtype)
    return copied


def _held(model: nn.Module) -> list[Tensor]:
    """Parameters and buffers, each once."""
    return [*model.parameters(), *model.buffers()]


def _stored(model: nn.Module) -> Iterator[Tensor]:
    for module in model.modules():
        yield from (tensor for tensor in module._parameters.values() if tensor is not None)
        yield from (tensor for tensor in module._buffers.values() if tensor is not None)
        yield from _attributes(module)


def _attributes(module: nn.Module) -> Iterator[Tensor]:
    return (value for value in vars(module).values() if isinstance(value, Tensor))
