"""Runs a user's forward pass at neighbouring parameters, and computes only what the moved ones reach.

A `TorchFunctionMode`: the user's Python runs unchanged, and every function of torch passes through here.

- What depends on nothing that moves is looked up (`memo.py`), so control flow may take any course.
- A moved scalar changes one channel of its layer's output, which goes on beside the known tensor until something mixes
  the channels (`moved.py`, `channels.py`).
- A function that writes into a tensor that is known, or of which only channels are kept, makes a new one, which
  stands for the old one from then on (`in_place.py`).
- Dropout and other random functions take their numbers from a seeded source (`stand_ins.py`). Batch statistics are
  computed without touching the running ones.

What moves is NaN in the module itself, so that a function that does not pass through here cannot use it unnoticed.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.landscape.replay.along import Along
from gradviz.landscape.replay.channels import Held
from gradviz.landscape.replay.in_place import is_in_place, out_of_place
from gradviz.landscape.replay.layouts import Image, channels_last
from gradviz.landscape.replay.memo import OF_SET, Memo, storage_of
from gradviz.landscape.replay.moved import RULES, Moved
from gradviz.landscape.replay.nesting import tensors_in
from gradviz.landscape.replay.problem import CannotReplay
from gradviz.landscape.replay.randomness import Seeded, Source, device_of, doubled, exact_call
from gradviz.landscape.replay.stand_ins import attention, stand_in

_ASK = """size dim numel ndimension nelement is_floating_point is_complex is_signed stride is_contiguous element_size
get_device __len__ storage_offset"""
_ARE = "shape dtype device ndim layout is_cuda is_cpu itemsize is_sparse is_quantized is_nested is_meta is_mkldnn"
FORM = {getattr(Tensor, name) for name in _ASK.split()} | {getattr(Tensor, name).__get__ for name in _ARE.split()}
"""What asks for the form of a tensor alone: the checkpoint's own answers."""

_HALF = (torch.float16, torch.bfloat16)


