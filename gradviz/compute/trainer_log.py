"""`trainer.log`: the place of what a background trainer says, and its last line, by which others know how it goes."""

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
_NO_LIMIT = 2**62  # of the whole: no more than the tail is read


class TrainerLog:
    """One for a directory of runs. Whatever else lies at its `path` (a pipe, a device) is neither read nor written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self) -> BinaryIO:
        """Opened for what a new trainer says, behind a line with the time; OSError where that cannot be written."""
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
        """Adds a line, if it can be written."""
        with contextlib.suppress(OSError), self._open() as log:
            log.write(f"{line}\n".encode())

    def last_line(self) -> str:
        """The last line of the trainer that was started last; empty if it has written none."""
        last = self._last()
        return "" if last.startswith(_HEADER_PREFIX) else last

    def is_silent_since(self, seconds: float) -> bool:
        """Whether the trainer that was started last has written nothing, and that was so many seconds ago."""
        return self._last().startswith(_HEADER_PREFIX) and time.time() - _written(self.path) > seconds

    def is_newer_than(self, files: Iterable[Path]) -> bool:
        """Whether it was written after each of the `files` that are there."""
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
        # Without waiting for whoever is at the other end of a pipe.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, file_mode(self.path.parent))
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(f"{self.path} is no file")
        return os.fdopen(descriptor, "ab", buffering=0)


def _written(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0
