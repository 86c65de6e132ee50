"""What becomes of a CSV, and of what only looks like one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gradviz.errors import UserError
from gradviz.experiment.encoding import FIELDS, encode
from gradviz.experiment.synthetic import synthetic_table
from gradviz.experiment.table import read_table

HEADER = ",".join(field.column for field in FIELDS)
ROW = "4810,4.0,2015-02-18 15:46:59,6985,2.0,2.0,3.0,167.0,2204.0"


@pytest.fixture
def csv(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str, encoding: str = "utf-8") -> Path:
        path = tmp_path / "table.csv"
        path.write_text("\n".join(lines) + "\n", encoding=encoding)
        return path

    return write


def changed(column: str, value: str) -> str:
    """The example row with one value changed."""
    cells: list[str] = list(ROW.split(","))
    cells[[field.column for field in FIELDS].index(column)] = value
    return ",".join(cells)


def test_the_real_table_reads_with_its_rows_without_d_left_out(real_table: Path):
    table, num_left_out = read_table(real_table)
    assert (len(table), num_left_out) == (10_974, 1_026)
    assert encode(table).shape == (10_974, 45)


def test_a_table_survives_being_written_and_read(tmp_path: Path):
    table = synthetic_table(500, seed=0)
    table.to_csv(tmp_path / "table.csv", index=False)
    read, num_left_out = read_table(tmp_path / "table.csv")
    assert num_left_out == 0
    assert np.array_equal(encode(read), encode(table))


def test_200_000_rows_are_read_and_encoded(tmp_path: Path):
    table = synthetic_table(200_000, seed=0)
    table.to_csv(tmp_path / "table.csv", index=False)
    read, _ = read_table(tmp_path / "table.csv")
    assert encode(read).shape == (200_000, 45)


def test_columns_are_found_by_the_names_of_the_fields_too(csv: Callable[..., Path]):
    by_column, _ = read_table(csv(HEADER, ROW))
    by_field, _ = read_table(csv(",".join(field.name.upper() for field in FIELDS) + ",More", ROW + ",x"))
    pd.testing.assert_frame_equal(by_column, by_field)


def test_columns_may_stand_in_any_order_beside_others(csv: Callable[..., Path]):
    table, _ = read_table(csv(HEADER, ROW))
    table["note"] = "x"
    path = csv(table[table.columns[::-1]].to_csv(index=False))
    pd.testing.assert_frame_equal(read_table(path)[0], table.drop(columns="note"))


def test_max_rows_keeps_the_first_usable_rows(csv: Callable[..., Path]):
    lines = [changed("subtotal", str(cost)) for cost in range(5)]
    lines[1] = changed("total_onshift_dashers", "")
    table, num_left_out = read_table(csv(HEADER, *lines), max_rows=2)
    assert (table.subtotal.tolist(), num_left_out) == ([0.0, 2.0], 1)


def test_empty_cells_are_missing_and_rows_without_d_are_left_out(csv: Callable[..., Path]):
    lines = [changed("subtotal", ""), changed("created_at", "NA"), changed("total_onshift_dashers", ""), ROW]
    table, num_left_out = read_table(csv(HEADER, *lines))
    assert num_left_out == 1
    assert table.subtotal.isna().tolist() == [True, False, False]
    assert table.created_at.isna().tolist() == [False, True, False]


def test_a_byte_order_mark_quotes_and_blank_lines_do_no_harm(csv: Callable[..., Path]):
    path = csv(HEADER, "", ROW.replace("6985", '"6985"'), "", encoding="utf-8-sig")
    table, num_left_out = read_table(path)
    assert (table.subtotal.tolist(), num_left_out) == ([6985.0], 0)


def test_a_time_zone_is_taken_to_utc_and_a_day_alone_is_midnight(csv: Callable[..., Path]):
    table, _ = read_table(
        csv(HEADER, changed("created_at", "2015-02-18T15:46:59.7+02:00"), changed("created_at", "2015-02-18"))
    )
    assert table.created_at.tolist() == [pd.Timestamp("2015-02-18 13:46:59"), pd.Timestamp("2015-02-18")]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.column)
def test_each_missing_column_is_named(csv: Callable[..., Path], field):
    header = HEADER.replace(field.column, "other")
    with pytest.raises(UserError, match=rf"has no column '{field.column}' \({field.name}\)"):
        read_table(csv(header, ROW))


@pytest.mark.parametrize(
    ("column", "value", "allowed"),
    [
        ("store_id", "shop 7", "is not a number"),
        ("market_id", "north", "is not a number"),
        ("subtotal", "12,5", "is not a number"),
        ("subtotal", "inf", "is not a number"),
        ("total_onshift_dashers", "1e999", "is not a number"),
        ("linear_ests", "0x10", "is not a number"),
        ("created_at", "yesterday", "is not a date"),
        ("created_at", "18.02.2015", "is not a date"),
        ("created_at", "2015-02-30 10:00:00", "is not a date"),
    ],
)
def test_a_wrong_value_is_refused_with_row_and_column(csv: Callable[..., Path], column: str, value: str, allowed: str):
    # Line 1 is the header, line 3 is blank: the value stands on line 4.
    path = csv(HEADER, ROW, "", changed(column, f'"{value}"'))
    with pytest.raises(UserError, match=rf"row 4, column '{column}'.*{allowed}") as refusal:
        read_table(path)
    assert "\n" not in str(refusal.value)


def test_a_table_without_usable_rows_is_refused(csv: Callable[..., Path]):
    with pytest.raises(UserError, match="no usable row: column 'total_onshift_dashers' is empty in all of its 2 rows"):
        read_table(csv(HEADER, *[changed("total_onshift_dashers", "")] * 2))
    with pytest.raises(UserError, match="no usable row"):
        read_table(csv(HEADER))


def test_two_columns_for_one_field_are_refused(csv: Callable[..., Path]):
    with pytest.raises(UserError, match="two columns for Cost, 'subtotal' and 'Cost'"):
        read_table(csv(HEADER + ",Cost", ROW + ",1"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n\n", "has no column|is empty"),
        (b"\xff\xfe\x00\x01", "is not text in UTF-8"),
        (b"PK\x03\x04\x00\x00\x00", "has no column|not a CSV"),
        (b'a,b\n"unclosed', "not a CSV file|has no column"),
        (HEADER.encode() + b"\n" + ROW.encode() + b"\n" + ROW.encode() + b",1,2\n", "line 3"),
        (HEADER.encode() + b"\n" + ROW.encode() + b",1\n", "row 2: it has more values"),
    ],
    ids=["empty", "blank", "binary", "zip", "unclosed quote", "long row", "long first row"],
)
def test_what_is_not_a_csv_is_refused_in_one_line(tmp_path: Path, content: bytes, reason: str):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=reason) as refusal:
        read_table(path)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path):
    with pytest.raises(UserError, match=r"none\.csv cannot be read: No such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read_table(tmp_path)
