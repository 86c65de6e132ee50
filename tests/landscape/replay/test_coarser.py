"""Coarser grids come first: the numbers of a field are the same, and none is computed twice."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from gradviz.errors import UserError
from gradviz.landscape.directions.resolving import spanned_by
from gradviz.landscape.replay import Plane, Prepared, Problem, network_landscape
from gradviz.landscape.replay.choosing import compute
from gradviz.landscape.replay.coarser import Order, coarser_sizes, points_within
from gradviz.landscape.request import grid_steps
from tests.landscape.directions.paths import surroundings


@dataclass(frozen=True)
class Grid:
    points: int
    half_width: float = 0.3


def problem_and_plane(mode: str = "eval", masks: str = "frozen", name: str = "dropout") -> tuple[Problem, Plane]:
    where = surroundings(name, mode, masks)  # pyright: ignore[reportArgumentType]
    return where.problem(0), Plane(*spanned_by("gradient:0", "random:1", where), 1.0, 21)


def test_the_default_grid_has_5_and_11_in_it():
    assert coarser_sizes(21) == (5, 11)
    assert coarser_sizes(11) == (3,)
    assert coarser_sizes(41) == (5, 11, 21)
    assert coarser_sizes(3) == coarser_sizes(5) == ()


def test_a_coarser_grid_is_evenly_spaced_and_has_the_corners_and_the_middle():
    grids = [(points, size) for points in range(3, 202, 2) for size in coarser_sizes(points)]
    assert len(grids) > 100
    for points, size in grids:
        steps = grid_steps(Grid(points))
        within = points_within(points, size)
        assert len(within) == size**2
        assert (within[0], within[size**2 // 2], within[-1]) == (0, points**2 // 2, points**2 - 1)
        assert [steps[k] for k in within[:size]] == pytest.approx(grid_steps(Grid(size)), abs=1e-15)


@pytest.mark.parametrize(("mode", "masks"), [("eval", "frozen"), ("train", "fresh"), ("train", "averaged")])
def test_coarser_grids_hold_the_very_numbers_of_the_field_that_follows(mode, masks):
    problem, plane = problem_and_plane(mode, masks)
    alone = network_landscape(problem, plane, order=Order(21)).field
    known = {}
    for size in (5, 11):
        part = network_landscape(problem, plane, order=Order(21, size, known)).field
        step = 20 // (size - 1)
        np.testing.assert_array_equal(part.x, alone.x[::step])
        for name in ("u", "v", "loss"):
            np.testing.assert_array_equal(getattr(part, name), getattr(alone, name)[::step, ::step])
    field = network_landscape(problem, plane, order=Order(21, None, known)).field
    assert field.to_bytes() == alone.to_bytes()


def test_every_point_is_computed_once():
    counted: list[int] = []
    known = {}

    def numbers(points):
        counted.extend(points)
        return torch.zeros((len(points), 3), dtype=torch.float64)

    for size in (5, 11, None):
        order = Order(21, size, known)
        values = order.values("a way", numbers)
        assert len(order.shown) == (size or 21) ** 2
        assert bool(values[order.shown].isfinite().all())
    assert sorted(counted) == list(range(441))
    Order(21, None, known).values("another way", numbers)
    assert len(counted) == 2 * 441


def test_the_field_is_that_without_an_order_up_to_rounding():
    problem, plane = problem_and_plane()
    exact = Prepared(problem.computed_in(torch.float64))
    ordered, plain = compute(exact, plane, Order(21)).values, compute(exact, plane).values
    # The same sums in tiles of another size.
    torch.testing.assert_close(ordered, plain, rtol=1e-12, atol=1e-13)


def test_the_plain_loop_has_the_same_order():
    problem, plane = problem_and_plane(name="none")
    part = network_landscape(problem, plane, method="reference", order=Order(21, 5)).field
    whole = network_landscape(problem, plane, method="replay", order=Order(21)).field
    np.testing.assert_allclose(part.u, whole.u[::5, ::5], rtol=1e-3, atol=1e-4 * float(np.abs(whole.u).max()))


def test_a_grid_that_does_not_lie_in_it_is_refused():
    with pytest.raises(UserError, match="`coarse` must be 5 or 11 for a grid of 21 × 21 points, got 7"):
        Order(21, 7)
    with pytest.raises(UserError, match="none is coarser and lies in it"):
        Order(5, 3)
