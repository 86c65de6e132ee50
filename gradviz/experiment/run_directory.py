"""The files of a run's directory: their names, which checkpoints are complete, and why others are not.

Checks are cached by size and time of the file, so that a look every second costs one listing of the directory.
"""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from gradviz.errors import UserError
from gradviz.experiment.files import is_there, signature
from gradviz.experiment.outside import UnusableFile, reason_of
from gradviz.experiment.tensor_file import TensorShape, file_digest, read_header

MAX_EPOCHS = 9999
"""Of four digits in the names of checkpoints."""

RECORD_NAME, METRICS_NAME = "run.json", "metrics.csv"
ROWS_NAME, MINIBATCHES_NAME, RESUME_NAME = "rows.safetensors", "minibatches.safetensors", "resume.safetensors"
_CHECKPOINT = re.compile(r"epoch-(\d{4})\.safetensors")
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class BrokenCheckpoint:
    """An unusable file of a run, and the reason."""

    path: Path
    reason: str


def checkpoint_path(directory: Path, epoch: int) -> Path:
    """The file of one epoch's checkpoint."""
    return directory / f"epoch-{epoch:04d}.safetensors"


def checkpoint_files(directory: Path) -> dict[int, Path]:
    """All files named like checkpoints, by epoch; UnusableFile if the directory cannot be read now."""
    return {epoch: checkpoint_path(directory, epoch) for epoch in _listed_epochs(directory)}


def _listed_epochs(directory: Path) -> list[int]:
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UnusableFile(directory, reason_of(error)) from error
    return sorted(int(match[1]) for match in map(_CHECKPOINT.fullmatch, names) if match is not None)


class FileChecks:
    """Results computed from files, kept until these change. Safe to share between threads."""

    def __init__(self) -> None:
        # name of the check and path -> (signature of the file, its result)
        self._known: dict[tuple[str, Path], tuple[tuple[int, int] | None, object]] = {}

    def cached(self, check: str, path: Path, compute: Callable[[], _Value]) -> _Value:
        """The result of a check, computed again only if the file has changed."""
        stamp = signature(path)
        known = self._known.get((check, path))
        if known is not None and known[0] == stamp and stamp is not None:
            return known[1]  # pyright: ignore[reportReturnType]  # one check always gives one type
        value = compute()
        self._known[check, path] = (stamp, value)
        return value

    def set(self, check: str, path: Path, stamp: tuple[int, int] | None, value: object) -> None:
        """Replaces a result by a better one, found in the file of that signature."""
        self._known[check, path] = (stamp, value)


class CheckpointFiles:
    """The checkpoints of one run; `check(path, header)` raises UnusableFile for one that is not the run's."""

    def __init__(
        self,
        directory: Path,
        run: str,
        check: Callable[[Path, Mapping[str, TensorShape]], None],
        checks: FileChecks,
    ) -> None:
        self._directory, self._run, self._check, self._checks = directory, run, check, checks

    def epochs(self) -> list[int]:
        """Epochs with a complete checkpoint, ascending."""
        return [epoch for epoch, path in self._files()[0].items() if self._reason(path) is None]

    def first(self) -> int | None:
        """The first epoch with a complete checkpoint, found without a look at the others; None if there is none, or the
        directory cannot be read now."""
        with suppress(UnusableFile):
            for epoch in _listed_epochs(self._directory):
                if self._reason(checkpoint_path(self._directory, epoch)) is None:
                    return epoch
        return None

    def broken(self) -> list[BrokenCheckpoint]:
        """The files left out, and the reasons."""
        files, unreadable = self._files()
        reasons = [(self._directory, unreadable), *((path, self._reason(path)) for path in files.values())]
        return [BrokenCheckpoint(path, reason) for path, reason in reasons if reason is not None]

    def path(self, epoch: int) -> Path:
        """The file of a complete checkpoint; UserError if it is missing or broken."""
        path = checkpoint_path(self._directory, epoch)
        if not is_there(path):
            epochs = self.epochs()
            if not epochs:
                raise UserError(f"The run {self._run} has no trained epoch yet: wait for its first checkpoint.")
            raise UserError(f"`epoch` of the run {self._run} must be {_ranges(epochs)}, got {epoch}.")
        reason = self._reason(path)
        if reason is not None:
            raise UnusableFile(path, reason)
        return path

    def read(self, epoch: int, read: Callable[[Path], _Value]) -> _Value:
        """The content of a checkpoint; if `read` raises UnusableFile, the file counts as broken from now on."""
        path = self.path(epoch)
        stamp = signature(path)
        try:
            return read(path)
        except UnusableFile as error:
            self._checks.set("checkpoint", path, stamp, error.reason)
            raise

    def digest(self, epoch: int) -> str:
        """Hex sha256 of a checkpoint's content, for cache keys."""
        path = self.path(epoch)
        return self._checks.cached("digest", path, lambda: file_digest(path))

    def _files(self) -> tuple[dict[int, Path], str | None]:
        """The files named like checkpoints, or why the directory cannot be read now."""
        try:
            return checkpoint_files(self._directory), None
        except UnusableFile as error:
            return {}, error.reason

    def _reason(self, path: Path) -> str | None:
        """Why a checkpoint is unusable, by its header and length; None if it is not."""

        def check() -> str | None:
            try:
                self._check(path, read_header(path))
            except UnusableFile as error:
                return error.reason
            return None

        return self._checks.cached("checkpoint", path, check)


def _ranges(epochs: list[int]) -> str:
    """`one of 0-12`, or `one of 0-3, 5-12`."""
    breaks = [i for i in range(1, len(epochs)) if epochs[i] != epochs[i - 1] + 1]
    parts = [epochs[i:j] for i, j in zip([0, *breaks], [*breaks, len(epochs)], strict=True)]
    return "one of " + ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
