"""Which run plays which role, and which of its epochs are studied."""

import json
import shutil
from pathlib import Path

import pytest

from gradviz.evidence import rules
from gradviz.evidence.claims import CLAIMS, absences, verdicts
from gradviz.evidence.roles import BATCHNORM, DROPOUT, PLAIN, ROLES, mode_of
from gradviz.evidence.scenes import SCENES, scenes_of
from gradviz.evidence.studied import NotThere, Studied, When
from gradviz.evidence.verdict import Kind
from gradviz.experiment.run_directory import checkpoint_path
from gradviz.experiment.store import RunStore
from tests.evidence.made import evidence


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any loss that falls is mid-training, and the tenth epoch is the second."""
    monkeypatch.setattr(rules, "MID_LOSS", 1.0)
    monkeypatch.setattr(rules, "BATCHNORM_EPOCH", 2)


@pytest.mark.usefixtures("short")
def test_each_run_plays_the_role_of_its_regularizer(tiny_store: RunStore):
    studied = Studied.of(tiny_store)
    assert tuple(studied.runs) == ROLES
    assert [run.name for run in studied.runs.values()] == ["none", "dropout", "batchnorm"]
    assert [spec.design for spec in scenes_of(studied)] == list(SCENES)


def test_the_run_of_the_usual_name_plays_the_role_before_others(own_runs: Path):
    shutil.copytree(own_runs / "dropout", own_runs / "another")
    shutil.move(own_runs / "batchnorm", own_runs / "first-norm")
    for name in ("another", "first-norm"):
        record = json.loads((own_runs / name / "run.json").read_text())
        (own_runs / name / "run.json").write_text(json.dumps(record | {"name": name}))
    studied = Studied.of(RunStore(own_runs))
    assert {role: run.name for role, run in studied.runs.items()} == {
        PLAIN: "none",
        DROPOUT: "dropout",
        BATCHNORM: "first-norm",
    }


def test_a_run_is_measured_in_the_mode_that_it_is_trained_in(tiny_store: RunStore):
    modes = [mode_of(tiny_store.run(name).config) for name in ("none", "dropout", "batchnorm")]
    assert modes == ["eval", "train", "train"]


def test_a_run_without_a_measured_checkpoint_plays_no_role(own_runs: Path):
    for epoch in range(3):
        checkpoint_path(own_runs / "dropout", epoch).unlink()
    (own_runs / "batchnorm" / "metrics.csv").unlink()
    studied = Studied.of(RunStore(own_runs))
    assert list(studied.runs) == [PLAIN]
    assert {spec.design.role for spec in scenes_of(studied)} == {PLAIN}


@pytest.mark.usefixtures("short")
def test_epochs_are_those_with_a_checkpoint(own_runs: Path):
    whole = Studied.of(RunStore(own_runs))
    assert (whole.epochs["none"], whole.mid_training()) == ((0, 1, 2), (1,))
    checkpoint_path(own_runs / "none", 1).unlink()
    without = Studied.of(RunStore(own_runs))
    assert (without.epochs["none"], without.mid_training()) == ((0, 2), ())
    assert (whole.mid_epochs["none"], without.mid_epochs.get("none")) == (1, None)


@pytest.mark.usefixtures("short")
def test_the_epochs_that_the_text_speaks_of(tiny_store: RunStore, monkeypatch: pytest.MonkeyPatch):
    studied = Studied.of(tiny_store)
    assert [studied.epoch(PLAIN, when) for when in When] == [0, 1, 2]
    monkeypatch.setattr(rules, "BATCHNORM_EPOCH", 1)
    assert studied.epoch(BATCHNORM, When.TENTH) == 1


@pytest.mark.parametrize(
    ("when", "lacking", "said"),
    [
        (When.START, 0, "no checkpoint of epoch 0: train it again"),
        (When.MID, 1, "no checkpoint of mid-training yet: train more epochs"),
        (When.TENTH, 2, "no checkpoint of epoch 2: train more epochs"),
    ],
)
@pytest.mark.usefixtures("short")
def test_no_epoch_takes_the_place_of_one_that_is_missing(own_runs: Path, when: When, lacking: int, said: str):
    assert Studied.of(RunStore(own_runs)).is_there(PLAIN, when)
    checkpoint_path(own_runs / "none", lacking).unlink()
    studied = Studied.of(RunStore(own_runs))
    assert not studied.is_there(PLAIN, when)
    with pytest.raises(NotThere, match=said):
        studied.epoch(PLAIN, when)
    assert {spec.design.when for spec in scenes_of(studied) if spec.design.role == PLAIN} == {
        When.START,
        When.MID,
    } - {when}


def test_a_claim_without_its_checkpoint_is_not_measured_and_says_why(tiny_store: RunStore):
    reasons = dict(absences(Studied.of(tiny_store)))
    assert set(reasons) == {claim.key for claim in CLAIMS} - {"accurate", "start", "norm-drift"}
    assert reasons["sgd"] == "The run none has no checkpoint of mid-training yet: train more epochs, in Training."
    assert reasons["batchnorm-minibatches"].startswith("The run batchnorm has no checkpoint of epoch 10: train more")
    found = {each.claim: each for each in verdicts(evidence(checkpoints=(), scenes=(), absent=tuple(reasons.items())))}
    assert (found["sgd"].kind, found["sgd"].why) == (Kind.UNKNOWN, reasons["sgd"])
