"""The background trainer: started once, found by others, stopped by anybody, its failures told."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gradviz.compute.background import of_deliveries
from gradviz.compute.trainer_log import TrainerLog
from gradviz.compute.trainer_process import TrainerProcess, TrainerStatus
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from tests.alive import is_alive

PAUSE = threading.Event()  # never set: between two looks at another process
LONG = ("--hidden", "40,20,10", "--rows", "300", "--epochs", "9000", "--device", "cpu")


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[TrainerProcess]:
    trainer = TrainerProcess(tmp_path / "runs")
    yield trainer
    trainer.stop(background_only=True)


@pytest.fixture
def wait_for(trainer: TrainerProcess) -> Callable[[Callable[[TrainerStatus], bool]], TrainerStatus]:
    """Asks for the status until it is as wanted; the time limit of the test ends it otherwise."""

    def wait(wanted: Callable[[TrainerStatus], bool]) -> TrainerStatus:
        while not wanted(status := trainer.status()):
            PAUSE.wait(0.02)
        return status

    return wait


def has_begun(status: TrainerStatus) -> bool:
    return len(status.progress) == 3 and all(run.epoch is not None for run in status.progress)


def test_empty_directory_is_said(trainer: TrainerProcess):
    assert trainer.status().state == "empty"
    assert trainer.stop().state == "empty"


def test_another_process_sees_that_the_training_is_starting(trainer: TrainerProcess):
    """The page asks a web process while the supervisor starts the trainer, which has written nothing yet."""
    trainer.runs.mkdir()
    TrainerLog(trainer.log_path).begin().close()
    status = trainer.status()
    assert (status.state, status.message) == ("running", "The training is starting.")
    TrainerLog(trainer.log_path).note("Stopped.")
    assert trainer.status().state == "empty"


def test_all_trained_is_finished(tiny_runs: Path):
    status = TrainerProcess(tiny_runs).status()
    assert status.state == "finished"
    assert [(run.name, run.epoch, run.epochs) for run in status.progress] == [
        ("none", 2, 2),
        ("dropout", 2, 2),
        ("batchnorm", 2, 2),
    ]


def test_trainer_is_started_once_found_by_others_and_stopped(trainer: TrainerProcess, wait_for: Callable):
    started = trainer.start(LONG)
    assert started.state == "running"
    assert started.holder is not None
    other = TrainerProcess(trainer.runs)
    again = other.start(LONG)
    assert again.holder is not None
    assert again.holder.pid == started.holder.pid
    wait_for(has_begun)
    stopped = other.stop()
    assert stopped.state in ("stopping", "stopped")  # it comes soon, and the end of the step under way may not
    stopped = wait_for(lambda status: status.state != "stopping")
    assert stopped.state == "stopped"
    assert trainer.status().state == "stopped"
    while is_alive(started.holder.pid):  # for the instant until this process has taken note of its child's end
        PAUSE.wait(0.02)


def test_stop_during_the_start_is_a_stop(trainer: TrainerProcess):
    trainer.start(LONG)
    assert trainer.stop(background_only=True).state in ("stopped", "empty")


def test_killed_trainer_has_failed_and_continues(trainer: TrainerProcess, wait_for: Callable):
    holder = trainer.start(LONG).holder
    assert holder is not None
    wait_for(has_begun)
    os.kill(holder.pid, signal.SIGKILL)
    status = wait_for(lambda status: status.state != "running")
    assert status.state == "failed"
    assert "unexpectedly" in status.message
    assert not status.refused
    before = RunStore(trainer.runs).run("none").epochs()[-1]
    trainer.start(LONG)
    wait_for(lambda status: status.progress[0].epoch > before)


def test_refused_training_says_why(trainer: TrainerProcess, wait_for: Callable):
    trainer.start(["--device", "tpu"])
    status = wait_for(lambda status: status.state != "running")
    assert (status.state, status.refused) == ("failed", True)
    assert "tpu" in status.message


def test_begun_runs_keep_their_own_options(own_runs: Path):
    # As a server would start it, whose preset is larger by far.
    trainer = TrainerProcess(own_runs)
    trainer.start(["--preset", "quick", "--device", "cpu"])
    while (status := trainer.status()).state == "running":
        PAUSE.wait(0.02)
    assert status.state == "finished"
    assert RunStore(own_runs).run("none").config.hidden == (20, 10, 5)


def test_starting_again_begins_afresh_with_the_same_options(own_runs: Path):
    trainer = TrainerProcess(own_runs)
    first = (own_runs / "none" / "epoch-0002.safetensors").stat().st_mtime_ns
    trainer.start_again(["--device", "cpu"])
    while (status := trainer.status()).state == "running":
        PAUSE.wait(0.02)
    assert status.state == "finished"
    assert RunStore(own_runs).run("none").config.hidden == (20, 10, 5)
    assert (own_runs / "none" / "epoch-0002.safetensors").stat().st_mtime_ns > first


def test_first_training_takes_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADVIZ_PRESET", "source")
    monkeypatch.setenv("GRADVIZ_VARIANTS", "none")
    trainer = TrainerProcess(tmp_path, of_deliveries(("none",)))
    trainer.start(["--hidden", "10,5", "--rows", "100", "--epochs", "1"])
    while (status := trainer.status()).state == "running":
        PAUSE.wait(0.02)
    assert [run.name for run in status.progress] == ["none"]
    assert RunStore(tmp_path).run("none").config.output_scale == 1.0


def test_variants_that_are_not_wanted_need_not_be_trained(own_runs: Path):
    run = own_runs / "dropout"
    (run / "run.json").write_text((run / "run.json").read_text().replace('"epochs": 2', '"epochs": 9'))
    assert TrainerProcess(own_runs).status().state == "stopped"
    assert TrainerProcess(own_runs, of_deliveries(("none",))).status().state == "finished"


def test_a_deleted_run_is_gone_and_trained_again_when_asked(own_runs: Path):
    trainer = TrainerProcess(own_runs)
    trainer.start(["--device", "cpu"])  # writes its log, though all is trained
    while trainer.status().state == "running":
        PAUSE.wait(0.02)
    (own_runs / "dropout" / "notes.txt").write_text("mine")
    status = trainer.delete("dropout")
    assert status.state == "stopped"
    assert [run.name for run in status.progress] == ["none", "batchnorm"]
    assert [path.name for path in (own_runs / "dropout").glob("*[!k]")] == ["notes.txt"]
    assert (own_runs / "none" / "epoch-0002.safetensors").exists()
    assert trainer.delete("dropout").state == "stopped"
    trainer.start(["--device", "cpu"])
    while trainer.status().state == "running":
        PAUSE.wait(0.02)
    assert RunStore(own_runs).run("dropout").epochs() == [0, 1, 2]


def test_a_run_in_training_cannot_be_deleted(trainer: TrainerProcess, wait_for: Callable):
    trainer.start(LONG)
    wait_for(has_begun)
    with pytest.raises(UserError, match="is being trained by process"):
        trainer.delete("none")
    assert RunStore(trainer.runs).run("none").epochs()
