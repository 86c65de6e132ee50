"""What the claims on batch normalization cannot tell: remarks beside their verdicts."""

from gradviz.evidence.measurements import Evidence, StudyEvidence
from gradviz.evidence.roles import BATCHNORM

_OTHER = {"before": "after", "after": "before"}

ONE_DRAW = "Each seed, and each number of threads, is one draw of a training: how many of a few agree decides nothing."


def chaos(evidence: Evidence | StudyEvidence) -> str:
    """Of other studies, where trainings with other CPU threads are not compared."""
    if isinstance(evidence, Evidence):
        return ""
    return (
        f"A training with batch statistics can be chaotic in rounding. {ONE_DRAW} Trainings with other CPU threads are"
        " compared in runs of deliveries alone."
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
