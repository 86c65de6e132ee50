"""The null model: rows drawn at random, by the formula, by many draws, and by counting out every possibility."""

import itertools
import math

import numpy as np
import pytest
import torch

from gradviz.errors import UserError
from gradviz.landscape import network_of
from gradviz.landscape.statistics import minibatch_agreement, pair_name, parts_of
from gradviz.landscape.statistics.null_formula import noise_of
from gradviz.landscape.statistics.null_model import (
    mean_and_variance,
    null_agreement,
    predicted_cosine,
    redrawn_agreement,
    sensitivity,
)
from gradviz.landscape.statistics.per_example import example_products
from tests.landscape.cases import random_case

PAIR = ("hidden.1.linear.weight[2,3]", "hidden.2.linear.bias[1]")


def example_gradients(case) -> list[dict[str, np.ndarray]]:
    model = case.model.double().eval()
    found = []
    for inputs, target in zip(case.inputs.double(), case.targets.double(), strict=True):
        model.zero_grad()
        (model(inputs[None]) - target).abs().sum().backward()
        found.append({name: parameter.grad.numpy().copy() for name, parameter in model.named_parameters()})
    return found


@pytest.mark.parametrize("regularizer", ["none", "batchnorm"])
def test_inner_products_of_examples_equal_loops_over_autograd(regularizer):
    case = random_case(regularizer, num_rows=10)
    network = network_of(case.model, dtype=torch.float64)
    parts = parts_of(network)
    found = example_products(network, case.inputs, case.targets, parts=list(parts), pairs=[PAIR])
    plain = example_gradients(case)
    for part, products_RR in found.items():
        if part in parts:
            vectors = [np.concatenate([g[name].ravel() for name in parts[part]]) for g in plain]
        else:
            assert part == pair_name(PAIR)
            vectors = [np.array([g["hidden.1.linear.weight"][2, 3], g["hidden.2.linear.bias"][1]]) for g in plain]
        for r, s in itertools.product(range(10), repeat=2):
            expected = sum(a * b for a, b in zip(vectors[r], vectors[s], strict=True))
            assert products_RR[r, s].item() == pytest.approx(expected, rel=1e-9, abs=1e-9), part


def test_moments_of_minibatches_are_those_of_every_possible_draw():
    """All ways to draw two minibatches of 2 from 6 rows, counted out: Cochran's finite-population formulas."""
    g = np.random.default_rng(0).normal(size=(6, 3)) + 0.5
    squares, products = [], []
    for first in itertools.combinations(range(6), 2):
        for second in itertools.combinations(set(range(6)) - set(first), 2):
            m, n = g[list(first)].mean(0), g[list(second)].mean(0)
            squares.append(m @ m)
            products.append(m @ n)
    products_RR = torch.from_numpy(g @ g.T)
    mean, variance = mean_and_variance(products_RR)
    assert mean + (1 / 2 - 1 / 6) * variance == pytest.approx(np.mean(squares))
    assert mean - variance / 6 == pytest.approx(np.mean(products))
    assert predicted_cosine(products_RR, 2) == pytest.approx(np.mean(products) / np.mean(squares))


@pytest.mark.parametrize("size", [4, 16])
def test_formula_and_draws_agree_where_gradients_have_many_parameters(size):
    """With 2000 parameters |m| hardly varies, and the ratio of means is the mean of the ratio to about 1 %."""
    g = np.random.default_rng(1).normal(size=(96, 2000)) + 0.3
    found = null_agreement(torch.from_numpy(g @ g.T), size, np.random.default_rng(2))
    assert found.num_minibatches == 96 // size
    assert found.cosine is not None
    assert found.resultant is not None
    assert found.predicted_cosine == pytest.approx(found.cosine.value, abs=0.01)
    assert found.predicted_resultant == pytest.approx(found.resultant.value, abs=0.01)
    assert found.resultant.low <= found.resultant.value <= found.resultant.high


def test_draws_from_inner_products_are_draws_of_minibatches():
    """The same permutations, drawn once from inner products and once by gradients of whole minibatches."""
    case = random_case("none", num_rows=48)
    network = network_of(case.model, dtype=torch.float64)
    products = example_products(network, case.inputs, case.targets, parts=["hidden.1"], pairs=[PAIR])
    redrawn = redrawn_agreement(
        network, case.inputs, case.targets, 8, np.random.default_rng(3), draws=7, parts=["hidden.1"], pairs=[PAIR]
    )
    for part, products_RR in products.items():
        null = null_agreement(products_RR, 8, np.random.default_rng(3), draws=7)
        for name in ("resultant", "cosine", "opposite"):
            first, second = getattr(null, name), getattr(redrawn[part], name)
            assert first.value == pytest.approx(second.value, abs=1e-6), (part, name)
            assert first.low == pytest.approx(second.low, abs=1e-6)


