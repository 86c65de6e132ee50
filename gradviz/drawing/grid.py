"""Many runs' fields side by side, small, as the page shows them where they are more than large pictures have room."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from PIL import Image

from gradviz.drawing import labels
from gradviz.drawing.animation import image_of, noted, scales_of_rows
from gradviz.drawing.canvas import Axes, Figure, FigureCanvasAgg, ScalarMappable, styled
from gradviz.drawing.look import Look, still_style
from gradviz.drawing.plot import SMALL_RINGS, every_of, norm_of, shades_of
from gradviz.drawing.scale import Scale
from gradviz.drawing.shown import Row, Shown, plot_shown
from gradviz.landscape.directions.axis import axis_words, is_direction

MOST_LARGE = 3
"""Pictures that are drawn large; of more, all are small."""

_MOST_COLUMNS = 6
_DPI = 100
_SIDE, _GAP, _NAME, _HEAD, _FOOT, _MARGIN = 1.85, 0.06, 0.22, 0.58, 0.5, 0.12
"""Inches: of a picture, between pictures, of a name above a picture, above and below all, and around."""
_LETTERS_OF_AN_INCH, _LINE = 20, 0.12
"""Of a note below the pictures: what goes into an inch, and inches of a line."""


@dataclass(frozen=True)
class _Places:
    """Where the pictures lie: in rows from the left, each under its name; below them the lines of a note."""

    many: int
    note: str = ""

    @property
    def rows(self) -> int:
        return ceil(self.many / _MOST_COLUMNS)

    @property
    def columns(self) -> int:
        return ceil(self.many / self.rows)

    @property
    def size(self) -> tuple[float, float]:
        """Inches of all."""
        width = 2 * _MARGIN + self.columns * _SIDE + (self.columns - 1) * _GAP
        return width, _HEAD + self.rows * (_SIDE + _NAME) + _FOOT + self.below

    @property
    def lines(self) -> str:
        """The note."""
        letters = int(_LETTERS_OF_AN_INCH * (2 * _MARGIN + self.columns * (_SIDE + _GAP)))
        return noted(self.note, letters) if self.note else ""

    @property
    def below(self) -> float:
        """Inches of the note."""
        return _LINE * (self.lines.count("\n") + 1) + _MARGIN / 2 if self.note else 0.0

    def of(self, number: int) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of a picture, in shares of the figure."""
        width, height = self.size
        row, column = divmod(number, self.columns)
        left = _MARGIN + column * (_SIDE + _GAP)
        bottom = height - _HEAD - (row + 1) * (_SIDE + _NAME)
        return left / width, bottom / height, _SIDE / width, _SIDE / height


def grid_frames(
    rows: Sequence[Row],
    names: Sequence[str],
    look: Look,
    *,
    share_scale: bool,
    fixed_colours: bool,
    fixed_lengths: bool = False,
    note: str = "",
) -> Iterator[Image.Image]:
    """One image for each row of pictures, under the names of their runs; measured, and with a `note` below, as
    `animation.drawn_frames` does."""
    figure = grid_figure(len(names), look, note)
    canvas = FigureCanvasAgg(figure)
    for row, scales in zip(rows, scales_of_rows(rows, share_scale, fixed_colours, fixed_lengths), strict=True):
        with styled(grid_style(look)):
            figure.clear()
            draw_grid(figure, row, names, look, scales, share_scale=share_scale, note=note)
            canvas.draw()
        yield image_of(canvas)


def grid_style(look: Look) -> dict[Any, Any]:
    """For `styled`."""
    return still_style(look.palette, 8, look.palette.grid)


def grid_figure(many: int, look: Look, note: str = "") -> Figure:
    """An empty figure with room for so many pictures, and a note."""
    return Figure(figsize=_Places(many, note).size, facecolor=look.palette.paper, dpi=_DPI)


def draw_grid(
    figure: Figure,
    row: Row,
    names: Sequence[str],
    look: Look,
    scales: Sequence[Scale],
    *,
    share_scale: bool,
    note: str = "",
) -> None:
    """The pictures under the names of their runs, what they show above them and, where they share it, the scale of
    their colours below. Within `styled(grid_style(look))`."""
    places = _Places(len(row), note)
    for number, (shown, name, scale) in enumerate(zip(row, names, scales, strict=True)):
        axes = figure.add_axes(places.of(number))
        _draw(axes, shown, look, scale)
        axes.set_title(_fitting(name), loc="left", pad=3, color=look.palette.ink)
    _write_head(figure, row, places, look)
    if share_scale and not any(shown.minus for shown in row):
        _draw_scale(figure, places, scales[0], look, labels.per_unit(has_directions=row[0].request.has_directions))
    if note:
        width, height = places.size
        at = _MARGIN / width, _MARGIN / 2 / height
        figure.text(*at, places.lines, va="bottom", fontsize=7, color=look.palette.faint)


def _draw(axes: Axes, shown: Shown, look: Look, scale: Scale) -> None:
    plot_shown(axes, shown, look, scale, SMALL_RINGS, every_of(len(shown.field.x), _SIDE))
    axes.set(xticks=[], yticks=[])
    if not shown.has_arrows:
        words = "no difference" if shown.minus else labels.ZERO_WORDS
        paper = {"facecolor": look.palette.paper, "edgecolor": "none", "alpha": 0.85, "pad": 2}
        axes.text(0, 0, words, ha="center", va="center", color=look.palette.faint, bbox=paper, zorder=6)


_MOST_LETTERS = 32


def _fitting(name: str) -> str:
    return name if len(name) <= _MOST_LETTERS else name[: _MOST_LETTERS - 1] + "…"


def _write_head(figure: Figure, row: Row, places: _Places, look: Look) -> None:
    width, height = places.size
    first = row[0]
    request = first.request
    minus = next((shown.minus for shown in row if shown.minus), "")
    mode = f"{request.mode} mode"
    if any(shown.draws_masks for shown in row):
        mode += f", {request.masks} masks where they are drawn"
    rows = "" if request.rows else f" ({first.field.num_rows} rows)"
    facts = [f"epoch {request.epoch}", f"{request.minibatch_words}{rows}", mode]
    arrows = labels.arrow_name(bool(minus), look.direction == "descent")
    facts += [f"{arrows}, minus {minus}" if minus else arrows] if arrows else []
    x, y = (axis_words(axis) if is_direction(axis) else f"Δ {axis}" for axis in (request.x, request.y))
    axes = f"across {x}, upwards {y}"
    title = f"{len(row)} runs · {labels.layers_of(request)}"
    left = _MARGIN / width
    figure.text(left, 1 - 0.17 / height, title, va="center", fontsize=10, fontweight="bold")
    for line, text in enumerate((" · ".join(facts), axes)):
        figure.text(left, 1 - (0.34 + 0.14 * line) / height, text, va="center", color=look.palette.faint)


def _draw_scale(figure: Figure, places: _Places, scale: Scale, look: Look, per: str) -> None:
    width, height = places.size
    bottom = places.below + 0.32
    axes = figure.add_axes((_MARGIN / width, bottom / height, min(2.4, width - 2 * _MARGIN) / width, 0.08 / height))
    bar = figure.colorbar(ScalarMappable(norm_of(scale), shades_of(look)), cax=axes, orientation="horizontal")
    bar.outline.set_visible(False)
    text = f"{labels.strength_name()}   (loss {per}; one scale for all)"
    figure.text((2 * _MARGIN + 2.4) / width, (bottom + 0.04) / height, text, va="center", color=look.palette.faint)
