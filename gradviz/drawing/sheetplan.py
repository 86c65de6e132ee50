"""Where the panels of a sheet lie, and how much room there is around them; all lengths are inches."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from gradviz.drawing.inks import Stops

Place = tuple[float, float, float, float]
"""Left, bottom, width and height, in inches from the figure's lower left corner."""

LETTERS = 7.0
"""Points, of names."""

MOST_LETTERED = 9
"""Panels that have letters; of more each has its title alone, and no ticks."""

LETTER_IN, _LINE_IN = 0.055, 0.125
"""Inches of one of these letters, and of a line of them."""
MARGIN, _GAP, _DENSE_GAP, TICKS_UP, TICKS_ASIDE, _TITLE = 0.05, 0.2, 0.06, 0.16, 0.36, 0.19
BAR, BAR_AT, _BAR_TICKS, MOST_BAR = 0.08, 0.09, 0.3, 2.2
_LEAST_SIDE, _DENSE_SIDE = 0.85, 0.5
"""Inches: of a panel with ticks, and of one of very many, which has none."""
MOST_UP = 1.7
"""Inches of a name beside an axis: a longer one has two lines."""


@dataclass(frozen=True)
class Bar:
    """A scale of colours from `low` to `high`, and what it is of."""

    low: float
    high: float
    stops: Stops
    name: str


@dataclass(frozen=True)
class Panel:
    """One square. `draw` puts everything into the axes; `x_name` and `y_name` are of its axes, empty without ticks;
    `reach`: how far these go, so that equal ones are told once."""

    draw: Callable[[Any], None]
    title: str
    x_name: str = ""
    y_name: str = ""
    reach: float = 0.0
    bar: Bar | None = None
    is_space: bool = False

    @property
    def frame(self) -> tuple[str, str, float]:
        return self.x_name, self.y_name, self.reach


@dataclass(frozen=True)
class Sheet:
    """`width` of the whole in inches; `titles`, `letters`: over each panel; `columns`: by the width if None."""

    width: float
    titles: bool = True
    letters: bool = True
    columns: int | None = None


@dataclass(frozen=True)
class Plan:
    """Where everything lies, in inches."""

    sheet: Sheet
    panels: Sequence[Panel]
    columns: int

    @property
    def is_dense(self) -> bool:
        """Small pictures alone, without ticks."""
        return len(self.panels) > MOST_LETTERED

    @property
    def is_shared(self) -> bool:
        """One frame for all: told at the left and below."""
        return len({panel.frame for panel in self.panels}) == 1 and not self.panels[0].is_space

    @property
    def has_one_bar(self) -> bool:
        return len({panel.bar for panel in self.panels}) == 1

    @property
    def has_bars(self) -> bool:
        """Of very many with a scale of its own each, none has room to tell it."""
        return self.has_one_bar or not self.is_dense

    @property
    def rows(self) -> int:
        return ceil(len(self.panels) / self.columns)

    @property
    def head(self) -> float:
        """Over each panel."""
        return _TITLE if self.sheet.titles or self.has_letters else 0.02

    @property
    def has_letters(self) -> bool:
        return self.sheet.letters and 1 < len(self.panels) <= MOST_LETTERED

    @property
    def bar_room(self) -> float:
        bars = [panel.bar for panel in self.panels if panel.bar]
        if not bars or not self.has_bars:
            return 0.0
        return BAR_AT + BAR + _BAR_TICKS + _LINE_IN * max(len(unit_apart(bar.name)) for bar in bars)

    @property
    def gap(self) -> float:
        return _DENSE_GAP if self.is_dense else _GAP

    @property
    def left_room(self) -> float:
        """For ticks and the names of the axes that go up."""
        names = {panel.y_name for panel in self.panels}
        return self._beside(names, 0.0 if self.is_dense else TICKS_ASIDE, MOST_UP)

    @property
    def below_room(self) -> float:
        across = self.side * self.columns if self.is_shared else self.side
        return self._beside({panel.x_name for panel in self.panels}, 0.0 if self.is_dense else TICKS_UP, across)

    def _beside(self, names: set[str], ticks: float, inches: float) -> float:
        return ticks + _LINE_IN * max(len(lines_of(name, inches)) for name in names) if any(names) else 0.0

    @property
    def side(self) -> float:
        """Of each square."""
        across = self.sheet.width - 2 * MARGIN - (self.columns - 1) * self.gap
        across -= self.bar_room * (1 if self.has_one_bar else self.columns)
        return (across - self.left_room * (1 if self.is_shared else self.columns)) / self.columns

    @property
    def height(self) -> float:
        rows = self.rows * (self.side + self.head) + self.below_room * (1 if self.is_shared else self.rows)
        return rows + 2 * MARGIN + (0.0 if self.is_shared else self.gap) * (self.rows - 1)

    def of(self, k: int) -> Place:
        """The square of the k-th panel."""
        row, column = divmod(k, self.columns)
        own = 0.0 if self.is_shared else self.left_room + (0.0 if self.has_one_bar else self.bar_room)
        own += self.bar_room if self.is_shared and not self.has_one_bar else 0.0
        left = MARGIN + self.left_room + column * (self.side + self.gap + own)
        below = 0.0 if self.is_shared else self.below_room + self.gap
        top = self.height - MARGIN - self.head - row * (self.side + self.head + below)
        return left, top - self.side, self.side, self.side

    def is_outer(self, k: int) -> tuple[bool, bool]:
        """Whether nothing lies to the left of a panel, and below it."""
        return k % self.columns == 0, k + self.columns >= len(self.panels)


def plan_of(panels: Sequence[Panel], sheet: Sheet) -> Plan:
    """As few rows as leave each panel room; more where the sheet would be taller than a page."""
    if sheet.columns:
        return Plan(sheet, panels, min(sheet.columns, len(panels)))
    least = _DENSE_SIDE if len(panels) > MOST_LETTERED else _LEAST_SIDE
    plans = [Plan(sheet, panels, columns) for columns in range(1, len(panels) + 1)]
    fitting = [plan for plan in plans if plan.side >= least] or plans[:1]
    widest = fitting[-1]
    # The same number of rows with panels as large as these allow.
    return next(plan for plan in fitting if plan.rows == widest.rows or plan is widest)


def letter_of(k: int) -> str:
    """The k-th panel's."""
    return "abcdefghi"[k]


def lines_of(text: str, inches: float) -> list[str]:
    """Two lines at most, broken where a name has a joint."""
    if len(text) * LETTER_IN <= inches:
        return [text]
    joints = [k + 1 for k, letter in enumerate(text) if letter in " ." and (k + 1) * LETTER_IN <= inches]
    return [text[: joints[-1]].rstrip(), text[joints[-1] :].strip()] if joints else [text]


def unit_apart(name: str) -> list[str]:
    """A name and, in a line of its own, its unit in brackets."""
    what, bracket, unit = name.partition(" (")
    return [what, bracket.strip() + unit] if unit else [name]
