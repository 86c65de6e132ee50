"""The measures of the minibatches' gradients equal loops over plain gradients, and what they estimate they estimate."""

import math
from itertools import combinations, permutations

import numpy as np
import pytest
import torch
from torch import nn

from gradviz.landscape import network_of
from gradviz.landscape.replay import Problem
from gradviz.landscape.statistics.bootstrap import Resamples
from gradviz.landscape.statistics.checkpoint import minibatch_products, parts_of
from gradviz.landscape.statistics.coherence import agreement_pass_rate, m_coherence
from gradviz.landscape.statistics.measures import (
    FLAT_REASON,
    OF_GRADIENTS,
    Gradients,
    measured_sharpness,
    measures_of,
)
from gradviz.landscape.statistics.noise import noise_scale_of_two_sizes
from gradviz.landscape.statistics.noise_scales import noise_scale, ratio_of_scales
from gradviz.landscape.statistics.noise_spectrum import _squared_trace, centred, effective_rank, noise_spectrum
from gradviz.landscape.statistics.sharpness import sharpness_along_gradients
from tests.landscape.cases import random_case
from tests.landscape.statistics.loops import NUM_MINIBATCHES, SIZE, gradients_by_autograd

# Shape suffixes: K = minibatches, P = parameters, R = resamples.

EXACT = 1e-9
"""Relative, in float64: sums of the same terms in another order, and differences of these."""


def drawn(num: int) -> Resamples:
    return Resamples.draw(num, np.random.default_rng(0), 50)


def gram(rows_KP: np.ndarray) -> np.ndarray:
    return rows_KP @ rows_KP.T


def dot(a, b) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


@pytest.fixture(scope="module")
def case() -> dict[str, tuple[np.ndarray, list[np.ndarray]]]:
    """Of a network with norms, in train mode: inner products by the engine, and gradients by autograd, of the whole
    model and of γ and β."""
    case = random_case("batchnorm", num_rows=NUM_MINIBATCHES * SIZE, seed=5)
    network = network_of(case.model, dtype=torch.float64)
    rows = case.inputs.view(NUM_MINIBATCHES, SIZE, -1), case.targets.view(NUM_MINIBATCHES, SIZE)
    norms = [name for name in parts_of(network) if ".norm." in name]
    _, products = minibatch_products(network, *rows, mode="train", parts=["model", *norms])
    gradients = gradients_by_autograd(case, mode="train")
    parts = {"model": parts_of(network)["model"], "norms": norms}
    return {
        part: (
            np.sum([products[name].dot_KK for name in (["model"] if part == "model" else norms)], axis=0),
            [np.concatenate([each[name].ravel() for name in names]) for each in gradients],
        )
        for part, names in parts.items()
    }


@pytest.mark.parametrize("part", ["model", "norms"])
def test_m_coherence_is_the_square_of_the_mean_over_the_mean_square(case, part):
    dot_KK, gradients = case[part]
    mean = sum(gradients) / len(gradients)
    alpha = dot(mean, mean) / (sum(dot(g, g) for g in gradients) / len(gradients))
    found = m_coherence(dot_KK, drawn(len(gradients)))
    assert found is not None
    assert found.value == pytest.approx(len(gradients) * alpha, rel=EXACT)
    assert 0 <= found.low <= found.value <= found.high <= len(gradients) * (1 + EXACT)


def test_m_coherence_of_orthogonal_gradients_is_1_and_of_equal_ones_their_number():
    orthogonal, equal = m_coherence(3 * np.eye(5), drawn(5)), m_coherence(np.ones((5, 5)), drawn(5))
    assert orthogonal is not None
    assert equal is not None
    assert (orthogonal.value, equal.value) == pytest.approx((1, 5))


def test_half_of_the_gradients_being_zero_halves_the_coherence_of_equal_ones():
    rows_KP = np.ones((8, 3)) * np.array([1, 0] * 4)[:, None]
    found = m_coherence(gram(rows_KP), drawn(8))
    assert found is not None
    assert found.value == pytest.approx(4)


