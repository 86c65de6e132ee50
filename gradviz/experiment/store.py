"""The runs directory: RUNS/NAME/{run.json, rows.safetensors, metrics.csv, epoch-0000.safetensors, ...}."""

import errno
import os
from pathlib import Path

from gradviz.errors import UserError
from gradviz.experiment.config import VARIANTS
from gradviz.experiment.files import is_there, signature
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.run import RECORD_NAME, BrokenCheckpoint, Run
from gradviz.experiment.run_record import read_record

_FOR_GOOD = {errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR}

__all__ = ["BrokenCheckpoint", "Run", "RunStore"]


class RunStore:
    """Reads the runs of one directory; the directory may be missing, empty, or being written by a trainer.

    A `Run` is kept, with what it has checked, until its run.json changes. Safe to share between threads.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        try:
            is_file = is_there(self.root) and not os.path.isdir(self.root)
        except UnusableFile as error:
            cause = error.__cause__
            if not isinstance(cause, OSError) or cause.errno in _FOR_GOOD:
                raise
            is_file = False  # it cannot be looked at now, and may be while we serve: each question looks again
        if is_file:
            raise UserError(f"The runs are kept in a directory, and {self.root} is a file: name another with --runs.")
        self._runs: dict[str, tuple[tuple[int, int] | None, Run | UnusableFile]] = {}

    def names(self) -> list[str]:
        """Names of the runs whose run.json can be read, in the order none, dropout, batchnorm."""
        return [name for name in VARIANTS if isinstance(self._open(name), Run)]

    def broken(self) -> list[BrokenCheckpoint]:
        """The runs that are left out because of their run.json, and why."""
        opened = [self._open(name) for name in VARIANTS]
        return [BrokenCheckpoint(run.path, run.reason) for run in opened if isinstance(run, UnusableFile)]

    def run(self, name: str) -> Run:
        """One run; UserError names those that exist."""
        # Only the three names are ever turned into a path.
        run = self._open(name) if name in VARIANTS else None
        if isinstance(run, UnusableFile):
            raise run
        if run is None:
            known = ", ".join(self.names()) or f"none of them yet in {self.root}: start `gradviz train`"
            raise UserError(f"`run` must be one of those that are there ({known}), got {name!r}.")
        return run

    def _open(self, name: str) -> Run | UnusableFile | None:
        path = self.root / name / RECORD_NAME
        stamp = signature(path)
        known = self._runs.get(name)
        if known is not None and known[0] == stamp is not None:
            return known[1]
        try:
            if not is_there(path):
                return None
            run = Run(path.parent, read_record(path))
        except UnusableFile as error:
            run = error
        self._runs[name] = (stamp, run)
        return run
