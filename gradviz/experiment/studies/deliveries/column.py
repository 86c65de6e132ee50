"""One column of a table, as distinct texts and their positions, to give its values and their true lines."""

import dataclasses
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from gradviz.experiment.outside import shown
from gradviz.experiment.studies.deliveries.fields import Field
from gradviz.experiment.studies.deliveries.foreign import NotATable

# Missing values of pandas and of databases.
MISSING = frozenset(
    ["", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"]
) | {"NULL", "NaN", "NaT", "None", "n/a", "nan", "null", r"\N"}


@dataclass
class Lines:
    """The line of the file on which each row begins, and the offsets of values further down within their row."""

    of_rows: array = dataclasses.field(default_factory=lambda: array("q"))
    further: dict[tuple[int, int], int] = dataclasses.field(default_factory=dict)  # (row, place of the column) -> lines

    def add(self, line: int, end: int, cells: list[str]) -> None:
        """A row from line `line` to `end`."""
        self.of_rows.append(line)
        if end > line:
            down = 0
            for place, cell in enumerate(cells):
                if down:
                    self.further[len(self.of_rows) - 1, place] = down
                down += cell.count("\n") + cell.count("\r") - cell.count("\r\n")

    def line(self, row: int, place: int) -> int:
        return self.of_rows[row] + self.further.get((row, place), 0)


class _Numbers(dict[str, int]):
    """Numbers each new text, in order of appearance."""

    def __missing__(self, text: str) -> int:
        number = self[text] = len(self)
        return number


@dataclass
class Column:
    """The cells of one column: `codes` has, for each row, the number of its text in the order of `texts`."""

    field: Field
    name: str
    place: int
    lines: Lines
    numbers: _Numbers = dataclasses.field(default_factory=_Numbers)
    codes: array = dataclasses.field(default_factory=lambda: array("i"))

    def add(self, cells: Iterable[str]) -> None:
        self.codes.extend(map(self.numbers.__getitem__, cells))

    @property
    def texts(self) -> Iterator[str]:
        return (text.strip() for text in self.numbers)

    def present(self) -> Iterator[tuple[str, tuple["Column", int]]]:
        """Each distinct text that is a value, and its first position."""
        return ((text, (self, code)) for code, text in enumerate(self.texts) if text not in MISSING)

    def values(
        self, value_of: Callable[[str], float | None], missing: float, dtype: str, why: Callable[[str], str]
    ) -> np.ndarray:
        """A value for each row; NotATable with the first text that has none, its place and the reason."""
        values, refused = np.full(len(self.numbers), missing, dtype), []
        for code, text in enumerate(self.texts):
            if text in MISSING:
                continue
            value = value_of(text)
            if value is None:
                refused.append(code)
            else:
                values[code] = value
        if refused:
            raise self.refusal(refused, why)
        return values[np.frombuffer(self.codes, dtype=np.int32)] if len(self.codes) else values[:0]

    def line(self, code: int) -> int:
        """The line of a text's first appearance in the file."""
        return self.lines.line(self.codes.index(code), self.place)

    def refusal(self, codes: Iterable[int], reason_of: Callable[[str], str]) -> NotATable:
        """The sentence for unusable texts: the first of them in the file, and their number."""
        is_wrong = np.zeros(len(self.numbers), dtype=bool)
        is_wrong[list(codes)] = True
        rows = np.flatnonzero(is_wrong[np.frombuffer(self.codes, dtype=np.int32)])
        text = list(self.texts)[self.codes[int(rows[0])]]
        more = f" ({len(rows):,} such values in all)" if len(rows) > 1 else ""
        cut = text if len(text) <= 40 else text[:37] + "..."
        return NotATable(
            f", line {self.lines.line(int(rows[0]), self.place)}, column {shown(self.name)!r} ({self.field.name}): "
            f"{shown(cut)!r} {reason_of(text)}{more}."
        )
