"""Directions as numbers: vectors in parameter space, in float64, with the meaning of coordinate 1."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from gradviz.errors import NotHere
from gradviz.numbers import number

PARALLEL = 1e-6
"""A second direction whose part across the first is a smaller share of it spans no plane with it."""

_BLOCK = 2**10
_MOST = 2**22
"""Numbers that are multiplied at once."""

Parameters = Mapping[str, Tensor]
"""Real numbers by the names of the tensors, each tensor once, on the CPU."""


@dataclass(frozen=True, eq=False)
class Vector:
    """A direction: `parts` (float64, on the CPU) by the names of the tensors that it moves, 0 elsewhere.

    `text`: the axis that it stands for. `meaning`: what coordinate 1 is, for people; `unit`: the same in few words.
    `notes`: whole sentences about it. `rank`: that matrices of it usually have, if that may be low. `part`: of the
    length of what `text` stands for, that of the part which this is; less than 1 where the rest lies along the other
    axis.
    """

    text: str
    parts: Parameters
    meaning: str
    notes: tuple[str, ...] = field(default=())
    rank: int | None = None
    unit: str = ""
    part: float = 1.0

    @property
    def length(self) -> float:
        return math.sqrt(inner_product(self.parts, self.parts))


def parameters_of(model: nn.Module) -> dict[str, Tensor]:
    """The real parameters of a model in float64; those that are shared under their first name alone."""
    return {
        name: parameter.detach().to("cpu", torch.float64)
        for name, parameter in model.named_parameters()
        if parameter.is_floating_point()
    }


def inner_product(a: Parameters, b: Parameters) -> float:
    """⟨a, b⟩ over the tensors that both have, in float64."""
    return sum(dot(part, b[name]) for name, part in a.items() if name in b)


def share_within(parts: Parameters, x: Vector, y: Vector) -> float | None:
    """Of a vector's length, that of its projection to the plane of two orthogonal ones; None for the zero vector."""
    size = math.sqrt(inner_product(parts, parts))
    if size == 0:
        return None
    inside = math.hypot(*(inner_product(parts, axis.parts) / axis.length for axis in (x, y)))
    return min(1.0, inside / size)


def dot(a: Tensor, b: Tensor) -> float:
    """⟨a, b⟩ of two tensors of one shape in float64: the same number whatever the number of threads, since blocks are
    summed by themselves and then their sums."""
    flat = a.reshape(-1), b.reshape(-1)
    sums = [
        (x.double() * y.double()).view(-1, _BLOCK).sum(1)
        for x, y in zip(*(each[: len(each) // _BLOCK * _BLOCK].split(_MOST) for each in flat), strict=True)
    ]
    rest = [each[len(each) // _BLOCK * _BLOCK :].double() for each in flat]
    return math.fsum([*(each.sum().item() for each in sums), (rest[0] * rest[1]).sum().item()])


def plane_of(x: Vector, y: Vector) -> tuple[Vector, Vector]:
    """x, and y made orthogonal to it and as long, so that a circle in the picture is one in parameter space.

    `UserError` if one is zero, not finite, or both lie on one line.
    """
    lengths = [vector.length for vector in (x, y)]
    for vector, length in zip((x, y), lengths, strict=True):
        if not 0 < length < math.inf:
            reason = "does not move any parameter" if length == 0 else "has numbers that are not finite"
            raise NotHere(f"`{vector.text}` {reason}", "choose another direction")
    share = inner_product(x.parts, y.parts) / lengths[0] ** 2
    names = dict.fromkeys((*y.parts, *x.parts))
    across = {name: _minus(y.parts.get(name), share, x.parts.get(name)) for name in names}
    # Once more: what rounding has left of x in it goes.
    left = inner_product(x.parts, across) / lengths[0] ** 2
    across = {name: _minus(part, left, x.parts.get(name)) for name, part in across.items()}
    length = math.sqrt(inner_product(across, across))
    if length < PARALLEL * lengths[1]:
        raise NotHere(f"`{x.text}` and `{y.text}` lie on one line, and a plane needs two directions", "choose another")
    parts = {name: part * (lengths[0] / length) for name, part in across.items()}
    rank = None if x.rank is None or y.rank is None else x.rank + y.rank
    kept = min(1.0, length / lengths[1])
    return x, Vector(y.text, parts, _across(y, x, kept), y.notes, rank, "as long as x", kept)


def _minus(part: Tensor | None, share: float, other: Tensor | None) -> Tensor:
    if part is None:
        assert other is not None
        return -share * other
    return part if other is None else part - share * other


def _across(y: Vector, x: Vector, kept: float) -> str:
    return f"as long as x: the part of {y.text} across {x.text}, {number(kept, 3)} of it"
