"""How noisy gradients are: signal-to-noise ratio, noise scale, diversity.

With R examples' gradients g_r, mean ḡ, S² = Σ |g_r - ḡ|² / (R - 1) (the trace of their covariance) and G the gradient
of the population that the rows are drawn from; |ḡ|² - S²/R estimates |G|² without bias.

- signal-to-noise ratio of a minibatch of B: |G|² / (S²/B), power over power;
- simple noise scale B = S² / |G|² (McCandlish, Kaplan, Amodei et al., "An empirical model of large-batch training",
  arXiv 1812.06162, 2018, eq. 2.9): the minibatch size at which signal and noise are equal;
- gradient diversity Δ = Σ |g_r|² / |Σ g_r|² (Yin, Pananjady, Lam et al., "Gradient diversity", AISTATS 2018,
  arXiv 1706.05699). N Δ = 1 + σ²/|ḡ|² with σ² = Σ |g_r - ḡ|² / N; N Δ is 1 for equal gradients, N for
  orthogonal ones.
"""

from dataclasses import dataclass

from torch import Tensor

from gradviz.landscape.statistics.null_model import mean_and_variance

# Shape suffixes: R = examples.


@dataclass(frozen=True)
class GradientNoise:
    """`square` estimates |G|² (may fall below 0 by chance if noise hides it); `variance` is S², in loss² / parameter².

    `noise_scale` is a number of rows; `signal_to_noise` is for a minibatch of one row: multiply it by B for one of B.
    Both are None if `square` is not positive: these rows cannot separate the signal from the noise.
    """

    num_rows: int
    square: float
    variance: float
    noise_scale: float | None
    signal_to_noise: float | None
    diversity: float | None


def gradient_noise(products_RR: Tensor) -> GradientNoise:
    """From the inner products of the examples' gradients (`example_products`)."""
    num = len(products_RR)
    mean, variance = mean_and_variance(products_RR)
    square = mean - variance / num
    scale = variance / square if square > 0 else None
    ratio = square / variance if square > 0 and variance > 0 else None
    # The square of a sum that cancels is rounding error, and its quotient would be meaningless.
    rounding = 1e-12 * products_RR.diagonal().double().mean().item()
    diversity = None
    if mean > rounding:
        diversity = products_RR.diagonal().double().sum().item() / (num**2 * mean)
    return GradientNoise(num, square, variance, scale, ratio, diversity)


def noise_scale_of_two_sizes(
    small_square: float, small_size: int, big_square: float, big_size: int
) -> tuple[float, float]:
    """(|G|², S²) from mean |m|² of minibatches of two sizes (McCandlish et al. 2018, appendix A.1).

    For modes in which examples have no gradients of their own. Both are unbiased if rows are drawn independently;
    their quotient S²/|G|² is the noise scale.
    """
    square = (big_size * big_square - small_size * small_square) / (big_size - small_size)
    variance = (small_square - big_square) / (1 / small_size - 1 / big_size)
    return square, variance
