"""Which way a landscape is computed: the quickest that gives the plain loop's numbers at two points of this very
request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
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
    in_tiles: bool = False


WAYS = (
    Way("replay tiles (vmap)", Replayer.tiles, True, True),
    Way("replay tiles (vmap of gradients)", Replayer.tiles_of_gradients, True, True),
    Way("replay", Replayer.points, True),
    Way("replay without channels", Replayer.points, False),
)
"""Quickest first; the last resort is the plain loop."""

LOOP = "reference"


@dataclass(frozen=True)
class Computed:
    """The loss and its derivatives by x and y at all points, (points², 3), NaN at those that `order` leaves out; the
    dtype and method that gave them, and why no quicker one did. `again` gives those of some points in any dtype."""

    values: Tensor
    dtype: torch.dtype
    method: str
    passed_over: tuple[str, ...]
    order: Order
    again: Callable[[torch.dtype, Sequence[int]], Tensor]


def compute(prepared: Prepared, plane: Plane, order: Order | None = None, *, ways: Sequence[Way] = WAYS) -> Computed:
    """All points of the plane at once, or those of `order`, by the first of `ways` that can, else by the plain loop.
    `UserError` for a loss that is not a function of parameters, minibatch and seed."""
    order = order or Order.at_once(plane.points)
    begun, expected = order.begun, cache(lambda: Expected(prepared, plane))
    while len(begun.passed_over) < len(ways):
        way = ways[len(begun.passed_over)]
        try:
            return _by(way, prepared, plane, expected, order)
        except CannotReplay as reason:
            begun.pass_over(f"{way.name}: {reason}")
            prepared.forget(everything=isinstance(reason, Differs))
    return _by_loop(prepared.problem, plane, order)


def _by(way: Way, prepared: Prepared, plane: Plane, expected: Callable[[], Expected], order: Order) -> Computed:
    """The points by `way`; `CannotReplay` if it cannot, `Differs` if its numbers are not the expected ones."""
    problem, begun = prepared.problem, order.begun
    wanted = None if begun.is_checked else expected()

    def replayer(problem: Problem) -> Replayer:
        return Replayer(prepared.known(problem.dtype), problem, plane, keeps_channels=way.keeps_channels)

    own = replayer(problem)
    made_known = own.probe()
    probe = begun.probe = begun.probe or made_known
    if way.in_tiles:
        own.points_of_a_tile(probe)  # before anything is checked

    def numbers(points: Sequence[int]) -> Tensor:
        return way.values(own, points, probe)

    def again(dtype: torch.dtype, points: Sequence[int]) -> Tensor:
        return begun.again(
            dtype, points, lambda lacking: way.values(replayer(prepared.problem_in(dtype)), lacking, probe)
        )

    if wanted is not None:
        is_near = False
        if wanted.some_rows is not None:
            some = replayer(wanted.some_rows)
            of_some = replace(probe, draws=some.probe().draws) if probe.draws else probe
            wanted.check_some(way.values(some, wanted.points, of_some))
            first = begun.stage(0, lambda: numbers(order.stages[0]))
            is_near = wanted.is_near(first[[order.stages[0].index(point) for point in wanted.points]])
        if not is_near:
            wanted.check(again(torch.float64, wanted.points))
        begun.is_checked = True
    values = _all_stages(order, problem.dtype, numbers)
    return Computed(values, problem.dtype, way.name, tuple(begun.passed_over), order, again)


def _by_loop(problem: Problem, plane: Plane, order: Order) -> Computed:
    """The points by the plain loop, which is right by definition."""
    begun = order.begun

    def again(dtype: torch.dtype, points: Sequence[int]) -> Tensor:
        return begun.again(dtype, points, lambda lacking: by_loop(problem.computed_in(dtype), plane, lacking))

    def numbers(points: Sequence[int]) -> Tensor:
        return seen_drawing(problem, lambda: by_loop(problem, plane, points))

    values = _all_stages(order, problem.dtype, numbers)
    return Computed(values, problem.dtype, LOOP, tuple(begun.passed_over), order, again)


def _all_stages(order: Order, dtype: torch.dtype, numbers: Callable[[Sequence[int]], Tensor]) -> Tensor:
    """The numbers of all stages of the order, of which those that are new are computed."""
    found = torch.full((order.points**2, 3), torch.nan, dtype=torch.float64)
    for stage, points in enumerate(order.stages):
        found[points] = order.begun.stage(stage, lambda points=points: numbers(points))
    order.begun.know(dtype, order.stages[0], found[order.stages[0]])
    return found
