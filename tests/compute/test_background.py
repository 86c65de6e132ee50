"""What a server trains in the background: the runs of its study, by their recipe, as they were begun."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

import gradviz
from gradviz.cli import main
from gradviz.compute.background import background_of, of_deliveries
from gradviz.compute.choice import open_trainer
from gradviz.compute.trainer_process import TrainerProcess
from gradviz.dashboard.factory import create_server
from gradviz.errors import UserError
from gradviz.experiment.interruption import StopRequest
from gradviz.experiment.lock import holder
from gradviz.experiment.outcome import TrainingProgress
from gradviz.experiment.store import RunStore
from gradviz.experiment.study import Study
from gradviz.experiment.study_loading import load_study
from gradviz.experiment.study_plans import recipe_trainings, taken_up_trainings
from gradviz.experiment.study_trainer import StudyTraining, train_studies
from gradviz.settings import Settings

PROGRAM = """
import torch
import gradviz

def rows(seed):
    inputs = torch.randn(40, 3, generator=torch.Generator().manual_seed(seed))
    return (inputs[:32], inputs[:32].argmax(1)), (inputs[32:], inputs[32:].argmax(1))

def model(dropout=0.0):
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(dropout), torch.nn.Linear(4, 3))

recipe = gradviz.Recipe(rows, epochs=3, batch_size=8, optimizer="adam",
                        variants={"plain": {}, "dropped": {"dropout": 0.5}, "decayed": {}},
                        optimizers={"decayed": "adamw(0.1)"})
study = gradviz.Study("largest", model, gradviz.CrossEntropy(), train=recipe)
recorded = gradviz.Study("recorded", model, gradviz.CrossEntropy())
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "largest.py"
    path.write_text(PROGRAM)
    return path


@pytest.fixture
def study(file: Path) -> Study:
    return load_study(f"{file}:study").study


@pytest.fixture
def recorded(file: Path) -> Study:
    return load_study(f"{file}:recorded").study


MINIBATCHES = [(torch.ones(4, 3), torch.zeros(4, dtype=torch.int64))]


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.startswith("trainer."))
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def names(trainings: Sequence[StudyTraining]) -> list[str]:
    return [training.name for training in trainings]


def test_existing_runs_go_on_as_they_were_begun_and_new_ones_join_them(tmp_path: Path, study: Study):
    begun = recipe_trainings(study, ["plain"], epochs=1, seed=5, batch_size=16, learning_rate=0.25, label="Mine")
    mine = recipe_trainings(study, ["dropped"], name="mine", epochs=1, optimizer="sgd(0.5)", group="g")
    train_studies(tmp_path, [*begun, *mine], device="cpu")
    with gradviz.record(study, study.model(), tmp_path / "recorded", minibatches=MINIBATCHES):
        pass
    other = gradviz.Study("other", study.model, gradviz.CrossEntropy(), train=study.train)
    train_studies(tmp_path, recipe_trainings(other, ["dropped"], name="others", epochs=1), device="cpu")

    wanted = taken_up_trainings(RunStore(tmp_path), study, recipe_trainings(study))
    assert names(wanted) == ["plain", "dropped", "decayed", "mine"]
    plain, dropped, decayed, own = (training.plan for training in wanted)
    assert (wanted[0], wanted[3]) == (begun[0], mine[0])
    for plan in (plain, dropped, decayed):
        assert (plan.epochs, plan.seed, plan.batch_size) == (1, 5, 16)
    assert plain.optimizer == dropped.optimizer
    assert plain.optimizer.learning_rate == 0.25
    assert str(decayed.optimizer) == "adamw(0.1)"  # it is what sets this variant apart
    assert dropped.arguments == own.arguments == {"dropout": 0.5}


def test_where_only_other_names_have_begun_the_variants_are_not_wanted(tmp_path: Path, study: Study):
    train_studies(tmp_path, recipe_trainings(study, ["plain"], name="mine", epochs=1), device="cpu")
    assert names(taken_up_trainings(RunStore(tmp_path), study, recipe_trainings(study))) == ["mine"]


def test_a_run_that_does_not_tell_how_it_was_trained_is_one_sentence(tmp_path: Path, study: Study):
    train_studies(tmp_path, recipe_trainings(study, ["plain"], epochs=1), device="cpu")
    record = json.loads((tmp_path / "plain" / "run.json").read_text())
    del record["settings"]["optimizer"]
    (tmp_path / "plain" / "run.json").write_text(json.dumps(record))
    with pytest.raises(UserError, match=r"run.json of plain does not tell how it was trained: .*`--fresh`"):
        taken_up_trainings(RunStore(tmp_path), study, recipe_trainings(study))


