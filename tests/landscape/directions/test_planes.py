"""Fields on planes of directions, against an independent float64 computation at θ + α x + β y."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from gradviz.landscape.directions.axis import parse_axis
from gradviz.landscape.directions.marks import marks_of, rays_of
from gradviz.landscape.directions.resolving import spanned_by, vector_of
from gradviz.landscape.directions.slopes import whole_gradient
from gradviz.landscape.directions.told import facts_of, statistics_of
from gradviz.landscape.directions.vector import Vector, inner_product
from gradviz.landscape.field import ZeroReason
from gradviz.landscape.replay import Plane, Prepared, Problem, network_landscape
from gradviz.landscape.replay.choosing import LOOP, compute
from gradviz.landscape.replay.loop import by_loop
from gradviz.landscape.scalar import Scalar
from tests.landscape.directions.paths import EPOCHS, MAKERS, POINTS, flat, names_of, surroundings
from tests.landscape.replay.independent import FLOAT64, by_autograd, error_of

FLOAT32 = 2e-4
"""Of the largest number: sums of thousands of float32 terms, and weights that cancel."""

PAIRS = [
    ("random:1", "random-all:2"),
    ("gradient:0", "gradient:2"),
    ("gradient:mean", "step"),
    ("towards:adam/4", "pca:1"),
    ("pca:2", "hessian:1"),
    ("hessian:2", "random:5"),
]
WAYS = [("eval", "frozen"), ("train", "fresh"), ("train", "averaged")]
ALL = [(name, *way, pair) for name in MAKERS for way in WAYS for pair in PAIRS]
"""Every network in every mode on every plane; one of eleven is cheap enough for each run of the tests."""
CASES = [case if k % 11 == 0 else pytest.param(*case, marks=pytest.mark.slow) for k, case in enumerate(ALL)]


def plane_at(name, mode, masks, pair: tuple[str, str]) -> tuple[Plane, Problem]:
    where = surroundings(name, mode, masks)
    return Plane(*spanned_by(*pair, where), 1.0, POINTS), where.problem(where.shown)


def vectors_of(plane: Plane) -> tuple[Vector, Vector]:
    assert isinstance(plane.x, Vector)
    assert isinstance(plane.y, Vector)
    return plane.x, plane.y


@pytest.mark.parametrize(("name", "mode", "masks", "pair"), CASES)
def test_a_field_is_that_of_an_independent_computation(name, mode, masks, pair):
    plane, problem = plane_at(name, mode, masks, pair)
    wanted = by_autograd(problem, plane)
    found = compute(Prepared(problem), plane)
    assert found.method != LOOP, found.passed_over
    assert error_of(found.values, wanted) < FLOAT64
    assert error_of(by_loop(problem, plane, range(POINTS**2)), wanted) < FLOAT64
    single = network_landscape(problem.computed_in(torch.float32), plane).field
    shown = np.stack([single.loss.ravel(), single.u.ravel(), single.v.ravel()], 1)
    assert error_of(shown, wanted) < FLOAT32


@pytest.mark.parametrize("name", ["none", "cnn", "addition"])
def test_derivatives_are_differences_of_the_loss(name):
    plane, problem = plane_at(name, "eval", "frozen", ("gradient:1", "random:4"))
    small = Plane(plane.x, plane.y, 1e-5, 3)
    values = compute(Prepared(problem), small).values.reshape(3, 3, 3)
    step = 1e-5
    for k, (ahead, behind) in enumerate(((values[1, 2], values[1, 0]), (values[2, 1], values[0, 1])), 1):
        difference = (ahead[0] - behind[0]) / (2 * step)
        # Second order in the step, and the loss itself is known to 1e-16.
        assert abs(difference - values[1, 1, k]) < 1e-5 * max(1.0, values[1, 1, 1:].abs().max())


@pytest.mark.parametrize("pair", [*PAIRS, ("gradient:0", "random:1@hidden.2")], ids=str)
def test_both_axes_are_orthogonal_and_of_one_length(pair: tuple[str, str]):
    x, y = spanned_by(*pair, surroundings("batchnorm"))
    assert abs(inner_product(x.parts, y.parts)) < 1e-12 * x.length * y.length
    assert y.length == pytest.approx(x.length, rel=1e-12)


@pytest.mark.parametrize(("mode", "masks"), WAYS)
@pytest.mark.parametrize("name", MAKERS)
def test_along_the_own_gradient_the_slope_is_its_whole_length(name, mode, masks):
    plane, problem = plane_at(name, mode, masks, ("gradient:0", "random:1"))
    x, y = vectors_of(plane)
    gradient = whole_gradient(problem, POINTS**2 // 2)
    size = inner_product(gradient, gradient) ** 0.5
    centre = compute(Prepared(problem), plane).values[POINTS**2 // 2]
    assert centre[1].item() == pytest.approx(size * x.length, rel=1e-9)
    assert abs(centre[2].item()) < 1e-9 * size * x.length
    facts = facts_of(x, y, gradient)
    assert facts.gradient_share == pytest.approx(1)
    assert facts.gram == pytest.approx((x.length**2, 0, x.length**2), abs=1e-9 * x.length**2)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", ["none", "cnn", "addition"])
def test_across_the_own_gradient_the_slope_at_the_centre_is_zero_and_no_other_is(name, dtype):
    plane, problem = plane_at(name, "eval", "frozen", ("gradient:0", "gradient:mean"))
    field = network_landscape(problem.computed_in(dtype), replace(plane, points=3)).field
    wanted = np.zeros((3, 3), np.uint8)
    wanted[1, 1] = ZeroReason.TERMS_CANCEL
    np.testing.assert_array_equal(field.v_reason, wanted)
    assert not field.u_reason.any()
    assert not field.is_zero.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_slope_that_is_small_is_not_taken_for_zero(dtype):
    """A millionth of the gradient: ten times float32's round-off."""
    plane, problem = plane_at("none", "eval", "frozen", ("gradient:0", "random:1"))
    x, y = vectors_of(plane)
    tilted = {name: part + 1e-6 * x.parts[name] if name in x.parts else part for name, part in y.parts.items()}
    field = network_landscape(problem.computed_in(dtype), Plane(x, replace(y, parts=tilted), 1.0, 3)).field
    assert field.v[1, 1] == pytest.approx(1e-6 * field.u[1, 1], rel=0.5)
    assert not field.v_reason.any()


