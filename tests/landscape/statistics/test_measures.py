"""The measures of the literature equal loops over plain gradients, and the identities between them hold."""

import math

import numpy as np
import pytest
import torch

from gradviz.landscape import LandscapeSpec, gradient_landscape, network_of
from gradviz.landscape.statistics.confusion import gradient_confusion, stiffness
from gradviz.landscape.statistics.noise import gradient_noise, noise_scale_of_two_sizes
from gradviz.landscape.statistics.per_example import example_products
from gradviz.landscape.statistics.smoothness import plane_smoothness
from gradviz.landscape.statistics.tests_of_norm import norm_tests, pooled_norm_tests
from tests.landscape.cases import random_case


def dot(a, b) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def examples() -> tuple[torch.Tensor, list[np.ndarray]]:
    """Inner products of 12 examples' gradients, whole model, and these gradients by autograd, one by one."""
    case = random_case("none", num_rows=12, seed=3)
    found = example_products(network_of(case.model, dtype=torch.float64), case.inputs, case.targets)["model"]
    model, gradients = case.model.double(), []
    for inputs, target in zip(case.inputs.double(), case.targets.double(), strict=True):
        model.zero_grad()
        (model(inputs[None]) - target).abs().sum().backward()
        parts = [p.grad for p in model.parameters() if p.grad is not None]
        gradients.append(torch.cat([part.flatten() for part in parts]).numpy().copy())
    return found, gradients


def test_norm_tests_equal_loops(examples):
    products, gradients = examples
    found, num = norm_tests(products), len(gradients)
    mean = sum(gradients) / num
    square = dot(mean, mean)
    norm = sum(dot(g - mean, g - mean) for g in gradients) / (num - 1) / num / square
    inner = sum((dot(g, mean) - square) ** 2 for g in gradients) / (num - 1) / num / square**2
    across = [g - dot(g, mean) / square * mean for g in gradients]
    orthogonal = sum(dot(a, a) for a in across) / (num - 1) / num / square
    assert found is not None
    assert found.norm == pytest.approx(math.sqrt(norm))
    assert found.inner_product == pytest.approx(math.sqrt(inner))
    assert found.orthogonality == pytest.approx(math.sqrt(orthogonal))


@pytest.mark.parametrize("seed", range(5))
def test_norm_test_is_inner_product_and_orthogonality_test_together(seed):
    g = torch.from_numpy(np.random.default_rng(seed).normal(size=(9, 30))) + 0.2
    found = norm_tests(g @ g.T)
    assert found is not None
    assert found.norm**2 == pytest.approx(found.inner_product**2 + found.orthogonality**2)


def test_noise_equals_loops_and_diversity_its_identity(examples):
    products, gradients = examples
    found, num = gradient_noise(products), len(gradients)
    total = sum(gradients)
    mean = total / num
    variance = sum(dot(g - mean, g - mean) for g in gradients) / (num - 1)
    square = dot(mean, mean) - variance / num
    assert (found.square, found.variance) == pytest.approx((square, variance))
    assert found.diversity == pytest.approx(sum(dot(g, g) for g in gradients) / dot(total, total))
    sigma = sum(dot(g - mean, g - mean) for g in gradients) / num
    assert found.diversity is not None
    assert num * found.diversity == pytest.approx(1 + sigma / dot(mean, mean))
    if square > 0:
        assert found.noise_scale == pytest.approx(variance / square)
        assert found.signal_to_noise == pytest.approx(square / variance)


def test_norm_tests_of_pure_noise_are_near_1_alone_and_large_or_none_pooled():
    generator = np.random.default_rng(0)
    products = []
    for _ in range(40):
        g = generator.normal(size=(64, 30))
        products.append(torch.from_numpy(g @ g.T))
    alone = [found.norm for each in products if (found := norm_tests(each)) is not None]
    assert 0.8 < np.mean(alone) < 1.2
    pooled = pooled_norm_tests(products)
    assert pooled is None or pooled.norm > 3


