"""What theory says of paths: exact for linear models, so that these numbers need no training to be known."""

import numpy as np
import pytest

from gradviz.landscape.paths.measuring import measure
from gradviz.landscape.paths.request import Condition, PathsRequest
from gradviz.landscape.paths.result import PathsResult
from tests.landscape.paths.linear import Held, Linear

CONDITIONS = ("same", "order", "composition", "resampled", "rows")


def paths_of(run: Linear, rate: float, **changes: object) -> PathsResult:
    values = {"replicas": 10, "conditions": CONDITIONS, "optimizer": "sgd", "learning_rate": rate, "points": 12}
    return measure(run, PathsRequest.of(run="linear", epoch=0, **(values | changes)), Held())


@pytest.fixture(scope="module")
def by_rate() -> dict[float, PathsResult]:
    """Of a squared loss, at rates at which an epoch moves the parameters by 0.01 to 20 % of the way to the minimum."""
    run = Linear()
    return {rate: paths_of(run, rate) for rate in (2.0**-power for power in range(7, 16, 2))}


def ends(by_rate: dict[float, PathsResult], condition: Condition) -> np.ndarray:
    return np.array([found.of(condition).ratio_T[-1] for found in by_rate.values()])


@pytest.mark.parametrize("condition", ["order", "composition"])
def test_the_spread_of_an_epoch_shrinks_as_the_rate_where_all_rows_are_used_once(
    by_rate: dict[float, PathsResult], condition: Condition
):
    """To first order in the rate an epoch is a sum over its rows, which no order and no cut changes. The bound of 0.1
    is for terms of higher order, and holds from a rate at which these are 10 %."""
    slope = np.polyfit(np.log(list(by_rate)), np.log(ends(by_rate, condition)), 1)[0]
    assert 0.9 < slope < 1.1


def test_order_and_composition_spread_alike(by_rate: dict[float, PathsResult]):
    # Both are of second order, with the same products of steps: their sizes differ by how rows are grouped alone.
    ratios = ends(by_rate, "order") / ends(by_rate, "composition")
    assert 0.5 < ratios.min() < ratios.max() < 2
    assert np.ptp(ratios) < 0.1  # at every rate by the same factor: no part of first order is in either


def test_resampled_rows_have_a_floor_that_no_rate_lowers(by_rate: dict[float, PathsResult]):
    floor = ends(by_rate, "resampled")
    assert floor[-1] == pytest.approx(floor[-2], rel=0.01)  # what is left of the rate's own effect
    assert floor[-1] > 100 * ends(by_rate, "order")[-1]


def test_the_spread_of_orders_is_a_bridge(by_rate: dict[float, PathsResult]):
    found = by_rate[min(by_rate)]
    distance_T = found.of("order").spread_T
    assert distance_T.max() > 20 * distance_T[-1]
    assert 3 <= distance_T.argmax() <= 8  # in the middle of twelve steps
    resampled_T = found.of("resampled").spread_T
    assert resampled_T.argmax() == len(resampled_T) - 1


def test_the_same_is_the_same_and_rows_are_rounding(by_rate: dict[float, PathsResult]):
    for found in by_rate.values():
        same = found.of("same")
        assert not same.spread_T.any()
        assert not same.products.deviations_TKK.any()
        assert np.ptp(same.train_losses_K) == 0
        assert same.losses_KS[0].tolist() == found.recorded_losses_S.tolist()
        assert found.of("rows").ratio_T[-1] < 1e-12


def test_a_loss_that_is_linear_in_the_parameters_knows_no_order():
    """Its gradient is the same everywhere: the steps are terms of a sum, whose end is known but for rounding."""
    found = paths_of(Linear(squared=False), 2.0**-7)
    for condition in ("order", "composition"):
        assert found.of(condition).ratio_T[-1] < 1e-13
        assert found.of(condition).ratio_T[5] > 0.01
    assert found.of("resampled").ratio_T[-1] > 0.01


def test_two_epochs_are_two_bridges():
    found = paths_of(Linear(), 2.0**-12, epochs=2, points=24, conditions=("order",))
    distance_T = found.of("order").spread_T
    assert distance_T[5] > 10 * distance_T[11]
    assert distance_T[17] > 10 * distance_T[23]
