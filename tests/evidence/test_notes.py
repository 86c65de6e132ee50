"""What a verdict says of other choices: the median of random units, falling epochs, another preset, another norm."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gradviz.evidence import rules
from gradviz.evidence.claims import claim_of
from gradviz.evidence.claims.claim import Claim
from gradviz.evidence.controls import OtherPreset, RoughPairs
from gradviz.evidence.figures import median_angle, median_angle_of
from gradviz.evidence.parts import Part
from gradviz.evidence.roles import PLAIN
from gradviz.evidence.studied import Studied
from gradviz.evidence.verdict import Kind
from gradviz.experiment.store import RunStore
from tests.evidence.made import PAIRS, ROUGH, checkpoint, evidence, random_pairs, record, rough_pairs, round_off

MID, START, FROZEN = claim_of("mid-training"), claim_of("start"), claim_of("dropout-minibatches")
BETA = claim_of("batchnorm-minibatches")
ROUGH_CLAIMS = tuple(map(claim_of, ("dropout-rough", "dropout-start", "batchnorm-rough", "batchnorm-like-dropout")))


def with_pairs(key: str, run: str, **change: Any) -> tuple:
    return (*(each for each in PAIRS if each.scene != key), *random_pairs(key, run, **change))


@pytest.mark.parametrize(
    ("claim", "key", "run", "at", "beside"),
    [
        (START, "start-none", "none", {"resultant": 0.9}, {"resultant": 0.89}),
        (FROZEN, "dropout-frozen", "dropout", {"opposite": 0.3}, {"opposite": 0.29}),
        (BETA, "batchnorm-beta", "batchnorm", {"opposite": 0.3}, {"opposite": 0.29}),
    ],
    ids=lambda value: value.key if isinstance(value, Claim) else None,
)
def test_the_median_of_random_units_says_the_same_or_what_it_would_be(claim: Claim, key, run, at, beside):
    same, other = (claim.verdict(evidence(random_pairs=with_pairs(key, run, **change))) for change in (at, beside))
    assert same.kind == other.kind
    assert "By the median of pairs of random live units the verdict is the same." in same.notes
    assert "By the median of pairs of random live units it would be: does not hold." in other.notes
    names = [figure.name for figure in same.figures if figure.name.startswith("median")]
    assert len(names) == len(same.views)
    assert all(name.endswith("random units") for name in names)


def test_at_mid_training_the_medians_of_all_checkpoints_say_the_same_or_what_it_would_be():
    one = (*(each for each in PAIRS if (each.scene, each.epoch) != ("mid-none", 2)),)
    some = (*one, *random_pairs("mid-none", "none", opposite=0.29, epoch=2))
    same, other = (MID.verdict(evidence(random_pairs=pairs)) for pairs in (PAIRS, some))
    assert same.kind == other.kind
    assert "By the median of pairs of random live units the verdict is the same." in same.notes
    assert "By the median of pairs of random live units it would be: holds at some checkpoints." in other.notes
    counts = [
        next(each for each in verdict.figures if each.name.endswith("median of random units"))
        for verdict in (same, other)
    ]
    assert [(each.estimate.value, each.sample) for each in counts] == [
        (2, "of 2 of mid-training"),
        (1, counts[0].sample),
    ]
    assert MID.verdict(evidence(random_pairs=one)).kind == Kind.UNKNOWN  # a checkpoint is not measured


def with_rough(*changed: RoughPairs) -> tuple[RoughPairs, ...]:
    keys = {each.scene for each in changed}
    return (*(each for each in ROUGH if each.scene not in keys), *changed)


def test_a_verdict_on_roughness_is_the_same_by_random_units():
    whole = evidence()
    units = "any two of the 100 units of hidden.1.linear.bias, none of which has a gradient beyond round-off,"
    for claim in ROUGH_CLAIMS:
        by = units if claim.key == "batchnorm-rough" else "the median of pairs of random live units"
        assert f"By {by} the verdict is the same." in claim.verdict(whole).notes


@pytest.mark.parametrize(
    ("claim", "changed", "would_be"),
    [
        ("dropout-rough", rough_pairs("mid-dropout", "dropout", 5, 17.9, 80), "does not hold"),
        (
            "dropout-rough",
            (*rough_pairs("mid-dropout", "dropout", 50), *rough_pairs("dropout-frozen", "dropout", 10, 17, 20)),
            "holds",
        ),
        ("dropout-rough", rough_pairs("dropout-frozen", "dropout", num_live=1), "cannot be told"),
        ("dropout-start", rough_pairs("start-dropout", "dropout", 10, 51, 90), "does not hold"),
        ("batchnorm-rough", rough_pairs("batchnorm-linear", "batchnorm", 1, 20, 90), "holds"),
        ("batchnorm-rough", rough_pairs("batchnorm-linear", "batchnorm", 1, 9, 90), "does not hold"),
        ("batchnorm-like-dropout", rough_pairs("batchnorm-beta", "batchnorm", 5, 14, 90), "does not hold"),
        ("batchnorm-like-dropout", rough_pairs("batchnorm-beta", "batchnorm", 5, 55, 90), "does not hold"),
    ],
)
def test_a_verdict_on_roughness_says_what_it_would_be_by_random_units(claim: str, changed, would_be: str):
    asked = claim_of(claim)
    verdict, own = asked.verdict(evidence(rough_pairs=with_rough(*changed))), asked.verdict(evidence())
    assert verdict.kind == own.kind  # the rule reads the first two units
    assert verdict.says == own.says
    assert f"By the median of pairs of random live units it would be: {would_be}." in verdict.notes


def test_dropout_at_the_start_also_reads_how_much_random_units_agree():
    asked = claim_of("dropout-start")
    other = asked.verdict(evidence(random_pairs=with_pairs("start-dropout", "dropout", resultant=0.29)))
    assert other.kind == Kind.HOLDS
    assert "By the median of pairs of random live units it would be: does not hold." in other.notes


def test_a_zero_gradient_of_all_units_does_not_explain_one_that_is_not_zero():
    """Where float64 finds a gradient of the first two, but of no unit at the centre: the two do not say the same."""
    verdict = claim_of("batchnorm-rough").verdict(evidence(round_off=round_off(1e-3)))
    assert verdict.kind == Kind.HOLDS
    assert any(note.endswith("it would be: artefact of float32 round-off.") for note in verdict.notes)


def test_the_median_of_roughness_is_over_draws_of_a_pair_in_every_panel():
    first = rough_pairs("batchnorm-beta", "batchnorm", 10, 20, None, None)[0]
    second = rough_pairs("batchnorm-beta", "batchnorm", 20, 60, 2, None)[0]
    third = rough_pairs("batchnorm-beta", "batchnorm", num_live=1)[0]
    found = median_angle((first, second, third))  # of 15, 40 and 2: the third has no pairs, the last draw no arrows
    assert found.value == 15
    assert (found.low, found.high) == pytest.approx((2 + 0.05 * 13, 40 - 0.05 * 25))
    figure = median_angle_of((first, second, third), "here")
    assert figure.sample == (
        "4 pairs of 60 live of 100 units (2 without arrows), 4 pairs of 60 live of 100 units (1 without arrows)"
        " and 0 pairs of 1 live of 100 units, 4 minibatches, with the middle 95 % of the pairs, epoch 3"
    )
    assert median_angle_of((third,), "here").sample.startswith(
        "0 pairs of 1 live of 100 units of hidden.1.linear.bias, 4"
    )
    assert median_angle((third, third)).value is None


def test_every_falling_epoch_says_whether_the_limit_of_the_loss_decides():
    checkpoints = (*(checkpoint(epoch, opposite=0.0) for epoch in (0, 1)), *(checkpoint(epoch) for epoch in (2, 3)))
    alone = MID.verdict(evidence())
    assert any("By every falling epoch" in note and "the verdict is the same" in note for note in alone.notes)
    with_more = MID.verdict(evidence(checkpoints=checkpoints, falling=(0, 1, 2, 3)))
    assert with_more.kind == alone.kind
    assert any(note.endswith("it would be: holds at some checkpoints.") for note in with_more.notes)
    figure = next(each for each in with_more.figures if "every falling epoch" in each.name)
    assert (figure.estimate.value, figure.sample) == (2, "of 4 whose training loss falls")


def test_another_preset_is_measured_beside_it():
    others = (OtherPreset(run="source", preset="source", mid_training=(5,), falling=(4, 5)),)
    theirs = [checkpoint(epoch, opposite=0.0).model_copy(update={"run": "source"}) for epoch in (4, 5)]
    whole = evidence(others=others, checkpoints=(*evidence().checkpoints, *theirs))
    verdict = MID.verdict(whole)
    assert verdict.kind == MID.verdict(evidence()).kind
    assert "By the run source of preset source it would be: does not hold." in verdict.notes
    figure = next(each for each in verdict.figures if each.name.endswith("preset source"))
    assert (figure.estimate.value, figure.sample) == (0, "of 1 of mid-training, run source")
    assert not any("alone" in note for note in verdict.notes)
    assert any("Measured with preset quick alone" in note for note in MID.verdict(evidence()).notes)


def test_a_run_of_another_preset_is_found_beside_the_own_one(own_runs: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rules, "MID_LOSS", 1.0)
    assert Studied.of(RunStore(own_runs)).others() == ()
    for name, preset in (("b-source", "source"), ("c-source", "source"), ("again", "quick")):
        shutil.copytree(own_runs / "none", own_runs / name)
        told = json.loads((own_runs / name / "run.json").read_text())
        (own_runs / name / "run.json").write_text(json.dumps(told | {"name": name, "preset": preset}))
    studied = Studied.of(RunStore(own_runs))
    assert studied.runs[PLAIN].name == "none"
    assert studied.others() == (OtherPreset(run="b-source", preset="source", mid_training=(1,), falling=(1,)),)
    assert Part("checkpoint", "b-source", 1) in MID.asked(studied)


@pytest.mark.parametrize("own", ["before", "after"])
def test_claims_on_batch_normalization_say_which_norm_was_measured_and_that_counting_seeds_is_no_proof(own: str):
    runs = (record("none"), record("dropout"), record("batchnorm" if own == "before" else "batchnorm(after)"))
    verdict = BETA.verdict(evidence(runs=tuple(each.model_copy(update={"name": name}) for each, name in zip(
        runs, ("none", "dropout", "batchnorm"), strict=True))))  # fmt: skip
    other = {"before": "after", "after": "before"}[own]
    [placed] = [note for note in verdict.notes if note.startswith("Measured with the norm")]
    assert f"the norm {own} the activation" in placed
    assert f"--norm-placement {other}" in placed
    assert any("how many of a few agree decides nothing" in note for note in verdict.notes)
    assert [claim.is_chaotic for claim in (MID, START, FROZEN, BETA)] == [False, False, False, True]