def test_pooled_norm_tests_find_the_theta_of_the_population():
    """|G|² = 1/4, S² = 30 and B = 64: θ² = 30/64 · 4 for the norm; a thirtieth of it lies along G."""
    generator = np.random.default_rng(1)
    products = []
    for _ in range(200):
        g = generator.normal(size=(64, 30))
        g[:, 0] += 0.5
        products.append(torch.from_numpy(g @ g.T))
    pooled = pooled_norm_tests(products)
    assert pooled is not None
    assert pooled.norm == pytest.approx(math.sqrt(30 / 64 * 4), rel=0.15)
    assert pooled.norm**2 == pytest.approx(pooled.inner_product**2 + pooled.orthogonality**2)


def test_noise_scale_is_found_without_bias_both_ways():
    """Gradients with |G|² = 1 and S² = 20: means over 400 simulations, known to about 3 %."""
    generator = np.random.default_rng(0)
    by_rows, by_sizes = [], []
    for _ in range(400):
        g = generator.normal(size=(64, 20))
        g[:, 0] += 1
        products = torch.from_numpy(g @ g.T)
        found = gradient_noise(products)
        by_rows.append((found.square, found.variance))
        small = np.mean([(m := g[k : k + 8].mean(0)) @ m for k in range(0, 64, 8)])
        by_sizes.append(noise_scale_of_two_sizes(float(small), 8, float(g.mean(0) @ g.mean(0)), 64))
    for values in (by_rows, by_sizes):
        np.testing.assert_allclose(np.mean(values, axis=0), [1, 20], rtol=0.06)


def test_confusion_and_stiffness_equal_loops(examples):
    products, gradients = examples
    pairs = [(g, h) for k, g in enumerate(gradients) for h in gradients[:k]]
    cosines = [dot(g, h) / math.sqrt(dot(g, g) * dot(h, h)) for g, h in pairs]
    confused, stiff = gradient_confusion(products), stiffness(products)
    assert confused is not None
    assert stiff is not None
    assert confused.eta == pytest.approx(max(0.0, -min(dot(g, h) for g, h in pairs)))
    assert confused.smallest_cosine == pytest.approx(min(cosines))
    assert stiff.sign == pytest.approx(np.mean([np.sign(dot(g, h)) for g, h in pairs]))
    assert stiff.cosine == pytest.approx(np.mean(cosines))


def test_gradients_that_are_zero_have_no_measures():
    zeros = torch.zeros(4, 4)
    assert norm_tests(zeros) is gradient_confusion(zeros) is stiffness(zeros) is None
    found = gradient_noise(zeros)
    assert found.noise_scale is found.signal_to_noise is found.diversity is None


def test_smoothness_in_the_plane_equals_gradients_at_the_points_of_the_line():
    case = random_case("none", seed=2, num_rows=32)
    x, y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[2]"
    field = gradient_landscape(
        case.model, case.inputs, case.targets, LandscapeSpec(x=x, y=y, points=9, half_width=1.0), dtype=torch.float64
    )
    found = plane_smoothness(field)
    assert found is not None
    model = case.model.double()
    bias = model.blocks()[1].linear.bias

    def gradient(step_x: float, step_y: float) -> np.ndarray:
        with torch.no_grad():
            bias[0] += step_x
            bias[2] += step_y
        model.zero_grad()
        (model(case.inputs.double()) - case.targets.double()).abs().mean().backward()
        with torch.no_grad():
            bias[0] -= step_x
            bias[2] -= step_y
        assert bias.grad is not None
        return bias.grad[[0, 2]].numpy().copy()

    start = gradient(0, 0)
    expected = []
    for step in range(1, 5):
        move = -0.25 * np.rint(step * start / abs(start).max())
        expected.append((np.hypot(*move), np.hypot(*(gradient(*move) - start))))
    np.testing.assert_allclose(np.stack([found.distances, found.changes], 1), expected, rtol=1e-9, atol=1e-12)
    assert found.effective_smoothness == pytest.approx(max(change / distance for distance, change in expected))
    assert found.changes.max() > 0


def test_a_constant_field_is_perfectly_predictable():
    """The output bias shifts all predictions alike: no residual changes sign within a tiny grid."""
    case = random_case("none", num_rows=8)
    spec = LandscapeSpec(x="output.bias[0]", y="output.weight[0,1]", points=5, half_width=1e-6)
    field = gradient_landscape(case.model, case.inputs, case.targets, spec)
    found = plane_smoothness(field)
    assert found is not None
    assert found.changes.max() < 1e-5
