"""Losses that are not functions of parameters, minibatch and seed: they draw unseen, or give other values next time."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from gradviz.errors import UserError
from gradviz.landscape.replay.problem import Problem

_Result = TypeVar("_Result")


class _Watch(TorchDispatchMode):
    """Notes the operations that draw, by the tag that torch gives them."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if torch.Tag.nondeterministic_seeded in func.tags:
            self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def seen_drawing(problem: Problem, compute: Callable[[], _Result]) -> _Result:
    """What `compute` returns; `UserError` if it draws from the global random state, which is put back."""
    before = _state(problem)
    result = compute()
    if torch.equal(before, _state(problem)):
        return result
    with _Watch() as watch:
        compute()
    if watch.names:  # else another thread has drawn
        _set_state(problem, before)
        raise UserError(
            f"The loss draws random numbers by {watch.names[0]} in a way that cannot be seeded: use dropout and other"
            " random functions of torch itself, or draw in advance and keep the numbers in a buffer."
        )
    return result


def check_same_again(first: Tensor, second: Tensor) -> None:
    """`UserError` unless both, computed from the same parameters, minibatch and seed, are the same numbers."""
    if not torch.allclose(first, second, rtol=1e-12, atol=0.0, equal_nan=True):
        raise UserError(
            "The same parameters, minibatch and seed give another loss or gradient the second time: the model counts in"
            " an attribute, or draws from a source other than torch's; keep such numbers in buffers."
        )


def _state(problem: Problem) -> Tensor:
    on_cpu = torch.get_rng_state()
    return on_cpu if problem.device.type != "cuda" else torch.cat((on_cpu, torch.cuda.get_rng_state(problem.device)))


def _set_state(problem: Problem, state: Tensor) -> None:
    size = len(torch.get_rng_state())
    torch.set_rng_state(state[:size])
    if problem.device.type == "cuda":
        torch.cuda.set_rng_state(state[size:], problem.device)
