"""What the rule calls zero is zero in 50 digits, and what it does not is not: a tiny network, all its parameters."""

import itertools
from collections.abc import Callable
from typing import Any

import mpmath
import torch
from mpmath import mpf
from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.landscape.replay import Problem, Scalar, why_zero
from gradviz.landscape.replay.why import Why

ROWS, POSITIONS, WIDTH, CLASSES = 3, 2, 2, 2

Number = Any
"""An mpf; matrices are lists of rows."""


class Tiny(nn.Module):
    """A linear layer, batch norm, attention written out, a ReLU unit that is always off, a shift of all logits."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.norm = nn.Linear(2, WIDTH), nn.BatchNorm1d(WIDTH)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.gate, self.leave = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, CLASSES)
        self.shift = nn.Parameter(torch.tensor(0.25))

    def forward(self, x_BTM: Tensor) -> Tensor:
        h = self.norm(self.enter(x_BTM).flatten(0, 1)).view(ROWS, POSITIONS, WIDTH)
        h = (self.query(h) @ self.key(h).mT).softmax(-1) @ self.value(h)
        return self.leave(F.relu(self.gate(h)).sum(1)) + self.shift


def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return F.cross_entropy(model(batch[0]), batch[1])


def problem() -> Problem:
    torch.manual_seed(3)
    model = Tiny()
    with torch.no_grad():
        model.gate.bias.copy_(torch.tensor([2.0, -50.0]))
    return Problem(model, loss, (torch.randn(ROWS, POSITIONS, 2), torch.tensor([0, 1, 1])), "train")


def exact(problem: Problem) -> Callable[[str, tuple[int, ...], Number], Number]:
    """The loss in 50 digits by hand, with a step added to one parameter."""
    own = {name: tensor.double().tolist() for name, tensor in problem.model.named_parameters()}
    inputs, labels = (tensor.tolist() for tensor in problem.batch)

    def at(moved: str, index: tuple[int, ...], step: Number) -> Number:
        def number(name: str, *place: int) -> Number:
            value = own[name]
            for k in place:
                value = value[k]
            return mpf(value) + (step if (name, place) == (moved, index) else 0)

        def linear(name: str, x: list[Number]) -> list[Number]:
            rows = range(len(own[f"{name}.weight"]))
            weights = [[number(f"{name}.weight", i, j) for j in range(len(x))] for i in rows]
            return [mpmath.fdot(weights[i], x) + number(f"{name}.bias", i) for i in rows]

        h = [linear("enter", [mpf(v) for v in position]) for row in inputs for position in row]
        for i in range(WIDTH):
            column = [position[i] for position in h]
            mean = mpmath.fsum(column) / len(h)
            deviation = mpmath.sqrt(mpmath.fsum((v - mean) ** 2 for v in column) / len(h) + mpf(1e-5))
            for position in h:
                normal = (position[i] - mean) / deviation
                position[i] = normal * number("norm.weight", i) + number("norm.bias", i)
        losses = []
        for row, label in enumerate(labels):
            seen = h[row * POSITIONS : (row + 1) * POSITIONS]
            query, key, value = ([linear(name, position) for position in seen] for name in ("query", "key", "value"))
            total = [mpf(0)] * WIDTH
            for q in query:
                scores = [mpmath.exp(mpmath.fdot(q, k)) for k in key]
                mixed = [mpmath.fdot(scores, [v[i] for v in value]) / mpmath.fsum(scores) for i in range(WIDTH)]
                total = [t + max(g, mpf(0)) for t, g in zip(total, linear("gate", mixed), strict=True)]
            logits = [logit + number("shift") for logit in linear("leave", total)]
            losses.append(mpmath.log(mpmath.fsum(map(mpmath.exp, logits))) - logits[label])
        return mpmath.fsum(losses) / len(losses)

    return at


def test_zero_classes_agree_with_50_digits():
    given = problem()
    found, wanted = {}, {}
    # a step of 1e-12 leaves 38 of the 50 digits to the slope, and errs by its square
    with mpmath.workdps(50):
        at = exact(given)
        for name, tensor in given.model.named_parameters():
            for index in itertools.product(*map(range, tensor.shape)):
                step = mpf(10) ** -12
                slope = (at(name, index, step) - at(name, index, -step)) / (2 * step)
                verdict = why_zero(given, Scalar(name, index))
                found[name, *index] = verdict.is_zero
                wanted[name, *index] = abs(slope) < mpf(10) ** -30
                if not verdict.is_zero:  # the central difference is exact to its square, float64 to its rounding
                    assert abs(verdict.double - slope) < 1e-12, name
                assert verdict.why is not Why.UNRESOLVED, name
    assert found == wanted
    zeros = {name for (name, *_), is_zero in wanted.items() if is_zero}
    assert zeros == {"enter.bias", "key.bias", "gate.weight", "gate.bias", "leave.weight", "shift"}
    assert sum(wanted.values()) == 2 + 2 + 2 + 1 + 2 + 1