def test_at_the_end_of_a_way_the_loss_is_that_of_the_other_checkpoint():
    where = surroundings("none")
    x, y = spanned_by("towards:adam/4", "random:1", where)
    loss = compute(Prepared(where.problem(0)), Plane(x, y, 1.0, 3)).values[5, 0].item()  # (1, 0)
    other = surroundings("none", epoch=4)
    u, v = spanned_by("random:1", "random:2", other)
    assert loss == pytest.approx(
        compute(Prepared(other.problem(0)), Plane(u, v, 1.0, 3)).values[4, 0].item(), rel=1e-12
    )


def test_which_batch_statistics_hold_on_the_way_to_another_checkpoint_is_told_and_true():
    told = statistics_of("eval", 2, "towards:adam/4", "random:1")
    assert told.startswith("Batch statistics are the running ones of epoch 2 at every point, also at adam/4")
    assert statistics_of("train", 2, "towards:adam/4") == "Batch statistics are the minibatch's own at every point."
    losses = {}
    for mode in ("eval", "train"):
        where, other = surroundings("batchnorm", mode), surroundings("batchnorm", mode, epoch=4)
        way, axes = spanned_by("towards:adam/4", "random:1", where), spanned_by("random:1", "random:2", other)
        drawn = compute(Prepared(where.problem(0)), Plane(*way, 1.0, 3)).values[5, 0].item()  # (1, 0)
        losses[mode] = drawn, compute(Prepared(other.problem(0)), Plane(*axes, 1.0, 3)).values[4, 0].item()
    assert losses["train"][0] == pytest.approx(losses["train"][1], rel=1e-12)
    assert losses["eval"][0] != pytest.approx(losses["eval"][1], rel=1e-6)


