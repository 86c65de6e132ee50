"""The fields of rows of any network: their mean is the minibatch's field, and each is that of an independent float64
computation."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.errors import UserError
from gradviz.experiment.studies.addition.study import STUDY as ADDITION
from gradviz.experiment.studies.digits.study import STUDY as DIGITS
from gradviz.landscape.per_row import RowFields, of_replay, row_fields
from gradviz.landscape.per_row.of_replay import ROW_WAYS, of_problem
from gradviz.landscape.replay import Plane, Prepared, Problem, Scalar, checking
from gradviz.landscape.replay.choosing import LOOP, WAYS, compute
from gradviz.landscape.replay.depending import _kept, dependence_of
from tests.landscape.directions.paths import MAKERS as WITH_PATHS
from tests.landscape.directions.test_planes import plane_at
from tests.landscape.per_row.test_engine_rows import stacked
from tests.landscape.replay.difficulties import DIFFICULTIES, Net
from tests.landscape.replay.independent import FLOAT64, by_autograd
from tests.landscape.replay.test_networks import CASES, PAIRS, problem_of

METHODS = {LOOP, *(way.name for way in WAYS)}


def error_of(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest difference over the largest loss, or the largest derivative of any row."""
    loss, slope = abs(wanted[:, 0]).max(), abs(wanted[:, 1:]).max()
    scale = np.array([loss, *[max(slope, 1e-3 * loss)] * 2])[:, None]
    return float((abs(found - wanted) / scale).max())


def assert_right(problem: Problem, plane: Plane, found: RowFields, points: list[int], *, by_hand: bool = True) -> None:
    """Their mean at all points, and each row at these."""
    field = compute(Prepared(problem), plane).values.numpy()
    numbers = stacked(found)
    halves = type(problem.model).__name__ == "HalvesItself"  # and rounds a twelfth otherwise than the whole
    assert error_of(numbers.mean(-1, keepdims=True), field[..., None]) < (2e-3 if halves else FLOAT64)
    u, v, value = found.mean()
    np.testing.assert_allclose(np.stack([value, u, v]).reshape(3, -1).T, numbers.mean(-1), atol=1e-15)
    if by_hand:
        assert error_of(numbers[points], by_autograd(problem, plane, points, of_rows=True)) < FLOAT64


@pytest.mark.parametrize(("name", "mode", "masks"), CASES)
def test_rows_of_networks_of_the_usual_kinds(name, mode, masks):
    problem = problem_of(name, mode, masks)
    by_hand = name not in ("gru", "lstm") or mode == "eval"  # torch drops between the layers where no hand reaches
    prepared = Prepared(problem)
    for x, y in PAIRS[name]:
        plane = Plane(Scalar.parse(x), Scalar.parse(y), half_width=0.3, points=3)
        found = row_fields(prepared, plane)
        assert found.method.startswith("replay"), found.passed_over
        assert not found.method.endswith("row after row"), found.passed_over
        assert_right(problem, plane, found, [0, 5], by_hand=by_hand)
        assert found.coupled is (name in ("cnn", "resnet") and mode == "train")
        assert found.has_masks is (name not in ("cnn", "resnet") and mode == "train")


def _digits(**arguments: Any) -> Problem:
    generator = torch.Generator().manual_seed(0)
    with torch.random.fork_rng():
        torch.manual_seed(2)
        model = DIGITS.model(channels=3, **arguments)
    batch = torch.rand((6, 1, 8, 8), generator=generator), torch.randint(0, 10, (6,), generator=generator)
    return Problem(model, DIGITS.loss, batch, dtype=torch.float64)


def _addition(**arguments: Any) -> Problem:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = ADDITION.model(width=8, heads=2, **arguments)
    rows = torch.tensor([[3, 5, 97], [90, 9, 97], [0, 1, 97], [44, 44, 97], [96, 96, 97]])
    return Problem(model, ADDITION.loss, (rows, rows[:, :2].sum(1) % 97), dtype=torch.float64, num_masks=2)


