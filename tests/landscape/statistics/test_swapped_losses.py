"""Losses swapped at a fixed checkpoint: inner products are those of autograd under each loss."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gradviz.errors import UserError
from gradviz.landscape import network_of
from gradviz.landscape.statistics.agreement import cosines
from gradviz.landscape.statistics.checkpoint import minibatch_products
from gradviz.landscape.statistics.swapped_losses import swapped_agreement, swapped_products
from tests.landscape.cases import Case, random_case

NUM, SIZE = 5, 6
LOSSES = {
    "l1": lambda o, y, _: F.l1_loss(o, y),
    "l2": lambda o, y, _: F.mse_loss(o, y) / 2,
    "huber": lambda o, y, delta: F.huber_loss(o, y, delta=delta),
}


def rows_of(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    return case.inputs.view(NUM, SIZE, -1), case.targets.view(NUM, SIZE)


def by_autograd(case: Case, loss: str, delta: float, part: str) -> np.ndarray:
    model, rows = case.model.double(), []
    for inputs, targets in zip(*rows_of(case), strict=True):
        model.zero_grad()
        LOSSES[loss](model(inputs.double()), targets.double(), delta).backward()
        own = [p.grad for name, p in model.named_parameters() if name.startswith(part)]
        rows.append(torch.cat([each.flatten() for each in own if each is not None]).numpy().copy())
    return np.array(rows)


@pytest.mark.parametrize("regularizer", ["none", "batchnorm"])
@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("part", ["model", "hidden.1"])
def test_inner_products_are_those_of_autograd(regularizer: str, loss: str, part: str):
    case = random_case(regularizer, num_rows=NUM * SIZE, seed=2)
    network = network_of(case.model, dtype=torch.float64)
    found = swapped_products(network, *rows_of(case), part=part, delta=0.7)[loss]  # pyright: ignore[reportArgumentType]
    rows_KP = by_autograd(case, loss, 0.7, "" if part == "model" else part)
    np.testing.assert_allclose(found, rows_KP @ rows_KP.T, rtol=1e-9, atol=1e-12 * (rows_KP**2).sum(1).max())


def test_l1_is_the_agreement_of_the_network_and_a_wide_huber_is_l2():
    case = random_case("none", num_rows=NUM * SIZE, seed=2)
    network = network_of(case.model, dtype=torch.float64)
    found = swapped_agreement(network, *rows_of(case), delta=1e6)
    _, products = minibatch_products(network, *rows_of(case), parts=["model"])
    pairs = cosines(products["model"])[np.triu_indices(NUM, 1)]
    assert found["l1"][1] == pytest.approx(pairs.mean(), rel=1e-9)
    assert found["huber"] == pytest.approx(found["l2"], rel=1e-9)
    near = swapped_agreement(network, *rows_of(case), delta=1e-9)
    assert near["huber"] == pytest.approx(near["l1"], rel=1e-6)


def test_a_delta_that_is_none_is_refused():
    case = random_case("none", num_rows=NUM * SIZE)
    with pytest.raises(UserError, match="`delta` must be above 0, got 0"):
        swapped_products(network_of(case.model), *rows_of(case), delta=0)
