"""Do steps for one gradient harm another: gradient confusion and stiffness.

- gradient confusion η (Sankararaman, De, Xu, Huang & Goldstein, "The impact of neural network overparameterization on
  gradient confusion and stochastic gradient descent", ICML 2020, arXiv 1904.06963, 2019): the smallest
  η ≥ 0 with ⟨g_k, g_l⟩ ≥ -η for all k ≠ l; as they plot it, the smallest cosine too;
- stiffness (Fort, Nowak, Jastrzębski & Narayanan, "Stiffness: a new perspective on generalization in neural networks",
  arXiv 1901.09491, 2019): mean sign and mean cosine of ⟨g_r, g_s⟩ over pairs of examples. The paper also
  splits pairs by class; a regression has none.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

# Shape suffixes: K = gradients (of minibatches or of examples).


@dataclass(frozen=True)
class Confusion:
    """`eta` in (loss per unit of parameter)², 0 if no two gradients point against each other; `smallest_cosine` over
    the pairs of the `num` nonzero gradients. Both are extremes over num (num - 1) / 2 pairs: they grow with num for any
    gradients, so compare them only at equal num.
    """

    eta: float
    smallest_cosine: float
    num: int


@dataclass(frozen=True)
class Stiffness:
    """Means over pairs of examples with nonzero gradients, each in [-1, 1]; 0 is no relation."""

    sign: float
    cosine: float
    num_examples: int


def gradient_confusion(products_KK: Tensor | np.ndarray) -> Confusion | None:
    """From inner products of gradients; None if fewer than two are nonzero."""
    found = _pairs(products_KK)
    return None if found is None else Confusion(max(0.0, -float(found[0].min())), float(found[1].min()), found[2])


def stiffness(products_KK: Tensor | np.ndarray) -> Stiffness | None:
    """From inner products of examples' gradients; None if fewer than two are nonzero."""
    found = _pairs(products_KK)
    if found is None:
        return None
    products, cosines, num = found
    return Stiffness(float(np.sign(products).mean()), float(cosines.mean()), num)


def _pairs(products_KK: Tensor | np.ndarray) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Inner products and cosines of all pairs of nonzero gradients, and the number of these gradients."""
    dots_KK = products_KK.double().cpu().numpy() if isinstance(products_KK, Tensor) else products_KK
    norms_K = np.sqrt(np.diag(dots_KK).clip(0))
    live = norms_K > 0
    num = int(live.sum())
    if num < 2:
        return None
    upper = np.triu_indices(num, 1)
    dots = dots_KK[np.ix_(live, live)][upper]
    return dots, dots / np.outer(norms_K[live], norms_K[live])[upper], num
