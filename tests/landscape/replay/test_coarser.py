"""Coarser grids come first: the numbers of a field are the same, and none is computed twice."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn

from gradviz.errors import UserError
from gradviz.landscape.directions.resolving import spanned_by
from gradviz.landscape.directions.vector import Vector
from gradviz.landscape.replay import Plane, Prepared, Problem, network_landscape
from gradviz.landscape.replay.checking import Expected
from gradviz.landscape.replay.choosing import LOOP, WAYS, Way, compute
from gradviz.landscape.replay.coarser import Order, coarser_sizes, points_within
from gradviz.landscape.replay.evaluating import Replayer
from gradviz.landscape.replay.problem import CannotReplay
from gradviz.landscape.replay.zero import resolve
from gradviz.landscape.request import grid_steps
from tests.landscape.directions.paths import surroundings


@dataclass(frozen=True)
class Grid:
    points: int
    half_width: float = 0.3


def problem_and_plane(
    mode: str = "eval", masks: str = "frozen", name: str = "dropout", points: int = 21
) -> tuple[Problem, Plane]:
    where = surroundings(name, mode, masks)  # pyright: ignore[reportArgumentType]
    return where.problem(0).computed_in(torch.float32), Plane(*spanned_by("gradient:0", "random:1", where), 1.0, points)


def problem_and_plane_with_zeros(points: int = 21) -> tuple[Problem, Plane]:
    """No unit is active where the weights are negative: on a part of the plane that every stage has points of."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 1))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=generator))
    batch = torch.rand(40, 6, generator=generator)
    problem = Problem(model, lambda model, batch: model(batch)[:, 0] + 3, batch)
    x, y = (Vector("down", {"0.weight": -2 * torch.rand(5, 6, generator=generator).double()}, "") for _ in range(2))
    return problem, Plane(x, y, 1.0, points)


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
    alone = network_landscape(problem, plane, order=Order.coarser_first(21)).field
    begun = Order.coarser_first(21)
    for size in (5, 11):
        part = network_landscape(problem, plane, order=begun.going_to(size)).field
        step = 20 // (size - 1)
        np.testing.assert_array_equal(part.x, alone.x[::step])
        for name in ("u", "v", "loss"):
            np.testing.assert_array_equal(getattr(part, name), getattr(alone, name)[::step, ::step])
    field = network_landscape(problem, plane, order=begun.going_to(None)).field
    assert field.to_bytes() == alone.to_bytes()


def test_every_point_is_computed_once_and_the_way_checked_once(monkeypatch):
    problem, plane = problem_and_plane(points=11)
    asked: list[int] = []
    checks: list[Expected] = []

    def values(own, points, probe):
        if own.problem is problem:
            asked.extend(points)
        return Replayer.points(own, points, probe)

    def expected(*of):
        checks.append(Expected(*of))
        return checks[-1]

    monkeypatch.setattr("gradviz.landscape.replay.choosing.Expected", expected)
    prepared, begun = Prepared(problem), Order.coarser_first(11)
    for size in (3, None):
        found = compute(prepared, plane, begun.going_to(size), ways=[Way("counted", values, True)])
        assert found.method == "counted"
        assert bool(found.values[points_within(11, size or 11)].isfinite().all())
    assert sorted(asked) == list(range(121))
    assert len(checks) == 1


def test_the_stages_take_one_more_pass_each_than_the_field_alone():
    problem, plane = problem_and_plane()
    calls = 0

    def loss(model, batch):
        nonlocal calls
        calls += 1
        return problem.loss(model, batch)

    def passes(sizes) -> int:
        nonlocal calls
        calls, prepared, begun = 0, Prepared(replace(problem, loss=loss)), Order.coarser_first(21)
        for size in sizes:
            network_landscape(prepared, plane, order=begun.going_to(size))
        return calls

    # A plane that goes on makes known again what it looks up.
    assert passes((5, 11, None)) == passes((None,)) + 2


def test_a_way_that_fails_in_a_later_stage_leaves_the_field_as_it_is_alone():
    problem, plane = problem_and_plane_with_zeros(11)

    def gives_up(own, points, probe):
        if 1 in points:  # of the whole grid, and of no coarser one
            raise CannotReplay("had enough")
        return Replayer.points(own, points, probe)

    ways = [Way("not to the end", gives_up, True), Way("to the end", Replayer.points, True)]

    def found(sizes):
        prepared, begun = Prepared(problem), Order.coarser_first(11)
        return [compute(prepared, plane, begun.going_to(size), ways=ways) for size in sizes]

    [alone], stages = found((None,)), found((3, None))
    assert [each.method for each in stages] == ["not to the end", "to the end"]
    assert stages[-1].passed_over == alone.passed_over == ("not to the end: had enough",)
    assert torch.equal(stages[-1].values, alone.values)


@pytest.mark.parametrize("way", ["replay tiles (vmap)", "replay", LOOP])
def test_zeros_are_the_same_with_and_without_stages(way):
    problem, plane = problem_and_plane_with_zeros()
    ways = [each for each in WAYS if each.name == way]

    def resolved(sizes):
        prepared, begun = Prepared(problem), Order.coarser_first(21)
        return [resolve(compute(prepared, plane, begun.going_to(size), ways=ways), 1.0) for size in sizes][-1]

    for alone, staged in zip(resolved((None,)), resolved((5, 11, None)), strict=True):
        assert 0 < (alone.reason > 0).sum() < 441
        for name in ("values", "reason", "is_unresolved"):
            np.testing.assert_array_equal(getattr(staged, name), getattr(alone, name))


def test_the_plain_loop_refuses_to_draw_unseen_in_stages_too():
    problem, plane = problem_and_plane_with_zeros(11)

    def drawing(model, batch):
        with torch._C.DisableTorchFunction():
            return problem.loss(model, batch) + torch.rand(())

    with torch.random.fork_rng(), pytest.raises(UserError, match="draws random numbers"):
        network_landscape(replace(problem, loss=drawing), plane, method=LOOP, order=Order.coarser_first(11, 3))


def test_the_field_is_that_without_an_order_up_to_rounding():
    problem, plane = problem_and_plane()
    exact = Prepared(problem.computed_in(torch.float64))
    ordered, plain = compute(exact, plane, Order.coarser_first(21)).values, compute(exact, plane).values
    # The same sums in tiles of another size.
    torch.testing.assert_close(ordered, plain, rtol=1e-12, atol=1e-13)


def test_the_plain_loop_has_the_same_order():
    problem, plane = problem_and_plane(name="none")
    part = network_landscape(problem, plane, method="reference", order=Order.coarser_first(21, 5)).field
    whole = network_landscape(problem, plane, method="replay", order=Order.coarser_first(21)).field
    np.testing.assert_allclose(part.u, whole.u[::5, ::5], rtol=1e-3, atol=1e-4 * float(np.abs(whole.u).max()))


def test_a_grid_that_does_not_lie_in_it_is_refused():
    with pytest.raises(UserError, match="`coarse` must be 5 or 11 for a grid of 21 × 21 points, got 7"):
        Order.coarser_first(21, 7)
    with pytest.raises(UserError, match="none is coarser and lies in it"):
        Order.coarser_first(5, 3)
