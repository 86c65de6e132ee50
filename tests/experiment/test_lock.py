"""One trainer at a time, and nothing left behind by a killed one."""

import json
import os
import platform
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gradviz.errors import UserError
from gradviz.experiment import lock
from gradviz.experiment.lock import NOTE_NAME, Holder, RunLocked, holder, run_lock

HOLD = "import sys, pathlib; from gradviz.experiment.lock import run_lock\n" + (
    "with run_lock(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.readline()"
)


@pytest.fixture
def other(tmp_path: Path):
    """Another process that holds the run until its input ends."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=-1, stdout=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_trainer_is_told_who_holds_the_run(tmp_path: Path, other: subprocess.Popen):
    said = f"is being trained by process {other.pid} on {platform.node()} since 20"
    with pytest.raises(RunLocked, match=said) as refusal, run_lock(tmp_path):
        pass
    assert refusal.value.holder == holder(tmp_path)


def test_the_holder_is_known_until_it_lets_go(tmp_path: Path):
    assert holder(tmp_path) is None
    with run_lock(tmp_path) as mine:
        assert holder(tmp_path) == mine
        assert mine.pid == os.getpid()
    assert holder(tmp_path) is None
    assert not (tmp_path / NOTE_NAME).exists()


def test_a_killed_trainer_leaves_the_run_free(tmp_path: Path, other: subprocess.Popen):
    other.kill()
    # Not waited for yet: the process may be a zombie, which holds nothing.
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert (tmp_path / NOTE_NAME).exists()
    assert holder(tmp_path) is None
    with run_lock(tmp_path) as mine:
        assert holder(tmp_path) == mine


def test_a_note_whose_process_number_is_in_use_again_names_no_holder(tmp_path: Path):
    note = {"pid": os.getpid(), "since": "2015-02-18", "host": platform.node(), "started": "1"}
    (tmp_path / NOTE_NAME).write_text(json.dumps(note))
    assert holder(tmp_path) is None


@pytest.mark.parametrize("note", [b"", b"{}", b"[]", b"\xff", b'{"pid": "x", "since": "", "host": "", "started": ""}'])
def test_a_damaged_note_names_no_holder_and_stops_no_trainer(tmp_path: Path, note: bytes):
    (tmp_path / NOTE_NAME).write_bytes(note)
    assert holder(tmp_path) is None
    with run_lock(tmp_path):
        pass


def test_a_note_from_another_machine_counts_while_the_lock_is_held(tmp_path: Path, other: subprocess.Popen):
    elsewhere = {"pid": 1, "since": "2015-02-18", "host": "elsewhere", "started": "7"}
    (tmp_path / NOTE_NAME).write_text(json.dumps(elsewhere))
    assert holder(tmp_path) == Holder(**elsewhere)
    other.kill()
    other.wait()
    assert holder(tmp_path) is None


def test_asking_who_holds_a_run_never_stops_a_trainer_from_starting(tmp_path: Path):
    # The worst case: a stale note from another machine, so that every inquiry tries the lock itself.
    stale = json.dumps({"pid": 1, "since": "2015-02-18", "host": "elsewhere", "started": "7"})
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            holder(tmp_path)

    inquirers = [threading.Thread(target=ask) for _ in range(4)]
    for inquirer in inquirers:
        inquirer.start()
    try:
        for _ in range(50):
            (tmp_path / NOTE_NAME).write_text(stale)
            with run_lock(tmp_path):
                pass
    finally:
        done.set()
        for inquirer in inquirers:
            inquirer.join()


def test_a_lock_held_by_nobody_known_is_given_up_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other):
    (tmp_path / NOTE_NAME).unlink()
    monkeypatch.setattr(lock, "PATIENCE_SECONDS", 0.1)
    with pytest.raises(RunLocked, match="is being trained by another process"), run_lock(tmp_path):
        pass


def test_a_directory_that_cannot_be_locked_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be locked"), run_lock(tmp_path / "file"):
        pass


def test_an_error_inside_lets_go(tmp_path: Path):
    with pytest.raises(KeyError), run_lock(tmp_path):
        raise KeyError
    with run_lock(tmp_path):
        pass
