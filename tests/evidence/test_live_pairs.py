"""Pairs of random live units: which they are, and their medians by plain loops."""

import itertools

import numpy as np
import pytest
import torch

from gradviz.evidence.live_pairs import MOST_PAIRS, drawn_pairs, random_pairs_of
from gradviz.evidence.scenes import START_PLAIN
from gradviz.experiment.store import RunStore
from gradviz.landscape import network_of

BIAS = "hidden.1.linear.bias"


def test_pairs_are_different_pairs_of_different_live_units():
    few = drawn_pairs(np.array([2, 5, 7]), np.random.default_rng(0))
    assert set(few) == {(2, 5), (2, 7), (5, 7)}
    many = drawn_pairs(np.arange(3, 203), np.random.default_rng(0))
    assert len(many) == len(set(many)) == MOST_PAIRS
    assert all(a < b for a, b in many)
    assert len({unit for pair in many for unit in pair}) > MOST_PAIRS  # not always the same units
    assert drawn_pairs(np.array([4]), np.random.default_rng(0)) == []
    assert drawn_pairs(np.array([]), np.random.default_rng(0)) == []


def test_medians_are_those_of_loops_over_autograd(tiny_store: RunStore):
    run = tiny_store.run("none")
    model = run.model(0).double()
    with torch.no_grad():
        model.get_parameter(BIAS)[0] = -1e6  # dead
    network, rows = network_of(model, dtype=torch.float64), run.minibatches(64, 50)
    gradients = []
    for inputs, targets in zip(*rows, strict=True):
        model.zero_grad()
        (model(inputs.double()) - targets).abs().mean().backward()
        gradient = model.get_parameter(BIAS).grad
        assert gradient is not None
        gradients.append(gradient.numpy().copy())
    gradients_KN = np.array(gradients)
    live = [unit for unit in range(10) if (gradients_KN[:, unit] != 0).any()]
    lengths, shares = [], []
    for a, b in itertools.combinations(live, 2):  # fewer than 50 pairs: all are drawn
        arrows = [arrow / np.linalg.norm(arrow) for arrow in gradients_KN[:, [a, b]] if np.linalg.norm(arrow) > 0]
        if len(arrows) > 1:
            lengths.append(np.linalg.norm(sum(arrows)) / len(arrows))
            shares.append(np.mean([p @ q < 0 for p, q in itertools.combinations(arrows, 2)]))
    first, second = random_pairs_of(network, rows, START_PLAIN, run="none", epoch=0)
    assert (first.num_units, first.num_live, first.num_pairs) == (10, len(live), len(live) * (len(live) - 1) // 2)
    assert 0 not in live
    assert second.tensor == "hidden.2.linear.bias"
    assert first.resultant.value == pytest.approx(np.median(lengths), abs=1e-9)
    assert first.opposite.value == pytest.approx(np.median(shares), abs=1e-9)
    assert first.resultant.low == pytest.approx(np.quantile(lengths, 0.025), abs=1e-9)


def test_a_layer_without_two_live_units_has_no_medians(tiny_store: RunStore):
    run = tiny_store.run("none")
    model = run.model(0)
    with torch.no_grad():
        model.get_parameter(BIAS)[:] = -1e6
    first, _ = random_pairs_of(network_of(model), run.minibatches(64, 50), START_PLAIN, run="none", epoch=0)
    assert (first.num_live, first.num_pairs, first.resultant.value, first.opposite.value) == (0, 0, None, None)
