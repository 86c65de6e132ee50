"""In how many directions the minibatches' gradients differ: the noise's effective rank, and its leading direction.

C is the covariance of the minibatches' gradients g_k. Effective rank (tr C)² / tr C²: R_0 of Bartlett, Long, Lugosi &
Tsigler, "Benign overfitting in linear regression", PNAS 117, 2020; 1 if all noise lies along one line, d if it is
the same in d directions. K gradients span at most K - 1 directions, so (tr Ĉ)² / tr Ĉ² of their own covariance Ĉ
never exceeds K - 1. Here products of different gradients alone estimate tr C² without bias (Chen, Zhang & Zhong, "Tests
for high-dimensional covariance matrices", J. Amer. Statist. Assoc. 105, 2010): with means over different i, j, k, l

    tr C² = E (g_i·g_j)² - 2 E (g_i·g_j)(g_j·g_k) + E (g_i·g_j)(g_k·g_l)        tr C = E |g_i - g_j|² / 2

The share of the top eigenvector is λ_1 / tr C (the spectrum of the minibatches' covariance by its Gram matrix, as in
Jastrzębski et al., "The break-even point on optimization trajectories of deep neural networks", ICLR 2020). λ_1 of the
gradients themselves exceeds that of C by chance, by far if noise has many dimensions. So each gradient is held out: of
its distance from the mean of the others, squared, the part along the top eigenvector of the others.
"""

from dataclasses import dataclass

import numpy as np

from gradviz.landscape.statistics.bootstrap import Estimate, Resamples, Statistic, mean_of, mean_of_pairs
from gradviz.landscape.statistics.noise_scales import half_distances

# Shape suffixes: K = minibatches, R = resamples.

_FEWEST = 4
_ROUNDING = 1e-12
"""Of |g|²: noise below it is round-off."""


@dataclass(frozen=True)
class NoiseSpectrum:
    """`effective_rank`: None if the noise has more directions than these minibatches tell. `top_share`: of the variance
    of a gradient that was held out; `top_share_within` of those gradients themselves, λ_1 / tr Ĉ, which is larger."""

    effective_rank: Estimate | None
    top_share: Estimate | None
    top_share_within: float


def noise_spectrum(dot_KK: np.ndarray, resamples: Resamples) -> NoiseSpectrum | None:
    """From inner products of the minibatches' gradients; None without noise, or for fewer than four minibatches.

    Costs K⁴ operations, and K² for each resample.
    """
    num = len(dot_KK)
    if num < _FEWEST:
        return None
    centred_KK = centred(dot_KK)
    trace = float(np.trace(centred_KK))
    if trace <= _ROUNDING * num * float(np.diag(dot_KK).max()):
        return None
    along_K, size_K = _held_out(centred_KK)
    along, size = mean_of(along_K), mean_of(size_K)
    within = float(np.linalg.eigvalsh(centred_KK)[-1] / trace)
    rank = resamples.estimate(effective_rank(centred_KK))
    return NoiseSpectrum(rank, resamples.estimate(lambda weights_RK: along(weights_RK) / size(weights_RK)), within)


def centred(dot_KK: np.ndarray) -> np.ndarray:
    """Inner products of the gradients minus their mean."""
    mean_K = dot_KK.mean(1)
    return dot_KK - mean_K - mean_K[:, None] + mean_K.mean()


def effective_rank(dot_KK: np.ndarray) -> Statistic:
    """(tr C)² / tr C², nan where the estimate of tr C² is not positive; from products of centred gradients, where sums
    do not cancel."""
    trace, square = mean_of_pairs(half_distances(dot_KK)), _squared_trace(dot_KK)

    def statistic(weights_RK: np.ndarray) -> np.ndarray:
        square_R = square(weights_RK)
        return np.divide(trace(weights_RK) ** 2, square_R, out=np.full(len(square_R), np.nan), where=square_R > 0)

    return statistic


def _squared_trace(dot_KK: np.ndarray) -> Statistic:
    """tr C² = E ⟨g_i - g_k, g_j - g_l⟩² / 4 over different i, j, k, l that count w_i w_j w_k w_l times, multiplied out
    as above; nan where fewer than four differ."""
    off_KK = dot_KK - np.diag(np.diag(dot_KK))
    one_KK = 1 - np.eye(len(dot_KK))

    def statistic(weights_RK: np.ndarray) -> np.ndarray:
        pairs_R, chains_R, apart_R = _over_quadruples(off_KK, weights_RK)
        num_R = _over_quadruples(one_KK, weights_RK)[2]
        sums_R = pairs_R - 2 * chains_R + apart_R
        return np.divide(sums_R, num_R, out=np.full(len(num_R), np.nan), where=num_R > 0.5)

    return statistic


def _over_quadruples(off_KK: np.ndarray, weights_RK: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Σ w_i w_j w_k w_l of v_ij², v_ij v_jk and v_ij v_kl over different i, j, k, l, for v with a diagonal of 0:
    products of sums over all indices, less those in which one occurs twice. (R,) each; costs R K² operations."""
    w_RK, w2_RK, w3_RK = weights_RK, weights_RK**2, weights_RK**3
    num_R, num2_R = w_RK.sum(1), w2_RK.sum(1)
    square_KK = off_KK**2
    line_RK, line2_RK = w_RK @ off_KK, w2_RK @ off_KK
    both_RK, both2_RK, both3_RK = w_RK @ square_KK, w2_RK @ square_KK, w3_RK @ square_KK
    corner_RK = line_RK**2 - both2_RK  # Σ w_i w_k v_ij v_jk over i ≠ k
    pairs_R = (
        (num_R**2 - num2_R) * (both_RK * w_RK).sum(1)
        - 4 * num_R * (both2_RK * w_RK).sum(1)
        + 4 * (both3_RK * w_RK).sum(1)
        + 2 * (both2_RK * w2_RK).sum(1)
    )
    chains_R = (
        num_R * (corner_RK * w_RK).sum(1)
        - 2 * ((line2_RK * line_RK - both3_RK) * w_RK).sum(1)
        - (corner_RK * w2_RK).sum(1)
    )
    apart_R = (line_RK * w_RK).sum(1) ** 2 - 4 * (corner_RK * w2_RK).sum(1) - 2 * (both2_RK * w2_RK).sum(1)
    return pairs_R, chains_R, apart_R


def _held_out(dot_KK: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K,) each: of the distance of each gradient from the mean of the others, squared, what lies along the top
    eigenvector of the others, and all of it."""
    num = len(dot_KK)
    along_K, size_K = np.zeros(num), np.zeros(num)
    for k in range(num):
        others = np.delete(np.arange(num), k)
        among_KK = dot_KK[np.ix_(others, others)]
        to_K, middle_K = dot_KK[others, k], among_KK.mean(1)
        middle = middle_K.mean()
        size_K[k] = dot_KK[k, k] - 2 * to_K.mean() + middle
        values, vectors = np.linalg.eigh(centred(among_KK))
        if values[-1] > 0:  # the eigenvector is Σ_j a_j (g_j - mean) / √λ
            from_mean_K = to_K - to_K.mean() - middle_K + middle
            along_K[k] = (vectors[:, -1] @ from_mean_K) ** 2 / values[-1]
    return along_K, size_K
