"""Masks or minibatches: the split finds the variances that a simulation was made with."""

import numpy as np
import pytest
import torch

from gradviz.errors import UserError
from gradviz.landscape import network_of
from gradviz.landscape.statistics.variance_split import masks_split, split_of
from tests.landscape.cases import random_case
from tests.landscape.statistics.loops import NUM_MINIBATCHES, SIZE, gradients_by_autograd


@pytest.mark.parametrize(("masks", "minibatches"), [(1.0, 3.0), (3.0, 1.0), (1.0, 0.0)])
def test_known_variances_are_found(masks, minibatches):
    generator = np.random.default_rng(0)
    shares, hits = [], 0
    for _ in range(100):
        means = generator.normal(scale=minibatches**0.5, size=(40, 1, 5))
        gradients = means + generator.normal(scale=masks**0.5, size=(40, 6, 5))
        found = split_of("", torch.from_numpy(gradients), generator)
        assert found.masks_share is not None
        shares.append((found.masks_variance / 5, found.minibatch_variance / 5))
        hits += found.masks_share.low <= masks / (masks + minibatches) <= found.masks_share.high
    np.testing.assert_allclose(np.mean(shares, axis=0), [masks, minibatches], atol=0.12)
    assert hits >= (85 if minibatches else 0)  # a share of 1 is the end of its range: an interval may miss it


def test_split_of_a_network_equals_loops():
    case = random_case("dropout", num_rows=NUM_MINIBATCHES * SIZE)
    network = network_of(case.model, dtype=torch.float64)
    inputs, targets = case.inputs.reshape(NUM_MINIBATCHES, SIZE, -1), case.targets.reshape(NUM_MINIBATCHES, SIZE)
    pair = ("hidden.1.linear.bias[2]", "hidden.1.linear.weight[2,3]")
    found = masks_split(
        network, inputs, targets, np.random.default_rng(0), num_masks=3, tensors=["hidden.1.linear.bias"], pairs=[pair]
    )
    by_set = [
        gradients_by_autograd(case, mode="train", numbers=[[s * NUM_MINIBATCHES + k] for k in range(NUM_MINIBATCHES)])
        for s in range(3)
    ]
    bias = np.array([[g["hidden.1.linear.bias"] for g in each] for each in by_set])
    weight = np.array([[g["hidden.1.linear.weight"][2, 3] for g in each] for each in by_set])
    for own, values in (
        (found["hidden.1.linear.bias"], bias),
        (found["hidden.1.linear.bias[2] & hidden.1.linear.weight[2,3]"], np.stack([bias[..., 2], weight], -1)),
    ):
        within = np.mean([values[:, k].var(0, ddof=1).sum() for k in range(NUM_MINIBATCHES)])
        between = values.mean(0).var(0, ddof=1).sum() - within / 3
        assert own.masks_variance == pytest.approx(within)
        assert own.minibatch_variance == pytest.approx(between)
        assert own.masks_share is not None
        assert own.masks_share.value == pytest.approx(within / (within + max(between, 0)))


def test_a_network_without_dropout_is_refused():
    case = random_case("none")
    with pytest.raises(UserError, match="no dropout"):
        masks_split(network_of(case.model), case.inputs[None], case.targets[None], np.random.default_rng(0))
