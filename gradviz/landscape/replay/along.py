"""A tensor that moves along directions, θ + α u + β v, and what the layers that take it can look up.

    known input     f(x; θ + α u + β v) = f(x; θ) + α f(x; u) + β f(x; v)      linear, convolution, embedding
    low rank        x (L R)' = (x R') L'                                       linear, where u = L R with few columns

The first holds since these are linear in weight and bias together: three products are looked up, and a point adds two
of them. The second is a minibatch's gradient, whose rank is at most that of the layer's inputs: neither the product nor
its derivatives need the moved weight. Elsewhere the moved tensor is made, and the derivatives by α and β are two inner
products with its gradient.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import is_batchedtensor
from torch.nn import functional as F

LARGEST_SHARE = 4
"""A matrix is of low rank if its rank is at most this part of its smaller side."""

_NEGLIGIBLE = 1e-12
"""What factors may leave out of a matrix, as a share of it."""


@dataclass(frozen=True)
class Part:
    """What a direction does to one tensor; `factors` are L and R of a matrix L R of low rank."""

    whole: Tensor
    factors: tuple[Tensor, Tensor] | None = None

    def to(self, like: Tensor) -> "Part":
        """In the dtype and on the device of another tensor."""
        factors = None if self.factors is None else (self.factors[0].to(like), self.factors[1].to(like))
        return Part(self.whole.to(like), factors)


def part_of(whole: Tensor, rank: int | None) -> Part:
    """With its factors, if a matrix has no more than this rank, and that is low.

    They are found by a randomized range finder (Halko, Martinsson and Tropp 2011, algorithm 4.1), and checked.
    """
    if whole.ndim != 2 or rank is None or LARGEST_SHARE * rank > min(whole.shape):
        return Part(whole)
    sketch = torch.randn((whole.shape[1], rank), generator=torch.Generator().manual_seed(0), dtype=whole.dtype)
    left = torch.linalg.qr(whole @ sketch).Q
    right = left.T @ whole
    if torch.linalg.vector_norm(whole - left @ right) > _NEGLIGIBLE * torch.linalg.vector_norm(whole):
        return Part(whole)
    return Part(whole, (left, right))


class Rooms:
    """What is made anew at every point, one after the other, in the same memory: fresh pages cost more than sums."""

    def __init__(self) -> None:
        self._kept: dict[object, Tensor] = {}
        self._row: dict[int, float] = {}
        self._stacked: dict[int, tuple[Tensor, Tensor]] = {}

    def __call__(self, key: object, like: Tensor) -> Tensor:
        """Memory for this purpose, with whatever it holds."""
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = torch.empty_like(like)
        return found

    def row(self, base: Tensor, part: Part, step: float) -> Tensor:
        """base + step · part: the same for the points of a row of the grid, which follow each other."""
        room = self(("row", id(base)), base)
        if self._row.get(id(base)) != step:
            torch.add(base, part.whole, alpha=step, out=room)
            self._row[id(base)] = step
        return room

    def stacked(self, base: Tensor, parts: Sequence[Part]) -> tuple[Tensor, Tensor]:
        """The factors of all parts: R one below the other, and L side by side."""
        if id(base) not in self._stacked:
            left, right = zip(*(part.factors for part in parts if part.factors is not None), strict=True)
            self._stacked[id(base)] = torch.cat(left, 1), torch.cat(right)
        return self._stacked[id(base)]


@dataclass
class Along:
    """How one tensor moves: `base` is its own value, `parts` are what the directions do to it, and the steps.

    What `at_point` makes lies in `rooms` until the next point's is made.
    """

    base: Tensor
    rooms: Rooms
    parts: list[tuple[Part, Tensor]] = field(default_factory=list)

    def take(self, part: Part, step: Tensor) -> None:
        self.parts.append((part, step))

    @property
    def is_batched(self) -> bool:
        return any(is_batchedtensor(step) for _, step in self.parts)

    def at_point(self) -> Tensor:
        if self.is_batched:
            return self.base + sum(step * part.whole for part, step in self.parts)
        wholes, steps = zip(*((part.whole, step) for part, step in self.parts), strict=True)
        return _Moved.apply(self, wholes, *steps)

    def made(self) -> Tensor:
        """θ + Σ step · part, in a room."""
        (part, step), *others = self.parts
        row = self.rooms.row(self.base, others[0][0], others[0][1].item()) if others else self.base
        room = self.rooms(("moved", id(self.base)), self.base)
        return torch.add(row, part.whole, alpha=step.item(), out=room).detach()


class _Moved(torch.autograd.Function):
    """The moved tensor; the derivative by a step is an inner product."""

    @staticmethod
    def forward(ctx: Any, along: Along, wholes: Sequence[Tensor], *steps: Tensor) -> Tensor:
        ctx.wholes = wholes
        with torch.no_grad():
            return along.made()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return None, None, *(torch.dot(gradient.reshape(-1), whole.reshape(-1)) for whole in ctx.wholes)


class _Product(torch.autograd.Function):
    """x W' + b with a moved W, whose gradient needs no memory of its own."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, along: Along, bias: Tensor | None, *steps: Tensor) -> Tensor:
        with torch.no_grad():
            weight = along.made()
        ctx.along = along
        ctx.save_for_backward(x, weight)
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        along: Along = ctx.along
        x, weight = ctx.saved_tensors
        rows, inputs = gradient.reshape(-1, weight.shape[0]), x.reshape(-1, weight.shape[1])
        of_bias = rows.sum(0) if ctx.needs_input_grad[2] else None
        if torch.is_grad_enabled():  # it will be derived itself, by where the gradient begins
            slopes = [(rows * (inputs @ part.whole.T)).sum() for part, _ in along.parts]
            return gradient @ weight, None, of_bias, *slopes
        of_weight = along.rooms(("gradient", weight.shape), weight)
        torch.mm(rows.T, inputs, out=of_weight)
        slopes = (torch.dot(of_weight.reshape(-1), part.whole.reshape(-1)) for part, _ in along.parts)
        return gradient @ weight if ctx.needs_input_grad[0] else None, None, of_bias, *slopes


