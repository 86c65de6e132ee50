"""Numbers of paths against the plain way: all parameters held at once, differences, norms and loops in float64."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from gradviz.landscape.directions.vector import Vector, plane_of
from gradviz.landscape.paths import grams
from gradviz.landscape.paths.answer import from_tensors, to_tensors
from gradviz.landscape.paths.measuring import RECORDED, measure
from gradviz.landscape.paths.plane import ChosenPlane
from gradviz.landscape.paths.request import PathsRequest
from gradviz.landscape.paths.result import PathsResult
from tests.landscape.paths.linear import Held, Linear

REQUEST = PathsRequest.of(
    run="linear", epoch=0, replicas=5, optimizer="sgd", learning_rate=0.01, points=6, conditions=("order", "resampled")
)
TOLERANCE = 1e-12  # float64, sums of hundreds of terms


@pytest.fixture(scope="module")
def held() -> Held:
    return Held()


@pytest.fixture(scope="module")
def found(held: Held) -> PathsResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grams, "_BLOCK_BYTES", 1)  # many blocks, of 64 parameters each
        return measure(Linear(inputs=150), REQUEST, held)


def ways(held: Held, condition: str) -> np.ndarray:
    """(K, T, P) from the checkpoint."""
    start = held.paths[RECORDED][0]
    return torch.stack([held.paths[f"{condition}-{k:02d}"] - start for k in range(5)]).numpy()


@pytest.mark.parametrize("condition", ["order", "resampled"])
def test_spread_step_and_cosines_are_those_of_the_parameters(held: Held, found: PathsResult, condition):
    ways_KTP, each = ways(held, condition), found.of(condition)
    for point in range(6):
        way_KP = ways_KTP[:, point]
        mean_P = sum(way_KP) / 5
        spread = math.sqrt(sum(((way_P - mean_P) ** 2).sum() for way_P in way_KP) / 4)
        assert each.spread_T[point] == pytest.approx(spread, rel=TOLERANCE)
        assert each.step_T[point] == pytest.approx(np.linalg.norm(mean_P), rel=TOLERANCE)
        assert each.ratio_T[point] == pytest.approx(spread / np.linalg.norm(mean_P), rel=TOLERANCE)
        cosines = []
        for k, other in itertools.combinations(range(5), 2):
            lengths = np.linalg.norm(way_KP[k]) * np.linalg.norm(way_KP[other])
            cosines.append(way_KP[k] @ way_KP[other] / lengths)
            assert each.cosines_TKK[point, k, other] == pytest.approx(cosines[-1], rel=TOLERANCE)
        assert each.cosine_T[point] == pytest.approx(np.mean(cosines), rel=TOLERANCE)


def test_the_plane_is_that_of_a_singular_value_decomposition_of_all_ends(held: Held, found: PathsResult):
    recorded_TP = (held.paths[RECORDED][1:] - held.paths[RECORDED][0]).numpy()
    ways_MTP = np.concatenate([recorded_TP[None], ways(held, "order"), ways(held, "resampled")])
    ends_MP = ways_MTP[:, -1]
    _, values, axes = np.linalg.svd(ends_MP - ends_MP.mean(0), full_matrices=False)
    np.testing.assert_allclose(found.shares_A, (values**2 / (values**2).sum())[:2], rtol=1e-9)
    coordinates_MTA = ways_MTP @ axes[:2].T
    coordinates_MTA *= np.where(coordinates_MTA[0, -1] < 0, -1, 1)
    # Axes are eigenvectors of a matrix of squares, which have half of float64's digits where values are close.
    np.testing.assert_allclose(found.coordinates_MTA, coordinates_MTA, atol=1e-7 * np.abs(coordinates_MTA).max())


def test_the_recorded_path_is_that_of_a_plain_loop(held: Held, found: PathsResult):
    run = Linear(inputs=150)
    weight = torch.zeros(150, dtype=torch.float64)
    losses = []
    for rows_B in run.minibatches(1):
        residuals_B = run.inputs[rows_B] @ weight - run.targets[rows_B]
        losses.append(residuals_B.square().mean().item())
        weight -= 0.01 * 2 * residuals_B @ run.inputs[rows_B] / 8
    np.testing.assert_allclose(held.paths[RECORDED][-1], weight, rtol=1e-10)
    np.testing.assert_allclose(found.recorded_losses_S, losses, rtol=1e-10)
    np.testing.assert_allclose(np.sqrt(found.recorded_T[-1]), weight.norm(), rtol=1e-10)
    assert found.recorded_losses[0] == pytest.approx((run.inputs @ weight - run.targets).square().mean().item())


def test_intervals_hold_the_ratio_and_are_those_of_a_loop_over_resamples(held: Held, found: PathsResult):
    each = found.of("resampled")
    intervals = each.ratios(np.random.default_rng(0))
    for point, interval in enumerate(intervals):
        assert interval is not None
        assert interval.low < interval.value < interval.high
        assert interval.value == pytest.approx(each.ratio_T[point], rel=TOLERANCE)
    # A resample's ratio by its own replicas: distances and products of pairs of different replicas.
    weights_WK = np.random.default_rng(0).multinomial(5, np.full(5, 1 / 5), size=1000)
    end_KP = ways(held, "resampled")[:, -1]
    ratios = []
    for weights in weights_WK:
        drawn = [k for k in range(5) for _ in range(weights[k])]
        pairs = [(k, other) for k, other in itertools.permutations(drawn, 2) if k != other]
        if pairs:
            variance = np.mean([((end_KP[k] - end_KP[other]) ** 2).sum() / 2 for k, other in pairs])
            product = np.mean([end_KP[k] @ end_KP[other] for k, other in pairs])
            ratios.append(math.sqrt(variance / (product + variance / 5)))
    last = intervals[-1]
    assert last is not None
    assert min(ratios) <= last.low < last.high <= max(ratios)
    assert np.abs(np.array(ratios) - last.low).min() < 1e-3 * last.value  # both ends lie among the resamples' own


def test_a_result_is_read_as_it_was_written(found: PathsResult):
    tensors, text = to_tensors(found)
    again = from_tensors(tensors, text)
    assert again.request == found.request
    assert (again.learning_rate, again.start_losses, again.searched) == (0.01, found.start_losses, ())
    for condition in ("order", "resampled"):
        ours, theirs = found.of(condition), again.of(condition)
        np.testing.assert_array_equal(ours.ratio_T, theirs.ratio_T)
        np.testing.assert_array_equal(ours.losses_KS, theirs.losses_KS)
    assert to_tensors(again)[1] == text


def test_what_is_kept_is_not_trained_again(held: Held, found: PathsResult):
    steps: list[object] = []
    again = measure(Linear(inputs=150), REQUEST, held, steps.append)
    assert not steps
    np.testing.assert_allclose(again.of("order").ratio_T, found.of("order").ratio_T, rtol=TOLERANCE)


def test_progress_tells_what_is_done_and_left():
    told: list = []
    measure(Linear(), REQUEST, Held(), told.append)
    assert [each.done for each in told] == list(range(1, 11 * 12 + 1))
    assert {each.total for each in told} == {11 * 12}
    assert told[-1].seconds_left == 0
    assert told[0].seconds_left > 0
    assert [told[0].what, told[-1].what] == ["the run's own minibatches", "resampled 5 of 5"]


@pytest.mark.parametrize("width", [1, 2**24])
def test_ways_in_a_chosen_plane_are_those_of_a_loop_over_all_parameters(
    held: Held, found: PathsResult, width, monkeypatch
):
    """Orthogonal directions of length 3, so that 1 is 3 in parameter space."""
    generator = torch.Generator().manual_seed(1)
    x, y = (torch.randn(150, generator=generator, dtype=torch.float64) for _ in range(2))
    spanned = plane_of(Vector("x", {"weight": 3 * x / x.norm()}, "x"), Vector("y", {"weight": y}, "y"))
    monkeypatch.setattr(grams, "_BLOCK_BYTES", width)
    run = Linear(inputs=150)
    told = measure(run, REQUEST, held, plane=lambda: ChosenPlane.of(*spanned, run.model))
    assert told.chosen is not None
    names = [RECORDED, *(f"{condition}-{k:02d}" for condition in REQUEST.conditions for k in range(5))]
    start = held.paths[RECORDED][0]
    for member, name in enumerate(names):
        way_TP = held.paths[name][1 if name == RECORDED else 0 :] - start
        for point in range(6):
            expected = [
                sum(a * b for a, b in zip(way_TP[point].tolist(), axis.parts["weight"].tolist(), strict=True)) / 9
                for axis in spanned
            ]
            np.testing.assert_allclose(told.chosen.coordinates_MTA[member, point], expected, atol=1e-12)
        inside = sum(value**2 * 9 for value in expected) / (way_TP[-1] ** 2).sum().item()
        assert told.within_M[member] == pytest.approx(inside, rel=1e-10)
    if width == 1:  # the same blocks: nothing else changes by a bit
        assert to_tensors(replace(told, chosen=None))[0].keys() == to_tensors(found)[0].keys()
        for name, tensor in to_tensors(replace(told, chosen=None))[0].items():
            assert torch.equal(tensor, to_tensors(found)[0][name]), name


def test_the_principal_plane_holds_of_a_way_what_its_coordinates_and_length_say(held: Held, found: PathsResult):
    ends_MP = torch.cat(
        [held.paths[RECORDED][-1:]]
        + [held.paths[f"{condition}-{k:02d}"][-1:] for condition in REQUEST.conditions for k in range(5)]
    )
    squares_M = ((ends_MP - held.paths[RECORDED][0]) ** 2).sum(1).numpy()
    np.testing.assert_allclose(found.within_M, (found.coordinates_MTA[:, -1] ** 2).sum(1) / squares_M, rtol=1e-10)
    assert (found.within_M < 1).all()


def test_a_result_in_a_chosen_plane_is_read_as_it_was_written(held: Held):
    run = Linear(inputs=150)
    axes = (Vector(name, {"weight": torch.eye(150, dtype=torch.float64)[k]}, name) for k, name in enumerate("xy"))
    told = measure(run, REQUEST, held, plane=lambda: ChosenPlane.of(*plane_of(*axes), run.model))
    tensors, text = to_tensors(told)
    again = from_tensors(tensors, text)
    assert told.chosen is not None
    assert again.chosen is not None
    assert (again.chosen.x, again.chosen.y) == (told.chosen.x, told.chosen.y)
    np.testing.assert_array_equal(again.shown_MTA, told.chosen.coordinates_MTA)
    np.testing.assert_array_equal(again.within_M, told.within_M)
    assert to_tensors(again)[1] == text
