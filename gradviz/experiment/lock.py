"""One trainer at a time per run: a lock that the system releases when its process ends, and a note of its holder.

The lock is flock's, through filelock: kill -9 releases it. The note (`trainer.json`, beside it) names the process and
the time it started, so that a killed trainer's note is recognised even if another process has its number. Looking up
the holder reads the note and the process table; it takes no lock, so it never blocks a trainer. Only for a note from
another machine or container, whose processes are invisible, does it try the lock itself for an instant; a trainer that
starts in that instant tries again.
"""

import fcntl
import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from filelock import FileLock, Timeout
from pydantic import Field, TypeAdapter, ValidationError

from gradviz.errors import UserError
from gradviz.experiment.files import write_whole
from gradviz.experiment.outside import UnusableFile, open_outside, read_outside
from gradviz.experiment.private import file_mode

LOCK_NAME, NOTE_NAME = "trainer.lock", "trainer.json"
_MAX_BYTES = 64 * 1024  # of the note; the lock is empty
PATIENCE_SECONDS = 5.0  # how long an unknown process may hold a lock: another trainer writing its note, or a lookup


@dataclass(frozen=True)
class Holder:
    """The process that trains a run, its start of training (ISO 8601 in UTC), and the system's start of the process."""

    pid: Annotated[int, Field(ge=1, lt=2**31)]
    since: str
    host: str
    started: str = ""


_NOTE = TypeAdapter(Holder)


class RunLocked(UserError):
    """Another process is training the run."""

    def __init__(self, path: Path, holder: Holder | None) -> None:
        who = f"process {holder.pid} on {holder.host} since {holder.since}" if holder else "another process"
        super().__init__(f"{path} is being trained by {who}: wait until it has finished, or stop it first.")
        self.path, self.holder = path, holder


@contextmanager
def run_lock(path: Path) -> Iterator[Holder]:
    """Holds the run in directory `path` (which must exist); raises RunLocked if another process does."""
    lock = FileLock(path / LOCK_NAME, mode=file_mode(path) if path.is_dir() else 0o600)
    if os.path.lexists(path / LOCK_NAME):
        open_outside(path / LOCK_NAME, _MAX_BYTES).close()  # no FIFO, no link to another's file
    try:
        lock.acquire(timeout=PATIENCE_SECONDS, poll_interval=0.01, cancel_check=lambda: holder(path) is not None)
    except Timeout as error:
        raise RunLocked(path, holder(path)) from error
    except OSError as error:
        raise UserError(f"{path} cannot be locked ({error.strerror or error}): allow writing there.") from error
    note = path / NOTE_NAME
    try:
        pid, since = os.getpid(), datetime.now(UTC).isoformat(timespec="seconds")
        mine = Holder(pid, since, platform.node(), _start_of(pid))
        write_whole(note, json.dumps(asdict(mine)).encode())
        yield mine
    finally:
        with suppress(OSError):  # a leftover note is recognised as that of an ended process
            note.unlink()
        lock.release()


def holder(path: Path) -> Holder | None:
    """The process that trains the run in directory `path`; None if none does, or it was killed."""
    note = _read_note(path / NOTE_NAME)
    if note is None:
        return None
    if note.host == platform.node() and note.started:
        return note if _start_of(note.pid) == note.started else None
    return note if _is_locked(path / LOCK_NAME) else None


def _read_note(path: Path) -> Holder | None:
    try:
        return _NOTE.validate_json(read_outside(path, _MAX_BYTES), strict=True)
    except (UnusableFile, ValidationError):
        return None


def _start_of(pid: int) -> str:
    """The start of a living process in clock ticks since boot; empty if it is gone, a zombie, or invisible."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return ""
    # The program's name, in parentheses, may contain anything; the state follows it, and the start is the 20th after.
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    state, *rest = status.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]


def _is_locked(path: Path) -> bool:
    """Whether a process holds the lock; takes it shared for an instant."""
    try:
        with open_outside(path, _MAX_BYTES) as stream:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except UnusableFile:
        return False
    except OSError:  # BlockingIOError, or an unsupported system: then trust the note
        return True
    return False
