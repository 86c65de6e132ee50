"""The facts about each run for `gradviz runs`: progress, accuracy, trainer, size on disk, broken files."""

import math
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gradviz.experiment.config import TrainingConfig
from gradviz.experiment.lock import Holder, holder
from gradviz.experiment.regularizers import DEFAULT_NAMES, rank
from gradviz.experiment.run import BrokenCheckpoint, Run
from gradviz.experiment.store import RunStore


@dataclass(frozen=True)
class RunDescription:
    """One run in short. `config`: None if run.json is unreadable; `last_epoch`: the last with a complete checkpoint
    (None before the first)."""

    name: str
    path: Path
    config: TrainingConfig | None
    last_epoch: int | None
    epochs_wanted: int | None
    best_epoch: int | None
    best_test_r2: float | None
    holder: Holder | None
    num_bytes: int
    broken: tuple[BrokenCheckpoint, ...]


def describe_runs(store: RunStore) -> list[RunDescription]:
    """All runs of a directory, including those with an unreadable run.json, in the order of the store.

    The regularizer of an unreadable run is unknown; its name determines its place if it is a usual one.
    """
    known: list[tuple[int, str, Run | BrokenCheckpoint]] = [
        (rank(run.config.regularizer), run.name, run) for run in store.runs()
    ]
    usual = {name: place for place, name in enumerate(DEFAULT_NAMES)}
    unread = {broken.path.parent.name: broken for broken in store.broken()}
    known += [(usual.get(name, len(usual)), name, broken) for name, broken in unread.items()]
    return [
        _describe(one) if isinstance(one, Run) else _describe_unreadable(one.path.parent, one)
        for _, _, one in sorted(known, key=lambda place: place[:2])
    ]


def _describe(run: Run) -> RunDescription:
    epochs = run.epochs()
    known = set(epochs)
    measured = [line for line in run.metrics() if line.epoch in known and not math.isnan(line.test_r2)]
    best = max(measured, key=lambda line: line.test_r2, default=None)
    return RunDescription(
        name=run.name,
        path=run.path,
        config=run.config,
        last_epoch=epochs[-1] if epochs else None,
        epochs_wanted=run.config.epochs,
        best_epoch=None if best is None else best.epoch,
        best_test_r2=None if best is None else best.test_r2,
        holder=holder(run.path),
        num_bytes=disk_bytes(run.path),
        broken=tuple(run.broken()),
    )


def _describe_unreadable(path: Path, broken: BrokenCheckpoint) -> RunDescription:
    return RunDescription(path.name, path, None, None, None, None, None, holder(path), disk_bytes(path), (broken,))


def disk_bytes(directory: Path) -> int:
    """Bytes of the files in a run's directory; files that are inaccessible or just being renamed count as 0."""
    total = 0
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            with suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_size
    return total
