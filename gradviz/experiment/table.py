"""Reads a table of deliveries from a CSV, or says in one sentence which row and column cannot be used."""

from pathlib import Path

import numpy as np
import pandas as pd
from pandas.errors import EmptyDataError, ParserError

from gradviz.errors import UserError
from gradviz.experiment.encoding import DELIVERERS, FIELDS, Field


def read_table(path: Path | str, max_rows: int | None = None) -> tuple[pd.DataFrame, int]:
    """The usable rows of a CSV with the columns of `FIELDS`, and how many rows were left out for want of d.

    Columns are found by the names of the columns or of the fields (upper or lower case); others are ignored. Empty
    cells, `NA`, `nan` and the like are missing values; rows without the number of deliverers (d) are left out. Dates
    are ISO 8601, to the second; one with a time zone is taken to UTC. `max_rows` keeps the first usable rows.

    Raises UserError for a file that cannot be read, a missing column, a value of the wrong type (with its line
    in the file and its column) and a table without usable rows. Needs memory for the whole table.
    """
    path = Path(path)
    cells = _read_cells(path)
    columns = {field: _find_column(path, cells, field) for field in FIELDS}
    # A blank line is no row, but it counts as a line of the file.
    cells = cells.loc[cells.notna().any(axis=1)]
    table = pd.DataFrame(
        {
            field.column: (_dates if field.is_date else _numbers)(path, cells[column], field)
            for field, column in columns.items()
        }
    )
    usable = table[DELIVERERS.column].notna().to_numpy()
    if not usable.any():
        raise UserError(
            f"{path} has no usable row: column {columns[DELIVERERS]!r} is empty in all of its {len(table)} rows, "
            "and the target is 10 times its value."
        )
    return table.loc[usable].head(max_rows).reset_index(drop=True), int((~usable).sum())


def _read_cells(path: Path) -> pd.DataFrame:
    """All cells as text; row i of the result stands on line i + 2 of the file."""
    try:
        cells = pd.read_csv(path, dtype=str, skip_blank_lines=False, encoding="utf-8-sig")
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; `--data` takes the path of a CSV file.") from error
    except EmptyDataError as error:
        raise UserError(f"{path} is empty: `--data` takes a CSV file with a line of column names and rows.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not text in UTF-8 (byte {error.start}): `--data` takes a CSV file.") from error
    except ParserError as error:
        reason = str(error).removeprefix("Error tokenizing data. C error: ").strip().rstrip(".")
        raise UserError(f"{path} is not a CSV file that can be read: {reason}.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}.") from error
    if not isinstance(cells.index, pd.RangeIndex):
        raise UserError(f"{path}, row 2: it has more values than there are column names; each row must have as many.")
    return cells


def _find_column(path: Path, cells: pd.DataFrame, field: Field) -> str:
    """The column of the file that holds a field."""
    wanted = {field.column.casefold(), field.name.casefold()}
    found = [column for column in cells.columns if str(column).strip().casefold() in wanted]
    if not found:
        raise UserError(
            f"{path} has no column {field.column!r} ({field.name}): the table needs "
            f"{', '.join(other.column for other in FIELDS)}."
        )
    if len(found) > 1:
        raise UserError(f"{path} has two columns for {field.name}, {found[0]!r} and {found[1]!r}: leave one out.")
    return found[0]


def _numbers(path: Path, cells: pd.Series, field: Field) -> np.ndarray:
    values = np.asarray(pd.to_numeric(cells, errors="coerce"), dtype=np.float64)
    _refuse(path, cells, field, cells.notna().to_numpy() & ~np.isfinite(values), "a number")
    return values


def _dates(path: Path, cells: pd.Series, field: Field) -> np.ndarray:
    values = pd.to_datetime(cells, format="ISO8601", utc=True, errors="coerce")
    _refuse(path, cells, field, (cells.notna() & values.isna()).to_numpy(), "a date such as 2015-02-18 15:46:59")
    return values.dt.tz_localize(None).to_numpy().astype("datetime64[s]")


def _refuse(path: Path, cells: pd.Series, field: Field, wrong: np.ndarray, allowed: str) -> None:
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        text = cells.iloc[first]
        raise UserError(
            f"{path}, row {cells.index[first] + 2}, column {cells.name!r} ({field.name}): "
            f"{text if len(text) <= 40 else text[:37] + '...'!r} is not {allowed}; leave it empty if it is missing."
        )
