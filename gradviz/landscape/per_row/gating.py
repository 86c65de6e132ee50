"""Functions of torch whose derivative jumps: what each depends on, as quantities that are 0 where it does.

    ReLU, leaky ReLU, PReLU, SELU, ELU with α ≠ 1, abs        x
    ReLU6, clamp, hard tanh, sigmoid, swish and shrink        x less each of the limits
    threshold                                                 x less the threshold
    the larger or smaller of two                              their difference
    the mean absolute error                                   prediction less target

Which of many numbers is the largest, as in max pooling, has no such quantity. What is done with a comparison of two
numbers, as in `torch.where(x > 0, x, 0)`, cannot be told from the comparison.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.landscape.replay.recurrent import RECURRENT

Given = dict[str, Any]


class Gating(NamedTuple):
    """What a gating call takes, and the limits at which it switches: numbers, or tensors."""

    taken: Tensor
    limits: Sequence[Any]

    def quantities(self) -> list[Tensor]:
        """What is taken less each limit, 0 where the call switches."""
        return [self.less(self.taken, limit) for limit in self.limits]

    @staticmethod
    def less(taken: Tensor, limit: Any) -> Tensor:
        return taken - limit if isinstance(limit, Tensor) or limit else taken


def gating(func: Any, args: Any, kwargs: Any) -> Gating | None:
    """The call as one that gates real numbers; None for any other."""
    rule = _RULES.get(func)
    if rule is None:
        return None
    names, limits = rule
    given: Given = dict(zip(names, args, strict=False))
    given |= {_OTHER_NAMES.get(name) or name: each for name, each in kwargs.items()}
    x = given.get(names[0])
    return Gating(x, limits(given)) if isinstance(x, Tensor) and x.is_floating_point() else None


def is_of_residuals(func: Any) -> bool:
    """Whether it makes a loss of residuals, where no module calls it."""
    return func is F.l1_loss or func in _named("abs absolute __abs__")


def unseen(func: Any, args: Any, kwargs: Any) -> bool:
    """Whether it has gates that nobody looks at: which of many real numbers is the largest, or of two the larger."""
    x = args[0] if args else kwargs.get("input")
    if not isinstance(x, Tensor) or not x.is_floating_point():
        return False
    is_of_two = isinstance(kwargs.get("other", args[1] if len(args) > 1 else None), Tensor)
    return func in _UNSEEN or func in _COMPARISONS or (func in _LARGEST and not is_of_two)


def is_comparison(name: str) -> bool:
    """Whether a function of this name compares real numbers, or tells their sign."""
    return name.removesuffix("_") in _COMPARING.split()


def _named(names: str) -> set[Any]:
    """The functions of these names, and those that work in place, in torch, its tensors and torch.nn.functional."""
    every = [each for name in names.split() for each in (name, f"{name}_")]
    return {getattr(place, name) for name in every for place in (torch, Tensor, F) if hasattr(place, name)}


def _at(*limits: float) -> Callable[[Given], Sequence[Any]]:
    return lambda given: limits


def _limits(given: Given) -> list[Any]:
    return [given[name] for name in ("min", "max") if given.get(name) is not None]


def _other(given: Given) -> list[Any]:
    return [given["other"]] if isinstance(given.get("other"), Tensor) else []


def _elu(given: Given) -> list[float]:
    return [] if given.get("alpha", 1.0) == 1 else [0.0]


_OTHER_NAMES = {"input": "x", "min_val": "min", "max_val": "max"}
_X = ("x",)
_RULES: dict[Any, tuple[tuple[str, ...], Callable[[Given], Sequence[Any]]]] = {
    **dict.fromkeys(_named("relu leaky_relu prelu rrelu selu abs absolute __abs__"), (_X, _at(0))),
    **dict.fromkeys(_named("relu6"), (_X, _at(0, 6))),
    **dict.fromkeys(_named("elu"), (("x", "alpha"), _elu)),
    **dict.fromkeys(_named("hardsigmoid hardswish"), (_X, _at(-3, 3))),
    **dict.fromkeys(
        _named("hardtanh"), (("x", "min", "max"), lambda given: (given.get("min", -1.0), given.get("max", 1.0)))
    ),
    **dict.fromkeys(
        _named("hardshrink softshrink"),
        (("x", "lambd"), lambda given: (-given.get("lambd", 0.5), given.get("lambd", 0.5))),
    ),
    **dict.fromkeys(_named("threshold"), (("x", "threshold"), lambda given: [given["threshold"]])),
    **dict.fromkeys(_named("clamp clip"), (("x", "min", "max"), _limits)),
    **dict.fromkeys(_named("clamp_min"), (("x", "min"), _limits)),
    **dict.fromkeys(_named("clamp_max"), (("x", "max"), _limits)),
    **dict.fromkeys(_named("maximum minimum max min fmax fmin"), (("x", "other"), _other)),
    F.l1_loss: (("x", "target"), lambda given: [given["target"]]),
}
"""The names of the arguments by place, and what of them is subtracted from the first."""

_POOLS = """max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d
fractional_max_pool2d fractional_max_pool3d"""
_UNSEEN = _named(f"{_POOLS} amax amin topk sort kthvalue median")
_UNSEEN |= {func for func, name in RECURRENT.items() if name == "rnn_relu"}
_COMPARING = "gt ge lt le greater greater_equal less less_equal sign sgn signbit heaviside"
_COMPARISONS = _named(_COMPARING)
_LARGEST = _named("max min")
"""Of a tensor alone: which of its numbers wins is not looked at."""
