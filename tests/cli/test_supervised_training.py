"""What the supervisor does about its trainer: starts it again when it dies, within limits, and says so once."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradviz.commands import supervised_training
from gradviz.commands.supervised_training import SupervisedTraining
from gradviz.compute.trainer_process import TrainerProcess
from gradviz.settings import Settings

LONG = ("--hidden", "40,20,10", "--rows", "300", "--epochs", "9000", "--device", "cpu")
PAUSE = threading.Event()  # never set: between two looks at another process


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[TrainerProcess]:
    trainer = TrainerProcess(tmp_path / "runs")
    trainer.start(LONG)
    while not trainer.status().progress:
        PAUSE.wait(0.02)
    yield trainer
    trainer.stop()


def kill(trainer: TrainerProcess) -> int:
    holder = trainer.status().holder
    assert holder is not None
    os.kill(holder.pid, signal.SIGKILL)
    while trainer.status().state == "running":
        PAUSE.wait(0.02)
    return holder.pid


def test_dead_trainer_is_started_again_and_said(trainer: TrainerProcess, capsys: pytest.CaptureFixture[str]):
    training = SupervisedTraining(Settings(runs=trainer.runs), starts=True)
    training.watch()
    assert capsys.readouterr().err == ""
    pid = kill(trainer)
    training.watch()
    said = capsys.readouterr().err
    assert "the training has failed" in said
    assert "started again" in said
    holder = trainer.status().holder
    assert holder is not None
    assert holder.pid != pid
    assert training.stop().state == "stopped"


def test_restarts_are_bounded(
    trainer: TrainerProcess, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(supervised_training, "_MAX_RESTARTS", 0)
    training = SupervisedTraining(Settings(runs=trainer.runs), starts=True)
    kill(trainer)
    training.watch()
    assert "failed too often" in capsys.readouterr().err
    training.watch()
    assert capsys.readouterr().err == ""
    assert trainer.status().state == "failed"


def test_refused_training_is_said_once_and_not_repeated(
    own_runs: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GRADVIZ_THREADS", "0")
    (own_runs / "none" / "run.json").write_text("{")
    trainer = TrainerProcess(own_runs)
    training = SupervisedTraining(Settings(runs=own_runs), starts=True)
    while trainer.status().state != "failed":
        PAUSE.wait(0.02)
    training.watch()
    said = capsys.readouterr().err
    assert "run.json" in said
    assert "started again" not in said
    training.watch()
    assert capsys.readouterr().err == ""


def test_one_that_starts_nothing_only_tells(trainer: TrainerProcess, capsys: pytest.CaptureFixture[str]):
    training = SupervisedTraining(Settings(runs=trainer.runs), starts=False)
    kill(trainer)
    training.watch()
    assert "the training has failed" in capsys.readouterr().err
    assert trainer.status().state == "failed"
