"""The null model: how much minibatches disagree if they differ only by random draws of rows.

Rows have gradients g_r with mean ḡ and variance S² = Σ |g_r - ḡ|² / (R - 1). A minibatch of B of the R rows, drawn
without replacement, has a mean gradient m with (Cochran, Sampling Techniques, 3rd ed. 1977, theorems 2.2 and 2.3)

    E|m|² = |ḡ|² + (1/B - 1/R) S²        E⟨m, m'⟩ = |ḡ|² - S²/R    for two minibatches without a common row.

Their ratio is the cosine if |m| hardly varies, which takes noise of many dimensions; `null_formula` predicts the
cosine c for noise of any shape. R² = (1 + (K - 1) c) / K is the predicted mean resultant length of K minibatches.
Repeated draws of minibatches give the distribution itself, and intervals.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.network import Network
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.request import Masks, Mode
from gradviz.landscape.rows import check_rows
from gradviz.landscape.statistics.agreement import Agreement, resultant_length
from gradviz.landscape.statistics.bootstrap import Estimate
from gradviz.landscape.statistics.checkpoint import Pair, minibatch_products
from gradviz.landscape.statistics.null_formula import Noise, cosine_of, noise_of
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: R = rows, K = minibatches, B = rows of each, D = draws.

MOST_MINIBATCHES = 50


@dataclass(frozen=True)
class NullAgreement:
    """Agreement of `num_minibatches` minibatches of random rows out of `num_rows`.

    The estimates are means over `num_draws` sets of minibatches, with the range of their middle 95 %; None if no
    set has two nonzero gradients. `predicted_*` come from the formula, None if examples are coupled;
    `noise_dimensions` is the effective number of directions in which rows differ.
    """

    minibatch_size: int
    num_minibatches: int
    num_rows: int
    num_draws: int
    resultant: Estimate | None
    cosine: Estimate | None
    opposite: Estimate | None
    predicted_resultant: float | None
    predicted_cosine: float | None
    noise_dimensions: float | None = None


@undisturbed()
def null_agreement(
    products_RR: Tensor,
    size: int,
    generator: np.random.Generator,
    *,
    draws: int = 100,
    num: int | None = None,
    noise: Noise | None = None,
) -> NullAgreement:
    """The null model from the inner products of the rows' gradients (`example_products`).

    `num` minibatches (default: as many as the rows allow, at most 50); `noise` is `noise_of` these products, to share
    it between several sizes. Costs 2 D K R² operations.
    """
    num_rows = len(products_RR)
    num = num_minibatches(num_rows, size, num)
    found = []
    for _ in range(draws):
        between_tiles()
        rows_KB = generator.permutation(num_rows)[: num * size].reshape(num, size)
        members_KR = np.zeros((num, num_rows), dtype=np.float32)
        np.put_along_axis(members_KR, rows_KB, 1 / size, axis=1)
        members = torch.from_numpy(members_KR).to(products_RR)
        found.append(agreement_of_dots((members @ products_RR @ members.T).double().cpu().numpy()))
    noise = noise or noise_of(products_RR)
    cosine = predicted_cosine(products_RR, size) if noise is None else cosine_of(noise, size)
    resultant = None if cosine is None else resultant_length(cosine, num)
    dimensions = None if noise is None else noise.dimensions
    return NullAgreement(size, num, num_rows, draws, *summary_of(found), resultant, cosine, dimensions)


def predicted_cosine(products_RR: Tensor, size: int) -> float | None:
    """The ratio E⟨m, m'⟩ / E|m|² above, for noise of many dimensions; None if all gradients are zero."""
    num_rows = len(products_RR)
    mean, variance = mean_and_variance(products_RR)
    square = mean + (1 / size - 1 / num_rows) * variance
    return (mean - variance / num_rows) / square if square > 0 else None


def mean_and_variance(products_RR: Tensor) -> tuple[float, float]:
    """|ḡ|² and S², of a sample: divided by R - 1."""
    num_rows = len(products_RR)
    mean = products_RR.double().mean().item()
    return mean, (products_RR.diagonal().double().sum().item() - num_rows * mean) / (num_rows - 1)


