"""The loss and its derivatives once more: parameters by `functional_call`, masks by hand; nothing of replay."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.experiment.regularizers import Dropout
from gradviz.landscape.directions.vector import Vector
from gradviz.landscape.replay import Plane, Problem, Scalar

FLOAT64 = 1e-10
"""All ways differ by the order of their sums alone."""


def by_autograd(
    problem: Problem, plane: Plane, points: Sequence[int] | None = None, *, of_rows: bool = False
) -> np.ndarray:
    """(points, 3): loss, ∂x, ∂y in float64; `of_rows`: (points, 3, B), of each row's own loss."""
    model = copy.deepcopy(problem.model).double().train(problem.mode == "train")
    batch = _doubled(problem.batch)
    rows = []
    for point in range(plane.points**2) if points is None else points:
        each = [_at(problem, plane, model, batch, point, number, of_rows) for number in problem.sets(point)]
        rows.append(np.mean(each, 0))
    return np.array(rows)


class _Loss(nn.Module):
    def __init__(self, model: nn.Module, loss: Any) -> None:
        super().__init__()
        self.model, self.loss = model, loss

    def forward(self, batch: Any) -> Tensor:
        return self.loss(self.model, batch)


def _at(
    problem: Problem, plane: Plane, model: nn.Module, batch: Any, point: int, number: int, of_rows: bool
) -> np.ndarray:
    steps = [torch.tensor(step, dtype=torch.float64, requires_grad=True) for step in plane.at(point)]
    tensors = {f"model.{name}": t.detach().clone() for name, t in (*model.named_parameters(), *model.named_buffers())}
    first = {id(t): f"model.{name}" for name, t in model.named_parameters()}  # a tied tensor has one name here
    every = dict(model.named_parameters(remove_duplicate=False))
    for axis, step in zip((plane.x, plane.y), steps, strict=True):
        for own, part in _parts(axis, every).items():
            name = first[id(every[own])]
            tensors[name] = tensors[name] + step * part
    with masks_by_hand(problem.seed, number):
        losses = torch.func.functional_call(_Loss(model, problem.loss), tensors, (batch,))
    found = [_derived(value, steps) for value in (losses.unbind() if of_rows else [losses.mean()])]
    return np.array(found).T if of_rows else np.array(found[0])


def _derived(value: Tensor, steps: Sequence[Tensor]) -> list[float]:
    gradient = (
        torch.autograd.grad(value, steps, allow_unused=True, retain_graph=True) if value.requires_grad else (None, None)
    )
    return [value.item(), *(0.0 if g is None else g.item() for g in gradient)]


def _parts(axis: Scalar | Vector, every: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if isinstance(axis, Vector):
        return dict(axis.parts)
    place = torch.zeros_like(every[axis.name])
    place[axis.index] = 1
    return {axis.name: place}


@contextmanager
def masks_by_hand(seed: int, number: int) -> Iterator[None]:
    """Dropout as it is defined, with bits from the stream that docs/engine.md names, one mask after the other."""
    bits = np.random.SFC64((seed, number)).random_raw(1 << 16).view(np.uint16)
    used = 0

    def keep(shape: tuple[int, ...], p: float) -> Tensor:
        nonlocal used
        count = int(np.prod(shape))
        kept = bits[used : used + count] >= round(p * 2**16)
        assert len(kept) == count
        used += count
        return torch.from_numpy(kept.reshape(shape)).double()

    def dropout(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        return x * keep(tuple(x.shape), p) / (1 - p) if training else x

    def dropout2d(x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        return x * keep((*x.shape[:2], 1, 1), p) / (1 - p) if training else x

    def attention(q: Tensor, k: Tensor, v: Tensor, mask: None = None, dropout_p: float = 0.0, is_causal: bool = False):
        scores = q @ k.transpose(-2, -1) / np.sqrt(q.shape[-1])
        if is_causal:
            scores = scores.masked_fill(torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1), -torch.inf)
        weights = scores.softmax(-1)
        return dropout(weights, dropout_p, dropout_p > 0) @ v

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(F, "dropout", dropout)
        patch.setattr(F, "dropout2d", dropout2d)
        patch.setattr(Dropout, "draw", lambda own, blank, generator: keep(tuple(blank.shape), own.p))
        patch.setattr(F, "scaled_dot_product_attention", attention)
        yield


def _doubled(batch: Any) -> Any:
    if isinstance(batch, dict):
        return {key: _doubled(value) for key, value in batch.items()}
    if isinstance(batch, tuple):
        parts = map(_doubled, batch)
        return type(batch)(*parts) if hasattr(batch, "_fields") else tuple(parts)
    return batch.double() if batch.is_floating_point() else batch


def error_of(found: np.ndarray | Tensor, wanted: np.ndarray | Tensor) -> float:
    """The largest difference over the largest number: of the loss for itself, of the gradient for both components."""
    got, right = np.asarray(found), np.asarray(wanted)
    scale = abs(right).max(0)
    scale[1:] = max(scale[1:].max(), 1e-3 * scale[0])
    return float((abs(got - right) / scale).max())


def scalars(model: nn.Module, *texts: str) -> tuple[Scalar, Scalar]:
    x, y = (Scalar.parse(text) for text in texts)
    return x, y
