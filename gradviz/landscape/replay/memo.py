"""What is known at the checkpoint, by value numbers, as compilers do it (Cocke & Schwartz 1970, chapter 2).

A tensor of the checkpoint or the minibatch has a number. A call is known by its function and the numbers and values
of its arguments; its results get numbers of their own. So what a forward pass computes from nothing that moves is
computed once, whatever course the user's code takes.
"""

import itertools
from collections import Counter
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_batchedtensor, is_functorch_wrapped_tensor

from gradviz.landscape.replay.problem import CannotReplay

Key = tuple[Any, ...]

OF_SET = ("a set of random numbers",)
"""Part of the key of what is drawn."""

_PLAIN = (bool, int, str, bytes, type(None), type(...), torch.dtype, torch.device, torch.layout, torch.memory_format)
_OF_PLAIN, _PLAIN_OR_TYPE = frozenset(_PLAIN), (*_PLAIN, type)


class Memo:
    """Results by their calls, up to `limit` bytes; what is beyond is computed again each time.

    `below`: a memo to which this one adds what depends on one set of random numbers; it goes when the set is done.
    """

    def __init__(self, limit: int, below: "Memo | None" = None) -> None:
        self.limit, self.below = limit, below
        self.nbytes = 0
        self._count = itertools.count(1)
        self._numbers: dict[int, int] = {}
        self._alive: dict[int, Tensor] = {}  # so that no other tensor gets the id of one that is numbered
        self._versions: dict[int, int] = {}
        self._results: dict[Key, Any] = {}
        self._storages: Counter[int | None] = Counter()
        self._own: dict[int | None, set[int]] = {}  # ids of the model's and the minibatch's tensors by their memory

    def name_own(self, tensor: Tensor) -> None:
        """Gives a tensor of the model or the minibatch a number, unless it has one."""
        if self.number(tensor) is None:
            self.name(tensor)
            self._own.setdefault(storage_of(tensor), set()).add(id(tensor))

    def name(self, tensor: Tensor, number: int | None = None) -> int:
        """Gives a tensor a number, or that of another one with the same values."""
        if number is None:  # what depends on the set of random numbers has a negative one
            number = next(self._count) if self.below is None else -next(self._count)
        self._numbers[id(tensor)] = number
        self._alive[id(tensor)] = tensor
        self._versions[id(tensor)] = tensor._version
        storage = storage_of(tensor)
        if not self._storages[storage] and tensor.layout == torch.strided:
            self.nbytes += tensor.untyped_storage().nbytes()
        self._storages[storage] += 1
        return number

    def number(self, tensor: Tensor) -> int | None:
        return self.number_of(id(tensor))

    def number_of(self, key: int) -> int | None:
        """The number of a tensor by its id."""
        number = self._numbers.get(key)
        return self.below.number_of(key) if number is None and self.below is not None else number

    def key(self, value: Any) -> Key | None:
        """What stands for an argument in the key of a call, or None if it is not known."""
        kind = type(value)
        if kind in _OF_PLAIN:
            return kind, value
        if isinstance(value, Tensor):
            number = self.number_of(id(value))
            return None if number is None else ("tensor", number)
        if kind in (list, tuple, torch.Size):
            parts = [self.key(each) for each in value]
            return None if None in parts else (kind, *parts)
        if kind is dict:
            parts = [self.key(each) for each in value.values()]
            return None if None in parts else (dict, *value, *parts)
        if kind is float:
            return float, value.hex()  # tells 0 from −0
        if kind is slice:
            return self.key((slice, value.start, value.stop, value.step))
        return (kind, value) if isinstance(value, _PLAIN_OR_TYPE) else None

    def find(self, key: Key) -> Any:
        """The result of a call, None if it is not known."""
        found = self._results.get(key)
        return self.below.find(key) if found is None and self.below is not None else found

    def keep(self, key: Key, result: Any, tensors: list[Tensor]) -> None:
        """Remembers the result of a call with its `tensors`, if there is room."""
        if self.below is not None and not depends_on_set(key):
            return self.below.keep(key, result, tensors)
        if any(tensor.requires_grad or is_batchedtensor(tensor) for tensor in tensors):
            return None
        if self.nbytes + sum(tensor.nbytes for tensor in tensors) > self.limit:
            return None
        for tensor in tensors:
            if self.number(tensor) is None:
                self.name(tensor)
        self._results[key] = result
        return None

    def shares(self, tensor: Tensor) -> int:
        """How many numbered tensors lie in the memory of this one."""
        below = self.below.shares(tensor) if self.below is not None else 0
        return self._storages.get(storage_of(tensor), 0) + below

    def own_in(self, storage: int | None) -> set[int]:
        """The ids of the model's and the minibatch's own tensors in this memory."""
        return self.below.own_in(storage) if self.below is not None else self._own.get(storage, set())

    def check(self) -> None:
        """`CannotReplay` if something that is not seen has changed a tensor that is known."""
        for key, tensor in self._alive.items():
            if tensor._version != self._versions[key]:
                raise CannotReplay("the forward pass changes a tensor in place where it cannot be seen")
        if self.below is not None:
            self.below.check()


def depends_on_set(key: Any) -> bool:
    """Whether a key holds a number, or a draw, of a set of random numbers."""
    if not isinstance(key, tuple):
        return False
    if len(key) == 2 and key[0] == "tensor":
        return key[1] < 0
    return key is OF_SET or any(map(depends_on_set, key))


def storage_of(tensor: Tensor) -> int | None:
    """What tensors that share memory have in common; None for those of `vmap` and `grad`, which hide it."""
    if is_functorch_wrapped_tensor(tensor):
        return None
    if tensor.layout != torch.strided:
        return id(tensor)
    return tensor.untyped_storage()._cdata
