"""The cosine of minibatches of random rows, by a formula that holds whatever the shape of the noise.

With many rows a minibatch's gradient m is nearly normal, with mean ḡ and covariance Σ = (1/B - 1/R) C, C that of the
rows. The mean cosine of two independent ones is |E m/|m||², and with 1/|m| = ∫ exp(-t |m|²) / √(π t) dt the mean
direction is an integral over one variable, in the axes of Σ (λ_i its variances, a_i the components of ḡ):

    E m_i/|m| = ∫ (π t)^(-1/2) a_i / (1 + 2 t λ_i) Π_j (1 + 2 t λ_j)^(-1/2) exp(-t Σ_j a_j² / (1 + 2 t λ_j)) dt

The ratio of means E⟨m, m'⟩ / E|m|² is its limit if the noise has many dimensions, (tr Σ)² / tr Σ² of them, so that
|m| hardly varies. The number of parameters does not matter: rows of a network often differ along one direction.
Two minibatches without a common row have covariance -C/R; the formula adds its first-order effect along the axes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

# Shape suffixes: R = rows, I = axes of the noise treated one by one, T = nodes of the integral.

AXES = 48
"""Number of the largest variances; the rest has many dimensions, and is treated as one round cloud."""
_ITERATIONS, _NODES = 6, 400


@dataclass(frozen=True)
class Noise:
    """Of the rows' gradients: `variances_I` of C along its leading axes and `means_I` of ḡ there, the same of the rest
    (`rest_variance` in each of `rest_dimensions`, |ḡ| there `rest_mean`), and the effective number of dimensions."""

    num_rows: int
    variances_I: Tensor
    means_I: Tensor
    rest_variance: float
    rest_dimensions: float
    rest_mean: float
    dimensions: float


def noise_of(products_RR: Tensor) -> Noise | None:
    """From the inner products of the rows' gradients; None if they do not differ. Costs 2 R² · 48 · 8 operations."""
    products_RR = products_RR.double()
    num = len(products_RR)
    along_R = products_RR.mean(1)
    square = along_R.mean()
    centred_RR = (products_RR - along_R[:, None] - along_R + square) / (num - 1)
    trace, trace_2 = centred_RR.diagonal().sum(), centred_RR.square().sum()
    if trace <= 1e-12 * products_RR.diagonal().mean():
        return None
    generator = torch.Generator().manual_seed(0)
    basis = torch.randn((num, min(AXES, num - 1)), dtype=torch.float64, generator=generator).to(products_RR.device)
    for _ in range(_ITERATIONS):  # subspace iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4)
        basis = torch.linalg.qr(centred_RR @ basis).Q
    variances_I, rotation = torch.linalg.eigh(basis.T @ centred_RR @ basis)
    axes_RI = basis @ rotation
    kept = variances_I > 1e-12 * trace
    variances_I, axes_RI = variances_I[kept], axes_RI[:, kept]
    means_I = (axes_RI.T @ (along_R - square)) / ((num - 1) * variances_I).sqrt()
    rest = float((trace - variances_I.sum()).clamp_min(0))
    rest_2 = float((trace_2 - variances_I.square().sum()).clamp_min(0))
    has_rest = rest > 1e-9 * trace and rest_2 > 0
    return Noise(
        num,
        variances_I,
        means_I,
        rest_2 / rest if has_rest else 0.0,
        rest**2 / rest_2 if has_rest else 1.0,
        float((square - means_I.square().sum()).clamp_min(0).sqrt()),
        float(trace**2 / trace_2),
    )


def cosine_of(noise: Noise, size: int) -> float:
    """The mean cosine of two minibatches of `size` rows without a common one."""
    one = noise.variances_I.new_tensor
    rows_I = torch.cat([noise.variances_I, one([noise.rest_variance])])
    variances_I = (1 / size - 1 / noise.num_rows) * rows_I
    means_I = torch.cat([noise.means_I, one([noise.rest_mean])])
    dimensions_I = torch.cat([torch.ones_like(noise.variances_I), one([noise.rest_dimensions])])
    scale = float((dimensions_I * variances_I).sum() + means_I.square().sum())
    # ∫ f(t) t^(-1/2) dt = ∫ f(t) t^(1/2) d(log t): smooth, and small at both ends.
    log_T = torch.linspace(-30, 45, _NODES, dtype=torch.float64, device=rows_I.device)
    t_T = log_T.exp() / scale
    shrunk_TI = 1 / (1 + 2 * t_T[:, None] * variances_I)
    exponent_T = (dimensions_I * shrunk_TI.log()).sum(1) / 2 - t_T * (means_I.square() * shrunk_TI).sum(1)
    weight_T = exponent_T.exp() * (t_T / torch.pi).sqrt() * (log_T[1] - log_T[0])
    mean_I = (weight_T[:, None] * means_I * shrunk_TI).sum(0)
    # Stein: E ∂u_i/∂m_i = E u_i (m_i - a_i) / λ_i; per dimension of the rest, whose mean is small beside its noise.
    second_TI = variances_I * shrunk_TI + (means_I * shrunk_TI).square() / dimensions_I
    product_I = (weight_T[:, None] * second_TI).sum(0) - means_I * mean_I / dimensions_I
    slope_I = torch.where(variances_I > 0, product_I / variances_I.clamp_min(1e-300), 0.0)
    shared = float((dimensions_I * slope_I.square() * rows_I).sum()) / noise.num_rows
    return max(-1.0, min(1.0, float(mean_I.square().sum()) - shared))
