"""What lies in a plane of directions: the run's other checkpoints by their projections, the minibatches' gradients."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.landscape.directions.path import Path
from gradviz.landscape.directions.resolving import Surroundings
from gradviz.landscape.directions.vector import Parameters, Vector, dot, inner_product, share_within

# Shape suffix: E = recorded epochs.


@dataclass(frozen=True)
class Mark:
    """A checkpoint: its coordinates in the plane, and its `distance` from it, a norm over all parameters."""

    epoch: int
    x: float
    y: float
    distance: float


@dataclass(frozen=True)
class Marks:
    """All recorded checkpoints, and the share of the path's variance that lies in the plane; None for one checkpoint,
    or for several that are the same."""

    checkpoints: tuple[Mark, ...]
    variance_share: float | None


@dataclass(frozen=True)
class Ray:
    """A minibatch's gradient at the checkpoint: its derivatives along both axes, and the share of its length that lies
    in the plane (None if it is zero)."""

    minibatch: int
    u: float
    v: float
    share: float | None


def marks_of(path: Path, x: Vector, y: Vector) -> Marks:
    """The recorded checkpoints as an orthogonal plane through the present one shows them; one is held at a time."""
    here, epochs = path.parameters(path.epoch), list(path.epochs())
    squares = inner_product(x.parts, x.parts), inner_product(y.parts, y.parts)
    marks, total, sum_of = [], 0.0, {name: torch.zeros_like(part) for name, part in here.items()}
    for epoch in epochs:
        away = {name: part - here[name] for name, part in path.parameters(epoch).items()}
        alpha, beta = (inner_product(away, axis.parts) / own for axis, own in zip((x, y), squares, strict=True))
        size = inner_product(away, away)
        inside = alpha**2 * squares[0] + beta**2 * squares[1]
        marks.append(Mark(epoch, alpha, beta, math.sqrt(max(0.0, size - inside))))
        total += size
        for name, part in away.items():
            sum_of[name] += part
    variance = total - inner_product(sum_of, sum_of) / len(epochs)
    held = sum(
        square * _squares_about_the_mean([getattr(mark, axis) for mark in marks])
        for axis, square in zip("xy", squares, strict=True)
    )
    return Marks(tuple(marks), min(1.0, held / variance) if variance > 1e-12 * total else None)


def rays_of(where: Surroundings, x: Vector, y: Vector) -> tuple[Ray, ...]:
    """The gradients of all minibatches, as the plane shows them."""
    return tuple(_ray(number, where.gradient(number), x, y) for number in range(where.num_minibatches))


def _ray(number: int, gradient: Parameters, x: Vector, y: Vector) -> Ray:
    u, v = (inner_product(gradient, axis.parts) for axis in (x, y))
    return Ray(number, u, v, share_within(gradient, x, y))


def _squares_about_the_mean(values: list[float]) -> float:
    values_E = torch.tensor(values, dtype=torch.float64)
    centred_E: Tensor = values_E - values_E.mean()
    return dot(centred_E, centred_E)
