"""Which way a landscape is computed: the quickest that gives the plain loop's numbers at two points of this very
request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.replay.evaluating import Probe, Replayer
from gradviz.landscape.replay.loop import by_loop
from gradviz.landscape.replay.problem import CannotReplay, Plane, Problem
from gradviz.landscape.replay.unseeded import check_same_again, seen_drawing

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
    Way("replay tiles (vmap of gradients)", Replayer.tiles_of_gradients, True),
    Way("replay", Replayer.points, True),
    Way("replay without channels", Replayer.points, False),
)
"""Quickest first; the last resort is the plain loop."""

LOOP = "reference"


class Again:
    """Numbers of single points in float32 and float64, each computed once."""

    def __init__(self, compute: Callable[[torch.dtype, Sequence[int]], Tensor]) -> None:
        self._compute = compute
        self._known: dict[tuple[torch.dtype, int], Tensor] = {}

    def know(self, dtype: torch.dtype, points: Sequence[int], values: Tensor) -> None:
        self._known |= {(dtype, point): value for point, value in zip(points, values, strict=True)}

    def __call__(self, dtype: torch.dtype, points: Sequence[int]) -> Tensor:
        """(len(points), 3) float64."""
        lacking = [point for point in points if (dtype, point) not in self._known]
        if lacking:
            self.know(dtype, lacking, self._compute(dtype, lacking))
        return torch.stack([self._known[dtype, point] for point in points]) if points else torch.zeros((0, 3))


@dataclass(frozen=True)
class Computed:
    """The loss and its derivatives by x and y at all points, (points², 3); the method that gave them, and why no
    quicker one did. `again` gives those of some points in any dtype."""

    values: Tensor
    method: str
    passed_over: tuple[str, ...]
    again: Again


def compute(problem: Problem, plane: Plane) -> Computed:
    """All points of the plane. `UserError` for a loss that is not a function of parameters, minibatch and seed."""
    every, checked = range(plane.points**2), checked_points(plane)
    wanted = _checked_loop(problem.computed_in(torch.float64), plane, checked)
    passed_over = []
    for keeps_channels in (True, False):
        in_dtype = _replayers(problem, plane, keeps_channels)
        for way in WAYS:
            if way.keeps_channels == keeps_channels:
                try:
                    exact = in_dtype(torch.float64)
                    probe = exact.probe()
                    found = way.values(exact, checked, probe)
                    _check(found, wanted, plane)
                    values = way.values(in_dtype(problem.dtype), every, probe)
                except CannotReplay as reason:
                    passed_over.append(f"{way.name}: {reason}")
                else:
                    again = Again(partial(_anew, in_dtype, way, probe))
                    again.know(torch.float64, checked, found)
                    again.know(problem.dtype, every, values)
                    return Computed(values, way.name, tuple(passed_over), again)
    return by_loop_alone(problem, plane, tuple(passed_over))


def by_loop_alone(problem: Problem, plane: Plane, passed_over: tuple[str, ...] = ()) -> Computed:
    """All points of the plane by the plain loop."""
    every = range(plane.points**2)
    values = seen_drawing(problem, lambda: by_loop(problem, plane, every))
    again = Again(lambda dtype, points: by_loop(problem.computed_in(dtype), plane, points))
    again.know(problem.dtype, every, values)
    return Computed(values, LOOP, passed_over, again)


def _replayers(problem: Problem, plane: Plane, keeps_channels: bool) -> Callable[[torch.dtype], Replayer]:
    """One replayer for each dtype, made at its first use."""

    @cache
    def in_dtype(dtype: torch.dtype) -> Replayer:
        return Replayer(problem.computed_in(dtype), plane, keeps_channels=keeps_channels)

    return in_dtype


def _anew(
    in_dtype: Callable[[torch.dtype], Replayer], way: Way, probe: Probe, dtype: torch.dtype, points: Sequence[int]
) -> Tensor:
    return way.values(in_dtype(dtype), points, probe)


def checked_points(plane: Plane) -> tuple[int, int]:
    """The first corner and the centre."""
    return 0, plane.points**2 // 2


def _checked_loop(problem: Problem, plane: Plane, points: Sequence[int]) -> Tensor:
    """The loop's numbers; the first point is computed once more: a function of the parameters gives the same again."""
    twice = [*points, points[0]]
    try:
        found = seen_drawing(problem, lambda: by_loop(problem, plane, twice, whole=False))
    except UserError:  # some ways of checkpointing activations go backward to all parameters alone
        found = seen_drawing(problem, lambda: by_loop(problem, plane, twice))
    check_same_again(found[0], found[-1])
    return found[:-1]


def _check(got: Tensor, wanted: Tensor, plane: Plane) -> None:
    loss, gradient = wanted[:, 0].abs().max(), wanted[:, 1:].abs().max()
    arrow = torch.maximum(gradient, FLOOR * loss / plane.half_width)
    scale = torch.stack([loss, arrow, arrow]).clamp_min(torch.finfo(torch.float64).tiny)
    error = ((got - wanted).abs() / scale).nan_to_num(nan=torch.inf).max()
    if error > TOLERANCE:
        raise CannotReplay(f"differs from the plain loop by {error:.0e} of the largest number")
