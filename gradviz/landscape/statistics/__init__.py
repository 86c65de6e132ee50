"""What is measured of gradients and landscapes: agreement, roughness, null models, the measures of the literature."""

from gradviz.landscape.statistics.agreement import Agreement, agreement_of
from gradviz.landscape.statistics.bootstrap import Estimate, Resamples, estimate
from gradviz.landscape.statistics.checkpoint import CheckpointAgreement, minibatch_agreement, pair_name, parts_of
from gradviz.landscape.statistics.inner_products import InnerProducts, inner_products_of
from gradviz.landscape.statistics.masks_split import MasksSplit, masks_split
from gradviz.landscape.statistics.null_model import NullAgreement, null_agreement, redrawn_agreement, sensitivity
from gradviz.landscape.statistics.per_example import example_products

__all__ = [
    "Agreement",
    "CheckpointAgreement",
    "Estimate",
    "InnerProducts",
    "MasksSplit",
    "NullAgreement",
    "Resamples",
    "agreement_of",
    "estimate",
    "example_products",
    "inner_products_of",
    "masks_split",
    "minibatch_agreement",
    "null_agreement",
    "pair_name",
    "parts_of",
    "redrawn_agreement",
    "sensitivity",
]
