"""Agreement of the minibatches' gradients at one checkpoint, for two parameters, a layer or the whole model.

Definitions, for the gradients G_k of a part of the parameters at minibatches k = 1 … K, u_k = G_k / |G_k|:

- mean resultant length R = |Σ u_k| / K (Mardia & Jupp, Directional Statistics, 2000, section 2.3): 1 if all agree;
- mean pairwise cosine c = mean_{k≠l} u_k·u_l. R² = (1 + (K - 1) c) / K, so R of random directions is 1/√K, c is 0;
- share of opposite pairs, u_k·u_l < 0 (beyond 90°), and of pairs beyond 150°;
- coefficient of variation of |G_k|;
- sign agreement: the share of equal signs among all (parameter, pair of minibatches) with both entries not zero; 1/2
  if signs are random.

A gradient that is zero up to round-off has no direction: such minibatches are counted, and left out of all the rest.
"""

from dataclasses import dataclass

import numpy as np

from gradviz.landscape.statistics.bootstrap import (
    Estimate,
    Resamples,
    Statistic,
    mean_of,
    mean_of_pairs,
    ratio_of_pairs,
)
from gradviz.landscape.statistics.inner_products import InnerProducts

# Shape suffixes: R = resamples, K = minibatches.

COSINE_OF_150 = -np.sqrt(3) / 2


@dataclass(frozen=True)
class Agreement:
    """Agreement of one part over the minibatches, with 95 % bootstrap intervals over minibatches.

    `num_zero` of the `num_minibatches` gradients are zero; `zero_share` is over the entries of all gradients. An
    estimate is None if fewer than two gradients are nonzero: there is nothing to compare, which is not
    disagreement. The interval of R follows from that of c by their formula.
    """

    part: str
    num_parameters: int
    num_minibatches: int
    num_zero: int
    zero_share: Estimate
    mean_norm: float
    resultant: Estimate | None
    cosine: Estimate | None
    opposite: Estimate | None
    beyond_150: Estimate | None
    norm_variation: Estimate | None
    sign_agreement: Estimate | None


def agreement_of(part: str, products: InnerProducts, generator: np.random.Generator) -> Agreement:
    """The statistics of one part from the inner products of its gradients; costs milliseconds."""
    num = len(products.dot_KK)
    norms_K = np.sqrt(np.diag(products.dot_KK))
    resamples = Resamples.draw(num, generator)
    zeros = resamples.estimate(mean_of(1 - np.diag(products.both_KK) / products.num_parameters), trials=num)
    assert zeros is not None
    live = norms_K > 0
    facts = (part, products.num_parameters, num, int((~live).sum()), zeros, float(norms_K.mean()))
    count = int(live.sum())
    if count < 2:
        return Agreement(*facts, None, None, None, None, None, None)
    if count < num:
        resamples = Resamples.draw(count, generator)
    square = np.ix_(live, live)
    cosine_KK = cosines(products)[square]
    cosine = resamples.estimate(mean_of_pairs(cosine_KK))
    same_KK = (products.signs_KK + products.both_KK)[square] / 2
    return Agreement(
        *facts,
        resultant=_resultant(cosine, count),
        cosine=cosine,
        # Of K minibatches K / 2 pairs have no minibatch in common: the share of pairs is worth at least so many trials.
        opposite=resamples.estimate(mean_of_pairs((cosine_KK < 0).astype(float)), trials=count / 2),
        beyond_150=resamples.estimate(mean_of_pairs((cosine_KK < COSINE_OF_150).astype(float)), trials=count / 2),
        norm_variation=resamples.estimate(variation_of(norms_K[live])),
        sign_agreement=resamples.estimate(ratio_of_pairs(same_KK, products.both_KK[square]), trials=count / 2),
    )


def cosines(products: InnerProducts) -> np.ndarray:
    """(K, K): cosines of the angles between the gradients, nan if one of the two is zero."""
    norms_K = np.sqrt(np.diag(products.dot_KK))
    scale_KK = np.outer(norms_K, norms_K)
    cosine_KK = np.divide(products.dot_KK, scale_KK, out=np.full(scale_KK.shape, np.nan), where=scale_KK > 0)
    return cosine_KK.clip(-1, 1)


def variation_of(values_K: np.ndarray) -> Statistic:
    """Standard deviation (of a sample: K - 1) over mean, as a statistic of weights."""

    def statistic(weights_RK: np.ndarray) -> np.ndarray:
        num_R = weights_RK.sum(1)
        mean_R = weights_RK @ values_K / num_R
        squares_R = (weights_RK * (values_K - mean_R[:, None]) ** 2).sum(1)
        square_R = np.divide(squares_R, num_R - 1, out=np.full(len(num_R), np.nan), where=num_R > 1)
        return np.sqrt(square_R) / mean_R

    return statistic


def resultant_length(cosine: float, num: int) -> float:
    """R of `num` directions whose mean pairwise cosine is given."""
    return float(np.sqrt(max(0.0, (1 + (num - 1) * cosine) / num)))


def _resultant(cosine: Estimate | None, num: int) -> Estimate | None:
    if cosine is None:
        return None
    return Estimate(*(resultant_length(value, num) for value in (cosine.value, cosine.low, cosine.high)))
