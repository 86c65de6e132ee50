"""Forms of tables: the same rows in each that is unambiguous, with what was recognised; a reason for each other."""

import re
from pathlib import Path

import numpy as np
import pytest

from gradviz.errors import UserError
from gradviz.experiment.studies.deliveries.encoding import encode
from gradviz.experiment.studies.deliveries.fields import FIELDS
from gradviz.experiment.studies.deliveries.table import Table, read_table

NAMES = [field.column for field in FIELDS]
ROWS = [
    f"{100 + n},{n % 6 + 1}.0,2015-02-{18 + n} 0{n}:1{n}:2{n},{500 + 37 * n},{5 + n}.0,{4 + n}.0,{6 + n}.0,"
    f"{300 + n}.0,{2000 + 13 * n}.0".split(",")
    for n in range(8)
]


def joined(separator: str = ",", rows: list[list[str]] = ROWS, names: list[str] = NAMES, end: str = "\n") -> str:
    return "".join(separator.join(cells) + end for cells in [names, *rows])


PLAIN = joined()
QUOTED = joined(rows=[[f'"{cell}"' for cell in cells] for cells in ROWS], names=[f'"{name}"' for name in NAMES])


def with_dates(dates: list[str]) -> str:
    return joined(rows=[[*cells[:2], date, *cells[3:]] for cells, date in zip(ROWS, dates, strict=True)])


def with_costs(costs: list[str]) -> str:
    return joined(rows=[[*cells[:3], f'"{cost}"', *cells[4:]] for cells, cost in zip(ROWS, costs, strict=True)])


def numbered(number: str = "") -> str:
    lines = PLAIN.splitlines()
    return "\n".join([number + lines[0], *(f"{place},{line}" for place, line in enumerate(lines[1:]))])


def read(content: str | bytes, tmp_path: Path) -> Table:
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_table(path)


