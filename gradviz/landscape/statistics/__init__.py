"""Measures of gradients and landscapes: agreement, roughness, null models, and those of the literature."""

from gradviz.landscape.statistics.agreement import Agreement, agreement_of
from gradviz.landscape.statistics.bootstrap import Estimate, Resamples, estimate
from gradviz.landscape.statistics.checkpoint import CheckpointAgreement, minibatch_agreement, pair_name, parts_of
from gradviz.landscape.statistics.coherence import agreement_pass_rate, m_coherence
from gradviz.landscape.statistics.commutators import commutators
from gradviz.landscape.statistics.confusion import gradient_confusion, stiffness
from gradviz.landscape.statistics.cosines import by_direction, minibatch_cosines
from gradviz.landscape.statistics.inner_products import InnerProducts, inner_products_of
from gradviz.landscape.statistics.measures import OF_GRADIENTS, Gradients, Measured, measured_sharpness, measures_of
from gradviz.landscape.statistics.noise import gradient_noise, noise_scale_of_two_sizes
from gradviz.landscape.statistics.noise_scales import NoiseScale, noise_scale, ratio_of_scales
from gradviz.landscape.statistics.noise_spectrum import NoiseSpectrum, noise_spectrum
from gradviz.landscape.statistics.null_model import NullAgreement, null_agreement, redrawn_agreement, sensitivity
from gradviz.landscape.statistics.per_example import example_products
from gradviz.landscape.statistics.pooled_rows import pooled_null
from gradviz.landscape.statistics.problem_products import (
    parts_of_model,
    problem_agreement,
    problem_cosines,
    problem_products,
)
from gradviz.landscape.statistics.regrouping import Regrouped, regrouped, regrouped_products, sorted_minibatches
from gradviz.landscape.statistics.sampling import Sampling, pair_sampling, sampling_of
from gradviz.landscape.statistics.sharpness import Sharpness, sharpness_along_gradients
from gradviz.landscape.statistics.smoothness import plane_smoothness
from gradviz.landscape.statistics.swapped_losses import swapped_agreement, swapped_products
from gradviz.landscape.statistics.tests_of_norm import norm_tests, pooled_norm_tests
from gradviz.landscape.statistics.variance_split import MasksSplit, masks_split

__all__ = [
    "OF_GRADIENTS",
    "Agreement",
    "CheckpointAgreement",
    "Estimate",
    "Gradients",
    "InnerProducts",
    "MasksSplit",
    "Measured",
    "NoiseScale",
    "NoiseSpectrum",
    "NullAgreement",
    "Regrouped",
    "Resamples",
    "Sampling",
    "Sharpness",
    "agreement_of",
    "agreement_pass_rate",
    "by_direction",
    "commutators",
    "estimate",
    "example_products",
    "gradient_confusion",
    "gradient_noise",
    "inner_products_of",
    "m_coherence",
    "masks_split",
    "measured_sharpness",
    "measures_of",
    "minibatch_agreement",
    "minibatch_cosines",
    "noise_scale",
    "noise_scale_of_two_sizes",
    "noise_spectrum",
    "norm_tests",
    "null_agreement",
    "pair_name",
    "pair_sampling",
    "parts_of",
    "parts_of_model",
    "plane_smoothness",
    "pooled_norm_tests",
    "pooled_null",
    "problem_agreement",
    "problem_cosines",
    "problem_products",
    "ratio_of_scales",
    "redrawn_agreement",
    "regrouped",
    "regrouped_products",
    "sampling_of",
    "sensitivity",
    "sharpness_along_gradients",
    "sorted_minibatches",
    "stiffness",
    "swapped_agreement",
    "swapped_products",
]
