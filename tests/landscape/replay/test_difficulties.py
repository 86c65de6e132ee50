"""Models with one difficulty each: right numbers, or the plain loop and why, or one clear line; no wrong number."""

import copy

import pytest
import torch

from gradviz.errors import UserError
from gradviz.landscape.replay import Plane, Prepared, Problem, Scalar, checking
from gradviz.landscape.replay.choosing import LOOP, WAYS, compute
from gradviz.landscape.replay.loop import by_loop
from tests.landscape.replay.difficulties import DIFFICULTIES, Difficulty
from tests.landscape.replay.independent import FLOAT64, by_autograd, error_of

METHODS = {LOOP, *(way.name for way in WAYS)}


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("difficulty", DIFFICULTIES, ids=lambda d: f"{d}-{d.x}-{d.loss.__name__}")
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # of torch's own old functions
def test_each_gives_the_right_numbers_or_says_that_it_cannot(difficulty: Difficulty, mode):
    model, batch = difficulty.made()
    plane = Plane(Scalar.parse(difficulty.x), Scalar.parse(difficulty.y), half_width=0.3, points=3)
    problem = Problem(model, difficulty.loss, batch, mode, seed=3, dtype=torch.float64)
    before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    expected = difficulty.train if mode == "train" and difficulty.train else difficulty.eval
    if expected in METHODS:
        found = compute(Prepared(problem), plane)
        assert found.method == expected, found.passed_over
        assert len(found.passed_over) == [*(way.name for way in WAYS), LOOP].index(expected)
        wanted = by_loop(problem, plane, range(9))
        assert wanted[:, 1:].abs().max() > 1e-6  # there is a gradient to compare
        assert error_of(found.values, wanted) < FLOAT64
        if difficulty.by_hand in (True, mode):
            assert error_of(wanted[[0, 7]], by_autograd(problem, plane, [0, 7])) < FLOAT64
    else:
        with pytest.raises(UserError, match=expected):
            compute(Prepared(problem), plane)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters() if parameter.is_leaf)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize("difficulty", DIFFICULTIES, ids=lambda d: f"{d}-{d.x}-{d.loss.__name__}")
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_slice_in_float64_and_all_rows_in_float32_tell_the_same(difficulty: Difficulty, monkeypatch):
    monkeypatch.setattr(checking, "MANY_ROWS", 12)
    model, batch = difficulty.made()
    plane = Plane(Scalar.parse(difficulty.x), Scalar.parse(difficulty.y), half_width=0.3, points=3)
    problem = Problem(model, difficulty.loss, batch, "train", seed=3)
    expected = difficulty.train or difficulty.eval
    if expected not in METHODS:
        with pytest.raises(UserError, match=expected):
            compute(Prepared(problem), plane)
        return
    found = compute(Prepared(problem), plane)
    assert found.method == expected, found.passed_over
    assert error_of(found.values, by_loop(problem, plane, range(9))) < 1e-4  # float32's rounding