def refusal(content: str | bytes, tmp_path: Path) -> str:
    with pytest.raises(UserError) as refused:
        read(content, tmp_path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


SAME = {
    "plain": (PLAIN, "columns separated by commas"),
    "semicolons": (joined(";"), "columns separated by semicolons"),
    "tabs": (joined("\t"), "columns separated by tabs"),
    "vertical bars": (joined("|"), "columns separated by vertical bars"),
    "sep line": ("sep=,\n" + PLAIN, "a `sep=` line"),
    "quoted SEP line": ('"SEP=;"\r\n' + joined(";"), "a `sep=` line"),
    "sep tab": ("sep=\t\n" + joined("\t"), "columns separated by tabs"),
    "sep line after a mark": ("\ufeffsep=;\n" + joined(";"), "a `sep=` line"),
    "decimal commas": (joined(";").replace(".", ","), "decimal commas"),
    "decimal commas, tabs": (joined("\t").replace(".", ","), "decimal commas"),
    "decimal commas, quoted": (
        joined(rows=[[f'"{cell}"' for cell in cells] for cells in ROWS]).replace(".", ","),
        "decimal commas",
    ),
    "comments before": ("# made\n#\n\n" + PLAIN, "2 leading comment lines left out"),
    "comment before sep": ("# made\nsep=;\n" + joined(";"), "1 leading comment line left out"),
    "comments between": (PLAIN.replace("\n102,", "\n# here, more\n102,") + "#end\n", "2 comment lines left out"),
    "names as a comment": ("# made\n# " + PLAIN, "1 leading comment line left out"),
    "index without a name": (numbered(","), "columns separated by commas"),
    "index with a name": (numbered("index,"), "columns separated by commas"),
    "index of R": (numbered(), "the first value of each row, its number, left out"),
    "commas at the end": (PLAIN.replace("\n", ",\n"), "columns separated by commas"),
    "commas at the end of rows": (PLAIN.replace("\n", ",,\n").replace(",,", "", 1), "empty values beyond the last"),
    "name without values": (PLAIN.replace("\n", ",\n", 1), "columns separated by commas"),
    "windows": (joined(end="\r\n"), "columns separated by commas"),
    "old mac": (joined(end="\r"), "columns separated by commas"),
    "no last end": (PLAIN.rstrip("\n"), "columns separated by commas"),
    "blank lines": ("\n\n" + PLAIN.replace("\n", "\n\n  \n"), "columns separated by commas"),
    "spaces": (joined(" , "), "columns separated by commas"),
    "quotes": (QUOTED, "columns separated by commas"),
    "quotes after spaces": (QUOTED.replace('","', '", "'), "columns separated by commas"),
    "utf-8 mark": (PLAIN.encode("utf-8-sig"), "columns separated by commas"),
    "utf-16 le, mark": (PLAIN.encode("utf-16"), "UTF-16-LE"),
    "utf-16 be, mark": ("\ufeff".encode("utf-16-be") + PLAIN.encode("utf-16-be"), "UTF-16-BE"),
    "utf-16 le": (PLAIN.encode("utf-16-le"), "UTF-16-LE"),
    "utf-16 be": (PLAIN.encode("utf-16-be"), "UTF-16-BE"),
    "utf-32, mark": (PLAIN.encode("utf-32"), "UTF-32-LE"),
    "utf-32 be": (PLAIN.encode("utf-32-be"), "UTF-32-BE"),
    "utf-16, tabs, windows": (joined("\t", end="\r\n").encode("utf-16"), "columns separated by tabs"),
    "latin-1": (
        PLAIN.replace("\n", ",café\n").encode("latin-1"),
        f"Latin-1, because it is not UTF-8 (byte {len(joined().splitlines()[0]) + 4}, line 1, is 0xE9)",
    ),
    "utf-8 names": (PLAIN.replace("\n", ",カフェ\n"), "columns separated by commas"),
}


@pytest.mark.parametrize(("content", "said"), SAME.values(), ids=SAME)
def test_the_same_rows_in_another_form_are_the_same(content: str | bytes, said: str, tmp_path: Path):
    table = read(content, tmp_path)
    assert np.array_equal(encode(table.rows), encode(read(PLAIN, tmp_path).rows))
    assert said in "; ".join(table.recognised)


WRONG_FORMS = {
    "empty": ("", "is empty"),
    "blank": ("\n \n", "is empty"),
    "comments alone": ("# a\n# b\n", "is empty"),
    "no names": (PLAIN.split("\n", 1)[1], "line 1: it has values instead of column names"),
    "text above": ("Deliveries\n\n" + PLAIN, "has its column names on line 3, below other text"),
    "spaces": (joined(" "), "line 1: its columns are separated by spaces"),
    "another table": (
        "a;b\n1;2\n",
        "no column 'store_id' .Store Number., nor market_id, .*linear_ests: line 1 names a, b ",
    ),
    "sep against names": ("sep=;\n" + PLAIN, "says `sep=;`, but its column names on line 2 are separated by commas"),
    "sep of another kind": ("sep=^\n" + PLAIN, r"says `sep=\^`, but its column names"),
    "names against rows": (
        joined(";").split("\n", 1)[0] + "\n" + PLAIN.split("\n", 1)[1],
        "line 2: it has 1 value, and line 1 names 9 columns; it is separated by commas, the names by semicolons",
    ),
    "one row of another separator": (
        PLAIN.replace(",".join(ROWS[3]), ";".join(ROWS[3])),
        "line 5: it has 1 value, and .* it is separated by semicolons, the names by commas",
    ),
    "decimal commas without quotes": (
        joined(",", [[cell.replace(".", ",") for cell in cells] for cells in ROWS]),
        "line 2: it has 15 values, and line 1 names 9 columns; put values that contain a comma",
    ),
    "short row": (PLAIN.replace(",537,", ","), "line 3: it has 8 values, and line 1 names 9 columns; perhaps .* cut"),
    "short last row": (PLAIN[:-20], "line 9: it has 6 values, and line 1 names 9 columns; perhaps the file was cut"),
    "long row": (PLAIN + ",".join([*ROWS[0], "1"]) + "\n", "line 10: it has 10 values, and line 1 names 9 columns"),
    "index that does not count": (numbered().replace("\n3,", "\nx,"), "line 5: it has 10 values"),
    "one row without its index": (numbered().replace("\n3,", "\n"), "line 5: it has 9 values"),
    "open quote": (PLAIN.replace("\n104,", '\n"104,'), "line 6: a quotation mark in this row is never closed"),
    "open quote, long": (
        PLAIN.replace("\n104,", '\n"104,') + PLAIN * 400,
        "line 6: a value there has more than 131,072 characters; perhaps a quotation mark is not closed",
    ),
    "quote within": (PLAIN.replace(",574,", ',"5"74,'), "line 4: there is a quotation mark within a quoted value"),
    "nul": (PLAIN.replace(",574,", ",5\x0074,"), r"is not text \(line 4, byte \d+ has a NUL byte\)"),
    "nul in utf-16": (PLAIN.replace(",574,", ",5\x0074,").encode("utf-16"), r"is not text \(line 4 has a NUL byte"),
    "control character": (PLAIN.replace(",574,", ",5\x0174,"), "line 4, byte .* the control character 0x01"),
    "nothing but nul": (bytes(3000), "has only NUL bytes"),
    "utf-16 cut": (PLAIN.encode("utf-16")[:-1], "looks like text in UTF-16-LE, but byte .* cut short"),
    "marked as utf-8": (
        b"\xef\xbb\xbf" + PLAIN.replace("\n", ",é\n").encode("latin-1"),
        "is marked as UTF-8, but is not all UTF-8",
    ),
    "html": ("<!DOCTYPE html><html><body>404</body></html>", "is an HTML page"),
    "html after a blank line": ("\n <HTML>", "is an HTML page"),
    "html in utf-16": ("<html>".encode("utf-16"), "is an HTML page"),
    "xml": ("<?xml version='1.0'?><Error/>", "is XML"),
    "json": ('{"market_id": [1]}', "is JSON"),
    "json rows": ('[{"market_id": 1}]', "is JSON"),
    "json lines": ('{"market_id": 1}\n{"market_id": 2}\n', "is JSON"),
    "lfs": ("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n", "is a Git LFS pointer.*git lfs pull"),
    "dvc": ("outs:\n- md5: 1\n  path: t.csv\n", "is a DVC pointer"),
    "merge": ("<<<<<<< HEAD\n" + PLAIN, "merge conflict"),
    "sql": ("CREATE TABLE t (market_id int);", "is a dump of a database"),
}


@pytest.mark.parametrize(("content", "reason"), WRONG_FORMS.values(), ids=WRONG_FORMS)
def test_another_form_is_refused_with_its_reason(content: str | bytes, reason: str, tmp_path: Path):
    text = refusal(content, tmp_path)
    assert re.search(reason, text), text


def test_a_value_is_found_on_its_true_line(tmp_path: Path):
    """After a comment, a sep line, blank lines, and notes with ends of lines before and within its row."""
    rows = [[f'"a\nb\r\nc{n}\rd"', *cells, '"e\nf"'] for n, cells in enumerate(ROWS)]
    rows[6][4] = "oops"
    content = "# made\nsep=,\n\n" + joined(rows=rows, names=["first", *NAMES, "last"]).replace("\n105,", "\n\n\n105,")
    text = refusal(content, tmp_path)
    before = content[: content.index("oops")].replace("\r\n", "\n").replace("\r", "\n")
    assert f", line {before.count(chr(10)) + 1}, column 'subtotal'" in text


def test_a_byte_is_found_at_its_true_place_in_a_long_table(tmp_path: Path):
    long = (PLAIN + PLAIN.split("\n", 1)[1] * 5000).replace("\n", ",\n").encode()
    assert len(long) > 2 << 20
    table = read(long + long.splitlines()[1] + b"\xe9\n", tmp_path)
    place = len(long) + len(long.splitlines()[1])
    assert f"(byte {place}, line {long.count(10) + 1}, is 0xE9)" in table.recognised[0]


@pytest.mark.parametrize(
    ("dates", "reason"),
    [
        (
            ["2/3/2015"] * 8,
            "line 2, .* '2/3/2015' could have the month first or the day: write all dates as 2015-02-18",
        ),
        (
            ["2/18/2015", "18/2/2015"] * 4,
            "line 3, .* '18/2/2015' is written as day/month/year, not as month/day/year like '2/18/2015' on line 2",
        ),
        (["2/18/2015"] * 7 + ["13/32/2015"], "line 9, .* '13/32/2015' is not a date"),
    ],
)
def test_dates_that_could_be_others_are_refused_with_their_lines(dates: list[str], reason: str, tmp_path: Path):
    text = refusal(with_dates(dates), tmp_path)
    assert re.search(reason, text), text


@pytest.mark.parametrize(
    ("costs", "reason"),
    [
        (["500,5", *["500"] * 7], "line 2, .* '500,5' is written differently from '1.0' on line 2: write all"),
        (
            ["1,234.5", "1 234.5", *["500"] * 6],
            "line 3, .* '1 234.5' is written differently from '1,234.5' on line 2",
        ),
        (["1,23,456.0", *["500"] * 7], "line 2, .* '1,23,456.0' is not a number"),
    ],
)
def test_numbers_in_two_forms_are_refused_with_their_lines(costs: list[str], reason: str, tmp_path: Path):
    text = refusal(with_costs(costs), tmp_path)
    assert re.search(reason, text), text


def test_a_number_that_could_be_two_is_refused_with_both(tmp_path: Path):
    rows = [[cell.removesuffix(".0") for cell in cells] for cells in ROWS]
    rows[2][3] = '"1,234"'
    text = refusal(joined(rows=rows), tmp_path)
    assert "line 4, column 'subtotal'" in text
    assert "'1,234' could be 1.234 or 1234, and no other number decides: write 1234" in text


def test_forms_of_dates_and_numbers_are_said(tmp_path: Path):
    dated = read(with_dates([f"2/{18 + n}/2015 3:46 PM" for n in range(8)]), tmp_path)
    assert dated.recognised[-1] == "dates as month/day/year"
    grouped = read(with_costs(["1,234", "12,345", *["500"] * 6]), tmp_path)
    assert grouped.rows.subtotal.tolist()[:2] == [1234.0, 12345.0]
    assert "thousands grouped by commas" in grouped.recognised
