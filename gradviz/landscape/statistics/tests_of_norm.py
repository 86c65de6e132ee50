"""The norm, inner-product and orthogonality tests: is a minibatch large enough to trust its gradient?

With g_b the gradients of the B examples of a minibatch S, g their mean and Var the variance of a sample:

- norm test (Byrd, Chin, Nocedal & Wu, "Sample size selection in optimization methods for machine learning", Math.
  Program. 134, 2012): ‖Var_b g_b‖₁ / B ≤ θ² |g|²;
- inner-product test (Bollapragada, Byrd & Nocedal, "Adaptive sampling strategies for stochastic optimization", SIAM J.
  Optim. 28, 2018, arXiv 1710.11258): Var_b (g_b·g) / B ≤ θ² |g|⁴;
- orthogonality test (ibid.): Var_b of the part of g_b at right angles to g, over B, ≤ ν² |g|².

The results are the smallest θ and ν that pass. Pythagoras: θ_norm² = θ_inner² + ν².
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

# Shape suffixes: B = examples of the minibatch.


@dataclass(frozen=True)
class NormTests:
    """The smallest θ of the norm and inner-product tests and ν of the orthogonality test that one minibatch passes.

    The papers use 0.5-0.9 for θ. For a single minibatch |g|² contains the noise that it is compared with: pure noise
    has θ ≈ 1, not infinity, and at one checkpoint θ ranges over a factor of five. `pooled_norm_tests` removes both.
    """

    norm: float
    inner_product: float
    orthogonality: float


@dataclass(frozen=True)
class _Parts:
    """|g|², and the variance of a sample of g_b as a whole and along g."""

    square: float
    spread: float
    along: float
    num: int


def norm_tests(products_BB: Tensor) -> NormTests | None:
    """From the inner products of the examples' gradients (`example_products`); None if the minibatch's is zero."""
    parts = _parts(products_BB)
    return None if parts is None else _tests(parts.spread, parts.along, parts.square, parts.num)


def pooled_norm_tests(products: Sequence[Tensor]) -> NormTests | None:
    """For several minibatches of one size: means of the variances over the mean of |g|² minus its noise.

    None if that is not positive: these rows cannot separate the signal from the noise, and no θ is large enough.
    """
    found = [parts for each in products if (parts := _parts(each)) is not None]
    if not found or len({parts.num for parts in found}) > 1:
        return None
    spread, along, square = (
        sum(getattr(parts, name) for parts in found) / len(found) for name in ("spread", "along", "square")
    )
    signal = square - spread / found[0].num
    return _tests(spread, along, signal, found[0].num) if signal > 0 else None


def _tests(spread: float, along: float, square: float, num: int) -> NormTests:
    parts = (spread, along, max(0.0, spread - along))
    return NormTests(*(math.sqrt(part / num / square) for part in parts))


def _parts(products_BB: Tensor) -> _Parts | None:
    num = len(products_BB)
    products_BB = products_BB.double()
    along_B = products_BB.mean(1)  # g_b·g
    square = along_B.mean()  # |g|²
    if num < 2 or square <= 0:
        return None
    spread = (products_BB.diagonal().sum() - num * square) / (num - 1)
    inner = (along_B - square).square().sum() / (num - 1) / square
    return _Parts(square.item(), spread.item(), inner.item(), num)