@pytest.mark.parametrize(
    ("problem", "x", "y"),
    [
        (_digits(), "conv1.weight[1,0,0,2]", "fc1.bias[3]"),
        (_digits(norm=True), "norm1.weight[1]", "conv2.weight[2,1,1,0]"),
        (replace(_digits(norm=True), mode="train"), "norm2.bias[1]", "conv1.weight[0,0,1,1]"),
        (replace(_digits(dropout=0.3), mode="train", masks="averaged"), "conv2.bias[1]", "fc2.weight[2,5]"),
        (_addition(), "token.weight[3,2]", "blocks.0.key.weight[1,4]"),
        (replace(_addition(dropout=0.1), mode="train", masks="fresh"), "blocks.0.value.bias[2]", "place.weight[0,1]"),
    ],
    ids=["digits", "norm", "norm train", "dropout averaged", "addition", "dropout fresh"],
)
def test_rows_of_the_studies_that_ship(problem, x, y):
    plane = Plane(Scalar.parse(x), Scalar.parse(y), half_width=0.3, points=3)
    found = row_fields(problem, plane)
    assert found.method == "replay tiles (vmap)", found.passed_over
    assert_right(problem, plane, found, [1, 8])
    reference = row_fields(problem, plane, method="reference")
    assert reference.method == LOOP
    assert error_of(stacked(found), stacked(reference)) < FLOAT64
    for both in zip((found.x, found.y), (reference.x, reference.y), strict=True):
        np.testing.assert_array_equal(*both)


