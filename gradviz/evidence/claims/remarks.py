"""What the claims on batch normalization cannot tell: remarks beside their verdicts."""

from gradviz.evidence.measurements import Evidence, StudyEvidence
from gradviz.evidence.roles import BATCHNORM

_OTHER = {"before": "after", "after": "before"}


def chaos(evidence: Evidence | StudyEvidence) -> str:
    """Of every training with batch statistics."""
    return (
        "A training with batch statistics is chaotic in rounding: with another number of threads, which only rounds"
        " sums differently, one of full size differs after an epoch by 82 % of the epoch's step. So each seed, and each"
        " number of threads, is one draw, and how many of a few seeds agree decides nothing."
    )


def placement(evidence: Evidence | StudyEvidence) -> str:
    """Which placement of the norm was measured; of other studies nothing is known of it."""
    record = evidence.record(BATCHNORM) if isinstance(evidence, Evidence) else None
    if record is None:
        return ""
    own = "after" if record.regularizer.norm_after else "before"
    other = _OTHER[own]
    return (
        f"Measured with the norm {own} the activation. With the norm {other} it the network is another one, which needs"
        f" its own training: `gradviz report --norm-placement {other} --runs {other} --out report-{other}`."
    )
