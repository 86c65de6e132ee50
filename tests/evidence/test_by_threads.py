"""Trainings with another number of CPU threads: which they are, how far apart, and the verdicts by them."""

import math
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import torch

from gradviz.cli import main
from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.errors import UserError
from gradviz.evidence import rules
from gradviz.evidence.apart import apart_of
from gradviz.evidence.claims import CLAIMS, claim_of
from gradviz.evidence.controls import Apart
from gradviz.evidence.gathered import Evidence, Replicate
from gradviz.evidence.parts import Part, run_of
from gradviz.evidence.roles import BATCHNORM, DROPOUT, PLAIN, ROLES
from gradviz.evidence.studied import Studied
from gradviz.evidence.verdict import Kind
from gradviz.experiment.run_directory import checkpoint_path
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.replicates import replicate_of
from gradviz.experiment.tensor_file import read_tensors
from gradviz.report.measuring import Measuring
from tests.evidence.made import evidence
from tests.evidence.repeated import repeated, replicate, with_replicates

CHAOTIC = [claim.key for claim in CLAIMS if claim.is_chaotic]
OTHER = "batchnorm-threads-2"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any loss that falls is mid-training, and the tenth epoch is the second."""
    monkeypatch.setattr(rules, "MID_LOSS", 1.0)
    monkeypatch.setattr(rules, "BATCHNORM_EPOCH", 2)


# How far apart


def test_the_distance_over_the_way_is_that_of_a_plain_loop(own_runs: Path):
    other = repeated(own_runs, "batchnorm")
    store = RunStore(own_runs)
    found = apart_of(store.run("batchnorm"), store.run(other), 2)
    start, here, there = (
        read_tensors(checkpoint_path(own_runs / name, epoch))
        for name, epoch in (("batchnorm", 0), ("batchnorm", 2), (other, 2))
    )
    distance = way = count = 0
    for name in here:
        if "running" in name or "batches" in name:  # of the norms: no parameters
            continue
        for a, b, c in zip(*(each[name].flatten().tolist() for each in (start, here, there)), strict=True):
            distance += (c - b) ** 2
            way += (b - a) ** 2
            count += 1
    assert found.of_way == pytest.approx(math.sqrt(distance / way), rel=1e-12)
    assert found.num_parameters == count == store.run("batchnorm").record.num_parameters
    assert (found.run, found.other, found.epoch) == ("batchnorm", other, 2)


def test_a_copy_is_at_distance_zero_and_without_a_way_there_is_none(tiny_store: RunStore):
    run = tiny_store.run("batchnorm")
    assert apart_of(run, run, 2).of_way == 0
    assert apart_of(run, run, 0).of_way is None


# Which trainings they are


def test_of_each_role_the_training_with_other_threads_is_found(own_runs: Path):
    assert Studied.of(RunStore(own_runs)).of_other_threads == {}
    names = {name: repeated(own_runs, name) for name in ("none", "dropout", "batchnorm")}
    studied = Studied.of(RunStore(own_runs))
    assert [run.name for run in studied.runs.values()] == list(names)
    assert {role: run.name for role, run in studied.of_other_threads.items()} == dict(
        zip(ROLES, names.values(), strict=True)
    )
    swapped = studied.by_threads(BATCHNORM)
    assert swapped is not None
    assert {role: run.name for role, run in swapped.runs.items()} == {
        PLAIN: "none",
        DROPOUT: "dropout",
        BATCHNORM: OTHER,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"num_threads": 1},
        {"num_threads": None},
        {"seed": 1},
        {"rows": 299},
        {"torch_version": "1"},
        {"preset": "source"},
    ],
    ids=str,
)
def test_what_differs_in_more_than_its_threads_is_no_replicate(own_runs: Path, changes: dict[str, Any]):
    repeated(own_runs, "batchnorm", **changes)
    assert Studied.of(RunStore(own_runs)).of_other_threads == {}


def test_another_start_or_none_is_no_replicate(own_runs: Path):
    other = repeated(own_runs, "batchnorm")
    checkpoint_path(own_runs / other, 0).write_bytes(checkpoint_path(own_runs / other, 2).read_bytes())
    assert Studied.of(RunStore(own_runs)).of_other_threads == {}
    checkpoint_path(own_runs / other, 0).unlink()
    assert Studied.of(RunStore(own_runs)).of_other_threads == {}


@pytest.mark.usefixtures("short")
def test_claims_on_batch_normalization_ask_for_the_replicate_and_no_others_do(own_runs: Path):
    repeated(own_runs, "batchnorm")
    repeated(own_runs, "none")
    studied = Studied.of(RunStore(own_runs))
    assert set(CHAOTIC) == {"norm-drift", "batchnorm-rough", "batchnorm-minibatches", "batchnorm-like-dropout"}
    for claim in CLAIMS:
        if claim.reads_paths:
            continue
        asked = claim.asked(studied)
        by_threads = [each for each in asked if run_of(each) == OTHER]
        apart = [each for each in asked if isinstance(each, Part) and each.kind == "apart"]
        assert bool(by_threads) == bool(apart) == claim.is_chaotic
        if apart:
            assert [(each.run, each.epoch, each.other) for each in apart] == [
                ("none", 1, "none-threads-2"),
                ("none", 2, "none-threads-2"),
                ("batchnorm", 1, OTHER),
                ("batchnorm", 2, OTHER),
            ]


# The verdicts by them, of evidence made by hand


def like(run: Evidence) -> Replicate:
    """By which each claim has the verdict that it has anyway."""
    beta, pairs = run.scene("batchnorm-beta"), run.pairs_of("batchnorm-beta")
    assert beta is not None
    own = [each for each in run.drifts if each.run == "batchnorm"]
    return replicate(
        scenes=(beta.model_copy(update={"run": OTHER}),),
        random_pairs=tuple(each.model_copy(update={"run": OTHER}) for each in pairs),
        rough_pairs=tuple(
            each.model_copy(update={"run": OTHER}) for each in run.rough_pairs if each.run == "batchnorm"
        ),
        drifts=tuple(each.model_copy(update={"run": OTHER}) for each in own),
        round_off=run.round_off,
    )


@pytest.mark.parametrize("key", CHAOTIC)
def test_each_verdict_on_batch_normalization_is_decided_again(key: str):
    claim, alone = claim_of(key), claim_of(key).verdict(with_replicates())
    other = claim.verdict(with_replicates(replicate()))
    same = claim.verdict(with_replicates(like(evidence())))
    assert alone.by_threads is None
    assert alone.kind == other.kind == same.kind == same.by_threads
    assert other.by_threads != other.kind
    assert other.says == (
        f"{alone.says} By the training with 2 threads instead of 1 it would be: {other.by_threads}."
        " So the verdict is not stable in rounding."
    )
    assert same.says == f"{alone.says} By the training with 2 threads instead of 1 the verdict is the same."
    assert other.figures[: len(alone.figures)] == alone.figures


def test_the_distances_are_numbers_and_told_beside_those_of_other_runs():
    verdict = claim_of("batchnorm-minibatches").verdict(with_replicates(replicate(), replicate("none", apart=0.03)))
    own = [each for each in verdict.figures if each.name.startswith("distance")]
    assert [(each.name, each.estimate.value, each.unit) for each in own] == [
        (f"distance to the training with other CPU threads{of}, {when}", value, "%")
        for of, value in (("", 0.8), (" without a regularizer", 0.03))
        for when in ("after epoch 1", "at mid-training", "at the last epoch")
    ]
    assert (
        own[1].sample
        == "with 2 threads instead of 1; epoch 3, of the way of batchnorm from epoch 0, all 1,234 parameters"
    )
    [note] = [each for each in verdict.notes if "rounds sums differently" in each]
    assert "80 % after epoch 1, 80 % at mid-training (epoch 3) and 80 % at the last epoch (epoch 5)" in note
    assert "For comparison, without a regularizer it is apart by 3 % after epoch 1" in note
    equal = claim_of("batchnorm-minibatches").verdict(with_replicates(replicate(), replicate("none", apart=0.0)))
    assert any("For comparison, without a regularizer it is equal to the bit." in each for each in equal.notes)


def test_what_was_not_compared_is_left_open():
    aparts = (Apart(run="batchnorm", other=OTHER, epoch=1, num_parameters=9, of_way=0.5),)
    verdict = claim_of("norm-drift").verdict(with_replicates(replicate(aparts=aparts)))
    assert [each.estimate.value for each in verdict.figures if each.name.startswith("distance")] == [0.5, None, 0.5]
    assert any("apart by 50 % after epoch 1 and 50 % at the last epoch;" in note for note in verdict.notes)


def test_equal_bytes_prove_no_stability():
    verdict = claim_of("norm-drift").verdict(with_replicates(like(evidence()).model_copy(
        update={"aparts": replicate(apart=0.0).aparts})))  # fmt: skip
    assert verdict.says.endswith("does not tell whether the verdict is stable in rounding.")
    assert "the verdict is the same" not in verdict.says
    assert any("equal to the bit" in note for note in verdict.notes)


def test_a_replicate_that_has_not_come_so_far_says_how_it_goes_on():
    verdict = claim_of("batchnorm-minibatches").verdict(with_replicates(replicate(scenes=(), random_pairs=())))
    assert verdict.by_threads is None
    assert verdict.says == claim_of("batchnorm-minibatches").verdict(with_replicates()).says
    assert any(f"{OTHER}, has not come so far" in note and "--replicate batchnorm`" in note for note in verdict.notes)


def test_claims_on_other_runs_say_nothing_of_threads():
    found = with_replicates(replicate(), replicate("none"), replicate("dropout"))
    for claim in CLAIMS:
        if not claim.is_chaotic:
            assert claim.verdict(found) == claim.verdict(evidence())


def test_a_run_that_does_not_record_its_threads_says_so():
    [note] = [each for each in claim_of("norm-drift").verdict(evidence()).notes if "rounding" in each]
    assert "does not record its number of CPU threads" in note


# The command that a note gives


@pytest.mark.usefixtures("short")
def test_the_command_of_the_note_makes_the_replicate(own_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    claim, store = claim_of("norm-drift"), RunStore(own_runs)
    [note] = [each for each in claim.verdict(measured(store, tmp_path)).notes if "--replicate" in each]
    [command] = re.findall(r"`gradviz (train [^`]+)`", note)
    monkeypatch.setenv("GRADVIZ_RUNS", str(own_runs))
    threads = torch.get_num_threads()
    try:
        assert main(shlex.split(command)) == 0
        assert main(shlex.split(command)) == 0  # it is there: nothing more
    finally:
        torch.set_num_threads(threads)
    store = RunStore(own_runs)
    assert store.names() == ["none", "dropout", "batchnorm", OTHER]
    found = store.run(OTHER)
    assert (found.record.num_threads, found.epochs(), found.title) == (2, [0, 1, 2], "BatchNorm, 2 threads")
    verdict = claim.verdict(measured(store, tmp_path))
    assert not any("--replicate" in each for each in verdict.notes)
    assert "with 2 threads instead of 1" in verdict.says


def measured(store: RunStore, cache: Path) -> Evidence:
    return Measuring(LocalCompute(store, FieldCache(cache / "cache"), device="cpu")).evidence()


@pytest.mark.parametrize(
    ("arguments", "threads", "said"),
    [
        (["--rows", "300"], "", "leave out --rows"),
        (["--seed", "0", "--name", "x"], "", "--name, --seed"),
        ([], "1", "was trained with 1 CPU threads"),
    ],
)
def test_a_replicate_that_would_be_none_is_refused(
    own_runs: Path, monkeypatch: pytest.MonkeyPatch, capsys, arguments: list[str], threads: str, said: str
):
    monkeypatch.setenv("GRADVIZ_THREADS", threads)
    assert main(["train", "--runs", str(own_runs), "--replicate", "batchnorm", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert len(RunStore(own_runs).names()) == 3


def test_a_replicate_has_one_thread_where_the_run_has_more_and_continues_one_that_is_there(own_runs: Path):
    run = RunStore(own_runs).run("batchnorm")
    assert (replicate_of(run, ()).num_threads, replicate_of(run, (), 5).config.name) == (2, "batchnorm-threads-5")
    other = repeated(own_runs, "batchnorm", label="mine")
    store = RunStore(own_runs)
    again = replicate_of(store.run("batchnorm"), store.runs())
    assert (again.num_threads, again.config.name, again.config.label) == (2, other, "mine")
    back = replicate_of(store.run(other), ())
    assert (back.num_threads, back.config.name) == (1, f"{other}-threads-1")
    with pytest.raises(UserError, match="does not record"):
        replicate_of(_without_threads(store.run("batchnorm")), ())


def _without_threads(run):
    run.record = run.record.model_copy(update={"num_threads": None})
    return run


# Measured on runs


@pytest.mark.usefixtures("short")
def test_the_replicate_is_measured_by_the_rules_of_the_run(own_runs: Path, tmp_path: Path):
    other = repeated(own_runs, "batchnorm", moved=0.5)
    store = RunStore(own_runs)
    both = measured(store, tmp_path)
    (own_runs / "batchnorm").rename(tmp_path / "batchnorm")
    alone = measured(RunStore(own_runs), tmp_path)
    assert {each.run for each in both.scenes} == {"none", "dropout", "batchnorm"}
    assert {each.run for each in both.random_pairs} == {"none", "dropout", "batchnorm"}
    for key in CHAOTIC:
        verdict, by_itself = claim_of(key).verdict(both), claim_of(key).verdict(alone)
        assert verdict.by_threads == by_itself.kind
    [found] = both.by_threads
    assert (found.of, found.record.name) == ("batchnorm", other)
    assert found.scenes == tuple(each for each in alone.scenes if each.key == "batchnorm-beta")
    assert found.round_off == alone.round_off
    assert found.drifts == tuple(each for each in alone.drifts if (each.run, each.epoch) == (other, 2))


@pytest.mark.usefixtures("short")
def test_runs_with_the_same_bytes_keep_their_own_names(own_runs: Path, tmp_path: Path):
    repeated(own_runs, "batchnorm", moved=0)
    found = measured(RunStore(own_runs), tmp_path)
    [other] = found.by_threads
    measurements = (*other.scenes, *other.random_pairs, *other.rough_pairs, *other.drifts)
    assert {each.run for each in measurements} == {OTHER}
    assert {each.run for each in found.drifts} == {"none", "batchnorm"}
    assert [each.of_way for each in other.aparts] == [0.0, 0.0]
    assert all(claim_of(key).verdict(found).by_threads == claim_of(key).verdict(found).kind for key in CHAOTIC)


def test_a_verdict_that_rounding_changes_is_shown_as_none():
    found = claim_of("batchnorm-minibatches").verdict(with_replicates(replicate()))
    assert (found.kind, found.by_threads) == (Kind.HOLDS, Kind.NOT)
    assert (found.words, found.tone) == ("cannot be told, trainings differ", Kind.UNTOLD.tone)
    same = found.model_copy(update={"by_threads": Kind.HOLDS})
    alone = found.model_copy(update={"by_threads": None})
    assert {(each.words, each.tone) for each in (same, alone)} == {("holds", Kind.HOLDS.tone)}
