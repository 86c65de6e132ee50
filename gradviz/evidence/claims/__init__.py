"""The claims of the source, each one value: its words, what it reads, how it decides, its numbers with their links."""

from gradviz.errors import UserError
from gradviz.evidence.claims.accuracy import ACCURATE
from gradviz.evidence.claims.batchnorm import BATCHNORM_LIKE_DROPOUT, BATCHNORM_MINIBATCHES, BATCHNORM_ROUGH
from gradviz.evidence.claims.chosen import CHOSEN_ROWS
from gradviz.evidence.claims.claim import Claim
from gradviz.evidence.claims.drift import NORM_DRIFT
from gradviz.evidence.claims.dropout import DROPOUT_MINIBATCHES, DROPOUT_ROUGH, DROPOUT_START
from gradviz.evidence.claims.minibatches import COMPOSITION, MID_TRAINING, START
from gradviz.evidence.claims.paths import PATH_CLAIMS
from gradviz.evidence.claims.step import SGD
from gradviz.evidence.gathered import Evidence
from gradviz.evidence.studied import NotThere, Setting
from gradviz.evidence.verdict import Verdict

CLAIMS: tuple[Claim, ...] = (
    ACCURATE,
    START,
    MID_TRAINING,
    COMPOSITION,
    CHOSEN_ROWS,
    DROPOUT_MINIBATCHES,
    DROPOUT_ROUGH,
    DROPOUT_START,
    NORM_DRIFT,
    BATCHNORM_ROUGH,
    BATCHNORM_MINIBATCHES,
    BATCHNORM_LIKE_DROPOUT,
    SGD,
    *PATH_CLAIMS,
)
"""In the order of the source's text."""

_BY_KEY = {claim.key: claim for claim in CLAIMS}


def claim_of(key: str) -> Claim:
    """The claim of this key; UserError names all if there is none."""
    if key not in _BY_KEY:
        raise UserError(f"`claim` must be one of {', '.join(_BY_KEY)}, got {key}.")
    return _BY_KEY[key]


def absences(studied: Setting) -> tuple[tuple[str, str], ...]:
    """The keys of the claims that these runs do not allow, each with what they lack and what to do."""
    found = []
    for claim in CLAIMS:
        try:
            claim.asked(studied)
        except NotThere as missing:
            found.append((claim.key, str(missing)))
    return tuple(found)


def verdicts(evidence: Evidence) -> list[Verdict]:
    """One for each claim, in their order."""
    return [claim.verdict(evidence) for claim in CLAIMS]
