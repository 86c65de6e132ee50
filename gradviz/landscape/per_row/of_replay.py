"""The fields of rows of any network whose loss returns (B,), by replay: the first way that gives the plain loop's
numbers at two points of this very request, of the minibatch and of a few of its rows."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gradviz.errors import NotHere
from gradviz.landscape.per_row.fields import RowFields, check_numbers
from gradviz.landscape.per_row.loop import rows_by_loop
from gradviz.landscape.replay.checking import TOLERANCE, Differs, Expected, by_either_pass, difference
from gradviz.landscape.replay.choosing import LOOP, WAYS, Way
from gradviz.landscape.replay.deriving import EACH_ROW, ROWS, Deriving
from gradviz.landscape.replay.evaluating import LARGEST_TILE, Replayer
from gradviz.landscape.replay.known import Prepared
from gradviz.landscape.replay.landscape import axes_of
from gradviz.landscape.replay.problem import CannotReplay, Plane, Problem, check_plane
from gradviz.landscape.replay.unseeded import seen_drawing
from gradviz.landscape.surroundings import undisturbed
from gradviz.numbers import number

# Shape suffixes: B = rows of the minibatch, P = points, X/Y = grid columns/rows.

_HELD = 2**20
"""Numbers in float64 that are held beside the answer."""

_Values = Callable[[Problem, Sequence[int]], Tensor]
"""(P, 3, B) float64 of a problem at these points: the rows' losses and their derivatives by x and y."""


class RowWay(NamedTuple):
    """A way of the minibatch's field, and how the rows' derivatives are taken."""

    way: Way
    deriving: Deriving

    @property
    def name(self) -> str:
        return f"{self.way.name}, row after row" if self.deriving is EACH_ROW else self.way.name


ROW_WAYS = (
    *(RowWay(way, ROWS) for way in WAYS),
    *(RowWay(way, EACH_ROW) for way in WAYS if not way.in_tiles),
)
"""Quickest first; the last resort is the plain loop."""


def of_problem(prepared: Prepared, plane: Plane, ways: Sequence[RowWay] = ROW_WAYS) -> RowFields:
    """The fields of all rows. `UserError` as `network_landscape`, and for a loss that gives none of rows."""
    problem, passed_over = prepared.problem, []
    check_plane(problem, plane)
    check_numbers(problem.num_rows, plane.points)
    with undisturbed(problem.model), torch.enable_grad():
        depends = prepared.dependence()
        expected = Expected(prepared, plane) if ways else None
        for own in ways:
            assert expected is not None
            try:
                numbers_3BP = _by(own, prepared, plane, expected)
            except CannotReplay as reason:
                passed_over.append(f"{own.name}: {reason}")
                prepared.forget(everything=isinstance(reason, Differs))
            else:
                method = own.name
                break
        else:
            numbers_3BP, method = _by_loop(problem, plane), LOOP
    if not bool(numbers_3BP.isfinite().all()):
        raise NotHere("The loss of a row or its gradient is not finite on this grid", "choose a smaller half-width")
    loss_BYX, u_BYX, v_BYX = numbers_3BP.unflatten(2, (plane.points, plane.points)).numpy()
    return RowFields(*axes_of(problem, plane), u_BYX, v_BYX, loss_BYX, *depends, method, tuple(passed_over))


def _by(own: RowWay, prepared: Prepared, plane: Plane, expected: Expected) -> Tensor:
    """(3, B, P) in the problem's dtype; `CannotReplay` if it cannot, `Differs` if its numbers are not the expected."""
    way, problem = own.way, prepared.problem

    def replayer(of: Problem) -> Replayer:
        known = prepared.known(of.dtype)
        return Replayer(known, of, plane, keeps_channels=way.keeps_channels, deriving=own.deriving)

    first = replayer(problem)
    probe = first.probe()
    if way.in_tiles:
        first.points_of_a_tile(probe)  # before anything is checked

    def values(of: Problem, points: Sequence[int]) -> Tensor:
        made = first if of is problem else replayer(of)
        return way.values(made, points, probe if of.num_rows == problem.num_rows else made.probe())

    _check(prepared, plane, expected, values)
    return _on_grid(problem, plane, lambda points: values(problem, points))


def _by_loop(problem: Problem, plane: Plane) -> Tensor:
    rows = range(problem.num_rows)
    return _on_grid(
        problem, plane, lambda points: seen_drawing(problem, lambda: rows_by_loop(problem, plane, points, rows))
    )


def _on_grid(problem: Problem, plane: Plane, values: Callable[[Sequence[int]], Tensor]) -> Tensor:
    count = plane.points**2
    numbers_3BP = torch.empty((3, problem.num_rows, count), dtype=problem.dtype)
    each = max(LARGEST_TILE, _HELD // (3 * problem.num_rows))
    for start in range(0, count, each):
        points = range(start, min(start + each, count))
        numbers_3BP[:, :, points.start : points.stop] = values(points).permute(1, 2, 0)
    return numbers_3BP


def _check(prepared: Prepared, plane: Plane, expected: Expected, values: _Values) -> None:
    """`Differs` unless the rows' mean is the field and a few rows are the loop's, at two points: as `Expected` compares
    them, in float64 or, of many rows, the first of them in float64 and all in the problem's own precision."""
    points = expected.points

    def apart(problem: Problem, found_P3B: Tensor) -> float:
        some = sorted({0, problem.num_rows // 2, problem.num_rows - 1})

        def loop(whole: bool) -> Tensor:
            return rows_by_loop(problem, plane, points, some, whole=whole)

        wanted_P3S = by_either_pass(problem, loop)
        found, wanted = (each.transpose(1, 2).flatten(0, 1) for each in (found_P3B[:, :, some], wanted_P3S))
        return difference(found, wanted, plane)

    def check(problem: Problem, found_P3B: Tensor) -> None:
        error = apart(problem, found_P3B)
        if error > TOLERANCE[torch.float64]:
            raise Differs(f"rows differ from the plain loop's by {number(error, 1)} of the largest number")

    if expected.some_rows is not None:
        found_P3B = values(expected.some_rows, points)
        expected.check_some(found_P3B.mean(-1))
        check(expected.some_rows, found_P3B)
        problem = prepared.problem
        found_P3B = values(problem, points)
        if expected.is_near(found_P3B.mean(-1)) and apart(problem, found_P3B) <= TOLERANCE[problem.dtype]:
            return
    exact = prepared.problem_in(torch.float64)
    found_P3B = values(exact, points)
    expected.check(found_P3B.mean(-1))
    check(exact, found_P3B)
