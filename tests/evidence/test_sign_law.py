"""The sign law by simulation, at its ends, and its fit by hand."""

import math

import numpy as np
import pytest

from gradviz.evidence.gathering import spread_over
from gradviz.evidence.measurements import WholeModel
from gradviz.evidence.sign_law import fit_of, law, points_of, sign_laws
from tests.evidence.made import agreement, checkpoint, evidence, record


def test_without_balance_directions_are_random_and_with_all_on_one_side_they_agree():
    assert law(0.0, 64, 50) == pytest.approx(1 / math.sqrt(50))
    assert law(1.0, 64, 50) == 1.0
    assert law(0.999, 64, 50) == pytest.approx(1.0)


@pytest.mark.parametrize("balance", [0.05, 0.2, 0.4])
def test_the_law_is_that_of_minibatches_of_signs(balance: float):
    """R² of 50 minibatches of 63 rows (no ties), each up or down by the sign of its rows' sum, over 4,000 draws.

    The normal distribution stands for the binomial one, which is good to 0.01 here; the mean of the draws to 0.005.
    """
    draws = np.random.default_rng(0)
    below = draws.random((4000, 50, 63)) < (1 + balance) / 2
    signs = np.sign(below.sum(2) * 2 - 63)
    simulated = np.mean(signs.mean(1) ** 2)
    assert law(balance, 63, 50) ** 2 == pytest.approx(simulated, abs=0.015)


def test_more_rows_agree_more():
    assert law(0.1, 16, 50) < law(0.1, 64, 50) < law(0.1, 1024, 50)


def test_the_fit_is_the_share_of_the_variance():
    found = agreement(0.5)
    exact = [(b, law(b, 64, 50), found) for b in (0.0, 0.1, 0.3, 0.6)]
    flat = [(b, 0.5, found) for b in (0.0, 0.1, 0.3)]
    ones = np.ones((1, 4))
    assert fit_of(exact)(ones)[0] == pytest.approx(1.0)
    moved = [(b, r + d, found) for (b, r, _), d in zip(exact, (0.1, -0.1, 0.05, 0.0), strict=True)]
    values = np.array([r for _, r, _ in moved])
    wanted = 1 - (0.1**2 + 0.1**2 + 0.05**2) / ((values - values.mean()) ** 2).sum()
    assert fit_of(moved)(ones)[0] == pytest.approx(wanted)
    weights = np.array([[2.0, 0.0, 1.0, 1.0]])
    drawn = [moved[0], moved[0], moved[2], moved[3]]
    assert fit_of(moved)(weights)[0] == pytest.approx(fit_of(drawn)(ones)[0])
    assert np.isnan(fit_of(flat)(np.ones((1, 3)))[0])


def test_zero_gradients_count_in_no_number_of_minibatches():
    some = agreement(0.5).model_copy(update={"num_zero": 48})
    [first] = [1 - fit_of([(0.0, law(0.0, 64, 2), some), (0.5, 1.0, some), (0.9, 0.9, some)])(np.eye(3)[:1] + 1)]
    assert first.shape == (1,)
    exact = [(b, law(b, 64, 2), some) for b in (0.0, 0.05, 0.4)]
    assert fit_of(exact)(np.ones((1, 3)))[0] == pytest.approx(1.0)


def test_each_run_has_a_fit_for_what_was_measured():
    own = tuple(checkpoint(epoch).model_copy(update={"balance": 0.1 * epoch}) for epoch in range(4))
    wholes = tuple(
        WholeModel(run="none", epoch=epoch, agreement=agreement(law(0.1 * epoch, 64, 50))) for epoch in range(4)
    )
    whole = evidence(runs=(record("none"),), checkpoints=own, wholes=wholes)
    [found] = sign_laws(whole)  # the checkpoints made by hand have no agreement of all biases
    assert (found.run, found.scope, found.num_checkpoints) == ("none", "model", 4)
    assert found.fit.value == pytest.approx(1.0)
    assert len(points_of(whole, "none", "model")) == 4
    assert points_of(whole, "none", "biases 1") == []
    assert sign_laws(evidence(runs=(record("none"),), wholes=())) == ()


def test_all_parameters_are_measured_at_some_checkpoints_from_the_first_to_the_last():
    assert spread_over(range(31), 11) == list(range(0, 31, 3))
    assert spread_over([0, 2, 5], 11) == [0, 2, 5]
    chosen = spread_over(range(100), 11)
    assert (chosen[0], chosen[-1], len(set(chosen))) == (0, 99, 11)
