"""Minibatches chosen by what their rows are: the same rows, cut in the order of a quantity instead of at random.

The gradient of a minibatch is the mean over its rows, so the inner products of any K minibatches are M G Mᵀ, with G
those of the rows' gradients (`example_products`) and M (K, R) the rows' weights: 1/B where a row is in a minibatch of B
rows, else 0. One G serves every way to cut the rows. G may as well be of small groups of equally many rows.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.statistics.bootstrap import Estimate
from gradviz.landscape.statistics.null_model import NullAgreement, agreement_of_dots, times_random
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: R = rows, K = minibatches, B = rows of each.


@dataclass(frozen=True)
class Regrouped:
    """Agreement of minibatches that were cut in some order: R, the mean cosine c and the share of opposite pairs.

    `sensitivity` is (1 - R) / (1 - R₀), with R₀ that of random rows; its interval is that of R₀. All are None where
    fewer than two gradients are nonzero, and `sensitivity` where random rows do not disagree at all.
    """

    resultant: float | None
    cosine: float | None
    opposite: float | None
    sensitivity: Estimate | None


def sorted_minibatches(values_R: np.ndarray, size: int, generator: np.random.Generator) -> np.ndarray:
    """(K, size) row numbers: all whole minibatches of the rows in ascending order of `values_R`.

    Rows of equal value follow each other in random order, so that nothing but the values orders them. nan comes last.
    UserError unless the rows suffice for two.
    """
    num = len(values_R) // size if size >= 1 else 0
    if num < 2:
        raise UserError(f"{len(values_R)} rows give {num} minibatches of {size}: use at least 2.")
    shuffled = generator.permutation(len(values_R))
    order = shuffled[np.argsort(values_R[shuffled], kind="stable")]
    return order[: num * size].reshape(num, size)


@undisturbed()
def regrouped_products(products_RR: Tensor, rows_KB: np.ndarray) -> Tensor:
    """(K, K): the inner products of the minibatches' mean gradients, M G Mᵀ, in the dtype of G.

    Costs R² additions: each minibatch sums the lines of its own rows.
    """
    at_KB = torch.from_numpy(np.ascontiguousarray(rows_KB)).to(products_RR.device)
    along_KR = torch.stack([products_RR[at_B].mean(0) for at_B in at_KB])
    return torch.stack([along_KR[:, at_B].mean(1) for at_B in at_KB], 1)


def regrouped(products_RR: Tensor, rows_KB: np.ndarray, random: NullAgreement) -> Regrouped:
    """Agreement of these minibatches beside that of as many random ones (`null_agreement` of the same products)."""
    dots_KK = regrouped_products(products_RR, rows_KB).double().cpu().numpy()
    resultant, cosine, opposite = (None if np.isnan(value) else value for value in agreement_of_dots(dots_KK))
    return Regrouped(resultant, cosine, opposite, times_random(resultant, random.resultant))
