"""The metrics of each epoch, and `metrics.csv`, which holds them."""

import csv
import io
import math
import os
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from gradviz.experiment.files import write_whole
from gradviz.experiment.outside import UnusableFile, read_outside
from gradviz.experiment.run_directory import MAX_EPOCHS


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
_MAX_BYTES = 4 * 2**20  # a line for each of at most 9999 epochs has fewer than 200
_MAX_TOLD = 20
_EPOCH = re.compile(r"[0-9]{1,4}")
_NUMBER = re.compile(r"nan|-?[0-9]{1,20}(\.[0-9]{1,40})?(e[+-]?[0-9]{1,3})?")


def write_metrics(path: Path, metrics: Sequence[EpochMetrics]) -> None:
    """Writes the complete `metrics.csv` or nothing."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(line) for line in metrics)
    write_whole(path, text.getvalue().encode())


def read_metrics(path: Path) -> tuple[list[EpochMetrics], list[str]]:
    """The lines of `metrics.csv` by epoch, and a reason for every unreadable line.

    It leaves out a line that is damaged, cut off at the end of the file, or repeats an epoch, and an unreadable file. A
    missing file has no lines.
    """
    if not os.path.lexists(path):
        return [], []
    try:
        content = read_outside(path, _MAX_BYTES)
    except UnusableFile as error:
        return [], [error.reason]
    num_lines = content.count(b"\n")
    if num_lines > 2 * MAX_EPOCHS:
        return [], [f"it has {num_lines:,} lines, and a run has at most {MAX_EPOCHS:,} epochs"]
    first, *lines = content.decode("ascii", "replace").split("\n")
    if first != ",".join(COLUMNS):
        return [], ["its first line is not " + ",".join(COLUMNS)]
    metrics, damaged = {}, []
    # After the last line break there is nothing, or a line that was cut off.
    for number, line in enumerate(lines[:-1], start=2):
        parsed = _parse_line(line)
        if parsed is None or parsed.epoch in metrics:
            damaged.append(number)
        else:
            metrics[parsed.epoch] = parsed
    if lines and lines[-1]:
        damaged.append(len(lines) + 1)
    return [metrics[epoch] for epoch in sorted(metrics)], _reasons(damaged)


def _reasons(damaged: list[int]) -> list[str]:
    reasons = [f"line {number} cannot be read" for number in damaged[:_MAX_TOLD]]
    if len(damaged) > _MAX_TOLD:
        reasons.append(f"{len(damaged) - _MAX_TOLD:,} more lines cannot be read, up to line {damaged[-1]}")
    return reasons


def _parse_line(line: str) -> EpochMetrics | None:
    cells = line.split(",")
    if len(cells) != len(COLUMNS) or not _EPOCH.fullmatch(cells[0]) or not all(map(_NUMBER.fullmatch, cells[1:])):
        return None
    parsed = EpochMetrics(int(cells[0]), *map(float, cells[1:]))
    others = (parsed.train_loss, parsed.test_loss, parsed.share_below_target, parsed.wall_seconds)
    return parsed if all(map(math.isfinite, others)) and not math.isinf(parsed.test_r2) else None
