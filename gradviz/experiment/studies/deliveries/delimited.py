"""Reads separated values as rows of cells with their true lines; handles separators, leading lines, uneven rows."""

import csv
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gradviz.experiment.outside import shown
from gradviz.experiment.studies.deliveries.foreign import NotATable

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_SEP_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_LOOK_AHEAD = 30  # lines after the first, to find column names further down
_MOST_CHARACTERS = 131_072  # of one value; a longer one is an unclosed quotation

Known = Callable[[Sequence[str]], int]
"""How many of the given names are names of wanted columns."""


@dataclass
class Rows:
    """The column names, and an iterator of (first line of a row, its last line, its cells), as many cells as names.

    `said` lists what was recognised; it is complete once all rows are read.
    """

    names: list[str]
    line: int
    separator: str
    _lines: Iterator[str]
    _before: list[str]
    _comments: int = 0
    _index: bool = False
    _padded: int = field(default=0)

    @property
    def said(self) -> tuple[str, ...]:
        said = [*self._before, f"columns separated by {SEPARATORS[self.separator]}"]
        if self._index:
            said.append("the first value of each row, its number, left out")
        if self._padded:
            said.append("empty values beyond the last column left out")
        if self._comments:
            said.append(f"{self._comments} comment line{'s' if self._comments > 1 else ''} left out")
        return tuple(said)

    def __iter__(self) -> Iterator[tuple[int, int, list[str]]]:
        reader = _reader(self._lines, self.separator)
        start, number = self.line + 1, 0
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise _quotation(error, start, self.line + reader.line_num) from error
            line, end = start, self.line + reader.line_num
            start = end + 1
            if len(cells) == len(self.names) and not self._index:
                yield line, end, cells
            elif cells and (len(cells) > 1 or cells[0].strip() or len(self.names) == 1):
                number += 1
                fitted = self._fitted(line, cells, number)
                if fitted is not None:
                    yield line, end, fitted

    def _fitted(self, line: int, cells: list[str], number: int) -> list[str] | None:
        """A row whose number of cells differs from the number of names; None for a comment."""
        if cells[0].startswith("#"):
            self._comments += 1
            return None
        wanted = len(self.names)
        if self._index or (number == 1 and self._begins_with_number(cells)):
            self._index = True
            if len(cells) == wanted + 1 and cells[0].strip().isdecimal():
                return cells[1:]
        elif len(cells) > wanted and not any(cell.strip() for cell in cells[wanted:]):
            self._padded += 1
            return cells[:wanted]
        elif len(cells) == wanted - 1 and not self.names[-1].strip():
            return [*cells, ""]
        raise self._uneven(line, cells)

    def _begins_with_number(self, cells: list[str]) -> bool:
        """Whether the first value is a row number, as R writes it: one value more than names, counting from 0 or 1."""
        return len(cells) == len(self.names) + 1 and cells[0].strip() in ("0", "1") and bool(cells[-1].strip())

    def _uneven(self, line: int, cells: list[str]) -> NotATable:
        text = self.separator.join(cells)
        other = max(SEPARATORS, key=text.count)
        values = f"{len(cells)} value{'s' if len(cells) != 1 else ''}"
        if len(cells) == 1 and other != self.separator and text.count(other) >= len(self.names) // 2:
            hint = f"it is separated by {SEPARATORS[other]}, the names by {SEPARATORS[self.separator]}"
        elif len(cells) < len(self.names):
            hint = "perhaps the file was cut short there; write a missing value as nothing between two separators"
        elif self.separator == ",":
            hint = "put values that contain a comma, such as a decimal comma, in quotation marks"
        else:
            hint = "put values that contain the separator in quotation marks"
        return NotATable(
            f", line {line}: it has {values}, and line {self.line} names {len(self.names)} columns; {hint}."
        )


def read_rows_of_cells(lines: Iterator[str], known: Known) -> Rows:
    """Finds the line of column names; raises NotATable if there is none, or it does not fit the rows."""
    before, separator, comments, number = [], None, 0, 0
    first, commented = None, None
    for line in lines:
        number += 1
        text = line.lstrip("\ufeff").strip(" \r\n")
        match = _SEP_LINE.fullmatch(text)
        if match is not None and separator is None:
            separator = match[1]
        elif text.startswith("#"):
            comments, commented = comments + 1, text.lstrip("# ")
        elif text.strip():
            first = line.lstrip("\ufeff")
            break
    if first is None:
        raise NotATable(" is empty: it needs a line of column names, and rows.")
    best = _best(first, known)
    if known(_split(first, best)) == 0:
        # numpy writes the names as a comment directly above the values.
        if commented is not None and known(_split(commented, _best(commented, known))) > 1:
            lines, first, number, comments = itertools.chain([first], lines), commented, number - 1, comments - 1
            best = _best(first, known)
        else:
            _explain_missing_names(first, best, number, lines, known)
    if separator is not None:
        if separator != best:
            wanted = SEPARATORS.get(separator, repr(separator))
            raise NotATable(
                f" says `sep={shown(separator)}`, but its column names on line {number} are separated by "
                f"{SEPARATORS[best]}, not by {wanted}: correct one of them."
            )
        before.append("a `sep=` line")
    if comments:
        before.append(f"{comments} leading comment line{'s' if comments > 1 else ''} left out")
    # Names may contain quoted line breaks, like values.
    reader = _reader(itertools.chain([first], lines), best)
    try:
        names = next(reader)
    except csv.Error as error:
        raise _quotation(error, number, number) from error
    return Rows(names, number + reader.line_num - 1, best, lines, before)


def _reader(lines: Iterator[str], separator: str):
    csv.field_size_limit(_MOST_CHARACTERS)
    return csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)


def _split(line: str, separator: str) -> list[str]:
    try:
        return next(_reader(iter([line]), separator), [])
    except csv.Error:
        return line.split(separator)


def _best(line: str, known: Known) -> str:
    """The separator that gives the most wanted names, then the most names."""
    return max(SEPARATORS, key=lambda separator: (known(cells := _split(line, separator)), len(cells)))


def _explain_missing_names(first: str, separator: str, number: int, lines: Iterator[str], known: Known) -> None:
    """Raises NotATable if it can say more than that the columns are missing."""
    for later, line in enumerate(itertools.islice(lines, _LOOK_AHEAD), start=number + 1):
        if known(_split(line, _best(line, known))) > 1:
            raise NotATable(
                f" has its column names on line {later}, below other text: remove that text, or start its lines with #."
            )
    if known(first.split()) > 1:
        raise NotATable(
            f", line {number}: its columns are separated by spaces, which dates contain too: separate them by "
            f"{', '.join(SEPARATORS.values())}."
        )
    cells = [cell.strip() for cell in _split(first, separator)]
    if len(cells) > 1 and sum(bool(re.match(r"[-+]?[\d.]", cell)) for cell in cells) > len(cells) // 2:
        raise NotATable(f", line {number}: it has values instead of column names: add a line of names.")


def _quotation(error: csv.Error, start: int, end: int) -> NotATable:
    reason = str(error)
    if "limit" in reason:
        return NotATable(
            f", line {start}: a value there has more than {_MOST_CHARACTERS:,} characters; perhaps a quotation mark is "
            "not closed."
        )
    if "unexpected end" in reason:
        return NotATable(f", line {start}: a quotation mark in this row is never closed, up to the end on line {end}.")
    where = f"line {start}" if start == end else f"lines {start} to {end}"
    return NotATable(
        f", {where}: there is a quotation mark within a quoted value; double it, or remove the quotation marks."
    )