def test_a_parameter_beside_a_direction_is_one():
    where = surroundings("none")
    x, y = spanned_by("hidden.1.linear.bias[2]", "gradient:0@hidden.1.linear.bias", where)
    assert x.length == 1
    scalars = Scalar.parse("hidden.1.linear.bias[2]"), Scalar.parse("output.bias[0]")
    own = compute(Prepared(where.problem(0)), Plane(*scalars, 0.1, 3))
    assert compute(Prepared(where.problem(0)), Plane(x, y, 0.1, 3)).values[4, 1].item() == pytest.approx(
        own.values[4, 1].item()
    )


def test_an_upper_part_moves_alone():
    plane, problem = plane_at("none", "eval", "frozen", ("random:1@output", "gradient:0@hidden.2"))
    assert list(vectors_of(plane)[0].parts) == ["output.weight"]
    assert error_of(compute(Prepared(problem), plane).values, by_autograd(problem, plane)) < FLOAT64


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_vectors_whatever_the_number_of_threads(threads):
    before = torch.get_num_threads()
    wanted = [vector_of(parse_axis(text), surroundings("cnn")) for text in ("random:3", "gradient:mean", "pca:1")]
    torch.set_num_threads(threads)
    try:
        for vector in wanted:
            again = vector_of(parse_axis(vector.text), surroundings("cnn"))
            assert all(torch.equal(part, again.parts[name]) for name, part in vector.parts.items())
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("pair", [("pca:1", "pca:2"), ("random:1", "gradient:0"), ("step", "towards:adam/4")], ids=str)
def test_checkpoints_lie_where_their_projections_are(pair: tuple[str, str]):
    where = surroundings("none")
    x, y = spanned_by(*pair, where)
    names = names_of(where)
    path = np.stack([flat(where.path.parameters(epoch), names) for epoch in EPOCHS])
    axes = np.stack([flat(axis.parts, names) for axis in (x, y)])
    away = path - path[EPOCHS.index(2)]
    coordinates = away @ axes.T / (axes**2).sum(1)
    found = marks_of(where.path, x, y)
    for mark, epoch, (alpha, beta), vector in zip(found.checkpoints, EPOCHS, coordinates, away, strict=True):
        assert mark.epoch == epoch
        assert (mark.x, mark.y) == pytest.approx((alpha, beta), abs=1e-9)
        left = np.linalg.norm(vector - np.array([alpha, beta]) @ axes)
        assert mark.distance == pytest.approx(left, abs=1e-7 * np.abs(away).max())
    inside = (coordinates - coordinates.mean(0)) @ axes
    assert found.variance_share == pytest.approx((inside**2).sum() / ((path - path.mean(0)) ** 2).sum(), rel=1e-6)


def test_two_principal_components_hold_their_shares_of_the_path():
    where = surroundings("cnn")
    x, y = spanned_by("pca:1", "pca:2", where)
    shares = [where.components().share(number) for number in (1, 2)]
    assert marks_of(where.path, x, y).variance_share == pytest.approx(sum(shares), rel=1e-9)


def test_the_gradients_of_all_minibatches_are_seen_in_the_plane():
    where = surroundings("none")
    x, y = spanned_by("gradient:0", "gradient:1", where)
    rays = rays_of(where, x, y)
    assert [ray.minibatch for ray in rays] == [0, 1, 2]
    for ray in rays:
        gradient = whole_gradient(where.problem(ray.minibatch), where.centre)
        assert (ray.u, ray.v) == pytest.approx((inner_product(gradient, x.parts), inner_product(gradient, y.parts)))
    assert rays[0].share == rays[1].share == pytest.approx(1)
    third = rays[2].share
    assert third is not None
    assert 0 < third < 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch.cuda.is_available() is False on this machine")
@pytest.mark.parametrize("pair", PAIRS[:3], ids=str)
@pytest.mark.parametrize("name", ["none", "dropout", "batchnorm", "cnn", "addition"])
def test_a_gpu_gives_the_processors_plane(name, pair: tuple[str, str]):
    plane, problem = plane_at(name, "train", "fresh", pair)
    there = replace(problem, model=copy.deepcopy(problem.model).cuda())
    found = compute(Prepared(there), plane)
    assert found.method != LOOP, found.passed_over
    assert error_of(found.values, compute(Prepared(problem), plane).values) < 1e-9  # sums in another order
