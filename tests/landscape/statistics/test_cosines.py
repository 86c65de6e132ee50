"""Cosines between minibatches: those of plain gradients, for every part of the model, none where a gradient is 0."""

import numpy as np
import pytest
import torch

from gradviz.errors import UserError
from gradviz.landscape import network_of
from gradviz.landscape.statistics import by_direction, minibatch_cosines, parts_of
from tests.landscape.cases import KINDS
from tests.landscape.statistics.loops import gradients_by_autograd
from tests.landscape.statistics.test_agreement import case_of, modes


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_cosines_are_those_of_gradients_by_autograd(regularizer, placement):
    case, inputs, targets = case_of(regularizer, placement)
    network = network_of(case.model, dtype=torch.float64)
    for mode, numbers in modes(regularizer):
        plain = gradients_by_autograd(case, mode=mode["mode"], numbers=numbers, seed=mode.get("seed", 0))
        for part, tensors in parts_of(network).items():
            found = minibatch_cosines(network, inputs, targets, part, **mode)
            rows = np.array([np.concatenate([gradients[name].ravel() for name in tensors]) for gradients in plain])
            rows[abs(rows) < 1e-12] = 0  # what float64 leaves of what the norm takes out
            with np.errstate(invalid="ignore"):
                unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
            np.testing.assert_allclose(found, unit @ unit.T, atol=1e-9, err_msg=f"{part} {mode}")


def test_what_batch_statistics_take_out_has_no_cosine():
    case, inputs, targets = case_of("batchnorm", "before")
    network = network_of(case.model, dtype=torch.float64)
    assert np.isnan(minibatch_cosines(network, inputs, targets, "hidden.1.linear.bias", mode="train")).all()
    assert not np.isnan(minibatch_cosines(network, inputs, targets, "model", mode="train")).any()


def test_an_unknown_part_is_named():
    case, inputs, targets = case_of("none")
    with pytest.raises(UserError, match=r"hidden\.7"):
        minibatch_cosines(network_of(case.model, dtype=torch.float64), inputs, targets, "hidden.7")


def test_in_a_plane_the_order_is_that_of_the_angles():
    angle = np.random.default_rng(0).normal(0, 0.6, 30)
    cosine = np.cos(angle[:, None] - angle)
    cosine[[4, 9]], cosine[:, [4, 9]] = np.nan, np.nan
    *order, second_last, last = by_direction(cosine)
    assert (second_last, last) == (4, 9)
    expected = [k for k in np.argsort(angle).tolist() if k not in (4, 9)]
    assert order in (expected, expected[::-1])


def test_order_of_no_direction_and_of_one():
    cosine = np.full((3, 3), np.nan)
    assert by_direction(cosine) == [0, 1, 2]
    cosine[2, 2] = 1
    assert by_direction(cosine) == [2, 0, 1]