class Replay(Seeded):
    """One evaluation of the loss. `moves`: what moves, by the id of the module's tensor; steps are 0-d (`vmap`:
    batched).

    With `derives_twice` attention is written out, whose fused kernels have no second derivative.

    After it `num_made` is how many numbers it has computed anew, and `draws` what it has drawn (shape and p of a mask).
    """

    def __init__(
        self,
        memo: Memo,
        moves: Mapping[int, Moved | Along],
        source: Source,
        *,
        exact: bool = False,
        batched: bool = False,
        keeps_channels: bool = True,
        sees_closed_gates: bool = False,
        derives_twice: bool = False,
    ) -> None:
        super().__init__(source, exact=exact)
        self.writes_attention_out = batched or derives_twice  # vmap has no rules for the fused kernels
        self.memo, self.moves, self.batched = memo, moves, batched
        self.keeps_channels, self.sees_closed_gates = keeps_channels, sees_closed_gates
        self.num_made, self.draws = 0, []
        self._made: dict[int, Tensor] = {}
        self._seen: dict[int | None, dict[int, Tensor]] = {}
        self._instead: dict[int, Tensor] = {}
        self._alive: list[Tensor] = []  # so that the ids in `_instead` stay true

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = self._run(func, args, kwargs or {})
        for tensor in tensors_in(result):
            if not isinstance(tensor, Held) and self.memo.shares(tensor):
                self._seen.setdefault(storage_of(tensor), {})[id(tensor)] = tensor
        return result

    def _run(self, func: Any, args: Any, kwargs: Any) -> Any:
        if torch.is_autocast_enabled("cpu") or torch.is_autocast_enabled("cuda"):
            raise CannotReplay("the forward pass uses autocast, whose rounding depends on how a number is computed")
        if func is Tensor.__hash__:
            return id(args[0])
        args, kwargs = self._current(tuple(args)), self._current(kwargs)
        if self.exact:
            func, args, kwargs = exact_call(func, args, kwargs, self._double)
        rule = stand_in(func, args, kwargs)
        if rule is not None:
            with self:
                return rule(self, *args, **kwargs)
        is_attention = func is F.scaled_dot_product_attention and self.writes_attention_out
        if is_attention and self.memo.key((args, kwargs)) is None:
            with self:
                return attention(*args, **kwargs)
        if func in (F.batch_norm, F.instance_norm):
            args, kwargs = _without_running(args, kwargs)
        if is_in_place(func, kwargs):
            return out_of_place(self, func, args, kwargs)
        return self.apply(func, args, kwargs)

    def apply(self, func: Any, args: Any, kwargs: Any) -> Any:
        """A function that writes into nothing, at the point."""
        touched = [tensor for tensor in _arguments(args, kwargs) if isinstance(tensor, Held) or self.moved(tensor)]
        if touched and func in FORM:
            return func(*(self._known_form(arg) for arg in args), **kwargs)
        if touched and not torch.is_grad_enabled():
            raise CannotReplay(f"{_name(func)} takes what moves where gradients are switched off")
        image = channels_last(self, func, args, kwargs)
        if image is not NotImplemented:
            self._count(image)
            return image
        images = [tensor for tensor in touched if isinstance(tensor, Image)]
        if images:
            for each in images:
                self.replace(each, each.whole())
            return self.apply(func, self._current(args), self._current(kwargs))
        if touched:
            rule = RULES.get(func) if args else None
            result = NotImplemented if rule is None else rule(self, func, args, kwargs)
            if result is not NotImplemented:
                self._count(result)
                return result
            args, kwargs = self._at_point(args), self._at_point(kwargs)
        result = self.call(func, args, kwargs)
        for tensor in touched:
            if isinstance(tensor, Held) and (self.batched or _shares(result, tensor.whole())):
                self.replace(tensor, tensor.whole())  # others may write into it from now on
        return result

    # What rules, stand-ins and in_place ask

    def moved(self, tensor: Any) -> Moved | Along | None:
        return self.moves.get(id(tensor))

    def base(self, tensor: Any) -> Any:
        """The checkpoint's own value of a tensor."""
        moved = self.moves.get(id(tensor))
        return tensor if moved is None else moved.base

    def is_known(self, tensor: Tensor | None) -> bool:
        """Whether a tensor has the same values at all points, and they can be looked up by it."""
        return tensor is None or (self.memo.number(tensor) is not None and id(tensor) not in self.moves)

    def has_aliases(self, tensor: Tensor) -> bool:
        """Whether the user's code has another tensor in the memory of this one."""
        storage = storage_of(tensor)
        return bool((self.memo.own_in(storage) | self._seen.get(storage, {}).keys()) - {id(tensor)})

    def known(self, func: Any, *args: Any, **kwargs: Any) -> Any:
        """The call with the checkpoint's own parameters."""
        own = {name: self.base(value) for name, value in kwargs.items()}
        return self.call(func, tuple(self.base(arg) for arg in args), own)

    def kept(self, key: tuple[Any, ...], of: Tensor, compute: Callable[[], Tensor]) -> Tensor:
        """What `compute` makes of a tensor: looked up by `key` if the tensor is known."""
        number = self.memo.key(of)
        if number is None:
            return compute()
        found = self.memo.find((*key, number))
        if found is None:
            found = compute()
            self.memo.keep((*key, number), found, [found])
        return found

    def replace(self, tensor: Tensor, by: Tensor) -> None:
        """Makes `by` stand for `tensor` in the rest of this evaluation."""
        self._instead[id(tensor)] = by
        self._alive.append(tensor)

    def call(self, func: Any, args: Any, kwargs: Any, drawing: tuple[Any, ...] = ()) -> Any:
        """Looks the call up or runs it; remembers its result if its arguments are known. `drawing`: the key of a
        draw."""
        parts = self.memo.key((args, kwargs))
        key = None if parts is None else (func, parts, *drawing)
        found = None if key is None else self.memo.find(key)
        if found is not None:
            return found
        result = func(*args, **(kwargs | self._generator(drawing, args, kwargs)))
        tensors = [result] if isinstance(result, Tensor) else list(tensors_in(result))
        if any(tensor.dtype in _HALF for tensor in tensors):
            raise CannotReplay(f"{_name(func)} rounds to {tensors[0].dtype}, which depends on how a number is computed")
        self.num_made += sum(tensor.numel() for tensor in tensors if tensor.requires_grad)
        if key is not None and tensors:  # sizes and truth values are asked for each time
            self.memo.keep(key, result, tensors)
        return result

    def gain(self, shape: tuple[int, ...], p: float, like: Tensor) -> Tensor:
        start = self.source.next_mask(shape)
        self.draws.append((shape, p))
        key = ("mask", start, shape, p, like.dtype, like.device, OF_SET)
        found = self.memo.find(key)
        if found is None:
            with torch._C.DisableTorchFunction():
                found = self.source.gain(start, shape, p, like)
            self.memo.keep(key, found, [found])
        return found

    def drawn(self, func: Any, args: Any, kwargs: Any) -> Any:
        self.draws.append(None)
        drawing = (OF_SET, self.source.next_call())
        with torch._C.DisableTorchFunction():
            args, kwargs = self._at_point(args), self._at_point(kwargs)
            if is_in_place(func, kwargs):
                return out_of_place(self, func, args, kwargs, drawing)
            return self.call(func, args, kwargs, drawing)

    # Arguments

    def _current(self, value: Any) -> Any:
        """The same with what stands for tensors that were written into."""
        if not self._instead:
            return value
        if isinstance(value, Tensor):
            while id(value) in self._instead:
                value = self._instead[id(value)]
            return value
        if type(value) in (list, tuple):
            return type(value)(map(self._current, value))
        if type(value) is dict:
            return {name: self._current(each) for name, each in value.items()}
        return value

    def _at_point(self, value: Any) -> Any:
        """The same with every moved tensor at this point, and every other one put together."""
        if isinstance(value, Held):
            return value.whole()
        if isinstance(value, Tensor):
            moved = self.moved(value)
            if moved is None:
                return value
            if id(value) not in self._made:
                self._made[id(value)] = moved.at_point()
                self.num_made += value.numel() if isinstance(moved, Along) else 0
            return self._made[id(value)]
        if type(value) in (list, tuple):
            return type(value)(map(self._at_point, value))
        if type(value) is dict:
            return {name: self._at_point(each) for name, each in value.items()}
        return value

    def _known_form(self, value: Any) -> Any:
        return value.known if isinstance(value, Held) else self.base(value)

    def _double(self, tensor: Tensor) -> Tensor:
        return self.apply(doubled, (tensor,), {})

    def _generator(self, drawing: tuple[Any, ...], args: Any, kwargs: Any) -> dict[str, torch.Generator]:
        return {"generator": self.source.generator(drawing[1], device_of(args, kwargs))} if drawing else {}

    def _count(self, result: Any) -> None:
        if isinstance(result, Held):
            self.num_made += result.num_made
        elif isinstance(result, Tensor):
            self.num_made += result.numel()


def _arguments(args: Any, kwargs: Any) -> list[Tensor]:
    """The tensors among the arguments, and in lists of them."""
    found = []
    for value in (*args, *kwargs.values()):
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple):
            found += tensors_in(value)
    return found


def _shares(result: Any, tensor: Tensor) -> bool:
    return any(storage_of(each) == storage_of(tensor) for each in tensors_in(result) if not isinstance(each, Held))


def _without_running(args: Any, kwargs: Any) -> tuple[Any, Any]:
    """With statistics of the minibatch: the running ones are not touched."""
    trains = kwargs.get("training", kwargs.get("use_input_stats", args[5] if len(args) > 5 else False))
    if not trains:
        return args, kwargs
    args = tuple(None if place in (1, 2) else arg for place, arg in enumerate(args))
    return args, kwargs | {name: None for name in ("running_mean", "running_var") if name in kwargs}


def _name(func: Any) -> str:
    return getattr(func, "__name__", None) or str(func)