def test_the_command_goes_on_in_the_background_bit_for_bit(
    file: Path, study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(os, "nice", lambda change: None)  # this process is that of other tests
    typed = ["--device", "cpu", "--study", f"{file}:study"]
    assert main(["train", *typed, "--runs", str(tmp_path / "whole"), "--seed", "4"]) == 0
    stop, steps = StopRequest(), []

    def stop_within_the_second_epoch(progress: TrainingProgress) -> None:
        steps.append(progress)
        if progress.epoch == 2:
            stop.ask()

    loaded = background_of(Settings(runs=tmp_path / "runs", study=f"{file}:study"))
    assert (loaded.study, loaded.asked) == ("largest", ("plain", "dropped", "decayed"))
    begun = recipe_trainings(study, seed=4)
    assert not train_studies(
        tmp_path / "runs", begun, device="cpu", on_progress=stop_within_the_second_epoch, stop=stop
    ).finished
    trainer = TrainerProcess(tmp_path / "runs", loaded)
    assert [(run.name, run.epochs) for run in trainer.status().progress] == [
        ("decayed", 3),
        ("dropped", 3),
        ("plain", 3),
    ]
    assert main(["train", "--background", *typed, "--runs", str(tmp_path / "runs")]) == 0
    assert "plain: continues after epoch 1." in capsys.readouterr().out
    assert contents(tmp_path / "runs") == contents(tmp_path / "whole")
    assert trainer.status().state == "finished"
    assert trainer.status().message == "All runs are trained."


def test_the_server_tells_the_trainer_which_study_it_trains(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    started: list[list[str]] = []

    class Ended:
        def __init__(self, command: list[str], **_: object) -> None:
            started.append(command)

        def wait(self, timeout: float | None = None) -> int:
            return 0

    monkeypatch.setattr(subprocess, "Popen", Ended)
    for named, options in (
        (f"{file}:study", ["--study", f"{file}:study"]),
        ("digits", ["--study", "digits"]),
        ("", ["--variants", "none,dropout,batchnorm"]),
        ("deliveries", ["--variants", "none,dropout,batchnorm"]),
    ):
        runs = tmp_path / "runs"
        open_trainer(Settings(runs=runs, study=named)).start()
        assert started.pop()[-4 - len(options) :] == ["train", "--background", "--runs", str(runs), *options]


def test_without_a_recipe_deliveries_train_where_they_have_begun(
    file: Path, recorded: Study, tiny_runs: Path, tmp_path: Path
):
    settings = Settings(runs=tmp_path / "runs", study=f"{file}:recorded", cache_dir=tmp_path / "cache")
    trainer = open_trainer(settings)
    with gradviz.record(recorded, recorded.model(), tmp_path / "runs" / "a", minibatches=MINIBATCHES):
        assert not trainer.trains()
        assert trainer.status().holder is None
        assert trainer.stop().state == "empty"
        assert holder(tmp_path / "runs" / "a") is not None
    refused = create_server(settings).test_client().post("/api/v1/training", json={"action": "start"})
    assert refused.status_code == 422
    assert "Nothing is trained here" in refused.text
    assert open_trainer(settings.model_copy(update={"runs": tiny_runs})).trains()


def test_the_page_is_told_of_runs_by_a_recipe_and_of_recorded_ones(file: Path, study: Study, tmp_path: Path):
    train_studies(tmp_path / "runs", recipe_trainings(study, ["plain"], epochs=1), device="cpu")
    with gradviz.record(study, study.model(), tmp_path / "runs" / "a", minibatches=MINIBATCHES):
        pass
    settings = Settings(runs=tmp_path / "runs", study=f"{file}:study", cache_dir=tmp_path / "cache")
    told = create_server(settings).test_client().get("/api/v1/training").get_json()
    assert (told["state"], told["trains"]) == ("stopped", True)
    assert [(run["run"], run["epoch"], run["epochs"], run["recorded"]) for run in told["progress"]] == [
        ("plain", 1, 1, False),
        ("a", 0, 0, True),
    ]


def test_that_of_deliveries_are_the_runs_of_its_regularizers():
    assert of_deliveries(("none", "dropout(0.25)")).options == ("--variants", "none,dropout(0.25)")
    with pytest.raises(UserError, match="`regularizer`"):
        of_deliveries(("nothing",))
