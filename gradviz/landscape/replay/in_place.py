"""Functions that write into a tensor, where that tensor is known or only its changed channels are kept.

They make a new tensor, which stands for the old one in the rest of the evaluation. That is the same as long as no
other tensor lies in the same memory, so where one does the forward pass cannot be replayed. What is computed anew at
every point is written into as the user wrote it.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.landscape.replay.channels import Held
from gradviz.landscape.replay.problem import CannotReplay

_FORBIDDEN = {"requires_grad_", "resize_", "resize_as_", "set_", "swap_", "share_memory_", "__set__", "retain_grad"}


def is_in_place(func: Any, kwargs: dict[str, Any]) -> bool:
    """Whether the call writes into its first argument, or into `out`."""
    name = getattr(func, "__name__", "")
    if name.endswith("_") and not name.endswith("__"):
        return True
    return name in ("__setitem__", *_FORBIDDEN) or kwargs.get("out") is not None or bool(kwargs.get("inplace"))


def out_of_place(mode: Any, func: Any, args: Any, kwargs: Any, drawing: tuple[Any, ...] = ()) -> Any:
    """Runs such a call of `mode`, a Replay, and returns what it has written. `drawing`: the key of a random call."""
    name = getattr(func, "__name__", "")
    target = kwargs["out"] if kwargs.get("out") is not None else args[0]
    if not isinstance(target, Tensor) or mode.moved(target) or name in _FORBIDDEN:
        raise CannotReplay(f"{name} changes a parameter, several tensors, or more of one than its numbers")
    if isinstance(target, Held):
        if target.has_views:
            raise CannotReplay(f"{name} changes a tensor in place that has views")
        if target.is_whole:  # others may have views of it
            mode.replace(target, target.whole())
            args, kwargs = mode._current(args), mode._current(kwargs)
            return out_of_place(mode, func, args, kwargs, drawing)
    elif not mode.is_known(target):
        if mode.memo.shares(target):
            raise CannotReplay(f"{name} changes a tensor in place that shares its memory with a known one")
        return mode.call(func, mode._at_point(args), mode._at_point(kwargs), drawing)
    elif mode.has_aliases(target):
        raise CannotReplay(f"{name} changes a tensor in place that shares its memory with others")
    result = _written(mode, func, target, args, kwargs, drawing)
    mode.replace(target, result)
    return result


def _written(mode: Any, func: Any, target: Tensor, args: Any, kwargs: Any, drawing: tuple[Any, ...]) -> Tensor:
    """A new tensor with what the call would have written into its target."""
    name = func.__name__
    if kwargs.get("out") is not None:
        return mode.apply(func, args, {key: value for key, value in kwargs.items() if key != "out"})
    if kwargs.get("inplace"):
        return mode.apply(func, args, kwargs | {"inplace": False})
    if not drawing:
        twin = _copied if func is Tensor.copy_ else _twin(name)
        if twin is not None:
            result = mode.apply(twin, args, kwargs)
            if isinstance(result, Tensor) and result.shape == target.shape and result.dtype == target.dtype:
                return result
    blank = mode._at_point(target)

    def written(tensor: Tensor, *rest: Any, **named: Any) -> Tensor:
        own = tensor.clone()
        func(own, *rest, **named)
        return own

    args, kwargs = mode._at_point(args), mode._at_point(kwargs)
    parts = mode.memo.key((args, kwargs))
    key = None if parts is None else ("written", func, parts, *drawing)
    found = None if key is None else mode.memo.find(key)
    if found is None:
        found = written(blank, *args[1:], **(kwargs | mode._generator(drawing, args, kwargs)))
        if key is not None:
            mode.memo.keep(key, found, [found])
    return found


def _twin(name: str) -> Any:
    """The function that returns what `name` writes: `relu` for `relu_`."""
    if name == "__setitem__":
        return None
    return next((getattr(place, name[:-1]) for place in (Tensor, torch, F) if hasattr(place, name[:-1])), None)


def _copied(target: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
    return source.to(device=target.device, dtype=target.dtype).expand(target.shape).clone()
