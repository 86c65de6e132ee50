"""`metrics.csv` of a study's run: a line for each epoch, with the losses and any other columns of the user's."""

import csv
import io
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from gradviz.errors import UserError, shown
from gradviz.experiment.files import append, write_whole
from gradviz.experiment.outside import UnusableFile, read_outside
from gradviz.experiment.run_directory import MAX_EPOCHS

LOSSES = ("train_loss", "test_loss")
_MAX_BYTES = 16 * 2**20
_MAX_COLUMNS = 200
_NAME = re.compile(r'[^",\s]{1,64}')
_EPOCH = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True)
class MetricsLine:
    """The metrics of an epoch by their names, `train_loss` and `test_loss` among them if they are known."""

    epoch: int
    values: Mapping[str, float] = field(default_factory=dict)


def checked_metrics(metrics: Mapping[str, object]) -> dict[str, float]:
    """The metrics as numbers, which may be nan or infinite; UserError names the first that is no number."""
    return {_checked_name(name): _number(name, value) for name, value in metrics.items()}


def write_table(path: Path, lines: Sequence[MetricsLine]) -> None:
    """Writes the complete table or nothing; a value that an epoch lacks is an empty cell."""
    write_whole(path, table_bytes(lines))


def table_bytes(lines: Sequence[MetricsLine]) -> bytes:
    """The content of a table."""
    columns = columns_of(lines)
    return _written([("epoch", *columns), *(_cells(line, columns) for line in lines)])


class GrowingTable:
    """The table of a run that is recorded: grows by a line an epoch, appended unless a column is new.

    A kill leaves a whole table; after a power cut its last line may be cut, and reading tells of it.
    """

    def __init__(self, path: Path, lines: Sequence[MetricsLine]) -> None:
        self._path, self._lines = path, list(lines)
        self._columns: tuple[str, ...] | None = None  # those of the file, once it is known to be whole

    def add(self, line: MetricsLine) -> None:
        """Writes a line; UserError if that fails: the next one then writes all of them again."""
        self._lines.append(line)
        there, self._columns = self._columns, None
        if there is not None and line.values.keys() <= set(there):
            append(self._path, _written([_cells(line, there)]))
        else:
            there = columns_of(self._lines)
            write_table(self._path, self._lines)
        self._columns = there


def columns_of(lines: Sequence[MetricsLine]) -> tuple[str, ...]:
    """The names of all metrics: the two losses, then the others in the order in which they appear."""
    return tuple(dict.fromkeys((*LOSSES, *(name for line in lines for name in line.values))))


def measured_of(lines: Sequence[MetricsLine]) -> tuple[str, ...]:
    """The names of the metrics that are finite at some epoch, in the order of `columns_of`."""
    finite = {name for line in lines for name, value in line.values.items() if math.isfinite(value)}
    return tuple(name for name in columns_of(lines) if name in finite)


def read_table(path: Path) -> tuple[list[MetricsLine], list[str]]:
    """The lines of a table by epoch, and a reason for each that cannot be read. A missing file has no lines."""
    if not os.path.lexists(path):
        return [], []
    try:
        text = read_outside(path, _MAX_BYTES).decode("utf-8", "replace")
    except UnusableFile as error:
        return [], [error.reason]
    first, *rest = text.split("\n")
    columns = first.split(",")
    if columns[:3] != ["epoch", *LOSSES] or len(columns) > _MAX_COLUMNS or len(set(columns)) < len(columns):
        return [], [f"its first line is not epoch,{','.join(LOSSES)} and different names of further metrics"]
    if len(rest) > 2 * MAX_EPOCHS:
        return [], [f"it has {len(rest):,} lines, and a run has at most {MAX_EPOCHS:,} epochs"]
    lines: dict[int, MetricsLine] = {}
    reasons = []
    # After the last line break there is nothing, or a line that was cut off.
    for number, cells in enumerate(rest[:-1], start=2):
        line = _parsed(columns, cells.split(","))
        if line is None or line.epoch in lines:
            reasons.append(f"line {number} cannot be read")
        else:
            lines[line.epoch] = line
    if rest and rest[-1]:
        reasons.append(f"line {len(rest) + 1} cannot be read")
    return [lines[epoch] for epoch in sorted(lines)], reasons


def _cells(line: MetricsLine, columns: Sequence[str]) -> tuple[object, ...]:
    return line.epoch, *(line.values.get(name, "") for name in columns)


def _written(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _parsed(columns: Sequence[str], cells: Sequence[str]) -> MetricsLine | None:
    if len(cells) != len(columns) or not _EPOCH.fullmatch(cells[0]):
        return None
    try:
        values = {name: float(cell) for name, cell in zip(columns[1:], cells[1:], strict=True) if cell}
    except ValueError:
        return None
    return MetricsLine(int(cells[0]), values)


def _checked_name(name: str) -> str:
    if name == "epoch" or not _NAME.fullmatch(name) or not name.isprintable():
        raise UserError(
            f"A metric's name must have 1 to 64 characters without spaces, commas and quotes, and not be `epoch`, "
            f"which the recorder counts, got {shown(repr(name))}."
        )
    return name


def _number(name: str, value: object) -> float:
    try:
        if isinstance(value, str | bytes):
            raise TypeError("a text")
        return float(value.detach() if isinstance(value, Tensor) else value)  # pyright: ignore[reportArgumentType]  (a tensor, or a number of numpy)
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"The metric {name} must be one number, got {shown(repr(value))}.") from error