@pytest.mark.parametrize("pair", [("random:1", "gradient:0"), pytest.param(("step", "pca:1"), marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", WITH_PATHS)
def test_rows_on_planes_of_directions(name, pair):
    for mode in ("eval", "train"):
        plane, problem = plane_at(name, mode, "frozen", pair)
        found = row_fields(problem, plane)
        assert found.method.startswith("replay"), found.passed_over
        assert_right(problem, plane, found, [3, 12])
        # point after point a product with a moved weight has a backward pass of its own
        one_by_one = of_problem(Prepared(problem), plane, [way for way in ROW_WAYS if way.name == "replay"])
        assert one_by_one.method == "replay", one_by_one.passed_over
        assert error_of(stacked(one_by_one), stacked(found)) < FLOAT64


IN_TRAIN_MODE = {"BatchStatistics", "Drops", "Draws", "Attends", "DropsBackwards", "NoiseInABuffer"}
"""Those that train mode makes another function of."""
OF_ROWS = [each for each in DIFFICULTIES if each.loss.__name__ == "cross_entropy"]


@pytest.mark.parametrize(
    ("difficulty", "mode"),
    [
        pytest.param(each, mode, marks=[pytest.mark.slow] if mode == "train" and str(each) not in IN_TRAIN_MODE else [])
        for each in OF_ROWS
        for mode in ("eval", "train")
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of torch's own old functions
def test_each_difficulty_gives_the_right_rows_by_the_way_of_its_field_or_says_that_it_cannot(difficulty, mode):
    model, batch = difficulty.made()
    plane = Plane(Scalar.parse(difficulty.x), Scalar.parse(difficulty.y), half_width=0.3, points=3)
    problem = Problem(model, difficulty.loss, batch, mode, seed=3, dtype=torch.float64)
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    expected = difficulty.train if mode == "train" and difficulty.train else difficulty.eval
    if expected in METHODS:
        found = row_fields(problem, plane)
        assert found.method == expected, found.passed_over
        wanted = row_fields(problem, plane, method="reference")
        assert error_of(stacked(found), stacked(wanted)) < FLOAT64
        assert_right(problem, plane, wanted, [0, 7], by_hand=difficulty.by_hand in (True, mode))
    else:
        with pytest.raises(UserError, match=expected):
            row_fields(problem, plane)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters() if parameter.is_leaf)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


PLANE = Plane(Scalar.parse("a.bias[2]"), Scalar.parse("b.bias[1]"), half_width=0.3, points=3)


def problem_with(model: nn.Module, loss: Any = None, rows: int = 12, **changes: Any) -> Problem:
    generator = torch.Generator().manual_seed(5)
    x, y = torch.randn((rows, 6), generator=generator), torch.randint(0, 3, (rows,), generator=generator)

    def own(model: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(model(batch["x"]), batch["y"], reduction="none")

    return Problem(model, loss or own, {"x": x, "y": y}, **{"dtype": torch.float64, **changes})


class _Once(torch.autograd.Function):
    """tanh, whose backward pass cannot be derived."""

    @staticmethod
    def forward(ctx, x):
        out = x.tanh()
        ctx.save_for_backward(out)
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        return gradient * (1 - ctx.saved_tensors[0].square())


class DerivesOnce(Net):
    def middle(self, h):
        return _Once.apply(h)


def test_where_a_backward_pass_cannot_be_derived_there_is_one_for_each_row():
    problem = problem_with(DerivesOnce())
    found = row_fields(problem, PLANE)
    assert found.method == "replay without channels, row after row"
    assert "differentiate" in found.passed_over[-1] or "vmap" in found.passed_over[0]
    assert_right(problem, PLANE, found, list(range(9)))


def test_a_loss_of_the_minibatch_has_no_rows_and_says_so():
    mean = problem_with(Net(), lambda model, batch: model(batch["x"]).square().mean())
    with pytest.raises(UserError, match="returns the mean of the minibatch"):
        row_fields(mean, PLANE)
    each_place = problem_with(Net(), lambda model, batch: model(batch["x"]).square().flatten())
    with pytest.raises(UserError, match="36 losses for 12 rows"):
        row_fields(each_place, PLANE)


class Pairs(Net):
    """Each row is compared with the one beside it."""

    def middle(self, h):
        return (h.view(-1, 2, 8) - 0.1 * h.view(-1, 2, 8).flip(1)).view(-1, 8).relu()


@pytest.mark.parametrize("rows", [2, 6, 64])
def test_rows_that_depend_on_one_other_row_are_coupled(rows):
    assert dependence_of(problem_with(Pairs(), rows=rows)) == (True, False)
    assert dependence_of(problem_with(Net(), rows=rows)) == (False, False)
    assert dependence_of(problem_with(Net(), rows=1)) == (False, False)


@pytest.mark.parametrize("rows", [2, 3, 4, 64, 100])
def test_of_any_two_rows_one_pass_keeps_the_first_and_exchanges_the_second(rows):
    kept = [set(each.tolist()) for each in _kept(rows)]
    apart = {(one, other) for own in kept for one in own for other in range(rows) if other not in own}
    assert apart == {(one, other) for one in range(rows) for other in range(rows) if one != other}
    assert len(kept) <= 9


def test_a_way_whose_rows_differ_from_the_loop_s_is_passed_over_though_their_mean_is_right():
    problem = problem_with(Net())
    tiles = ROW_WAYS[0]

    def exchanged(*given: Any) -> Tensor:
        return tiles.way.values(*given).roll(1, -1)

    wrong = tiles._replace(way=tiles.way._replace(values=exchanged))
    found = of_problem(Prepared(problem), PLANE, [wrong, ROW_WAYS[1]])
    assert "rows differ from the plain loop's" in found.passed_over[0]
    assert_right(problem, PLANE, found, [0])


def test_of_many_rows_a_slice_is_compared_in_float64_and_all_in_float32(monkeypatch):
    problem = problem_with(Net(), rows=40, dtype=torch.float32)
    seen = []
    loop = of_replay.rows_by_loop

    def noted(problem: Problem, *given: Any, **named: Any) -> Tensor:
        seen.append((problem.dtype, problem.num_rows))
        return loop(problem, *given, **named)

    monkeypatch.setattr(of_replay, "rows_by_loop", noted)
    found = row_fields(problem, PLANE)
    assert found.u_BYX.dtype == np.float32
    assert seen == [(torch.float64, 8), (torch.float32, 40)]
    wanted = row_fields(problem.computed_in(torch.float64), PLANE)
    assert error_of(stacked(found), stacked(wanted)) < 1e-5
    monkeypatch.setattr(checking, "MANY_ROWS", 1000)
    np.testing.assert_array_equal(row_fields(problem, PLANE).u_BYX, found.u_BYX)


def test_the_second_plane_of_a_problem_looks_up_what_its_rows_depend_on(monkeypatch):
    prepared = Prepared(problem_with(Pairs()))
    first = row_fields(prepared, PLANE)
    monkeypatch.setattr("gradviz.landscape.replay.known.dependence_of", None)
    again = row_fields(prepared, replace(PLANE, half_width=0.2))
    assert first.coupled
    assert again.coupled


def test_numbers_that_are_not_finite_are_told():
    problem = problem_with(Net(), lambda model, batch: (1e200 * model(batch["x"])[:, 0]).square())
    with pytest.raises(UserError, match="not finite"):
        row_fields(problem, PLANE)