@pytest.mark.parametrize("threshold", [0.5, 0.97, 1.0])
def test_the_pass_rate_counts_pairs(case, threshold):
    dot_KK, gradients = case["model"]
    distances = [1 - dot(g, h) / math.sqrt(dot(g, g) * dot(h, h)) for g, h in combinations(gradients, 2)]
    cosine_KK = dot_KK / np.sqrt(np.outer(np.diag(dot_KK), np.diag(dot_KK)))
    found = agreement_pass_rate(cosine_KK, drawn(len(gradients)), threshold=threshold)
    assert found is not None
    assert found.value == pytest.approx(np.mean([distance <= threshold for distance in distances]))


@pytest.mark.parametrize("part", ["model", "norms"])
def test_the_noise_scale_is_that_of_two_sizes(case, part):
    dot_KK, gradients = case[part]
    mean = sum(gradients) / len(gradients)
    small = sum(dot(g, g) for g in gradients) / len(gradients)
    square, variance = noise_scale_of_two_sizes(small, SIZE, dot(mean, mean), SIZE * len(gradients))
    found = noise_scale(dot_KK, SIZE, drawn(len(gradients)))
    if square <= 0:
        assert found is None
        return
    assert found is not None
    assert found.value == pytest.approx(variance / square, rel=EXACT)
    assert found.low <= found.value
    assert found.high is None or found.value <= found.high


def test_the_ratio_of_noise_scales_is_their_ratio():
    generator = np.random.default_rng(2)
    rows_KP = generator.normal(size=(12, 20)) + 1.5
    own, whole, resamples = gram(rows_KP[:, :4]), gram(rows_KP), drawn(12)
    part, all_ = (noise_scale(each, 8, resamples) for each in (own, whole))
    found = ratio_of_scales(own, whole, resamples)
    assert part is not None
    assert all_ is not None
    assert found is not None
    assert found.value == pytest.approx(part.value / all_.value, rel=EXACT)
    assert ratio_of_scales(gram(rows_KP - rows_KP.mean(0)), whole, resamples) is None  # no signal, no ratio


def test_the_noise_scale_finds_the_population():
    """|G|² = 1 and S² = 20 for a row: means over 300 sets of 30 minibatches of 8 rows, known to 2 %."""
    generator, found = np.random.default_rng(0), []
    for _ in range(300):
        g = generator.normal(size=(30, 20)) / math.sqrt(8)
        g[:, 0] += 1
        each = noise_scale(gram(g), 8, drawn(30))
        assert each is not None
        found.append(8 / each.value)  # signal over noise of a minibatch, which has less bias
    assert np.mean(found) == pytest.approx(8 / 20, rel=0.03)


