"""The functions that are watched have a derivative that jumps exactly where their quantities change side."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from gradviz.landscape.per_row.gating import gating, unseen


class Noting(TorchFunctionMode):
    def __init__(self) -> None:
        super().__init__()
        self.quantities: list[Tensor] = []
        self.unseen: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = gating(func, args, kwargs or {})
        self.quantities += [each.detach().clone() for each in found.quantities()] if found else []
        self.unseen += [func.__name__] if unseen(func, args, kwargs or {}) else []
        return func(*args, **(kwargs or {}))


CALLS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "torch.relu": torch.relu,
    "Tensor.relu_": lambda x: (1 * x).relu_(),
    "inplace": lambda x: F.relu(1 * x, inplace=True),
    "leaky_relu": lambda x: F.leaky_relu(x, 0.1),
    "prelu": lambda x: F.prelu(x, torch.tensor([0.3], dtype=x.dtype)),
    "rrelu": F.rrelu,
    "selu": F.selu,
    "elu with α = 2": lambda x: F.elu(x, 2.0),
    "elu": F.elu,
    "celu": F.celu,
    "relu6": F.relu6,
    "hardtanh": F.hardtanh,
    "hardtanh of others": lambda x: F.hardtanh(x, min_val=-2.0, max_val=0.5),
    "hardsigmoid": F.hardsigmoid,
    "hardswish": F.hardswish,
    "hardshrink": lambda x: F.hardshrink(x, 0.7),
    "softshrink": F.softshrink,
    "threshold": lambda x: F.threshold(x, 1.2, 0.5),
    "abs": torch.abs,
    "built-in abs": abs,
    "clamp": lambda x: x.clamp(-1.1, 2.3),
    "clamp from below": lambda x: torch.clamp(x, min=0.4),
    "clamp from above": lambda x: x.clamp(max=-0.4),
    "clamp_min": lambda x: x.clamp_min(0.2),
    "clamp_max": lambda x: torch.clamp_max(x, 0.2),
    "clip": lambda x: torch.clip(x, -0.3, 0.9),
    "maximum": lambda x: torch.maximum(x, 0.5 * x + 1),
    "max of two": lambda x: torch.max(x, -x),
    "minimum": lambda x: torch.minimum(x, torch.tensor(0.8, dtype=x.dtype)),
    "l1_loss": lambda x: F.l1_loss(x, 0.1 * x - 1, reduction="none"),
    "gelu": F.gelu,
    "tanh": torch.tanh,
    "smooth_l1_loss": lambda x: F.smooth_l1_loss(x, 0 * x, reduction="none"),
}
SMOOTH = {"elu", "celu", "gelu", "tanh", "smooth_l1_loss"}
STEP = 0.01


@pytest.mark.parametrize("name", CALLS)
def test_the_derivative_jumps_where_a_quantity_changes_side(name: str):
    x = (torch.arange(-800, 800, dtype=torch.float64) * STEP + 0.0037).requires_grad_()
    with Noting() as noting:
        y = CALLS[name](x)
    [slope] = torch.autograd.grad(y.sum(), x)
    jumps = slope.diff().abs() > 3 * STEP  # between jumps, no second derivative here is above 2
    sides = torch.stack([jumps, *((each > 0).diff() for each in noting.quantities)])[1:].any(0)
    assert torch.equal(jumps, sides if len(noting.quantities) else torch.zeros_like(jumps))
    assert bool(jumps.any()) == (name not in SMOOTH)


def test_what_is_not_real_has_no_gates():
    with Noting() as noting:
        abs(torch.tensor([1 + 2j]))
        torch.tensor([1, -2]).clamp(0)
    assert noting.quantities == []


def test_which_of_many_is_the_largest_is_not_looked_at():
    x = torch.randn(2, 3, 4, 4)
    with Noting() as noting:
        F.max_pool2d(x, 2)
        F.adaptive_max_pool2d(x, 1)
        x.max(1)
        x.amax((2, 3))
        torch.max(x, -x)
        x.argmax(1)
        torch.tensor([1, 2]).max()
        torch.nn.RNN(4, 2, nonlinearity="relu")(x[0])
    assert len(noting.unseen) == 5
    assert "amax" in noting.unseen
