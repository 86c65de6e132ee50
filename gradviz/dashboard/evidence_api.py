"""HTTP API of the evidence: the claims, and the verdict on each, measured part by part."""

import time
from collections.abc import Callable
from dataclasses import asdict

from flask import Response

from gradviz.compute.interface import Compute, StillWanted
from gradviz.compute.kinds import question_of
from gradviz.dashboard import evidence_answers
from gradviz.dashboard.evidence_links import address_of
from gradviz.dashboard.evidence_told import figure_told, picture_told
from gradviz.dashboard.query import Claim as ClaimKey
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.sending import sent_json
from gradviz.errors import UserError
from gradviz.evidence.claims import CLAIMS, Claim, claim_of
from gradviz.evidence.claims.studies import Absent, claims_of
from gradviz.evidence.gathered import Evidence, StudyEvidence
from gradviz.evidence.gathering import evidence_of
from gradviz.evidence.gathering_studies import study_evidence
from gradviz.evidence.measuring import doing
from gradviz.evidence.parts import Answers, Asked
from gradviz.evidence.path_taking import KeptPaths, nothing_kept
from gradviz.evidence.studied import NotThere, Setting, Studied
from gradviz.evidence.studied_runs import StudiedRuns
from gradviz.evidence.verdict import Kind
from gradviz.experiment.store import RunStore

_STEP_SECONDS = 0.5
"""A request ends after the part that passes this limit, so that the page can show progress, and stop."""


def claims(served: Served) -> Response:
    texts = ("key", "question", "quotation", "rule")
    studies = _studies(served.store)
    # Without a run of deliveries its claims are shown only where there is nothing else to show.
    found = [] if studies and not served.store.runs() else list(CLAIMS)
    absent: list[Absent] = []
    for study in studies:
        allowed, others = claims_of(StudiedRuns.of(served.store, study))
        found += allowed
        absent += others
    told = [{name: getattr(claim, name) for name in texts} | asdict(claim.beside) for claim in found]
    return sent_json({"claims": told, "absent": [asdict(each) for each in absent]})


def verdict(served: Served, asked: ClaimKey) -> Response:
    return sent_json(told(asked.claim, served.compute, served.store, served.still_wanted, served.paths.kept))


OPERATIONS = (
    Operation(
        "get", "/evidence", claims, "The claims of the text, as the runs allow them", (), evidence_answers.ClaimsAnswer
    ),
    Operation("get", "/evidence/{claim}", verdict, "Verdict on a claim", (ClaimKey,), evidence_answers.VerdictAnswer),
)


def told(
    key: str,
    compute: Compute,
    store: RunStore,
    still_wanted: StillWanted = lambda: True,
    kept: KeptPaths = nothing_kept,
) -> dict[str, object]:
    """Measures a little more for a claim and returns the progress as plain JSON; UserError for an unknown claim.
    `kept` finds paths that were measured.

    The page repeats the request until the verdict is there; if it leaves, at most a part or two remain running.
    """
    claim, studied, evidence_by = _asked(key, store, kept)
    answer: dict[str, object] = {
        "key": key,
        "verdict": Kind.UNKNOWN,
        "tone": Kind.UNKNOWN.tone,
        "says": "",
        "figures": [],
        "notes": [],
        "picture": None,
        "address": "",
    }
    try:
        wanted = claim.asked(studied)
    except NotThere as missing:
        where = {"address": address_of(missing.shown)}
        return answer | where | {"state": "missing", "message": str(missing), "done": 0, "of": 0}
    known: dict[Asked, bytes] = {}
    until = time.monotonic() + _STEP_SECONDS
    for asked in wanted:  # one by one: a client that leaves has nothing left in the queue
        [ticket] = compute.submit([question_of(asked)], "sweep")
        was_there = compute.progress(ticket) == "done"
        known[asked] = compute.result(ticket, still_wanted)
        if not was_there and time.monotonic() > until:
            break
    progress = {"done": len(known), "of": len(wanted)}
    if len(known) < len(wanted):
        return answer | progress | {"state": "measuring", "message": doing(wanted[len(known)])}
    verdict = claim.verdict(evidence_by(known))
    return (
        answer
        | progress
        | {
            "state": "measured",
            "verdict": verdict.words,
            "tone": verdict.tone,
            "message": verdict.why,
            "says": verdict.says,
            "notes": verdict.notes,
            "picture": picture_told(verdict.picture) if verdict.picture else None,
            "figures": [figure_told(figure) for figure in verdict.figures],
        }
    )


def _asked(
    key: str, store: RunStore, kept: KeptPaths
) -> tuple[Claim, Setting, Callable[[Answers], Evidence | StudyEvidence]]:
    """The claim of this key, the runs that it is about, and what makes the evidence of the answers; UserError if there
    is no such claim, or the runs do not allow it."""
    study, dot, _ = key.rpartition(".")
    if not dot:
        claim = claim_of(key)
        of_deliveries = Studied.of(store, kept if claim.reads_paths else nothing_kept)
        return claim, of_deliveries, lambda answers: evidence_of(of_deliveries, answers)
    studied = StudiedRuns.of(store, study)
    allowed, absent = claims_of(studied)
    claim = next((each for each in allowed if each.key == key), None)
    if claim is None:
        lacking = next((each.reason for each in absent if each.key == key), None)
        raise UserError(lacking or f"`claim` must be one of {', '.join(each.key for each in allowed)}, got {key}.")
    return claim, studied, lambda answers: study_evidence(studied, answers)


def _studies(store: RunStore) -> list[str]:
    """Names of the other studies that have runs."""
    return sorted({run.study_name for run in store.study_runs()})
