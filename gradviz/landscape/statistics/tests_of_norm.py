"""Is a minibatch large enough for its gradient to be trusted: the norm, inner-product and orthogonality tests.

With g_b the gradients of the B examples of a minibatch S, g their mean and Var the variance of a sample:

- norm test (Byrd, Chin, Nocedal & Wu, "Sample size selection in optimization methods for machine learning", Math.
  Program. 134, 2012): ‖Var_b g_b‖₁ / B ≤ θ² |g|²;
- inner-product test (Bollapragada, Byrd & Nocedal, "Adaptive sampling strategies for stochastic optimization", SIAM J.
  Optim. 28, 2018, arXiv 1710.11258): Var_b (g_b·g) / B ≤ θ² |g|⁴;
- orthogonality test (ibid.): Var_b of the part of g_b at right angles to g, over B, ≤ ν² |g|².

Told are the smallest θ and ν that pass. Pythagoras: θ_norm² = θ_inner² + ν².
"""

from dataclasses import dataclass

from torch import Tensor

# Shape suffixes: B = examples of the minibatch.


@dataclass(frozen=True)
class NormTests:
    """The smallest θ of the norm and inner-product tests and ν of the orthogonality test that one minibatch passes.

    The papers ask for 0.5-0.9 for θ; above 1 the minibatch's gradient is mostly noise.
    """

    norm: float
    inner_product: float
    orthogonality: float


def norm_tests(products_BB: Tensor) -> NormTests | None:
    """From the inner products of the examples' gradients (`example_products`); None if the minibatch's is zero."""
    num = len(products_BB)
    products_BB = products_BB.double()
    along_B = products_BB.mean(1)  # g_b·g
    square = along_B.mean()  # |g|²
    if num < 2 or square <= 0:
        return None
    spread = (products_BB.diagonal().sum() - num * square) / (num - 1)
    inner = (along_B - square).square().sum() / (num - 1) / square
    orthogonal = (spread - inner).clamp_min(0)
    norm, inner_product, orthogonality = ((part / num / square).sqrt().item() for part in (spread, inner, orthogonal))
    return NormTests(norm, inner_product, orthogonality)
