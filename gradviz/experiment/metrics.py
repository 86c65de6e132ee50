"""What is measured after each epoch, and `metrics.csv`, where it is kept."""

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from gradviz.experiment.files import BrokenFile, write_whole
from gradviz.experiment.tensor_file import read_bytes


@dataclass(frozen=True)
class EpochMetrics:
    """All losses are mean |prediction - target| in eval mode with the parameters at the end of the epoch.

    `test_r2`: coefficient of determination on the test rows (nan when their targets are all equal);
    `share_below_target`: share of the training rows predicted below their target;
    `wall_seconds`: time that this epoch took, training and measuring.
    """

    epoch: int
    train_loss: float
    test_loss: float
    test_r2: float
    share_below_target: float
    wall_seconds: float


COLUMNS = tuple(field.name for field in fields(EpochMetrics))


def write_metrics(path: Path, metrics: Sequence[EpochMetrics]) -> None:
    """Writes `metrics.csv`, whole or not at all."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(line) for line in metrics)
    write_whole(path, text.getvalue().encode())


def read_metrics(path: Path) -> tuple[list[EpochMetrics], list[str]]:
    """The lines of `metrics.csv` by epoch, and a reason for every line that cannot be read.

    A line that is damaged, cut off at the end of the file, or repeats an epoch is left out; so is a file that cannot be
    read. A missing file has no lines.
    """
    if not os.path.lexists(path):
        return [], []
    try:
        text = read_bytes(path).decode("utf-8", "replace")
    except BrokenFile as error:
        return [], [error.reason]
    if text.splitlines()[:1] != [",".join(COLUMNS)]:
        return [], ["its first line is not " + ",".join(COLUMNS)]
    metrics, reasons = {}, []
    for number, line in enumerate(text.splitlines(keepends=True)[1:], start=2):
        parsed = _parse_line(line)
        if parsed is None or parsed.epoch in metrics:
            reasons.append(f"line {number} cannot be read")
        else:
            metrics[parsed.epoch] = parsed
    return [metrics[epoch] for epoch in sorted(metrics)], reasons


def _parse_line(line: str) -> EpochMetrics | None:
    cells = line.removesuffix("\n").split(",")
    if not line.endswith("\n") or len(cells) != len(COLUMNS) or not cells[0].isdecimal():
        return None
    try:
        return EpochMetrics(int(cells[0]), *(float(cell) for cell in cells[1:]))
    except ValueError:
        return None
