"""Reads a table of deliveries and reports its recognised form, or in one sentence what is wrong and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gradviz.errors import UserError
from gradviz.experiment.outside import read_outside, shown
from gradviz.experiment.studies.deliveries.column import MISSING, Column, Lines
from gradviz.experiment.studies.deliveries.date_forms import MixedDates, date_form, what_is_wrong
from gradviz.experiment.studies.deliveries.delimited import Rows, read_rows_of_cells
from gradviz.experiment.studies.deliveries.derived import HOW, LINEAR_ESTIMATE, linear_estimates
from gradviz.experiment.studies.deliveries.encoding import number_text
from gradviz.experiment.studies.deliveries.fields import DELIVERERS, FIELDS, Field
from gradviz.experiment.studies.deliveries.foreign import NotATable, refuse_text
from gradviz.experiment.studies.deliveries.number_forms import MixedNumbers, NumberForm, number_form
from gradviz.experiment.studies.deliveries.packed import LARGEST, unpack
from gradviz.experiment.studies.deliveries.plain_text import read_text

MOST_DELIVERERS = 9999
_ROWS_AT_ONCE = 4096
_LEAVE_EMPTY = "leave it empty if it is missing"


@dataclass(frozen=True)
class Table:
    """The usable rows with the columns of `FIELDS`, the number left out for lack of d, and the recognised form."""

    rows: pd.DataFrame
    num_left_out: int
    recognised: tuple[str, ...]


def read_table(path: Path | str, derive: str | None = None) -> Table:
    """The usable rows of a table of separated values, plain or packed, in any unambiguous form.

    It finds columns by the names of the columns or of the fields, and ignores others. Empty cells, `NA`, `nan` and
    the like are missing values; rows without the number of deliverers (d) are left out. The whole part of numbers must
    fit their field. Dates with a time zone are converted to UTC. `derive="linear_ests"` computes that column if it is
    missing.

    Raises UserError for an unreadable file, a missing column, a value of the wrong type (with its line
    in the file and its column) and a table without usable rows. Needs memory for the unpacked file, and some bytes per
    value.
    """
    content = read_outside(path, LARGEST)
    try:
        return _table(content, Path(path).name, derive)
    except NotATable as error:
        raise UserError(f"{shown(path)}{error}") from error


def _table(content: bytes, name: str, derive: str | None) -> Table:
    unpacked = unpack(content, name)
    text = read_text(unpacked.content)
    refuse_text(text.head())
    rows = read_rows_of_cells(text.lines(), _num_known)
    columns = _find_columns(rows, derive, unpacked.said)
    _collect(rows, columns)
    numbers = _number_form([column for column in columns if not column.field.is_date])
    said = [*unpacked.said, *text.said, *rows.said, *numbers.said]
    table = {}
    for column in columns:
        if column.field.is_date:
            table[column.field.column], said_here = _dates(column)
        else:
            table[column.field.column], said_here = _numbers(column, numbers)
        said += said_here
    frame = pd.DataFrame(table)
    if derive in table:
        said.insert(0, f"{derive} exists and was not derived")
    elif derive is not None:
        frame[derive] = _derived(frame, columns[0].lines)
        said.insert(0, HOW)
    usable = frame[DELIVERERS.column].notna().to_numpy()
    if not usable.any():
        raise _no_usable_row(rows, columns, len(frame))
    frame = frame[[field.column for field in FIELDS]]
    return Table(frame.loc[usable].reset_index(drop=True), int((~usable).sum()), tuple(said))


def _normal(name: str) -> str:
    return "_".join(name.replace("_", " ").replace("-", " ").casefold().split())


_KNOWN = {_normal(name): field for field in FIELDS for name in (field.column, field.name)}


def _num_known(names: Sequence[str]) -> int:
    return len({_KNOWN[name] for name in map(_normal, names) if name in _KNOWN})


def _find_columns(rows: Rows, derive: str | None, said: Sequence[str]) -> list[Column]:
    """The file's columns for the fields."""
    places: dict[Field, list[int]] = {field: [] for field in FIELDS}
    for place, name in enumerate(rows.names):
        if _normal(name) in _KNOWN:
            places[_KNOWN[_normal(name)]].append(place)
    lines, columns = Lines(), []
    for field, found in places.items():
        if len(found) > 1:
            first, second = (f"{shown(rows.names[place])!r} (column {place + 1})" for place in found[:2])
            raise NotATable(f", line {rows.line}: two columns are {field.name}, {first} and {second}: leave one out.")
        if found:
            columns.append(Column(field, rows.names[found[0]].strip(), found[0], lines))
        elif field.column != derive:
            raise _missing_column(rows, field, places, derive, said)
    return columns


def _missing_column(
    rows: Rows, field: Field, places: dict[Field, list[int]], derive: str | None, said: Sequence[str]
) -> NotATable:
    missing = [other.column for other, found in places.items() if not found and other.column != derive]
    if missing == [LINEAR_ESTIMATE]:
        return NotATable(
            f" has no column {field.column!r} ({field.name}): `--derive {LINEAR_ESTIMATE}` computes it from the others."
        )
    nor = f", nor {', '.join(missing[1:])}" if len(missing) > 1 else ""
    names = [shown(name.strip())[:40] or "''" for name in rows.names[:20]] + ["…"] * (len(rows.names) > 20)
    return NotATable(
        f" has no column {field.column!r} ({field.name}){nor}: line {rows.line} names {', '.join(names)} "
        f"({'; '.join((*said, *rows.said))})."
    )


