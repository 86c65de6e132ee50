"""Which way a landscape is computed: the quickest that gives the plain loop's numbers at two points of this very
request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor

from gradviz.landscape.replay.checking import Differs, Expected
from gradviz.landscape.replay.coarser import Order
from gradviz.landscape.replay.evaluating import Probe, Replayer
from gradviz.landscape.replay.known import Prepared
from gradviz.landscape.replay.loop import by_loop
from gradviz.landscape.replay.problem import CannotReplay, Plane, Problem
from gradviz.landscape.replay.unseeded import seen_drawing


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
    """The loss and its derivatives by x and y at all points, (points², 3), NaN at those that an order leaves out; the
    method that gave them, and why no quicker one did. `again` gives those of some points in any dtype."""

    values: Tensor
    method: str
    passed_over: tuple[str, ...]
    again: Again


def compute(prepared: Prepared, plane: Plane, order: Order | None = None) -> Computed:
    """All points of the plane at once, or those of `order` in that order. `UserError` for a loss that is not a function
    of parameters, minibatch and seed."""
    expected, passed_over = Expected(prepared, plane), []
    for way in WAYS:
        try:
            values, again = _by(way, prepared, plane, expected, order)
        except CannotReplay as reason:
            passed_over.append(f"{way.name}: {reason}")
            prepared.forget(everything=isinstance(reason, Differs))
        else:
            return Computed(values, way.name, tuple(passed_over), again)
    return by_loop_alone(prepared.problem, plane, tuple(passed_over), order)


def _by(way: Way, prepared: Prepared, plane: Plane, expected: Expected, order: Order | None) -> tuple[Tensor, Again]:
    """The points by `way`; `CannotReplay` if it cannot, `Differs` if its numbers are not the expected ones."""
    problem = prepared.problem

    def replayer(problem: Problem) -> Replayer:
        return Replayer(prepared.known(problem.dtype), problem, plane, keeps_channels=way.keeps_channels)

    def all_values() -> Tensor:
        return _ordered(plane, order, way.name, lambda points: way.values(own, points, probe))

    own, values = replayer(problem), None
    probe = own.probe()
    again = Again(lambda dtype, points: way.values(replayer(prepared.problem_in(dtype)), points, probe))
    if expected.some_rows is not None:
        some = replayer(expected.some_rows)
        expected.check_some(way.values(some, expected.points, replace(probe, draws=some.probe().draws)))
        values = all_values()
    if values is None or not expected.is_near(values[list(expected.points)]):
        expected.check(again(torch.float64, expected.points))
    if values is None:
        values = all_values()
    _know(again, problem, plane, order, values)
    return values, again


def by_loop_alone(
    problem: Problem, plane: Plane, passed_over: tuple[str, ...] = (), order: Order | None = None
) -> Computed:
    """The points of the plane by the plain loop."""

    def all_values() -> Tensor:
        return _ordered(plane, order, LOOP, lambda points: by_loop(problem, plane, points))

    values = seen_drawing(problem, all_values)
    again = Again(lambda dtype, points: by_loop(problem.computed_in(dtype), plane, points))
    _know(again, problem, plane, order, values)
    return Computed(values, LOOP, passed_over, again)


def _ordered(plane: Plane, order: Order | None, method: str, values: Callable[[Sequence[int]], Tensor]) -> Tensor:
    return values(range(plane.points**2)) if order is None else order.values(method, values)


def _know(again: Again, problem: Problem, plane: Plane, order: Order | None, values: Tensor) -> None:
    points = range(plane.points**2) if order is None else order.shown
    again.know(problem.dtype, points, values[list(points)])
