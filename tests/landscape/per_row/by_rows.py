"""The gradients of single rows by backpropagation, one row at a time in float64: the reference for whatever uses inner
products."""

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tests.landscape.cases import Case

# Shape suffixes: R = rows, P = parameters.


def row_gradients_of(case: Case, names: Sequence[str]) -> Tensor:
    """(R, P): of |o_r - y_r| in eval mode, by these tensors one after the other."""
    model, rows = copy.deepcopy(case.model).double().eval(), []
    for inputs, target in zip(case.inputs.double(), case.targets.double(), strict=True):
        rows.append(gradient_of(model, (model(inputs[None]) - target).abs().sum(), names))
    return torch.stack(rows)


def gradient_of(model: nn.Module, loss: Tensor, names: Sequence[str]) -> Tensor:
    """(P,)."""
    model.zero_grad()
    loss.backward()
    own = dict(model.named_parameters())
    found = [own[name].grad for name in names]
    return torch.cat(
        [(torch.zeros_like(own[name]) if g is None else g).flatten() for name, g in zip(names, found, strict=True)]
    )