def redrawn_agreement(
    network: Network,
    inputs_RM: Tensor,
    targets_R: Tensor,
    size: int,
    generator: np.random.Generator,
    *,
    draws: int = 20,
    num: int | None = None,
    mode: Mode = "eval",
    masks: Masks = "fresh",
    num_masks: int = 8,
    seed: int = 0,
    parts: Sequence[str] = ("model",),
    pairs: Sequence[Pair] = (),
) -> dict[str, NullAgreement]:
    """The null model without gradients of single examples: draws new minibatches and computes their gradients.

    For batch statistics, where each minibatch is normalized with its own, and for any other mode. Costs `draws` times
    the agreement of `num` minibatches.
    """
    check_rows(network, inputs_RM, targets_R)
    num = num_minibatches(len(targets_R), size, num)
    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(draws):
        between_tiles()
        rows_KB = torch.from_numpy(generator.permutation(len(targets_R))[: num * size].reshape(num, size))
        _, products = minibatch_products(
            network,
            inputs_RM[rows_KB],
            targets_R[rows_KB],
            mode=mode,
            masks=masks,
            num_masks=num_masks,
            seed=seed,
            parts=parts,
            pairs=pairs,
        )
        for name, each in products.items():
            found.setdefault(name, []).append(agreement_of_dots(each.dot_KK))
    return {
        name: NullAgreement(size, num, len(targets_R), draws, *summary_of(values), None, None)
        for name, values in found.items()
    }


def sensitivity(measured: Agreement, null: NullAgreement) -> Estimate | None:
    """Measured disagreement over that of random rows, (1 - R) / (1 - R₀).

    1: the minibatches differ as random rows do, and no more. The interval is that of R₀. None if either R is
    undefined, or random rows do not disagree at all.
    """
    return times_random(None if measured.resultant is None else measured.resultant.value, null.resultant)


def times_random(resultant: float | None, random: Estimate | None) -> Estimate | None:
    """`sensitivity` of R and R₀."""
    if resultant is None or random is None or random.value >= 1:
        return None
    apart = 1 - resultant
    low, high = (apart / (1 - r) if r < 1 else np.inf for r in (random.low, random.high))
    return Estimate(apart / (1 - random.value), float(low), float(high))


def num_minibatches(num_rows: int, size: int, num: int | None) -> int:
    """How many minibatches of `size` to draw; `UserError` unless the rows suffice for two."""
    most = num_rows // size if size >= 1 else 0
    if most < 2 or (num is not None and not 2 <= num <= most):
        raise UserError(f"{num_rows} rows give {most} minibatches of {size}: use at least 2, and at most {most}.")
    return min(most, MOST_MINIBATCHES) if num is None else num


def agreement_of_dots(dot_KK: np.ndarray) -> tuple[float, float, float]:
    """R, mean cosine and share of opposite pairs, of the nonzero gradients; nan if fewer than two."""
    norms_K = np.sqrt(np.diag(dot_KK).clip(0))
    live = norms_K > 0
    num = int(live.sum())
    if num < 2:
        return np.nan, np.nan, np.nan
    cosine_KK = dot_KK[np.ix_(live, live)] / np.outer(norms_K[live], norms_K[live])
    pairs = cosine_KK[np.triu_indices(num, 1)]
    return resultant_length(float(pairs.mean()), num), float(pairs.mean()), float((pairs < 0).mean())


Summary = tuple[Estimate | None, Estimate | None, Estimate | None]


def summary_of(found: list[tuple[float, float, float]]) -> Summary:
    """Means of R, mean cosine and share of opposite pairs over several draws, with the range of their middle 95 %."""
    summaries: list[Estimate | None] = []
    for values in np.array(found).T:
        there = values[~np.isnan(values)]
        low, high = np.quantile(there, (0.025, 0.975)) if len(there) else (np.nan, np.nan)
        summaries.append(Estimate(float(there.mean()), float(low), float(high)) if len(there) else None)
    resultant, cosine, opposite = summaries
    return resultant, cosine, opposite
