"""What the supervisor does about its trainer: starts it again when it dies, and lives with any state of the runs."""

import errno
import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from gradviz.commands import supervised_training
from gradviz.commands.supervised_training import SupervisedTraining
from gradviz.compute.interface import Unavailable
from gradviz.compute.trainer import TrainerStatus
from gradviz.compute.trainer_process import TrainerProcess
from gradviz.errors import UserError
from gradviz.settings import Settings
from tests.cli.conftest import Clock

LONG = ("--hidden", "40,20,10", "--rows", "300", "--epochs", "9000", "--device", "cpu")
PAUSE = threading.Event()  # never set: between two looks at another process
STOPPED = TrainerStatus("stopped", None, (), "The training is stopped.")
RUNNING = replace(STOPPED, state="running", message="epoch 3")
FAILED = replace(STOPPED, state="failed", message="The training ended unexpectedly.")
REFUSED = replace(FAILED, message="The table has no rows.", refused=True)


@dataclass
class Stand:
    """In place of a trainer: its `state` is told, or raised; a start makes it `after_start`, or raises it."""

    state: TrainerStatus | Exception = STOPPED
    after_start: TrainerStatus | Exception = RUNNING
    belongs: bool = True
    starts: list[float] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def status(self) -> TrainerStatus:
        return self._tell(self.state)

    def trains(self) -> bool:
        return self.belongs

    def start(self, arguments: Sequence[str] = ()) -> TrainerStatus:
        self.starts.append(self.clock.now)
        self.state = self._tell(self.after_start)
        return self.state

    def stop(self, *, background_only: bool = False) -> TrainerStatus:
        return self._tell(self.state)

    @staticmethod
    def _tell(told: TrainerStatus | Exception) -> TrainerStatus:
        if isinstance(told, Exception):
            raise told
        return told


@pytest.fixture
def stand() -> Stand:
    return Stand()


@pytest.fixture
def supervised(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Callable[..., SupervisedTraining]:
    monkeypatch.setattr(supervised_training, "open_trainer", lambda settings: stand)
    return lambda starts=True: SupervisedTraining(Settings(), starts=starts, clock=stand.clock)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[str]]:
    return lambda: [line for line in capsys.readouterr().err.splitlines() if line.startswith("gradviz: ")]


