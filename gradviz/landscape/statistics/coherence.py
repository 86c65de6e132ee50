"""How much the minibatches' gradients share: m-coherence, and the pass rate of gradient agreement filtering.

- m-coherence (Chatterjee & Zielinski, "Making coherence out of nothing at all: measuring the evolution of gradient
  alignment", arXiv 2008.01217, 2020): with m gradients g_k, α = ⟨g, g⟩ / mean |g_k|² for their mean g, and m α. 1 if
  they are orthogonal, m if they are equal: as many gradients pull the way of an average one. Zero gradients count;
- pass rate of gradient agreement filtering (Chaubard, Eddy & Kochenderfer, "Beyond gradient averaging in parallel
  optimization: improved robustness through gradient agreement filtering", arXiv 2412.18052, 2024): the share of pairs
  whose cosine distance 1 - cos is at most τ. Such pairs of microbatches are averaged, others are thrown away.

m α = 1 + (m - 1) ρ with ρ the mean of ⟨g_k, g_l⟩ over pairs k ≠ l, over that of (|g_k|² + |g_l|²)/2. Resamples go
through ρ: they would agree better the more often they draw the same gradient.
"""

import numpy as np

from gradviz.landscape.statistics.bootstrap import Estimate, Resamples, mean_of_pairs, ratio_of_pairs

# Shape suffixes: K = minibatches.

COSINE_DISTANCE = 1.0
"""τ: the default of the authors' own program, `cos_distance_thresh`; the examples beside it take 0.97."""


def m_coherence(dot_KK: np.ndarray, resamples: Resamples) -> Estimate | None:
    """m α, in [0, m], from inner products of m gradients; None if all are zero, or there are fewer than two."""
    squares_K = np.diag(dot_KK)
    num = len(squares_K)
    shared = resamples.estimate(ratio_of_pairs(dot_KK, (squares_K + squares_K[:, None]) / 2))
    if shared is None:
        return None
    return Estimate(*(1 + (num - 1) * each for each in (shared.value, max(shared.low, -1 / (num - 1)), shared.high)))


def agreement_pass_rate(
    cosine_KK: np.ndarray, resamples: Resamples, *, threshold: float = COSINE_DISTANCE
) -> Estimate | None:
    """The share of pairs whose cosine distance is at most `threshold`, from cosines of gradients that are not zero.

    At the threshold 1 that is the share of pairs that are not opposite. None for fewer than two gradients.
    """
    passes_KK = (1 - cosine_KK <= threshold).astype(float)
    # Of K minibatches K / 2 pairs have no minibatch in common.
    return resamples.estimate(mean_of_pairs(passes_KK), trials=len(cosine_KK) / 2)
