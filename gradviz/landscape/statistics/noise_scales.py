"""The noise scale from the gradients of minibatches, and that of the norms beside the whole model's.

Simple noise scale S² / |G|² (McCandlish, Kaplan, Amodei et al., arXiv 1812.06162, 2018): the number of rows at which
signal and noise are equal. Of minibatches k of B rows, ⟨g_k, g_l⟩ estimates |G|² without bias and |g_k - g_l|²/2
estimates S²/B, for any pair k ≠ l; with means over all pairs this is their estimator from two sizes, B and all rows.
It takes no gradients of rows, so it holds under batch statistics too, for minibatches of this size.

Gray, Tiwari, Bergsma & Hestness ("Normalization layer per-example gradients are sufficient to predict gradient noise
scale in transformers", NeurIPS 2024, arXiv 2411.00999) find that the noise scale of γ and β alone predicts the whole
model's; `ratio_of_scales` tells how well at one checkpoint. They take gradients of rows, with less variance.
"""

from dataclasses import dataclass

import numpy as np

from gradviz.landscape.statistics.bootstrap import Estimate, Resamples, Statistic, ratio_of_pairs

# Shape suffixes: K = minibatches, R = resamples.

UNDEFINED = 0.025
"""Of the resamples: where more have no signal, the interval has no end."""


@dataclass(frozen=True)
class NoiseScale:
    """In rows. `high` None: these minibatches do not tell it from infinity."""

    value: float
    low: float
    high: float | None


def noise_scale(dot_KK: np.ndarray, num_rows: float, resamples: Resamples) -> NoiseScale | None:
    """From inner products of the gradients of minibatches of `num_rows` rows (the harmonic mean, if they differ).

    None if the signal hides in the noise (no positive estimate of |G|²), or there is no noise.
    """
    found = resamples.estimate(signal_to_noise(dot_KK))
    if found is None or found.value <= 0:
        return None
    low, high = (num_rows / each if each > 0 else None for each in (found.high, found.low))
    assert low is not None
    return NoiseScale(num_rows / found.value, low, high)


def ratio_of_scales(dot_KK: np.ndarray, of_all_KK: np.ndarray, resamples: Resamples) -> Estimate | None:
    """The noise scale of a part of the parameters over that of all, from the inner products of both.

    None if one has none, or more than `UNDEFINED` of the resamples hide a signal.
    """
    own, whole = signal_to_noise(dot_KK), signal_to_noise(of_all_KK)

    def statistic(weights_RK: np.ndarray) -> np.ndarray:
        own_R, whole_R = own(weights_RK), whole(weights_RK)
        has_both_R = (own_R > 0) & (whole_R > 0)
        return np.divide(whole_R, own_R, out=np.full(len(own_R), np.nan), where=has_both_R)

    if np.isnan(statistic(resamples.weights_RK)).mean() > UNDEFINED:
        return None
    return resamples.estimate(statistic)


def signal_to_noise(dot_KK: np.ndarray) -> Statistic:
    """|G|² over S²/B: that of one minibatch, power over power; nan without noise."""
    return ratio_of_pairs(dot_KK, half_distances(dot_KK))


def half_distances(dot_KK: np.ndarray) -> np.ndarray:
    """(K, K): |g_k - g_l|² / 2, whose mean over pairs is the trace of the gradients' covariance."""
    squares_K = np.diag(dot_KK)
    return ((squares_K + squares_K[:, None]) / 2 - dot_KK).clip(0)
