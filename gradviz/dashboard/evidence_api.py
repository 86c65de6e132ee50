"""HTTP API of the evidence: the claims, and the verdict on each, measured part by part."""

import time

from flask import Response

from gradviz.compute.interface import Compute, StillWanted
from gradviz.compute.kinds import question_of
from gradviz.dashboard import answers
from gradviz.dashboard.evidence_links import address_of
from gradviz.dashboard.query import Claim
from gradviz.dashboard.routes import Operation, Served
from gradviz.dashboard.sending import sent_json
from gradviz.evidence.claims import CLAIMS, claim_of
from gradviz.evidence.gathering import evidence_of
from gradviz.evidence.measuring import doing
from gradviz.evidence.parts import Asked
from gradviz.evidence.readings import NotThere
from gradviz.evidence.studied import Studied
from gradviz.evidence.verdict import Figure, Kind
from gradviz.experiment.store import RunStore

_STEP_SECONDS = 0.5
"""A request ends after the part that passes this limit, so that the page can show progress, and stop."""


def claims(served: Served) -> Response:
    texts = ("key", "question", "quotation", "rule")
    return sent_json({"claims": [{name: getattr(claim, name) for name in texts} for claim in CLAIMS]})


def verdict(served: Served, asked: Claim) -> Response:
    return sent_json(told(asked.claim, served.compute, served.store, served.still_wanted))


OPERATIONS = (
    Operation("get", "/evidence", claims, "The claims of the text", (), answers.ClaimsAnswer),
    Operation("get", "/evidence/{claim}", verdict, "Verdict on a claim", (Claim,), answers.VerdictAnswer),
)


def told(key: str, compute: Compute, store: RunStore, still_wanted: StillWanted = lambda: True) -> dict[str, object]:
    """Measures a little more for a claim and returns the progress as plain JSON; UserError for an unknown claim.

    The page repeats the request until the verdict is there; if it leaves, at most a part or two remain running.
    """
    claim, studied = claim_of(key), Studied.of(store)
    answer: dict[str, object] = {"key": key, "verdict": Kind.UNKNOWN, "tone": Kind.UNKNOWN.tone, "figures": []}
    try:
        wanted = claim.asked(studied)
    except NotThere as missing:
        return answer | {"state": "missing", "message": str(missing), "done": 0, "of": 0}
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
    verdict = claim.verdict(evidence_of(studied, known))
    return (
        answer
        | progress
        | {
            "state": "measured",
            "verdict": verdict.kind,
            "tone": verdict.kind.tone,
            "message": verdict.why,
            "figures": [_figure(figure) for figure in verdict.figures],
        }
    )


def _figure(figure: Figure) -> dict[str, object]:
    return {
        **figure.estimate.model_dump(),
        "name": figure.name,
        "unit": figure.unit,
        "sample": figure.sample,
        "range": figure.range,
        "address": address_of(figure.shown),
    }