def test_minibatches_of_random_rows_are_as_sensitive_as_random_rows():
    """Rows in random order are the null model itself: sensitivity near 1; rows sorted by target are more apart."""
    case = random_case("none", num_rows=480)
    network = network_of(case.model)
    products = example_products(network, case.inputs, case.targets)["model"]
    null = null_agreement(products, 16, np.random.default_rng(0))
    values = []
    for order in (torch.arange(480), case.targets.argsort()):
        rows_KB = order.reshape(30, 16)
        measured = minibatch_agreement(
            network, case.inputs[rows_KB], case.targets[rows_KB], generator=np.random.default_rng(0), parts=["model"]
        )
        found = sensitivity(measured.parts["model"], null)
        assert found is not None
        values.append(found)
    assert values[0].low * 0.9 < 1 < values[0].high * 1.1
    assert values[1].low > 1.2


def test_coupled_examples_have_no_gradients_of_their_own_but_minibatches_can_be_drawn_again():
    case = random_case("batchnorm", num_rows=48)
    network = network_of(case.model)
    with pytest.raises(UserError, match="not defined under batch statistics"):
        example_products(network, case.inputs, case.targets, mode="train")
    found = redrawn_agreement(
        network, case.inputs, case.targets, 8, np.random.default_rng(0), draws=5, mode="train", parts=["hidden.1"]
    )["hidden.1"]
    assert found.predicted_cosine is None
    assert found.resultant is not None
    assert 0 < found.resultant.low <= found.resultant.high <= 1


def test_too_few_rows_are_refused():
    with pytest.raises(UserError, match="at least 2"):
        null_agreement(torch.eye(10), 8, np.random.default_rng(0))


def test_gradients_that_are_all_zero_have_no_null_model():
    found = null_agreement(torch.zeros(10, 10), 2, np.random.default_rng(0), draws=3)
    assert found.resultant is found.cosine is found.predicted_cosine is found.predicted_resultant is None
    assert not math.isnan(found.num_draws)


@pytest.mark.parametrize(("rows", "distinct"), [(3, 3), (6, 3), (6, 2), (40, 40)])
def test_the_noise_of_few_rows_has_the_variances_of_their_gradients(rows: int, distinct: int):
    gradients = np.random.default_rng(5).normal(size=(distinct, 60))[np.arange(rows) % distinct]
    noise = noise_of(torch.from_numpy(gradients @ gradients.T))
    assert noise is not None
    wanted, axes = np.linalg.eigh(np.cov(gradients.T))
    kept = slice(len(wanted) - distinct + 1, None)
    assert noise.variances_I.numpy() == pytest.approx(wanted[kept], rel=1e-9)
    assert noise.means_I.abs().numpy() == pytest.approx(np.abs(axes[:, kept].T @ gradients.mean(0)), rel=1e-7, abs=1e-9)
    assert (noise.rest_variance, noise.rest_dimensions) == (0.0, 1.0)


@pytest.mark.parametrize(("dimensions", "size"), [(1, 64), (3, 64), (150, 64), (1, 256)])
def test_the_formula_holds_whatever_the_dimension_of_the_noise(dimensions: int, size: int):
    """1,000 parameters: with noise of one dimension the ratio of means is wrong several times over."""
    generator = np.random.default_rng(0)
    axes = generator.normal(size=(dimensions, 1000))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    gradients = generator.normal(size=(800, dimensions)) @ axes * 10 + 0.02 * generator.normal(size=(800, 1000))
    mean = generator.normal(size=1000)
    gradients += 0.5 * mean / np.linalg.norm(mean)
    products = torch.from_numpy(gradients @ gradients.T)
    null = null_agreement(products, size, np.random.default_rng(1), draws=60, num=800 // size)
    assert null.cosine is not None
    assert null.predicted_cosine == pytest.approx(null.cosine.value, abs=0.04)
    assert null.noise_dimensions == pytest.approx(dimensions, rel=0.35)
    if dimensions == 1:
        ratio = predicted_cosine(products, size)
        assert ratio is not None
        assert ratio < 0.6 * null.cosine.value
