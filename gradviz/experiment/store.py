"""The runs directory: RUNS/VARIANT/{run.json, rows.safetensors, metrics.csv, epoch-0000.safetensors, ...}."""

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

    def variants(self) -> list[str]:
        """Variants with a run whose run.json can be read, in the order none, dropout, batchnorm."""
        return [variant for variant in VARIANTS if isinstance(self._open(variant), Run)]

    def broken(self) -> list[BrokenCheckpoint]:
        """The runs that are left out because of their run.json, and why."""
        opened = [self._open(variant) for variant in VARIANTS]
        return [BrokenCheckpoint(run.path, run.reason) for run in opened if isinstance(run, UnusableFile)]

    def run(self, variant: str) -> Run:
        """One run; UserError names the variants that exist."""
        # Only the three names are ever turned into a path.
        run = self._open(variant) if variant in VARIANTS else None
        if isinstance(run, UnusableFile):
            raise run
        if run is None:
            known = ", ".join(self.variants()) or f"none of them yet in {self.root}: start `gradviz train`"
            raise UserError(f"`variant` must be one that has a run ({known}), got {variant!r}.")
        return run

    def _open(self, variant: str) -> Run | UnusableFile | None:
        path = self.root / variant / RECORD_NAME
        stamp = signature(path)
        known = self._runs.get(variant)
        if known is not None and known[0] == stamp is not None:
            return known[1]
        try:
            if not is_there(path):
                return None
            run = Run(path.parent, read_record(path))
        except UnusableFile as error:
            run = error
        self._runs[variant] = (stamp, run)
        return run
