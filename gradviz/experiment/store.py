"""The runs directory: RUNS/NAME/{run.json, rows.safetensors, metrics.csv, epoch-0000.safetensors, ...}."""

import errno
import os
from collections.abc import Collection
from pathlib import Path

from gradviz.errors import UserError
from gradviz.experiment.examined import Examinations
from gradviz.experiment.files import is_there, signature
from gradviz.experiment.names import is_run_name
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.regularizers import DEFAULT_NAMES, rank
from gradviz.experiment.run import Run
from gradviz.experiment.run_directory import RECORD_NAME, BrokenCheckpoint
from gradviz.experiment.run_record import RunRecord, read_any_record
from gradviz.experiment.study_loading import SHIPPED, LoadedStudy, load_study
from gradviz.experiment.study_run import StudyRun

_FOR_GOOD = {errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR}

__all__ = ["BrokenCheckpoint", "Run", "RunStore", "run_directories"]


class RunStore:
    """Reads the runs of one directory, which may be missing, empty, or in use by a trainer.

    It keeps each run with its checks until its run.json changes. `study`: the user's own, loaded for its runs. `only`:
    names of the runs that count as there; all if empty. Safe to share between threads.
    """

    def __init__(self, root: Path | str, study: LoadedStudy | None = None, only: Collection[str] = ()) -> None:
        self.root, self._study, self._only = Path(root), study, frozenset(only)
        self._examinations = Examinations()
        try:
            is_file = is_there(self.root) and not os.path.isdir(self.root)
        except UnusableFile as error:
            cause = error.__cause__
            if not isinstance(cause, OSError) or cause.errno in _FOR_GOOD:
                raise
            is_file = False  # inaccessible now, but perhaps not later: each question looks again
        if is_file:
            raise UserError(f"The directory of runs, {self.root}, is a file: name a directory with --runs.")
        self._runs: dict[str, tuple[tuple[int, int] | None, Run | StudyRun | UnusableFile]] = {}

    def runs(self) -> list[Run]:
        """The runs of deliveries with a readable run.json, by their regularizers' order, then by name.

        A run may be deleted at any time: asking for each by its name, one by one, would fail then.
        """
        runs = [run for run in self._all() if isinstance(run, Run)]
        return sorted(runs, key=lambda run: (rank(run.config.regularizer), run.name))

    def names(self) -> list[str]:
        """Their names, in the same order."""
        return [run.name for run in self.runs()]

    def study_runs(self) -> list[StudyRun]:
        """The runs of other studies, by name."""
        return [run for run in self._all() if isinstance(run, StudyRun)]

    def all_runs(self) -> list[Run | StudyRun]:
        """The runs of every study: those of deliveries, then the others."""
        return [*self.runs(), *self.study_runs()]

    def broken(self) -> list[BrokenCheckpoint]:
        """The runs left out because of their run.json, and the reasons."""
        return [BrokenCheckpoint(run.path, run.reason) for run in self._all() if isinstance(run, UnusableFile)]

    def run(self, name: str) -> Run:
        """One run of deliveries; UserError names those that exist."""
        run = self._open(name) if is_run_name(name) else None
        if isinstance(run, UnusableFile):
            raise run
        if isinstance(run, StudyRun):
            raise UserError(f"The run {name} is of the study {run.record.study}: this takes runs of deliveries alone.")
        if run is None:
            known = ", ".join(self.names()) or f"none of them yet in {self.root}: start `gradviz train`"
            raise UserError(f"`run` must be an existing run ({known}), got {name!r}.")
        return run

    def any_run(self, name: str) -> Run | StudyRun:
        """One run of any study; UserError names those that exist."""
        run = self._open(name) if is_run_name(name) else None
        return run if isinstance(run, StudyRun) else self.run(name)

    def study_run(self, name: str) -> StudyRun:
        """One run of another study; UserError names those that exist."""
        run = self._open(name) if is_run_name(name) else None
        if isinstance(run, UnusableFile):
            raise run
        if not isinstance(run, StudyRun):
            known = ", ".join(run.name for run in self.study_runs()) or f"none of them yet in {self.root}"
            raise UserError(f"`run` must be an existing run of a study of your own ({known}), got {name!r}.")
        return run

    def _study_of(self, name: str) -> LoadedStudy | None:
        """The loaded study of a run: the user's own, or one that ships, whose code is ours."""
        if self._study is not None and self._study.study.name == name:
            return self._study
        return load_study(name) if name in SHIPPED else None

    def _all(self) -> list[Run | StudyRun | UnusableFile]:
        try:
            names = run_directories(self.root)
        except OSError:  # it cannot be listed now: try known and usual names one by one
            names = sorted({*DEFAULT_NAMES, *self._runs})
        return [run for run in map(self._open, names) if run is not None]

    def _open(self, name: str) -> Run | StudyRun | UnusableFile | None:
        if self._only and name not in self._only:
            return None
        path = self.root / name / RECORD_NAME
        stamp = signature(path)
        known = self._runs.get(name)
        if known is not None and known[0] == stamp is not None:
            return known[1]
        try:
            if not is_there(path):
                self._runs.pop(name, None)
                return None
            record = read_any_record(path)
            if isinstance(record, RunRecord):
                run = Run(path.parent, record)
            else:
                run = StudyRun(path.parent, record, self._study_of(record.study), self._examinations)
        except UnusableFile as error:
            run = error
        self._runs[name] = (stamp, run)
        return run


def run_directories(root: Path) -> list[str]:
    """Names of all directories that may hold a run, sorted; none if the root does not exist. OSError if it cannot be
    listed. Includes a file with the usual name of a run."""
    try:
        with os.scandir(root) as entries:
            found = {entry.name: entry.is_file() for entry in entries if is_run_name(entry.name)}
    except FileNotFoundError:
        return []
    return sorted(name for name, is_file in found.items() if not is_file or name in DEFAULT_NAMES)