def _collect(rows: Rows, columns: list[Column]) -> None:
    """Reads all rows, except those without any value."""
    lines = columns[0].lines
    deliverers = next(column.place for column in columns if column.field == DELIVERERS)
    kept: list[list[str]] = []

    def pass_on() -> None:
        by_place = list(zip(*kept, strict=True))
        for column in columns:
            column.add(by_place[column.place] if by_place else ())
        kept.clear()

    for line, end, cells in rows:
        if cells[deliverers].strip() in MISSING and all(cell.strip() in MISSING for cell in cells):
            continue
        lines.add(line, end, cells)
        kept.append(cells)
        if len(kept) == _ROWS_AT_ONCE:
            pass_on()
    pass_on()


def _number_form(columns: list[Column]) -> NumberForm:
    try:
        return number_form(pair for column in columns for pair in column.present())
    except MixedNumbers as error:
        column, code = error.place
        if error.other is None:
            plain = error.text.replace(",", "")
            reason = f"could be {error.text.replace(',', '.')} or {plain}, and no other number decides: write {plain}"
        else:
            other, (there, first) = error.other
            reason = f"is written differently from {other!r} on line {there.line(first)}: write all numbers in one way"
        raise column.refusal([code], lambda text: reason) from error


def _numbers(column: Column, form: NumberForm) -> tuple[np.ndarray, list[str]]:
    values = column.values(form.value, np.nan, "f8", lambda text: f"is not a number; {_LEAVE_EMPTY}")
    unfit, cut = [], []
    for code, (text, _) in ((place[1], (text, place)) for text, place in column.present()):
        value = form.value(text)
        assert value is not None  # otherwise it was refused above
        if _is_unfit(value, column.field):
            unfit.append(code)
        elif len(number_text(value)) > column.field.width:
            cut.append(code)
    if unfit:
        raise column.refusal(unfit, lambda text: _why_unfit(form.value(text), column.field))
    if not cut:
        return values, []
    num_cut = int(np.isin(np.frombuffer(column.codes, dtype=np.int32), cut).sum())
    shown_text = next(text for text, place in column.present() if place[1] == cut[0])
    return values, [
        f"decimals cut to the {column.field.width} characters of {column.field.column} in {num_cut:,} rows, "
        f"such as {shown(shown_text)[:40]}"
    ]


def _is_unfit(value: float, field: Field) -> bool:
    if not np.isfinite(value):
        return True
    if field == DELIVERERS:
        return value != int(value) or not 0 <= value <= MOST_DELIVERERS
    return len(str(int(value))) > field.width


def _why_unfit(value: float | None, field: Field) -> str:
    if field == DELIVERERS:
        return f"is not a whole number from 0 to {MOST_DELIVERERS}; {_LEAVE_EMPTY}"
    if value is None or not np.isfinite(value):
        return f"is not a finite number; {_LEAVE_EMPTY}"
    return (
        f"does not fit the {field.width} character{'s' if field.width > 1 else ''} of its field: the number must be "
        f"below {10**field.width}; renumber it, or leave it empty"
    )


def _dates(column: Column) -> tuple[np.ndarray, list[str]]:
    try:
        form = date_form(column.present())
    except MixedDates as error:
        _, code = error.place
        reason = error.reason
        if error.other is not None:
            other, (_, first) = error.other
            reason += f" {shown(other)!r} on line {column.line(first)}"
        raise column.refusal([code], lambda text: f"{reason}: write all dates as 2015-02-18 15:46:59") from error
    missing = np.iinfo(np.int64).min  # numpy's "not a time"
    seconds = column.values(form.parse, missing, "i8", lambda text: f"{what_is_wrong(text)}; {_LEAVE_EMPTY}")
    dates = seconds.view("M8[s]")
    years = dates[~np.isnat(dates)].astype("M8[Y]")
    said = [f"dates as {form.name}"] if len(years) else []
    if len(years) and (years.max() - years.min()).astype(int) >= 100:
        said.append(f"years from {years.min()} to {years.max()}, shortened to two digits")
    return dates, said


def _derived(frame: pd.DataFrame, lines: Lines) -> np.ndarray:
    values = linear_estimates(frame)
    field = next(field for field in FIELDS if field.column == LINEAR_ESTIMATE)
    unfit = [row for row, value in enumerate(values) if not np.isnan(value) and _is_unfit(value, field)]
    if unfit:
        line, value = lines.of_rows[unfit[0]], values[unfit[0]]
        raise NotATable(
            f", line {line}: the derived {LINEAR_ESTIMATE} is {value:.0f}, which does not fit the {field.width} "
            "characters of its field: correct the values of this row, or leave it out."
        )
    return values


def _no_usable_row(rows: Rows, columns: list[Column], num_rows: int) -> NotATable:
    if num_rows == 0:
        return NotATable(f" has no usable row: there are no values below its column names on line {rows.line}.")
    name = next(column.name for column in columns if column.field == DELIVERERS)
    return NotATable(
        f" has no usable row: column {shown(name)!r} is empty in all of its {num_rows} rows, "
        "and the target is 10 times its value."
    )
