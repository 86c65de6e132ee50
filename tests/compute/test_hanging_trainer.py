"""A trainer that hangs, or is not what its note says: stopped all the same, soon answered, and nobody else is hurt."""

import json
import os
import platform
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from gradviz.compute.ending import Ending
from gradviz.compute.trainer import TrainerStatus
from gradviz.compute.trainer_log import TrainerLog
from gradviz.compute.trainer_process import LOG_NAME, TrainerProcess
from gradviz.errors import UserError
from gradviz.experiment import lock
from gradviz.experiment.lock import NOTE_NAME, Holder, RunLocked

PAUSE = threading.Event()  # never set: between two looks at another process
GRACE = 0.3
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
POLITE = "import signal; print('ready', flush=True); signal.pause()"


@contextmanager
def process(program: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen([sys.executable, "-S", "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        try:
            yield child
        finally:
            child.kill()


def note_of(pid: int) -> Holder:
    return Holder(pid, "2026-01-01T00:00:00+00:00", platform.node(), lock._start_of(pid))


@contextmanager
def standing_in(runs: Path, program: str) -> Iterator[subprocess.Popen[str]]:
    """A process that the note in `runs` takes for its background trainer."""
    runs.mkdir(exist_ok=True)
    with process(program) as child:
        (runs / NOTE_NAME).write_text(json.dumps(asdict(note_of(child.pid))))
        yield child


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def trainer(runs: Path) -> TrainerProcess:
    return TrainerProcess(runs, grace=GRACE)


def until(status: Callable[[], TrainerStatus], *states: str) -> TrainerStatus:
    while (now := status()).state in states:
        PAUSE.wait(0.01)
    return now


def test_a_suspended_trainer_is_woken_and_stops_in_order(trainer: TrainerProcess, runs: Path):
    with standing_in(runs, POLITE) as child:
        assert "suspended" not in trainer.status().message
        child.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
        assert trainer.status().state == "running"
        assert "suspended" in trainer.status().message
        assert trainer.start().state == "running"  # nothing beside it
        trainer.stop(background_only=True)
        assert child.wait(30) == -signal.SIGTERM
    assert trainer.status().state == "empty"


def test_a_trainer_that_does_not_listen_is_killed_and_that_is_a_stop(trainer: TrainerProcess, runs: Path):
    with standing_in(runs, DEAF) as child:
        other = TrainerProcess(runs)  # another process of the server, which was not asked
        told = trainer.stop()
        seen = other.status()
        if told.state == "stopping":  # unless this machine was so slow that it is over
            assert "hangs" in told.message
            assert seen.state in ("stopping", "empty")
        until(other.status, "stopping")
        assert child.wait(30) == -signal.SIGKILL
    assert trainer.status().state == other.status().state == "empty"  # not failed: nobody starts it again
    assert "hung" in (runs / LOG_NAME).read_text()


def test_the_answer_to_a_stop_does_not_wait_for_one_that_hangs(runs: Path):
    trainer = TrainerProcess(runs, grace=600)
    with standing_in(runs, DEAF) as child:
        assert trainer.stop().state == "stopping"
        assert trainer.stop().state == "stopping"  # asked once more, and not twice ended
        assert sum(thread.name == f"end of {child.pid}" for thread in threading.enumerate()) == 1
        assert (runs / LOG_NAME).read_text().count("Stopping") == 1
        assert TrainerProcess(runs).status().state == "stopping"


def test_starting_again_waits_for_the_end_of_one_that_hangs(
    trainer: TrainerProcess, runs: Path, monkeypatch: pytest.MonkeyPatch
):
    launched: list[tuple[str, ...]] = []
    begun = threading.Event()

    def launch(arguments: tuple[str, ...]) -> None:
        launched.append(tuple(arguments))
        begun.set()

    monkeypatch.setattr(trainer, "_launch", launch)
    with standing_in(runs, DEAF) as child:
        trainer.start_again(["--device", "cpu"])
        assert begun.wait(60)
        assert child.wait(30) == -signal.SIGKILL
    assert launched == [("--device", "cpu", "--fresh")]


def test_a_run_that_a_hanging_trainer_holds_is_kept_until_that_is_stopped(trainer: TrainerProcess, runs: Path):
    (runs / "none").mkdir(parents=True)
    (runs / "none" / "metrics.csv").write_text("epoch\n")
    with standing_in(runs, DEAF) as child:
        child.send_signal(signal.SIGSTOP)
        with pytest.raises(RunLocked, match="stop it first"):
            trainer.delete("none")
        trainer.stop(background_only=True)
    trainer.delete("none")
    assert not (runs / "none" / "metrics.csv").exists()


def test_a_process_of_another_machine_with_the_same_number_is_left_alone(
    trainer: TrainerProcess, runs: Path, monkeypatch: pytest.MonkeyPatch
):
    with standing_in(runs, POLITE) as child:
        foreign = replace(note_of(child.pid), host="elsewhere")
        (runs / NOTE_NAME).write_text(json.dumps(asdict(foreign)))
        monkeypatch.setattr(lock, "_is_locked", lambda path: True)
        with pytest.raises(UserError, match="another machine"):
            trainer.stop()
        assert child.poll() is None
        assert trainer.status().state == "running"


def test_a_process_that_has_the_number_of_a_dead_trainer_is_left_alone(trainer: TrainerProcess, runs: Path):
    with standing_in(runs, POLITE) as child:
        (runs / NOTE_NAME).write_text(json.dumps(asdict(replace(note_of(child.pid), started="1"))))
        assert trainer.stop().state == "failed"
        assert child.poll() is None


def test_another_users_trainer_is_said(trainer: TrainerProcess, runs: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    with standing_in(runs, POLITE):
        monkeypatch.setattr(signal, "pidfd_send_signal", refuse)
        with pytest.raises(UserError, match="another user"):
            trainer.stop()
        assert trainer.status().state == "running"
        assert not (runs / LOG_NAME).exists()


def test_the_end_is_not_begun_for_another_process_than_the_one_meant():
    with process(POLITE) as child:
        with pytest.raises(ProcessLookupError):
            Ending(child.pid, is_meant=lambda: False)
        assert child.poll() is None
        ending = Ending(child.pid, is_meant=lambda: True)
        assert ending.wait(60)
        assert child.wait(30) == -signal.SIGTERM


def test_a_stop_that_is_over_says_nothing_of_the_next_trainer(trainer: TrainerProcess, runs: Path):
    runs.mkdir()
    log = TrainerLog(runs / LOG_NAME)
    log.note("Stopping after the step under way.")
    os.utime(runs / LOG_NAME, (1000, 1000))
    with standing_in(runs, POLITE):
        assert trainer.status().state == "running"


def fifo(path: Path) -> None:
    os.mkfifo(path)


def device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def directory(path: Path) -> None:
    path.mkdir()


def circle(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize("make", [fifo, device, directory, circle])
def test_a_log_that_is_no_file_stops_nothing(trainer: TrainerProcess, runs: Path, make: Callable[[Path], None]):
    runs.mkdir()
    make(runs / LOG_NAME)
    assert trainer.status().state == "empty"
    with pytest.raises(UserError, match="cannot be written"):
        trainer.start()
    with standing_in(runs, DEAF) as child:
        assert trainer.status().state == "running"
        trainer.stop(background_only=True)
        assert child.wait(30) == -signal.SIGKILL


def test_the_last_line_of_a_log_without_end_is_read_from_its_end(runs: Path):
    runs.mkdir()
    log = TrainerLog(runs / LOG_NAME)
    with open(log.path, "wb") as stream:
        stream.truncate(2**40)  # sparse
        stream.seek(0, os.SEEK_END)
        stream.write(b"\xff\xfe\n\nlast words\n\n")
    assert log.last_line() == "last words"
    with log.begin():
        pass
    assert log.last_line() == ""
    assert log.path.stat().st_size < 1000


def test_runs_that_cannot_be_looked_at_are_looked_at_again(runs: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: object, **_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, "lstat", refuse)
        trainer = TrainerProcess(runs)  # as at the start of a server, which must not end of it
    assert trainer.status().state == "empty"


def test_a_trainer_that_ended_before_it_said_a_word_has_failed(trainer: TrainerProcess, runs: Path):
    runs.mkdir()
    with TrainerLog(runs / LOG_NAME).begin():
        pass
    assert trainer.status().state == "running"  # it may be starting, from another process of the server
    long_ago = (runs / LOG_NAME).stat().st_mtime - 100
    os.utime(runs / LOG_NAME, (long_ago, long_ago))
    assert trainer.status().state == "failed"
    assert not trainer.status().refused
    with TrainerLog(runs / LOG_NAME).begin():
        pass
    in_an_hour = (runs / LOG_NAME).stat().st_mtime + 3600  # the time of day was set back
    os.utime(runs / LOG_NAME, (in_an_hour, in_an_hour))
    assert trainer.status().state == "running"
