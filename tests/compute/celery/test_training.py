"""Training by workers: the files that training at home writes, whoever is killed on the way."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradviz.compute.celery import training
from gradviz.compute.celery.desk import BrokerAway
from gradviz.compute.celery.training import CeleryTrainer
from gradviz.experiment.interruption import StopRequest
from gradviz.experiment.outcome import TrainingProgress
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.settings import Settings
from tests.compute.celery.conftest import MakeSettings, environment_of
from tests.compute.celery.running import PATIENCE_SECONDS, Notes, OfOneBroker, RedisServer, Worker, brief_limits, until

EPOCHS = 4
VARIANTS = ("none", "dropout")
HELD = "none-2"
CONFIGS = run_configs(epochs=EPOCHS, rows=300, hidden=(20, 10, 5), variants=VARIANTS)


def content(runs: Path) -> dict[str, bytes]:
    """The parameters and what a training continues from, of every file of the runs."""
    return {str(path.relative_to(runs)): path.read_bytes() for path in runs.rglob("*.safetensors")}


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a training here that nothing has interrupted."""
    runs = tmp_path_factory.mktemp("at-home")
    train(runs, CONFIGS, device="cpu")
    assert len(content(runs)) == 2 * (EPOCHS + 1 + 2)
    return content(runs)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs at epoch 0: a training in the background takes up their options, which are those of a small network."""
    runs = tmp_path_factory.mktemp("begun")
    stop = StopRequest()

    def stop_when_all_are_saved(progress: TrainingProgress) -> None:
        if progress.saved and progress.run == VARIANTS[-1]:
            stop.ask()

    train(runs, CONFIGS, device="cpu", on_progress=stop_when_all_are_saved, stop=stop)
    return runs


class Training(OfOneBroker):
    """A broker of its own, since there is one training for a broker, with runs that have begun."""

    def __init__(self, place: Path, begun: Path, make_settings: MakeSettings, **limits: int) -> None:
        self.broker = RedisServer(place, ("--appendonly", "yes")).start()
        self.begun = begun
        self.settings: Settings = make_settings(
            runs=place / "runs", variants=VARIANTS, broker=self.broker.url, **limits
        )
        self.notes = Notes(place / "notes")
        self.trainer = CeleryTrainer(self.settings)
        self.workers: list[Worker] = []

    def prepare(self) -> None:
        """As nothing had been trained yet."""
        self.broker.client().flushall()
        for directory in (self.settings.runs, self.notes.directory):
            shutil.rmtree(directory, ignore_errors=True)
        shutil.copytree(self.begun, self.settings.runs)
        self.notes.directory.mkdir()

    def start_worker(self) -> Worker:
        self.workers.append(Worker(environment_of(self.settings, self.notes), "training"))
        return self.workers[-1]

    def finish(self) -> dict[str, bytes]:
        """Waits for the end; what is in the runs then."""
        until(lambda: self.state() in ("finished", "failed"))
        assert self.state() == "finished", self.trainer.status().message
        return content(self.settings.runs)

    def state(self) -> str:
        try:
            return self.trainer.status().state
        except BrokerAway:
            return "away"

    def times_saved(self) -> dict[str, int]:
        names = [f"{variant}-{epoch}" for variant in VARIANTS for epoch in range(1, EPOCHS + 1)]
        return {name: len(self.notes.saves(name)) for name in names}


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, begun: Path, make_settings: MakeSettings) -> Iterator[Training]:
    training = Training(tmp_path_factory.mktemp("lasting"), begun, make_settings)
    training.start_worker()
    yield training
    training.close()


@pytest.fixture
def shared(lasting: Training) -> Training:
    """With a worker that is there for several tests, and no other."""
    return lasting.begin_with_one_worker()


@pytest.fixture
def own(tmp_path: Path, begun: Path, make_settings: MakeSettings) -> Iterator[Training]:
    """Of which everything may be killed."""
    training = Training(tmp_path, begun, make_settings, **brief_limits())
    training.prepare()
    yield training
    training.close()


def test_workers_write_what_training_at_home_writes(shared: Training, at_home: dict[str, bytes]):
    assert shared.state() == "stopped"
    shared.notes.hold(HELD)
    assert shared.trainer.start().state == "running"
    assert CeleryTrainer(shared.settings).start().state == "running"  # another server asks: there is one training
    shared.notes.saved(HELD)
    assert shared.broker.client().llen("gradviz:training") == 0
    assert f"of {EPOCHS}, on a worker" in shared.trainer.status().message
    shared.notes.release(HELD)
    assert shared.finish() == at_home
    assert set(shared.times_saved().values()) == {1}


def test_a_killed_process_is_replaced_and_loses_no_saved_epoch(shared: Training, at_home: dict[str, bytes]):
    shared.notes.hold(HELD)
    shared.trainer.start()
    os.kill(shared.notes.saved(HELD), signal.SIGKILL)
    shared.notes.release(HELD)
    assert shared.finish() == at_home
    assert set(shared.times_saved().values()) == {1}


def test_a_training_outlives_the_server_that_started_it(shared: Training, at_home: dict[str, bytes]):
    shared.notes.hold(HELD)
    code = (
        "import os, signal; from gradviz.compute.choice import open_trainer; from gradviz.settings import load_settings"
    )
    code += "; open_trainer(load_settings()).start(); os.kill(os.getpid(), signal.SIGKILL)"
    environment = environment_of(shared.settings, shared.notes)
    server = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, timeout=PATIENCE_SECONDS, check=False
    )
    assert server.returncode == -signal.SIGKILL
    shared.notes.saved(HELD)
    shared.notes.release(HELD)
    assert shared.finish() == at_home


def test_it_stops_when_asked_and_goes_on_when_asked(shared: Training, at_home: dict[str, bytes]):
    shared.notes.hold(HELD)
    shared.trainer.start()
    shared.notes.saved(HELD)
    assert shared.trainer.stop(background_only=True).state == "stopped"  # a server that ends leaves it alone
    assert shared.state() == "running"
    shared.trainer.stop()
    shared.notes.release(HELD)
    until(lambda: shared.state() == "stopped")
    assert not shared.notes.saves(f"none-{EPOCHS}")
    shared.trainer.start()
    assert shared.finish() == at_home


def test_it_begins_afresh_in_place_of_the_one_under_way(shared: Training, at_home: dict[str, bytes]):
    shared.notes.hold(HELD)
    shared.trainer.start()
    shared.notes.saved(HELD)
    shared.trainer.start_again()
    shared.notes.release(HELD)
    until(lambda: len(shared.notes.saves("none-0")) == 1)  # the copy that it begins with was not saved by a worker
    assert shared.finish() == at_home


def test_a_worker_of_another_version_refuses_to_train(shared: Training, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(training, "code_version", lambda: "0" * 16)
    shared.trainer.start()
    until(lambda: shared.state() == "failed")
    assert "install the same version on both" in shared.trainer.status().message


def test_a_killed_broker_comes_back_to_a_training_that_goes_on(own: Training, at_home: dict[str, bytes]):
    own.start_worker()
    own.notes.hold(HELD)
    own.trainer.start()
    own.notes.saved(HELD)
    own.broker.kill()
    assert own.state() == "away"
    own.notes.release(HELD)
    own.notes.saved(f"none-{EPOCHS}")  # nothing of the training waits for the broker
    own.broker.start()
    assert own.finish() == at_home
    assert max(own.times_saved().values()) == 1


def test_a_stopped_worker_that_wakes_up_does_not_train_beside_the_one_that_took_over(
    shared: Training, at_home: dict[str, bytes]
):
    [sleeper] = shared.living()
    shared.notes.hold(HELD)
    shared.trainer.start()
    shared.notes.saved(HELD)
    sleeper.tell(signal.SIGSTOP)
    shared.start_worker()
    until(shared.notes.put_off)
    shared.notes.release(HELD)
    sleeper.tell(signal.SIGCONT)
    assert shared.finish() == at_home
    assert set(shared.times_saved().values()) == {1}


@pytest.mark.slow
def test_a_killed_worker_is_replaced_by_the_next(shared: Training, at_home: dict[str, bytes]):
    [first] = shared.living()
    shared.notes.hold(HELD)
    shared.trainer.start()
    shared.notes.saved(HELD)
    first.tell(signal.SIGKILL)
    shared.notes.release(HELD)
    shared.start_worker()
    assert shared.finish() == at_home
    assert set(shared.times_saved().values()) == {1}


@pytest.mark.slow
def test_an_epoch_that_takes_too_long_is_given_up_after_three_starts(own: Training):
    own.start_worker()
    own.notes.hold("within-none-1")
    own.trainer.start()
    until(lambda: own.state() == "failed", PATIENCE_SECONDS + 3 * own.settings.task_seconds)
    assert not own.notes.saves("none-1")
    assert "saved no epoch within" in own.trainer.status().message
    assert "GRADVIZ_TASK_SECONDS" in own.trainer.status().message
