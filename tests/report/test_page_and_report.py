"""The page and the report ask for the same measurements: what one has measured the other has, with the same verdict."""

from pathlib import Path
from typing import Any

import pytest

from gradviz.compute.cache import FieldCache
from gradviz.compute.kinds import question_of
from gradviz.compute.local import LocalCompute
from gradviz.compute.memory import answered
from gradviz.compute.question import Question
from gradviz.dashboard.evidence_api import told
from gradviz.evidence import rules
from gradviz.evidence.claims import CLAIMS, claim_of
from gradviz.evidence.gathering import everything
from gradviz.evidence.roles import PLAIN
from gradviz.evidence.studied import Studied
from gradviz.evidence.verdict import Kind, Verdict
from gradviz.experiment.store import RunStore
from gradviz.report.measuring import Measuring
from tests.evidence.repeated import repeated


def test_what_the_report_has_measured_the_page_does_not_measure_again(
    tiny_store: RunStore, measured: FieldCache, monkeypatch: pytest.MonkeyPatch
):
    compute = LocalCompute(tiny_store, measured, device="cpu")
    evidence = Measuring(compute).evidence()
    monkeypatch.setattr("gradviz.compute.local.answered", None)  # whoever computes fails
    for claim in CLAIMS:
        on_page, verdict = told(claim.key, compute, compute.store), claim.verdict(evidence)
        assert _agree(on_page, verdict)
        assert on_page["state"] == ("missing" if claim.reads_paths else "measured")
        assert on_page["message"] == verdict.why


def test_both_say_the_same_of_a_training_with_other_threads(own_runs: Path, measured: FieldCache):
    other = repeated(own_runs, "batchnorm", moved=0.5)
    compute = LocalCompute(RunStore(own_runs), measured, device="cpu")
    evidence = Measuring(compute).evidence()
    assert [each.record.name for each in evidence.by_threads] == [other]
    chaotic = [claim for claim in CLAIMS if claim.is_chaotic]
    for claim in chaotic:
        on_page, verdict = told(claim.key, compute, compute.store), claim.verdict(evidence)
        assert _agree(on_page, verdict)
        assert (on_page["says"], on_page["notes"]) == (verdict.says, verdict.notes)
        assert "By the training with 2 threads instead of 1" in verdict.says
    assert set(everything(Studied.of(compute.store))).issuperset(
        asked for claim in chaotic for asked in claim.asked(Studied.of(compute.store))
    )


def test_what_the_page_has_measured_the_report_does_not_measure_again(
    tiny_store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    compute = LocalCompute(tiny_store, FieldCache(tmp_path), device="cpu")
    claims = [claim for claim in CLAIMS if claim.roles == (PLAIN,) and not claim.reads_paths]
    assert {claim.key for claim in claims} >= {"accurate", "start", "mid-training", "composition", "chosen-rows", "sgd"}
    on_page = []
    for claim in claims:
        while (answer := told(claim.key, compute, compute.store))["state"] == "measuring":
            pass
        on_page.append(answer)
    computed: list[str] = []

    def noted(question: Question, *rest: Any) -> bytes:
        computed.append(question.key(tiny_store))
        return answered(question, *rest)

    monkeypatch.setattr("gradviz.compute.local.answered", noted)
    evidence = Measuring(compute).evidence()
    studied = Studied.of(compute.store)
    assert computed  # what no claim reads: the page asks for none of it
    asked = {question_of(asked).key(tiny_store) for claim in claims for asked in claim.asked(studied)}
    assert not asked & set(computed)
    assert all(_agree(answer, claim.verdict(evidence)) for answer, claim in zip(on_page, claims, strict=True))
    assert {answer["state"] for answer in on_page} == {"measured"}


def test_the_report_asks_for_all_that_any_claim_reads(tiny_store: RunStore):
    studied = Studied.of(tiny_store)
    asked = set(everything(studied))
    assert all(asked.issuperset(claim.asked(studied)) for claim in CLAIMS if not claim.reads_paths)


def _agree(on_page: dict[str, Any], verdict: Verdict) -> bool:
    names = ("name", "unit", "sample", "value", "low", "high")
    figures = [
        {**figure.model_dump(include={"name", "unit", "sample"}), **figure.estimate.model_dump()}
        for figure in verdict.figures
    ]
    shown = [{name: figure[name] for name in names} for figure in on_page["figures"]]
    return (on_page["verdict"], on_page["tone"], shown) == (verdict.words, verdict.tone, figures)


@pytest.mark.parametrize("epochs", [2, 10])
def test_both_say_why_a_claim_is_not_measured(
    tiny_store: RunStore, measured: FieldCache, monkeypatch: pytest.MonkeyPatch, epochs: int
):
    monkeypatch.setattr(rules, "BATCHNORM_EPOCH", epochs)
    compute = LocalCompute(tiny_store, measured, device="cpu")
    found = claim_of("batchnorm-minibatches").verdict(Measuring(compute).evidence())
    on_page = told("batchnorm-minibatches", compute, compute.store)
    assert (on_page["state"], found.kind == Kind.UNKNOWN) == (("measured", False) if epochs == 2 else ("missing", True))
    assert on_page["message"] == found.why
    missing = "The run batchnorm has no checkpoint of epoch 10: train more epochs, in Training."
    assert found.why == ("" if epochs == 2 else missing)
