"""The rate of SGD that lowers the loss as far as the run's own epoch did."""

import math

import pytest

from gradviz.errors import UserError
from gradviz.experiment.continuation import NotFinite
from gradviz.landscape.paths.measuring import measure
from gradviz.landscape.paths.rate import CLOSE, matched_rate
from gradviz.landscape.paths.request import PathsRequest
from tests.landscape.paths.linear import Held, Linear


def loss_after(rate: float) -> float:
    """Falls with the rate to 0 at 0.1, rises beyond, and breaks down at 1."""
    if rate >= 1:
        raise NotFinite("The loss is not finite.")
    return 100 * (1 - rate / 0.1) ** 2


@pytest.mark.parametrize("guess", [1e-9, 1e-3, 0.0512, 0.19, 0.9, 50.0])
def test_a_rate_is_found_from_any_guess(guess: float):
    rate, tried = matched_rate(loss_after, 100, 40, guess)
    assert abs((100 - loss_after(rate)) - 60) <= CLOSE * 60
    assert dict(tried)[rate] == loss_after(rate)
    assert next(iter(tried))[0] == guess


def test_an_epoch_that_did_not_lower_the_loss_has_no_match():
    with pytest.raises(UserError, match=r"did not lower the training loss \(10 before, 11 after\).*--lr"):
        matched_rate(loss_after, 10, 11, 0.1)


def test_a_decrease_that_no_rate_reaches_is_told_with_the_best():
    with pytest.raises(
        UserError, match=r"No rate of plain SGD lowers the training loss by 150 .*the most was 99\.\d+ at 0\.1"
    ):
        matched_rate(loss_after, 100, -50, 1e-4)


def test_a_rate_that_breaks_down_is_told_as_infinite():
    _, tried = matched_rate(loss_after, 100, 40, 3.0)
    assert math.isinf(tried[0][1])


def test_the_search_finds_the_run_s_own_rate_where_it_is_plain_sgd_itself():
    request = PathsRequest.of(run="linear", epoch=0, optimizer="sgd", replicas=2, conditions=("order",))
    found = measure(Linear(), request, Held())
    assert found.learning_rate == pytest.approx(1e-3)
    assert found.searched == ((1e-3, found.recorded_losses[0]),)
    factor = measure(Linear(), request.model_copy(update={"rate_factor": 0.25}), Held())
    assert factor.learning_rate == pytest.approx(2.5e-4)
