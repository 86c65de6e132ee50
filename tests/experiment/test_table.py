"""What becomes of a table of text, and of what only looks like one."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gradviz.errors import UserError
from gradviz.experiment.studies.deliveries.derived import linear_estimates
from gradviz.experiment.studies.deliveries.encoding import encode
from gradviz.experiment.studies.deliveries.fields import FIELDS
from gradviz.experiment.studies.deliveries.synthetic import synthetic_table
from gradviz.experiment.studies.deliveries.table import read_table

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


def refusal(path: Path, derive: str | None = None) -> str:
    """The one sentence that a table gets."""
    with pytest.raises(UserError) as refused:
        read_table(path, derive)
    text = str(refused.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text


def test_the_real_table_reads_with_its_rows_without_d_left_out(real_table: Path):
    table = read_table(real_table)
    assert (len(table.rows), table.num_left_out) == (10_974, 1_026)
    assert table.recognised == ("columns separated by commas", "dates as year-month-day")
    assert encode(table.rows).shape == (10_974, 45)


def test_a_table_survives_being_written_and_read(tmp_path: Path):
    table = synthetic_table(500, seed=0)
    table.to_csv(tmp_path / "table.csv", index=False)
    read = read_table(tmp_path / "table.csv")
    assert read.num_left_out == 0
    assert np.array_equal(encode(read.rows), encode(table))


def test_30_000_rows_are_read_and_encoded(tmp_path: Path):
    table = synthetic_table(30_000, seed=0)
    table.to_csv(tmp_path / "table.csv", index=False)
    assert np.array_equal(encode(read_table(tmp_path / "table.csv").rows), encode(table))


def test_columns_are_found_by_the_names_of_the_fields_too(csv: Callable[..., Path]):
    by_column = read_table(csv(HEADER, ROW)).rows
    by_field = read_table(csv(",".join(field.name.upper() for field in FIELDS) + ",More", ROW + ",x")).rows
    pd.testing.assert_frame_equal(by_column, by_field)


@pytest.mark.parametrize("write", [str.upper, str.title, lambda name: f" {name} ", lambda name: name.replace("_", "-")])
def test_names_may_differ_in_case_spaces_and_marks(csv: Callable[..., Path], write: Callable[[str], str]):
    names = ",".join(write(field.column) for field in FIELDS)
    pd.testing.assert_frame_equal(read_table(csv(names, ROW)).rows, read_table(csv(HEADER, ROW)).rows)


def test_columns_may_stand_in_any_order_beside_others(csv: Callable[..., Path]):
    table = read_table(csv(HEADER, ROW)).rows
    table["note"] = "x"
    path = csv(table[table.columns[::-1]].to_csv(index=False))
    pd.testing.assert_frame_equal(read_table(path).rows, table.drop(columns="note"))


def test_empty_cells_are_missing_and_rows_without_d_are_left_out(csv: Callable[..., Path]):
    lines = [changed("subtotal", ""), changed("created_at", "NA"), changed("total_onshift_dashers", ""), ROW]
    table = read_table(csv(HEADER, *lines, ",,,,,,,,"))
    assert table.num_left_out == 1
    assert table.rows.subtotal.isna().tolist() == [True, False, False]
    assert table.rows.created_at.isna().tolist() == [False, True, False]


@pytest.mark.parametrize("field", FIELDS[:-1], ids=lambda field: field.column)
def test_each_missing_column_is_named_beside_those_that_are_there(csv: Callable[..., Path], field):
    text = refusal(csv(HEADER.replace(field.column, "other"), ROW))
    assert f"has no column '{field.column}' ({field.name})" in text
    assert "line 1 names " in text
    assert "other" in text


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("store_id", "shop 7", "is not a number"),
        ("market_id", "north", "is not a number"),
        ("subtotal", "12,5,1", "is not a number"),
        ("subtotal", "inf", "is not a number"),
        ("subtotal", "1e999", "is not a finite number"),
        ("subtotal", "9" * 500, "is not a number"),
        ("subtotal", "$5", "is not a number"),
        ("subtotal", "1_000", "is not a number"),
        ("subtotal", "True", "is not a number"),
        ("subtotal", "１２", "is not a number"),
        ("linear_ests", "0x10", "is not a number"),
        ("linear_ests", "#REF!", "is not a number"),
        ("total_onshift_dashers", "1e999", "is not a whole number from 0 to 9999"),
        ("total_onshift_dashers", "1e37", "is not a whole number from 0 to 9999"),
        ("total_onshift_dashers", "12345", "is not a whole number from 0 to 9999"),
        ("total_onshift_dashers", "10000", "is not a whole number from 0 to 9999"),
        ("total_onshift_dashers", "-1", "is not a whole number from 0 to 9999"),
        ("total_onshift_dashers", "2.5", "is not a whole number from 0 to 9999"),
        ("market_id", "10", "does not fit the 1 character of its field"),
        ("store_id", "12345", "does not fit the 4 characters of its field"),
        ("subtotal", "123456", "does not fit the 5 characters of its field"),
        ("total_busy_dashers", "-1000", "does not fit the 4 characters of its field"),
        ("created_at", "yesterday", "is not a date"),
        ("created_at", "now", "is not a date"),
        ("created_at", "today", "is not a date"),
        ("created_at", "2015Q1", "is not a date"),
        ("created_at", "2015-W08", "is not a date"),
        ("created_at", "2015-W08-3", "is not a date"),
        ("created_at", "2015-049", "is not a date"),
        ("created_at", "2015-02", "is not a date"),
        ("created_at", "2015", "is not a date"),
        ("created_at", "15:46:59", "is not a date"),
        ("created_at", "2015-02-30 10:00:00", "is not a date"),
        ("created_at", "2015-02-18 25:00:00", "is not a date"),
        ("created_at", "2015-02-18 23:59:60", "is not a date"),
        ("created_at", "2015-02-18 10:00:00 PST", "is not a date"),
        ("created_at", "2015-02-18 10:00:00+99:00", "is not a date"),
        ("created_at", "-0044-03-15", "is not a date"),
        ("created_at", "+12015-03-15", "is not a date"),
        ("created_at", "12015-03-15 00:00:00-01:00", "is not a date"),
        ("created_at", "9999-12-31 23:59:59-01:00", "is not a date of the years 1 to 9999 in UTC"),
        ("created_at", "0001-01-01 00:00:00+01:00", "is not a date of the years 1 to 9999 in UTC"),
        ("created_at", "42053.657", "looks like a spreadsheet's number of days"),
        ("created_at", "2/18/15", "has a year of two digits"),
    ],
)
def test_a_wrong_value_is_refused_with_line_and_column(csv: Callable[..., Path], column: str, value: str, reason: str):
    # Line 1 is the header, line 3 is blank: the value stands on line 4.
    text = refusal(csv(HEADER, ROW, "", changed(column, f'"{value}"'), ROW))
    assert f", line 4, column '{column}'" in text
    assert reason in text


def test_how_many_values_are_wrong_is_told_with_the_first(csv: Callable[..., Path]):
    text = refusal(csv(HEADER, ROW, *[changed("total_onshift_dashers", f"{d}") for d in (-1, -2, -1)]))
    assert "line 3" in text
    assert "'-1'" in text
    assert "(3 such values in all)" in text


def test_a_whole_number_may_be_written_with_a_point(csv: Callable[..., Path]):
    lines = [changed("total_onshift_dashers", d) for d in ("12", "12.0", "12.", "1.2e1", "+12", " 12 ")]
    assert read_table(csv(HEADER, *lines)).rows.total_onshift_dashers.tolist() == [12.0] * 6


def test_decimals_that_do_not_fit_are_cut_and_said(csv: Callable[..., Path]):
    lines = [changed("subtotal", cost) for cost in ("1234.5", "1.25", "1234.5")]
    assert (
        "decimals cut to the 5 characters of subtotal in 2 rows, such as 1234.5"
        in read_table(csv(HEADER, *lines)).recognised
    )


def test_years_of_more_than_a_century_are_said_to_lose_it(csv: Callable[..., Path]):
    table = read_table(csv(HEADER, ROW, changed("created_at", "1899-12-30")))
    assert table.recognised[-1] == "years from 1899 to 2015, shortened to two digits"


def test_a_table_without_usable_rows_is_refused(csv: Callable[..., Path]):
    text = refusal(csv(HEADER, *[changed("total_onshift_dashers", "")] * 2))
    assert "no usable row: column 'total_onshift_dashers' is empty in all of its 2 rows" in text
    assert "no usable row: there are no values below its column names on line 1" in refusal(csv(HEADER))


@pytest.mark.parametrize("second", ["Cost", "subtotal", "SUBTOTAL ", "Sub-Total".replace("-", "")])
def test_two_columns_for_one_field_are_refused(csv: Callable[..., Path], second: str):
    text = refusal(csv(f"{HEADER},{second}", f"{ROW},1"))
    assert f"line 1: two columns are Cost, 'subtotal' (column 4) and '{second}' (column 10)" in text


def test_two_columns_of_one_name_that_nobody_needs_do_no_harm(csv: Callable[..., Path]):
    assert len(read_table(csv(f"{HEADER},note,note,", f"{ROW},1,2,3")).rows) == 1


def test_a_linear_estimate_is_derived_as_in_the_published_table(real_table: Path, tmp_path: Path):
    table = read_table(real_table)
    there = table.rows.linear_ests.notna()
    assert there.sum() == 10_926
    assert np.array_equal(linear_estimates(table.rows)[there], table.rows.linear_ests[there])
    assert np.isnan(linear_estimates(table.rows)[~there]).all()

    whole = pd.read_csv(real_table, dtype=str, keep_default_na=False)
    whole.drop(columns="linear_ests").to_csv(tmp_path / "without.csv", index=False)
    derived = read_table(tmp_path / "without.csv", "linear_ests")
    assert np.array_equal(encode(derived.rows), encode(table.rows))
    assert derived.recognised[0].startswith("linear_ests derived, as the published one, from market, deliverers")


def test_a_column_that_can_be_derived_is_so_only_where_asked_for_and_missing(csv: Callable[..., Path]):
    path = csv(HEADER.removesuffix(",linear_ests"), ROW.removesuffix(",2204.0"))
    assert "no column 'linear_ests' (Linear Estimation): `--derive linear_ests` computes it" in refusal(path)
    assert read_table(path, "linear_ests").rows.linear_ests.tolist() == [2204.0]
    table = read_table(csv(HEADER, ROW.replace("2204.0", "17")), "linear_ests")
    assert (table.rows.linear_ests.tolist(), table.recognised[0]) == (
        [17.0],
        "linear_ests exists and was not derived",
    )


def test_a_derived_value_that_does_not_fit_is_refused_with_its_line(csv: Callable[..., Path]):
    row = changed("total_outstanding_orders", "9999").removesuffix(",2204.0")
    text = refusal(csv(HEADER.removesuffix(",linear_ests"), row), "linear_ests")
    assert "line 2: the derived linear_ests is 215656" in text


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    for path, reason in [
        (tmp_path / "none.csv", "there is no such file"),
        (tmp_path, "it is a directory"),
        (tmp_path / "fifo", "it is a FIFO"),
        (tmp_path / "circle", "its symbolic links lead in a circle"),
        (Path("/dev/zero"), "it is a device"),
    ]:
        assert reason in refusal(path)
