"""What a verdict says of other choices: the median of random units, falling epochs, another preset, another norm."""

import json
import shutil
from pathlib import Path

import pytest

from gradviz.evidence import rules
from gradviz.evidence.claims import claim_of
from gradviz.evidence.claims.claim import Claim
from gradviz.evidence.controls import OtherPreset
from gradviz.evidence.parts import Part
from gradviz.evidence.roles import PLAIN
from gradviz.evidence.studied import Studied
from gradviz.experiment.store import RunStore
from tests.evidence.made import PAIRS, checkpoint, evidence, random_pairs, record

MID, START, FROZEN = claim_of("mid-training"), claim_of("start"), claim_of("dropout-minibatches")
BETA = claim_of("batchnorm-minibatches")


def with_pairs(key: str, run: str, **change: float) -> tuple:
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


def test_at_mid_training_the_median_is_of_the_drawn_epoch():
    same = MID.verdict(evidence())
    other = MID.verdict(evidence(random_pairs=with_pairs("mid-none", "none", opposite=0.29)))
    said = (
        "At epoch 3, which is drawn, the median of pairs of random live units gives {} answer as the first two units."
    )
    assert said.format("the same") in same.notes
    assert said.format("another") in other.notes


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
