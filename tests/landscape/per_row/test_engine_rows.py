"""The fields of rows by the engine: their mean is the minibatch's field, and each is that of an independent float64
computation and of the plain loop over rows."""

import itertools

import numpy as np
import pytest
import torch

from gradviz.errors import UserError
from gradviz.experiment.studies.deliveries.study import loss
from gradviz.landscape import LandscapeSpec, Minibatch, network_of
from gradviz.landscape.field import ZeroReason
from gradviz.landscape.per_row import RowFields, row_fields
from gradviz.landscape.replay import Plane, Problem, Scalar
from gradviz.landscape.tiling import tiles_of
from tests.landscape.cases import KINDS, Case, modes_of, parameters_of, random_case
from tests.landscape.replay.independent import FLOAT64, by_autograd

MODES = [(kind, mode) for kind in KINDS for mode in modes_of(kind[0])]
PAIRS = [
    ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"),
    ("hidden.0.linear.weight[2,3]", "hidden.2.linear.weight[1,4]"),
    ("output.weight[0,2]", "hidden.0.linear.bias[1]"),
    ("output.bias[0]", "hidden.2.linear.bias[2]"),
]


def minibatch_of(case: Case, dtype: torch.dtype = torch.float64) -> Minibatch:
    return Minibatch(network_of(case.model, dtype=dtype), case.inputs, case.targets)


def stacked(fields: RowFields) -> np.ndarray:
    """(points, 3, B)."""
    each = np.stack([fields.loss_BYX, fields.u_BYX, fields.v_BYX])
    return each.reshape(*each.shape[:2], -1).transpose(2, 0, 1)


def assert_same(found: np.ndarray, wanted: np.ndarray) -> None:
    """To 1e-10 of the largest loss, and of the largest derivative of any row."""
    assert abs(found[:, 0] - wanted[:, 0]).max() < FLOAT64 * abs(wanted[:, 0]).max()
    assert abs(found[:, 1:] - wanted[:, 1:]).max() < FLOAT64 * max(abs(wanted[:, 1:]).max(), 1e-3)


@pytest.mark.parametrize(("kind", "mode"), MODES, ids=str)
def test_the_mean_over_the_rows_is_the_field_and_each_row_that_of_autograd(kind, mode):
    case = random_case(*kind, seed=3, num_rows=9)
    for x, y in PAIRS:
        spec = LandscapeSpec(x=x, y=y, points=3, half_width=0.5, seed=4, **mode)
        minibatch = minibatch_of(case)
        found, field = row_fields(minibatch, spec), minibatch.landscape(spec)
        scale = max(abs(field.u).max(), abs(field.v).max(), 1e-3)
        u, v, value = found.mean()
        assert abs(u - field.u).max() < FLOAT64 * scale
        assert abs(v - field.v).max() < FLOAT64 * scale
        np.testing.assert_allclose(value, field.loss, rtol=FLOAT64)
        np.testing.assert_array_equal((found.x, found.y), (field.x, field.y))
        problem = Problem(case.model, loss, (case.inputs, case.targets), seed=4, dtype=torch.float64, **mode)
        plane = Plane(Scalar.parse(x), Scalar.parse(y), half_width=0.5, points=3)
        assert_same(stacked(found), by_autograd(problem, plane, of_rows=True))
        assert found.coupled is (kind[0] == "batchnorm" and mode["mode"] == "train")
        assert found.has_masks is (kind[0] == "dropout" and mode["mode"] == "train")


@pytest.mark.parametrize(("kind", "mode"), MODES, ids=str)
def test_engine_replay_and_the_loop_over_rows_agree(kind, mode):
    case = random_case(*kind, seed=8, num_rows=6)
    x, y = PAIRS[1]
    own = row_fields(minibatch_of(case), LandscapeSpec(x=x, y=y, points=3, half_width=0.4, seed=2, **mode))
    problem = Problem(case.model, loss, (case.inputs, case.targets), seed=2, dtype=torch.float64, **mode)
    plane = Plane(Scalar.parse(x), Scalar.parse(y), half_width=0.4, points=3)
    for method, name in (("quickest", "replay"), ("reference", "reference")):
        found = row_fields(problem, plane, method=method)
        assert found.method.startswith(name), found.passed_over
        assert_same(stacked(found), stacked(own))
        assert (found.coupled, found.has_masks) == (own.coupled, own.has_masks)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_pair_of_a_small_network(kind):
    case = random_case(*kind, seed=1, hidden=(5, 4), num_inputs=3, num_rows=5)
    modes = modes_of(kind[0])
    for number, (x, y) in enumerate(itertools.permutations(parameters_of(case), 2)):
        mode = modes[number % len(modes)]
        found = row_fields(minibatch_of(case), LandscapeSpec(x=x, y=y, points=3, half_width=0.6, seed=number, **mode))
        problem = Problem(case.model, loss, (case.inputs, case.targets), seed=number, dtype=torch.float64, **mode)
        plane = Plane(Scalar.parse(x), Scalar.parse(y), half_width=0.6, points=3)
        points = [number % 9]
        assert_same(stacked(found)[points], by_autograd(problem, plane, points, of_rows=True))


