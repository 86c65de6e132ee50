"""What is said of a claim follows its numbers: with the numbers turned round, another sentence; and no number is said
that was not measured."""

import math

import pytest

from gradviz.evidence.claims import CLAIMS, Claim, claim_of, verdicts
from gradviz.evidence.values import Estimate
from gradviz.evidence.verdict import Figure, Threshold
from tests.evidence.made import evidence
from tests.evidence.test_thresholds import THRESHOLDS


@pytest.mark.parametrize("name", THRESHOLDS)
def test_the_answer_is_another_on_the_other_side_of_the_line(name: str):
    threshold = THRESHOLDS[name]
    beside = math.nextafter(threshold.limit, math.inf if threshold.is_above else -math.inf)
    claim = claim_of(threshold.claim)
    at, other = (
        claim.verdict(threshold.made(Estimate(value=value))).says.partition(":")[0]
        for value in (threshold.limit, beside)
    )
    assert at == claim.answers[threshold.at]
    assert other == claim.answers[threshold.beside]
    assert at != other


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_each_claim_has_an_answer_for_each_verdict_and_no_two_are_alike(claim: Claim):
    assert len(set(claim.answers.values())) == len(claim.answers) > 1
    assert claim.verdict(evidence()).kind in claim.answers


def test_a_line_that_is_drawn_is_the_line_that_decides():
    """Where a rule is told at a number, that number's bar has its line there."""
    for threshold in THRESHOLDS.values():
        verdict = claim_of(threshold.claim).verdict(threshold.made(Estimate(value=threshold.limit)))
        lines = [line.value for figure in verdict.figures for line in figure.thresholds]
        limit = verdict_limit(verdict.claim, threshold.limit)
        assert any(line == pytest.approx(limit) for line in lines), verdict.claim


def verdict_limit(claim: str, limit: float) -> float:
    """Of the cost of R², which the bar tells as R² that is left."""
    return 0.0 if claim == "accurate" and limit == 0.01 else limit


def test_what_is_asked_is_said_as_the_bar_draws_it():
    line = Threshold(value=0.3, side="at least")
    assert line.words("%") == "≥ 30 %"
    assert Threshold(value=2.0, side="at least", end="lower end").words("times") == "lower end ≥ 2"
    figure = Figure(name="angle", estimate=Estimate(value=1.0), unit="°")
    asked = figure.against(Threshold(value=15.0, side="at least", what="3 × without"), line)
    assert asked.asked == "≥ 15° (3 × without), ≥ 0.3°"


def test_every_claim_that_is_measured_says_something_and_shows_something():
    for verdict in verdicts(evidence()):
        assert verdict.says.endswith(".")
        assert verdict.picture is not None
        assert verdict.picture.planes or verdict.picture.chart or verdict.picture.losses
        assert any(figure.thresholds for figure in verdict.figures), verdict.claim