def by_tuples(rows: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """tr C and tr C² from all tuples of different observations, each counting as often as its members do."""

    def mean(size: int, value) -> float:
        tuples = list(permutations(range(len(rows)), size))
        weights = [math.prod(counts[i] for i in t) for t in tuples]
        return sum(w * value(*(rows[i] for i in t)) for w, t in zip(weights, tuples, strict=True)) / sum(weights)

    trace = mean(2, lambda a, b: dot(a - b, a - b) / 2)
    return trace, mean(4, lambda a, b, c, d: dot(a - c, b - d) ** 2 / 4)


@pytest.mark.parametrize("counts", [(1, 1, 1, 1, 1, 1), (2, 0, 1, 1, 1, 1), (3, 1, 1, 1, 0, 0)])
def test_the_effective_rank_is_that_of_all_tuples(counts):
    rows = np.random.default_rng(1).normal(size=(6, 4)) * [3, 1, 1, 0.5] + 2
    trace, square = by_tuples(rows, np.array(counts))
    weights = np.array([counts], float)
    assert _squared_trace(gram(rows))(weights)[0] == pytest.approx(square, rel=1e-8)  # differences of larger sums
    [found] = effective_rank(centred(gram(rows)))(weights)
    assert found == pytest.approx(trace**2 / square, rel=1e-8)


def test_three_gradients_tell_no_rank():
    assert noise_spectrum(gram(np.eye(3)), drawn(3)) is None
    assert np.isnan(effective_rank(gram(np.eye(6)))(np.array([[3.0, 2, 1, 0, 0, 0]])))


def test_the_trace_of_the_squared_covariance_has_no_bias_where_that_of_the_gradients_has():
    """60 directions and 10 gradients, of which the covariance has rank 9; the mean of 400 is known to 3 %."""
    generator, found, plain = np.random.default_rng(0), [], []
    for _ in range(400):
        rows = generator.normal(size=(10, 60)) + 1
        found.append(_squared_trace(centred(gram(rows)))(np.ones((1, 10)))[0])
        plain.append((np.cov(rows.T) ** 2).sum())
    assert np.mean(found) == pytest.approx(60, rel=0.1)
    assert np.mean(plain) > 300


def test_the_share_of_the_top_direction_is_that_of_gradients_held_out(case):
    dot_KK, gradients = case["model"]
    along = size = 0.0
    for k, own in enumerate(gradients):
        others = np.array([g for j, g in enumerate(gradients) if j != k])
        mean = others.mean(0)
        axis = np.linalg.svd(others - mean)[2][0]
        along += dot(own - mean, axis) ** 2
        size += dot(own - mean, own - mean)
    within = np.linalg.svd(np.array(gradients) - np.mean(gradients, 0), compute_uv=False) ** 2
    found = noise_spectrum(dot_KK, drawn(len(gradients)))
    assert found is not None
    assert found.top_share is not None
    assert found.top_share.value == pytest.approx(along / size, rel=1e-8)
    assert found.top_share_within == pytest.approx(within[0] / within.sum(), rel=EXACT)


def test_noise_along_one_line_has_rank_1_and_round_noise_as_many_as_it_has():
    generator = np.random.default_rng(0)
    line = np.outer(generator.normal(size=40), [3.0, 4.0, 0.0]) + 7
    found = noise_spectrum(gram(line), drawn(40))
    assert found is not None
    assert found.top_share is not None
    assert found.top_share.value == pytest.approx(1)
    assert found.top_share_within == pytest.approx(1)
    round_ = noise_spectrum(gram(generator.normal(size=(50, 30))), drawn(50))
    assert round_ is not None
    assert round_.effective_rank is not None
    assert 20 < round_.effective_rank.value < 45
    assert round_.top_share is not None
    assert round_.top_share.value < 0.1 < round_.top_share_within


# ---- curvature ------------------------------------------------------------------------------------------------


def smooth_problems(mode: str = "eval") -> list[Problem]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Dropout(0.3), nn.Linear(5, 1)).eval()
    return [
        Problem(model, lambda m, b: (m(b[0])[:, 0] - b[1]) ** 2, (torch.randn(6, 4), torch.randn(6)), mode=mode)  # pyright: ignore[reportArgumentType]
        for _ in range(4)
    ]