@pytest.mark.parametrize(("kind", "mode"), MODES, ids=str)
def test_the_size_of_the_tiles_does_not_matter(kind, mode):
    case = random_case(*kind, seed=6)
    spec = LandscapeSpec(x=PAIRS[0][0], y=PAIRS[1][1], points=7, seed=1, **mode)
    whole = row_fields(minibatch_of(case), spec)
    with tiles_of(16 * 12 * 8 * 3):
        assert_same(stacked(row_fields(minibatch_of(case), spec)), stacked(whole))


def test_rows_that_cancel_are_not_zero_and_the_arrow_s_zero_is_told_by_the_field():
    case = random_case("none", seed=5, num_rows=8)
    predictions = case.model(case.inputs).detach()
    halves = Case(case.model, case.inputs, predictions + 5 * torch.tensor([1.0, -1.0] * 4))
    spec = LandscapeSpec(x="output.bias[0]", y=PAIRS[0][0], points=3, half_width=0.1)
    found, field = row_fields(minibatch_of(halves), spec), minibatch_of(halves).landscape(spec)
    assert (field.u_reason == ZeroReason.TERMS_CANCEL).all()
    np.testing.assert_array_equal(abs(found.u_BYX), 3.0)
    np.testing.assert_array_equal(found.mean()[0], 0.0)


def test_float32_is_float64_to_its_rounding():
    case = random_case("none", seed=2)
    spec = LandscapeSpec(x=PAIRS[0][0], y=PAIRS[0][1], points=5)
    single, double = (row_fields(minibatch_of(case, dtype), spec) for dtype in (torch.float32, torch.float64))
    assert single.u_BYX.dtype == np.float32
    assert abs(single.u_BYX - double.u_BYX).max() < 1e-5 * abs(double.u_BYX).max()
    assert abs(single.loss_BYX - double.loss_BYX).max() < 1e-5 * double.loss_BYX.max()


def test_a_row_alone_has_the_field_that_it_has_among_others():
    case = random_case("none", seed=9)
    spec = LandscapeSpec(x=PAIRS[0][0], y=PAIRS[2][0], points=5)
    among = row_fields(minibatch_of(case), spec)
    for row in (0, 7, 15):
        alone = Minibatch(
            network_of(case.model, dtype=torch.float64), *(t[row : row + 1] for t in (case.inputs, case.targets))
        )
        np.testing.assert_allclose(alone.landscape(spec).u, among.u_BYX[row], rtol=1e-10, atol=1e-13)


def test_too_many_numbers_and_rows_are_told_in_one_sentence():
    case = random_case("none", num_rows=1025)
    spec = LandscapeSpec(x=PAIRS[0][0], y=PAIRS[0][1], points=3)
    with pytest.raises(UserError, match="at most 1,024 rows, got 1,025"):
        row_fields(minibatch_of(case), spec)
    case = random_case("none", num_rows=1024)
    with pytest.raises(
        UserError, match="1,024 rows on 201 × 201 points are 124,111,872 numbers, and at most 33,554,432"
    ):
        row_fields(minibatch_of(case), spec.model_copy(update={"points": 201}))


def test_a_mean_over_some_rows_needs_places_and_rows_that_do_not_depend_on_each_other():
    case = random_case("batchnorm")
    spec = LandscapeSpec(x="hidden.1.norm.bias[0]", y="hidden.1.norm.bias[1]", points=3, mode="train")
    coupled = row_fields(minibatch_of(case), spec)
    coupled.mean()
    with pytest.raises(UserError, match="The rows depend on each other"):
        coupled.mean([0, 1])
    apart = row_fields(minibatch_of(case), spec.model_copy(update={"mode": "eval"}))
    np.testing.assert_array_equal(apart.mean([3])[0], apart.u_BYX[3])
    masks = random_case("dropout")
    spec = LandscapeSpec(x="hidden.1.linear.bias[0]", y="output.bias[0]", points=3, mode="train", masks="frozen")
    masked = row_fields(minibatch_of(masks), spec)
    np.testing.assert_allclose(masked.mean(range(15, -1, -1))[2], masked.mean()[2], rtol=1e-12)
    with pytest.raises(UserError, match="masks belong to places"):
        masked.mean([0, 1])
    for places in ([], [16], [-1]):
        with pytest.raises(UserError):
            apart.mean(places)


def test_what_does_not_fit_is_told():
    case = random_case("none")
    plane = Plane(Scalar.parse(PAIRS[0][0]), Scalar.parse(PAIRS[0][1]), points=3)
    spec = LandscapeSpec(x=PAIRS[0][0], y=PAIRS[0][1], points=3)
    problem = Problem(case.model, loss, (case.inputs, case.targets))
    wrong = [((minibatch_of(case), plane), {}), ((problem, spec), {}), ((case.model, spec), {})]
    wrong += [((minibatch_of(case), spec), {"method": "reference"}), ((problem, plane), {"method": "engine"})]
    for given, named in wrong:
        with pytest.raises(UserError):
            row_fields(*given, **named)
    with pytest.raises(UserError, match="out of range"):
        row_fields(minibatch_of(case), spec.model_copy(update={"x": "hidden.1.linear.bias[99]"}))
