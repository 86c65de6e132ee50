"""Minibatches of chosen rows, from inner products of the rows' gradients and from scratch."""

import numpy as np
import pytest
import torch

from gradviz.errors import UserError
from gradviz.landscape import network_of
from gradviz.landscape.statistics import (
    example_products,
    minibatch_agreement,
    null_agreement,
    parts_of,
    regrouped,
    regrouped_products,
    sorted_minibatches,
)
from tests.landscape.cases import random_case
from tests.landscape.statistics.test_null_model import example_gradients

SIZE = 4


def test_products_of_any_cut_are_those_of_minibatches_computed_from_scratch():
    """The mean gradients by autograd, row by row, in float64: sums of a few products of order 1 to 1e4."""
    case = random_case("none", num_rows=21)
    network, plain = network_of(case.model, dtype=torch.float64), example_gradients(case)
    values_R = np.random.default_rng(3).normal(size=21)
    rows_KB = sorted_minibatches(values_R, SIZE, np.random.default_rng(0))
    for part in ("hidden.1.linear.bias", "hidden.2", "model"):
        vectors_RP = np.array([np.concatenate([g[name].ravel() for name in parts_of(network)[part]]) for g in plain])
        means_KP = vectors_RP[rows_KB].mean(1)
        products_RR = example_products(network, case.inputs, case.targets, parts=[part])[part]
        found = regrouped_products(products_RR, rows_KB).numpy()
        np.testing.assert_allclose(found, means_KP @ means_KP.T, rtol=1e-9, atol=1e-9)


def test_agreement_is_that_of_these_minibatches():
    case = random_case("none", num_rows=40)
    network = network_of(case.model, dtype=torch.float64)
    rows_KB = sorted_minibatches(case.targets.numpy(), SIZE, np.random.default_rng(0))
    at = torch.from_numpy(rows_KB)
    slow = minibatch_agreement(
        network, case.inputs[at], case.targets[at], generator=np.random.default_rng(0), parts=["model"]
    ).parts["model"]
    products_RR = example_products(network, case.inputs, case.targets)["model"]
    random = null_agreement(products_RR, SIZE, np.random.default_rng(1), draws=20, num=len(rows_KB))
    found = regrouped(products_RR, rows_KB, random)
    assert slow.resultant is not None
    assert slow.cosine is not None
    assert slow.opposite is not None
    assert random.resultant is not None
    assert found.sensitivity is not None
    # Cosines of the same gradients in float64, by sums in another order.
    assert found.resultant == pytest.approx(slow.resultant.value, abs=1e-10)
    assert found.cosine == pytest.approx(slow.cosine.value, abs=1e-10)
    assert found.opposite == pytest.approx(slow.opposite.value, abs=1e-10)
    ratio = (1 - slow.resultant.value) / (1 - random.resultant.value)
    assert found.sensitivity.value == pytest.approx(ratio)
    assert found.sensitivity.low <= ratio <= found.sensitivity.high


def test_rows_in_random_order_are_the_null_model():
    """Gradients of order 1: sorted by what says nothing of them they agree as random rows do; by their own value not.

    The bounds are three times the standard deviation of R over draws, and far from what the sorted ones give.
    """
    generator = np.random.default_rng(0)
    g_RP = generator.normal(size=(400, 3)) + np.array([1.0, 0.0, 0.0])
    products_RR = torch.from_numpy(g_RP @ g_RP.T)
    random = null_agreement(products_RR, 20, np.random.default_rng(1), num=20)
    assert random.resultant is not None
    by_nothing = regrouped(products_RR, sorted_minibatches(np.zeros(400), 20, generator), random)
    by_value = regrouped(products_RR, sorted_minibatches(g_RP[:, 0], 20, generator), random)
    assert by_nothing.resultant == pytest.approx(random.resultant.value, abs=0.03)
    assert by_value.resultant is not None
    assert by_value.resultant < random.resultant.low - 0.2


def test_rows_are_sorted_with_ties_at_random_and_what_is_missing_last():
    values_R = np.array([2.0, 1.0, np.nan, 1.0, 2.0, 1.0, 1.0, 3.0, 0.0])
    seen = set()
    for seed in range(20):
        rows_KB = sorted_minibatches(values_R, 2, np.random.default_rng(seed))
        flat = rows_KB.ravel()
        assert rows_KB.shape == (4, 2)
        assert len(set(flat.tolist())) == 8
        assert flat[0] == 8
        assert 2 not in flat  # the last of nine rows in minibatches of two is left out
        np.testing.assert_array_equal(values_R[flat], np.sort(values_R)[:8])
        seen.add(tuple(flat[1:5]))
    assert len(seen) > 5


@pytest.mark.parametrize("size", [0, 3, 100])
def test_rows_that_give_no_two_minibatches_are_refused(size: int):
    with pytest.raises(UserError, match="use at least 2"):
        sorted_minibatches(np.zeros(5), size, np.random.default_rng(0))


def test_gradients_without_direction_have_no_agreement():
    random = null_agreement(torch.zeros(8, 8), 2, np.random.default_rng(0))
    found = regrouped(torch.zeros(8, 8), np.arange(8).reshape(4, 2), random)
    assert (found.resultant, found.cosine, found.opposite, found.sensitivity) == (None, None, None, None)
