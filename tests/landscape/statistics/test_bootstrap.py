"""Intervals cover what they estimate as often as they say, in simulations where the truth is known."""

from statistics import NormalDist

import numpy as np
import pytest

from gradviz.evidence.balancing import spearman_of
from gradviz.landscape.statistics.agreement import COSINE_OF_150, variation_of
from gradviz.landscape.statistics.bootstrap import Statistic, estimate, mean_of, mean_of_pairs, ratio_of_pairs

NUM, TRIALS = 50, 200


def coverage(draw, statistic, truth: float) -> float:
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(TRIALS):
        found = estimate(statistic(draw(generator)), NUM, generator, resamples=400)
        assert found is not None
        hits += found.low <= truth <= found.high
    return hits / TRIALS


def arrows(drift: float, dim: int = 2):
    def draw(generator: np.random.Generator) -> np.ndarray:
        arrows = generator.normal(size=(NUM, dim))
        arrows[:, 0] += drift
        return arrows / np.linalg.norm(arrows, axis=1, keepdims=True)

    return draw


def mean_direction_squared(drift: float, dim: int = 2) -> float:
    many = np.random.default_rng(1).normal(size=(200_000, dim))
    many[:, 0] += drift
    mean = (many / np.linalg.norm(many, axis=1, keepdims=True)).mean(0)
    return float(mean @ mean)


# 200 trials know a coverage of 0.95 to ±0.03 (two standard errors).
def test_interval_of_a_mean_covers_it():
    assert 0.91 <= coverage(lambda g: g.exponential(size=NUM), mean_of, 1.0) <= 0.99


@pytest.mark.parametrize(("drift", "dim"), [(1.0, 2), (3.0, 2), (3.0, 50)])
def test_interval_of_the_mean_cosine_covers_that_of_the_population(drift, dim):
    truth = mean_direction_squared(drift, dim)
    assert coverage(arrows(drift, dim), lambda u: mean_of_pairs(u @ u.T), truth) >= 0.87


def test_interval_of_random_directions_covers_zero_more_often_than_it_must():
    """The statistic is degenerate there: the interval is too wide, never too narrow."""
    assert coverage(arrows(0.0), lambda u: mean_of_pairs(u @ u.T), 0.0) >= 0.95


@pytest.mark.parametrize(("limit", "drift"), [(0.0, 1.0), (COSINE_OF_150, 0.5), (COSINE_OF_150, 1.0)])
def test_interval_of_the_share_of_pairs_beyond_an_angle_covers_it(limit, drift):
    generator = np.random.default_rng(3)
    shares = []
    for _ in range(400):
        many = arrows(drift)(generator)
        shares.append((many @ many.T < limit)[np.triu_indices(NUM, 1)].mean())
    share = coverage(arrows(drift), lambda u: mean_of_pairs((u @ u.T < limit).astype(float)), float(np.mean(shares)))
    assert 0.89 <= share <= 0.99


@pytest.mark.parametrize("drift", [2.0, 2.5, 3.0, 3.5])
@pytest.mark.parametrize("turned", [False, True])
def test_interval_of_a_share_of_pairs_near_0_and_1_covers_it(drift, turned):
    """Opposite pairs from 7 % down to 0.1 %, and the same turned round: BCa alone covers 0.25 to 0.93 of them."""

    def kernel(u: np.ndarray) -> np.ndarray:
        return ((u @ u.T < 0) != turned).astype(float)

    generator = np.random.default_rng(3)
    upper = np.triu_indices(NUM, 1)
    share = float(np.mean([kernel(arrows(drift)(generator))[upper].mean() for _ in range(400)]))
    hits = 0
    for _ in range(100):
        found = estimate(mean_of_pairs(kernel(arrows(drift)(generator))), NUM, generator, resamples=200, trials=NUM / 2)
        assert found is not None
        hits += found.low <= share <= found.high
    assert hits >= 90


def test_a_share_that_was_never_seen_is_not_known_to_be_0():
    found = estimate(mean_of(np.zeros(NUM)), NUM, np.random.default_rng(0), trials=NUM)
    assert found is not None
    assert (found.value, found.low) == (0, 0)
    assert found.high == pytest.approx(1.96**2 / (NUM + 1.96**2), rel=1e-3)  # Wilson's, by its closed form at 0


@pytest.mark.parametrize(("num_seen", "is_rare"), [(2, True), (5, True), (6, False), (7, False)])
def test_a_share_that_three_trials_gave_needs_no_wider_interval(num_seen: int, is_rare: bool):
    seen = mean_of(np.arange(NUM) < num_seen)
    plain, found = (estimate(seen, NUM, np.random.default_rng(0), trials=trials) for trials in (None, NUM / 2))
    assert plain is not None
    assert found is not None
    assert (found != plain) == is_rare
    assert found.high >= plain.high


def test_interval_of_the_agreement_of_signs_covers_it():
    """Signs are random, those of different parameters and minibatches independent, and a fifth of them are zero."""
    plus = NormalDist().cdf(0.6)

    def draw(generator: np.random.Generator) -> np.ndarray:
        signs = np.sign(generator.normal(loc=0.6, size=(NUM, 5)))
        return signs * (generator.random(signs.shape) > 0.2)

    def agreement(signs: np.ndarray) -> Statistic:
        both = abs(signs) @ abs(signs).T
        return ratio_of_pairs((signs @ signs.T + both) / 2, both)

    assert 0.91 <= coverage(draw, agreement, plus**2 + (1 - plus) ** 2) <= 0.995


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_interval_of_spearmans_correlation_covers_it(correlation):
    """Of a bivariate normal, whose rank correlation is 6/π arcsin(ρ/2) (Pearson 1907)."""
    truth = 6 / np.pi * np.arcsin(correlation / 2)

    def draw(generator: np.random.Generator) -> np.ndarray:
        x, noise = generator.normal(size=(2, NUM))
        return np.stack([x, correlation * x + np.sqrt(1 - correlation**2) * noise])

    assert 0.9 <= coverage(draw, lambda xy: spearman_of(*xy), truth) <= 0.995


def test_interval_of_the_variation_of_norms_covers_it():
    truth = 1 / 3
    share = coverage(lambda g: g.gamma(9.0, size=NUM), variation_of, truth)
    assert 0.88 <= share <= 0.99


def test_pairs_of_one_observation_with_itself_never_count():
    kernel = np.eye(5) * 1e6
    found = estimate(mean_of_pairs(kernel), 5, np.random.default_rng(0))
    assert found is not None
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_same_generator_same_interval():
    values = np.random.default_rng(4).normal(size=NUM)
    first, second = (estimate(mean_of(values), NUM, np.random.default_rng(5)) for _ in range(2))
    assert first == second


def test_what_is_not_defined_has_no_estimate():
    assert estimate(mean_of_pairs(np.ones((1, 1))), 1, np.random.default_rng(0)) is None
    assert estimate(mean_of(np.zeros(0)), 0, np.random.default_rng(0)) is None
