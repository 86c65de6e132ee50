"""Deleting a run: under its lock, so that nobody is training it meanwhile."""

from pathlib import Path

from gradviz.experiment.config import Variant
from gradviz.experiment.lock import RunLocked, holder, run_lock
from gradviz.experiment.run_files import remove_run


def delete_run(runs: Path, variant: Variant) -> None:
    """Deletes the files of a run in `runs`; nothing if there is no run.

    Raises RunLocked while it is trained, and while a trainer of all runs is about to begin it.
    """
    directory = runs / variant
    if not directory.is_dir():
        return
    whole = holder(runs)
    if whole is not None:
        raise RunLocked(runs, whole)
    with run_lock(directory):
        remove_run(directory)
