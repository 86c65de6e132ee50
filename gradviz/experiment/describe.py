"""The facts about each run for `gradviz runs`: progress, accuracy, trainer, size on disk, broken files."""

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gradviz.experiment.curves import curves_of
from gradviz.experiment.lock import Holder, holder
from gradviz.experiment.metrics_table import MetricsLine, measured_of
from gradviz.experiment.regularizers import DEFAULT_NAMES, rank
from gradviz.experiment.run import Run
from gradviz.experiment.run_directory import BrokenCheckpoint
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.study_record import StudyRecord
from gradviz.experiment.study_run import StudyRun


@dataclass(frozen=True)
class RunDescription:
    """One run in short. `config`: what run.json tells, None if it is unreadable; `last_epoch`: the last with a complete
    checkpoint (None before the first); `epochs_wanted`: None if that is unknown.

    `best_epoch`: where the test R² is largest, or of a run of another study the loss smallest (`best_loss`, with its
    name).
    """

    name: str
    path: Path
    config: TrainingConfig | StudyRecord | None
    last_epoch: int | None
    epochs_wanted: int | None
    best_epoch: int | None
    best_test_r2: float | None
    holder: Holder | None
    num_bytes: int
    broken: tuple[BrokenCheckpoint, ...]
    best_loss: tuple[str, float] | None = None


def describe_runs(store: RunStore) -> list[RunDescription]:
    """All runs of a directory, including those with an unreadable run.json, in the order of the store, then those of
    other studies.

    The regularizer of an unreadable run is unknown; its name determines its place if it is a usual one.
    """
    known: list[tuple[int, str, Run | BrokenCheckpoint]] = [
        (rank(run.config.regularizer), run.name, run) for run in store.runs()
    ]
    usual = {name: place for place, name in enumerate(DEFAULT_NAMES)}
    unread = {broken.path.parent.name: broken for broken in store.broken()}
    known += [(usual.get(name, len(usual)), name, broken) for name, broken in unread.items()]
    own = [
        _describe(one) if isinstance(one, Run) else _describe_unreadable(one.path.parent, one)
        for _, _, one in sorted(known, key=lambda place: place[:2])
    ]
    return own + [_describe_study_run(run) for run in store.study_runs()]


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


def _describe_study_run(run: StudyRun) -> RunDescription:
    epochs, lines = set(run.epochs()), run.metrics()
    planned = run.record.settings.get("epochs")
    losses = [curve.test or curve.train for curve in curves_of(measured_of(lines)) if "loss" in curve.name]
    found = (_least(loss, [line for line in lines if line.epoch in epochs]) for loss in losses if loss)
    name, value, epoch = next((each for each in found if each is not None), (None, None, None))
    return RunDescription(
        name=run.name,
        path=run.path,
        config=run.record,
        last_epoch=max(epochs, default=None),
        epochs_wanted=planned if isinstance(planned, int) else None,
        best_epoch=epoch,
        best_test_r2=None,
        holder=holder(run.path),
        num_bytes=disk_bytes(run.path),
        broken=tuple(run.broken()),
        best_loss=None if name is None or value is None else (name, value),
    )


def _least(metric: str, lines: Sequence[MetricsLine]) -> tuple[str, float, int] | None:
    """A metric's smallest finite value, with its name and epoch."""
    measured = [(line.values[metric], line.epoch) for line in lines if math.isfinite(line.values.get(metric, math.nan))]
    return (metric, *min(measured)) if measured else None


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
