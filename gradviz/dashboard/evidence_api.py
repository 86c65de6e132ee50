"""The addresses of the HTTP API for the evidence: the claims, and each one's verdict, measured part by part."""

import time

from flask import Blueprint, Response, request

from gradviz.compute.evidence import PartQuestion
from gradviz.compute.interface import Compute, StillWanted
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.question import Question
from gradviz.compute.stepwise import needs_of, verdict_of
from gradviz.dashboard import query
from gradviz.dashboard.connection import still_connected
from gradviz.dashboard.evidence_links import address_of
from gradviz.dashboard.query import from_arguments
from gradviz.dashboard.sending import sent_json
from gradviz.errors import UserError
from gradviz.evidence.claims import CLAIMS
from gradviz.evidence.studied import Studied
from gradviz.evidence.verdict import Kind
from gradviz.experiment.store import RunStore

_STEP_SECONDS = 0.5
"""A request ends with the part during which this has passed: the page tells how far it is, and may stop asking."""


def add_evidence(api: Blueprint, compute: Compute, store: RunStore) -> None:
    """Adds `GET /evidence` and `GET /evidence/CLAIM`."""

    @api.get("/evidence")
    def claims() -> Response:
        from_arguments(query.Nothing, request.args)
        texts = ("key", "question", "quotation", "rule")
        return sent_json({"claims": [{name: getattr(claim, name) for name in texts} for claim in CLAIMS]})

    @api.get("/evidence/<claim>")
    def evidence(claim: str) -> Response:
        asked = from_arguments(query.EvidenceQuery, request.args, claim=claim)
        return sent_json(told(asked.claim, compute, store, still_connected(request.environ)))


def told(key: str, compute: Compute, store: RunStore, still_wanted: StillWanted = lambda: True) -> dict[str, object]:
    """How far the verdict on a claim is, as plain JSON, after some more of it is measured; UserError for no such claim.

    A page that asks again and again has it measured; one that has gone away leaves a part or two under way at most.
    """
    if key not in {claim.key for claim in CLAIMS}:
        raise UserError(f"`claim` must be one of {', '.join(claim.key for claim in CLAIMS)}, got {key}.")
    answer: dict[str, object] = {"key": key, "verdict": Kind.UNKNOWN, "figures": []}
    studied = Studied.of(store)
    needs = needs_of(key, studied)
    if needs.missing:
        return answer | {"state": "missing", "message": needs.missing, "done": 0, "of": 0}
    known: dict[Question, bytes] = {}
    until = time.monotonic() + _STEP_SECONDS
    for question in needs.questions:  # asked one by one: who leaves has asked for no more than was measured
        [ticket] = compute.submit([question], "sweep")
        was_there = compute.progress(ticket) == "done"
        known[question] = compute.result(ticket, still_wanted)
        if not was_there and time.monotonic() > until:
            break
    progress = {"done": len(known), "of": len(needs.questions)}
    if len(known) < len(needs.questions):
        return answer | progress | {"state": "measuring", "message": _doing(needs.questions[len(known)])}
    verdict, evidence = verdict_of(key, studied, known)
    figures = [
        figure.estimate.model_dump()
        | {"name": figure.name, "unit": figure.unit, "sample": figure.sample}
        | {"address": address_of(figure, verdict, evidence)}
        for figure in verdict.figures
    ]
    reached = {"verdict": verdict.kind, "message": verdict.why, "figures": figures}
    return answer | progress | {"state": "measured"} | reached


def _doing(question: Question) -> str:
    if isinstance(question, LandscapeQuestion):
        asked = question.request
        return f"a landscape of {asked.run} at epoch {asked.epoch}, minibatch {asked.minibatch}"
    assert isinstance(question, PartQuestion)
    return question.doing
