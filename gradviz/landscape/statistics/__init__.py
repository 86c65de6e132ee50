"""What is measured of gradients and landscapes: agreement, roughness, null models, the measures of the literature."""

from gradviz.landscape.statistics.agreement import Agreement, agreement_of
from gradviz.landscape.statistics.bootstrap import Estimate, Resamples, estimate
from gradviz.landscape.statistics.checkpoint import CheckpointAgreement, minibatch_agreement, pair_name, parts_of
from gradviz.landscape.statistics.inner_products import InnerProducts, inner_products_of

__all__ = [
    "Agreement",
    "CheckpointAgreement",
    "Estimate",
    "InnerProducts",
    "Resamples",
    "agreement_of",
    "estimate",
    "inner_products_of",
    "minibatch_agreement",
    "pair_name",
    "parts_of",
]
