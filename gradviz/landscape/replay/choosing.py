"""Which way a landscape is computed: the quickest that gives the plain loop's numbers at two points of this very
request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.replay.evaluating import Probe, Replayer
from gradviz.landscape.replay.loop import by_loop
from gradviz.landscape.replay.problem import CannotReplay, Plane, Problem
from gradviz.landscape.replay.unseeded import seen_drawing

TOLERANCE = 1e-9
"""Of the largest number, in float64: both ways sum the same terms in another order."""

FLOOR = 1e-3
"""A gradient that changes the loss by this share over the plane is large enough to compare with; a smaller one may be
round-off."""


class Way(NamedTuple):
    """A way to compute a landscape, which may refuse with `CannotReplay`."""

    name: str
    values: Callable[[Replayer, Sequence[int], Probe], Tensor]
    keeps_channels: bool


WAYS = (
    Way("replay tiles (vmap)", Replayer.tiles, True),
    Way("replay", Replayer.points, True),
    Way("replay without channels", Replayer.points, False),
)
"""Quickest first; the last resort is the plain loop."""

LOOP = "reference"
_Replayers = Callable[[torch.dtype], Replayer]


@dataclass(frozen=True)
class Computed:
    """The loss and its derivatives by x and y at all points, (points², 3); the method that gave them, and why no
    quicker one did. `again` gives those of some points, computed in another dtype."""

    values: Tensor
    method: str
    passed_over: tuple[str, ...]
    again: Callable[[torch.dtype, Sequence[int]], Tensor]


def compute(problem: Problem, plane: Plane) -> Computed:
    """All points of the plane. `UserError` for a loss that is not a function of parameters, minibatch and seed."""
    every = range(plane.points**2)
    wanted = _checked_loop(problem.computed_in(torch.float64), plane, checked_points(plane))
    passed_over = []
    for keeps_channels in (True, False):
        in_dtype = _replayers(problem, plane, keeps_channels)
        for way in WAYS:
            if way.keeps_channels == keeps_channels:
                try:
                    exact = in_dtype(torch.float64)
                    probe = exact.probe()
                    _check(way.values(exact, checked_points(plane), probe), wanted, plane)
                    values = way.values(in_dtype(problem.dtype), every, probe)
                except CannotReplay as reason:
                    passed_over.append(f"{way.name}: {reason}")
                else:

                    def again(dtype: torch.dtype, points: Sequence[int], own: _Replayers = in_dtype) -> Tensor:
                        return own(dtype).points(points)

                    return Computed(values, way.name, tuple(passed_over), again)

    def by_loop_again(dtype: torch.dtype, points: Sequence[int]) -> Tensor:
        return by_loop(problem.computed_in(dtype), plane, points)

    return Computed(by_loop(problem, plane, every), LOOP, tuple(passed_over), by_loop_again)


def _replayers(problem: Problem, plane: Plane, keeps_channels: bool) -> _Replayers:
    """One replayer for each dtype, made at its first use."""

    @cache
    def in_dtype(dtype: torch.dtype) -> Replayer:
        return Replayer(problem.computed_in(dtype), plane, keeps_channels=keeps_channels)

    return in_dtype


def checked_points(plane: Plane) -> tuple[int, int]:
    """The first corner and the centre."""
    return 0, plane.points**2 // 2


def _checked_loop(problem: Problem, plane: Plane, points: Sequence[int]) -> Tensor:
    """The loop's numbers; the first point is computed once more: a function of the parameters gives the same again."""
    found = seen_drawing(problem, lambda: by_loop(problem, plane, [*points, points[0]]))
    if not torch.allclose(found[0], found[-1], rtol=1e-12, atol=0.0, equal_nan=True):
        raise UserError(
            "The same parameters, minibatch and seed give another loss or gradient the second time: the model counts in"
            " an attribute, or draws from a source other than torch's; keep such numbers in buffers."
        )
    return found[:-1]


def _check(got: Tensor, wanted: Tensor, plane: Plane) -> None:
    loss, gradient = wanted[:, 0].abs().max(), wanted[:, 1:].abs().max()
    arrow = torch.maximum(gradient, FLOOR * loss / plane.half_width)
    scale = torch.stack([loss, arrow, arrow]).clamp_min(torch.finfo(torch.float64).tiny)
    error = ((got - wanted).abs() / scale).nan_to_num(nan=torch.inf).max()
    if error > TOLERANCE:
        raise CannotReplay(f"differs from the plain loop by {error:.0e} of the largest number")