def product_along(mode: Any, func: Any, x: Tensor, weight: Tensor, bias: Tensor | None, rest: Sequence[Any]) -> Any:
    """`linear` and convolutions whose weight or bias moves along directions."""
    of = [mode.moved(tensor) for tensor in (weight, bias)]
    if mode.is_known(x):
        out = mode.known(func, x, weight, bias, *rest)
        for step, own in _by_step(of).items():
            there = own[0].whole if own[0] is not None else torch.zeros_like(mode.base(weight))
            out = out + step * mode.call(func, (x, there, None if own[1] is None else own[1].whole, *rest), {})
        return out
    of_weight, of_bias = of
    if func is not F.linear or of_weight is None:
        return NotImplemented
    own = bias if of_bias is None else of_bias.at_point()
    if any(part.factors is None for part, _ in of_weight.parts):
        if of_weight.is_batched:
            return NotImplemented
        mode.num_made += weight.numel()
        return _Product.apply(x, of_weight, own, *(step for _, step in of_weight.parts))
    left, right = of_weight.rooms.stacked(of_weight.base, [part for part, _ in of_weight.parts])
    steps = torch.cat([step.expand(part.factors[1].shape[0]) for part, step in of_weight.parts])
    return mode.call(F.linear, (x, of_weight.base, own), {}) + (x @ right.T * steps) @ left.T


def embedding_along(mode: Any, rows: Tensor, weight: Tensor) -> Tensor:
    """`embedding` with known indices."""
    out = mode.known(F.embedding, rows, weight)
    for part, step in mode.moved(weight).parts:
        out = out + step * mode.call(F.embedding, (rows, part.whole), {})
    return out


def _by_step(of: Sequence[Along | None]) -> dict[Tensor, list[Part | None]]:
    """What each step does to weight and bias."""
    found: dict[Tensor, list[Part | None]] = {}
    for place, along in enumerate(of):
        for part, step in along.parts if along is not None else ():
            found.setdefault(step, [None, None])[place] = part
    return found
