"""Intervals cover what they estimate as often as they say, in simulations where the truth is known."""

import numpy as np
import pytest

from gradviz.landscape.statistics.agreement import variation_of
from gradviz.landscape.statistics.bootstrap import estimate, mean_of, mean_of_pairs

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


def test_interval_of_the_share_of_opposite_pairs_covers_it():
    many = arrows(1.0)(np.random.default_rng(2))
    generator = np.random.default_rng(3)
    shares = []
    for _ in range(400):
        many = arrows(1.0)(generator)
        shares.append((many @ many.T < 0)[np.triu_indices(NUM, 1)].mean())
    share = coverage(arrows(1.0), lambda u: mean_of_pairs((u @ u.T < 0).astype(float)), float(np.mean(shares)))
    assert 0.89 <= share <= 0.99


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
