"""`trainer.log`: the output of a background trainer; its last line tells the state of the training."""

import contextlib
import os
import stat
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from gradviz.experiment.outside import UnusableFile, open_outside
from gradviz.experiment.private import file_mode

_HEADER_PREFIX = "=== "
_TAIL_BYTES = 16_384
_MAX_BYTES = 2**20
_NO_LIMIT = 2**62  # on the file's size: this reads only the tail


class TrainerLog:
    """The log of a directory of runs. Never reads or writes a `path` that is not a regular file (a pipe, a device)."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self) -> BinaryIO:
        """Opens the log for a new trainer's output, after a line with the time; OSError if it cannot be written."""
        log = self._open()
        try:
            if os.fstat(log.fileno()).st_size > _MAX_BYTES:
                os.ftruncate(log.fileno(), 0)
            log.write(f"{_HEADER_PREFIX}{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n".encode())
        except OSError:
            log.close()
            raise
        return log

    def note(self, line: str) -> None:
        """Adds a line, if possible."""
        with contextlib.suppress(OSError), self._open() as log:
            log.write(f"{line}\n".encode())

    def last_line(self) -> str:
        """The last line of the latest trainer; empty if it has written none."""
        last = self._last()
        return "" if last.startswith(_HEADER_PREFIX) else last

    def is_silent_since(self, seconds: float) -> bool:
        """Whether the latest trainer started more than `seconds` ago and has written nothing."""
        return self.is_silent() and time.time() - _written(self.path) > seconds

    def is_silent(self) -> bool:
        """Whether the latest trainer has written nothing yet."""
        return self._last().startswith(_HEADER_PREFIX)

    def is_newer_than(self, files: Iterable[Path]) -> bool:
        """Whether the log is newer than each existing file of `files`."""
        written = _written(self.path)
        return written > 0.0 and all(written >= _written(path) for path in files)

    def _last(self) -> str:
        try:
            with open_outside(self.path, _NO_LIMIT) as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - _TAIL_BYTES))
                lines = log.read(_TAIL_BYTES).decode(errors="replace").splitlines()
        except (UnusableFile, OSError):
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def _open(self) -> BinaryIO:
        # Without waiting for the other end of a pipe.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, file_mode(self.path.parent))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(f"{self.path} is not a regular file")
        return os.fdopen(descriptor, "ab", buffering=0)


def _written(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0