def by_dense_hessian(problem: Problem, names: list[str]) -> tuple[float, float]:
    """g·H g and |g|² by the whole Hessian, of the parameters `names`."""
    state = {name: each.detach().double() for name, each in problem.model.named_parameters()}
    batch = tuple(each.double() for each in problem.batch)
    shapes = [state[name].shape for name in names]

    class Loss(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = problem.model

        def forward(self):
            return problem.loss(self.model, batch).mean()

    def loss(flat_P):
        parts = flat_P.split([shape.numel() for shape in shapes])
        own = {name: part.view(shape) for name, part, shape in zip(names, parts, shapes, strict=True)}
        return torch.func.functional_call(Loss(), {f"model.{name}": part for name, part in (state | own).items()}, ())

    point = torch.cat([state[name].flatten() for name in names])
    gradient, hessian = torch.func.grad(loss)(point), torch.autograd.functional.hessian(loss, point)
    assert isinstance(hessian, torch.Tensor)
    return float(gradient @ hessian @ gradient), float(gradient @ gradient)


@pytest.mark.parametrize("names", [["0.weight", "0.bias", "3.weight", "3.bias"], ["0.bias"]])
def test_sharpness_along_gradients_is_that_of_the_dense_hessian(names):
    problems = smooth_problems()
    found = sharpness_along_gradients(problems, names, np.random.default_rng(0))
    wanted = [by_dense_hessian(problem, names) for problem in problems]
    assert found.along_K == pytest.approx([bend / square for bend, square in wanted], rel=EXACT)
    assert found.batch_sharpness is not None
    whole = sum(bend for bend, _ in wanted) / sum(square for _, square in wanted)
    assert found.batch_sharpness.value == pytest.approx(whole, rel=EXACT)


def test_the_mean_over_one_set_of_masks_is_that_set():
    frozen = [
        Problem(p.model, p.loss, p.batch, "train", masks, num_masks=1, seed=2)
        for masks in ("frozen", "averaged")
        for p in smooth_problems()[:1]
    ]
    once, averaged = (
        sharpness_along_gradients([p], ["0.weight", "3.weight"], np.random.default_rng(0)).along_K for p in frozen
    )
    assert averaged == pytest.approx(once)
    several = [Problem(p.model, p.loss, p.batch, "train", "averaged", num_masks=3, seed=2) for p in smooth_problems()]
    assert sharpness_along_gradients(several, ["0.weight"], np.random.default_rng(0)).batch_sharpness is not None


def test_a_network_of_relus_with_the_absolute_loss_bends_across_its_layers_and_not_within_one():
    case = random_case("none", num_rows=12, seed=3, hidden=(5, 4), num_inputs=4)

    def loss(model, batch):
        return (model(batch[0]) - batch[1]).abs()

    rows = [(case.inputs[k : k + 4], case.targets[k : k + 4]) for k in (0, 4, 8)]
    problems = [Problem(case.model, loss, each) for each in rows]
    names = [name for name, _ in case.model.named_parameters()]
    for layer in ("hidden.0", "hidden.1", "output"):
        within = sharpness_along_gradients(
            problems, [name for name in names if name.startswith(layer)], np.random.default_rng(0)
        )
        assert within.is_flat
        assert within.batch_sharpness is None
        told = measured_sharpness(within)
        assert (told.value, told.reason) == (None, FLAT_REASON)
    across = sharpness_along_gradients(problems, names, np.random.default_rng(0))
    assert not across.is_flat
    wanted = [by_dense_hessian(problem, names) for problem in problems]
    assert across.along_K == pytest.approx([bend / square for bend, square in wanted], rel=1e-8)


# ---- as a list ------------------------------------------------------------------------------------------------


def test_every_measure_has_a_number_or_a_reason():
    generator = np.random.default_rng(0)
    rows_KP = generator.normal(size=(10, 30)) + 1
    usual = Gradients(gram(rows_KP), gram(rows_KP[:, :5]), 8, generator)
    bare = Gradients(np.zeros((10, 10)), None, 8, generator)
    one = Gradients(gram(np.eye(10)[:, :1]), None, 8, generator)
    for found in map(measures_of, (usual, bare, one)):
        assert [each.key for each in found] == [measure.key for measure, _ in OF_GRADIENTS]
        assert all((each.value is None) == (each.reason is not None) for each in found)
        assert all(each.low is None or (each.value is not None and each.low <= each.value) for each in found)
    assert all(each.value is not None for each in measures_of(usual))
    assert all(each.value is None for each in measures_of(bare))


def test_at_the_threshold_1_the_pass_rate_is_the_share_of_pairs_that_are_not_opposite(case):
    dot_KK, _ = case["model"]
    found = {each.key: each for each in measures_of(Gradients(dot_KK, None, SIZE, np.random.default_rng(0)))}
    pairs = [dot_KK[k, j] for k, j in combinations(range(len(dot_KK)), 2)]
    assert found["agreement_pass_rate"].value == pytest.approx(np.mean(np.array(pairs) >= 0))