FAULTS = [
    UserError("trainer.json cannot be used: nested deeper than 64 levels."),
    PermissionError(errno.EACCES, "Permission denied", "runs"),
    OSError(errno.EIO, "Input/output error"),
    OSError(errno.ESTALE, "Stale file handle"),
    NotADirectoryError(errno.ENOTDIR, "Not a directory"),
    RecursionError("maximum recursion depth exceeded"),
    OverflowError("cannot convert float infinity to integer"),
    MemoryError(),
    KeyError("pid"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_any_fault_of_the_runs_is_survived_said_once_and_over_when_it_is_mended(
    stand: Stand, supervised: Callable[..., SupervisedTraining], said: Callable, fault: Exception
):
    stand.state = fault
    training = supervised()
    for _ in range(20):
        training.watch()
        stand.clock.now += 1
    assert len(told := said()) == 1
    assert "cannot access the runs" in told[0]
    assert stand.starts == []
    stand.state = STOPPED
    stand.clock.now += 60
    training.watch()
    assert said() == ["gradviz: the runs are accessible again."]
    assert len(stand.starts) == 1  # what could not begin before begins now


def test_where_its_training_does_not_belong_nothing_is_started(
    stand: Stand, supervised: Callable[..., SupervisedTraining], said: Callable
):
    stand.belongs = False
    training = supervised()
    for _ in range(20):
        training.watch()
        stand.clock.now += 1
    assert stand.starts == []
    assert said() == ["gradviz: nothing is trained here: this directory is for the runs that other programs record."]


@pytest.mark.parametrize("fault", [KeyError("pid"), RecursionError("deep")], ids=repr)
def test_a_fault_of_our_own_is_in_the_log_with_its_traceback(
    stand: Stand, supervised: Callable[..., SupervisedTraining], caplog: pytest.LogCaptureFixture, fault: Exception
):
    stand.state = fault
    training = supervised()
    stand.clock.now += 60
    training.watch()
    [record] = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[1] is fault


def test_a_fault_that_stays_is_looked_at_less_and_less_often(
    stand: Stand, supervised: Callable[..., SupervisedTraining], monkeypatch: pytest.MonkeyPatch
):
    looks: list[float] = []

    def status() -> TrainerStatus:
        looks.append(stand.clock.now)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(stand, "status", status)
    training = supervised()
    for _ in range(1200):
        training.watch()
        stand.clock.now += 0.5
    pauses = [after - before for before, after in itertools.pairwise(looks)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert set(pauses[6:]) == {60}


def test_workers_that_cannot_be_reached_are_no_fault(
    stand: Stand, supervised: Callable[..., SupervisedTraining], said: Callable
):
    stand.state = Unavailable("The broker cannot be reached.")
    training = supervised()
    assert said() == []
    stand.state = STOPPED
    training.watch()
    assert len(stand.starts) == 1


@pytest.mark.parametrize("error", [UserError("no"), OSError("no"), RuntimeError("no"), Unavailable("no")], ids=repr)
def test_a_trainer_that_cannot_be_stopped_does_not_hold_the_end_up(
    stand: Stand, supervised: Callable[..., SupervisedTraining], error: Exception
):
    training = supervised()
    stand.state = error
    assert training.stop() is None


def test_deaths_are_counted_by_time_and_never_too_many(
    stand: Stand, supervised: Callable[..., SupervisedTraining], said: Callable
):
    training = supervised()
    for _ in range(40):  # each after half a minute of training
        stand.clock.now += 30
        stand.state = FAILED
        training.watch()
        assert stand.starts[-1] == stand.clock.now
    assert len(stand.starts) == 41
    assert not [line for line in said() if " in " in line and "restarting it" in line]


def test_a_trainer_that_dies_at_once_is_started_after_pauses_up_to_a_minute(
    stand: Stand, supervised: Callable[..., SupervisedTraining], said: Callable
):
    stand.after_start = FAILED
    training = supervised()
    while stand.clock.now < 2000:
        stand.clock.now += 0.5
        training.watch()
    pauses = [after - before for before, after in zip(stand.starts, stand.starts[1:], strict=False)]
    assert max(pauses[:2]) <= 1
    assert all(60 <= pause <= 61.5 for pause in pauses[-5:])
    assert len(stand.starts) < 30
    # A good trainer at last: after a steady time it is started at once again.
    stand.after_start = RUNNING
    while stand.state is not RUNNING:
        stand.clock.now += 1
        training.watch()
    stand.clock.now += 180
    stand.state = FAILED
    training.watch()
    assert stand.starts[-1] == stand.clock.now


def test_a_refused_training_is_said_once_and_not_repeated(
    stand: Stand, supervised: Callable[..., SupervisedTraining], said: Callable
):
    stand.after_start = REFUSED
    training = supervised()
    for _ in range(100):
        stand.clock.now += 10
        training.watch()
    assert said() == ["gradviz: the training failed: The table has no rows."]
    assert len(stand.starts) == 1


def test_a_directory_that_cannot_be_written_is_tried_again_and_said_once(
    stand: Stand, supervised: Callable[..., SupervisedTraining], said: Callable
):
    stand.after_start = UserError("runs cannot be written (Read-only file system).")
    training = supervised()
    for _ in range(600):
        stand.clock.now += 0.5
        training.watch()
    assert len(said()) == 1
    assert 5 < len(stand.starts) < 15
    stand.after_start = RUNNING
    stand.clock.now += 60
    training.watch()
    assert stand.state is RUNNING
    assert said() == []


def test_one_that_was_stopped_stays_so(stand: Stand, supervised: Callable[..., SupervisedTraining], said: Callable):
    training = supervised()
    for state in (replace(RUNNING, state="stopping"), STOPPED):
        stand.state = state
        stand.clock.now += 100
        training.watch()
    assert (len(stand.starts), said()) == (1, [])


def test_one_that_starts_nothing_only_tells(stand: Stand, supervised: Callable[..., SupervisedTraining], said: Any):
    stand.state = FAILED
    training = supervised(starts=False)
    for _ in range(3):
        stand.clock.now += 100
        training.watch()
    assert (len(stand.starts), len(said())) == (0, 1)


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[TrainerProcess]:
    trainer = TrainerProcess(tmp_path / "runs")
    trainer.start(LONG)
    while not trainer.status().progress:
        PAUSE.wait(0.02)
    yield trainer
    trainer.stop(background_only=True)


def test_dead_trainer_is_started_again_and_said(trainer: TrainerProcess, said: Callable):
    training = SupervisedTraining(Settings(runs=trainer.runs), starts=True)
    training.watch()
    assert said() == []
    before = trainer.status().holder
    assert before is not None
    os.kill(before.pid, signal.SIGKILL)
    while trainer.status().state == "running":
        PAUSE.wait(0.02)
    training.watch()
    told = " ".join(said())
    assert "the training failed" in told
    assert "restarting it" in told
    now = trainer.status().holder
    assert now is not None
    assert now.pid != before.pid
    stopped = training.stop()
    assert stopped is not None
    assert stopped.state == "stopped"
