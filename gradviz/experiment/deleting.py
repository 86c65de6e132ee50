"""Deletes a run under its lock, which keeps trainers out."""

import os
from pathlib import Path

from gradviz.errors import UserError
from gradviz.experiment.files import is_there, remove_file, remove_partial_files
from gradviz.experiment.lock import RunLocked, holder, run_lock
from gradviz.experiment.run_directory import (
    METRICS_NAME,
    MINIBATCHES_NAME,
    RECORD_NAME,
    RESUME_NAME,
    ROWS_NAME,
    checkpoint_files,
)


def delete_run(runs: Path, name: str) -> None:
    """Deletes the files of a run in `runs`, if it exists.

    Raises RunLocked while it is training, and while a trainer of all runs is about to start it.
    """
    directory = runs / name
    if not is_there(directory):
        return
    if not os.path.isdir(directory):
        raise UserError(f"{directory} is not a directory, so it holds no run: remove it yourself.")
    whole = holder(runs)
    if whole is not None:
        raise RunLocked(runs, whole)
    with run_lock(directory):
        remove_run(directory)


def remove_run(directory: Path) -> None:
    """Removes the files of a run, and nothing else in its directory. `run.json` goes last. Call this under the lock."""
    remove_partial_files(directory)
    names = (METRICS_NAME, ROWS_NAME, MINIBATCHES_NAME, RECORD_NAME)
    paths = [directory / RESUME_NAME, *checkpoint_files(directory).values(), *(directory / name for name in names)]
    for path in paths:
        remove_file(path)
