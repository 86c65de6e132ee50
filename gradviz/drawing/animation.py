"""Landscapes as moving pictures: one frame an epoch or minibatch, all drawn on the same place by the same scale.

One frame at a time is in memory: it is drawn on one canvas for all, and written before the next one is.
"""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from gradviz.drawing.canvas import Bbox, FigureCanvasAgg, styled
from gradviz.drawing.look import Look
from gradviz.drawing.scale import Scale
from gradviz.drawing.shown import Row, Shown
from gradviz.drawing.still import draw_side_by_side, figure_of, picture_style

_DPI = {1: 110, 2: 100, 3: 80}  # by the number of pictures side by side: 880, 1600 and 1920 pixels wide

_LETTERS, _LINES = 110, 3  # of a note: in a line under one picture, and lines


@dataclass(frozen=True)
class _Places:
    """Where the first frame has its axes (in pixels) and its note (its height, in shares of the figure)."""

    axes: Sequence[Bbox]
    note: float


def drawn_frames(
    rows: Sequence[Row],
    look: Look,
    *,
    share_scale: bool,
    fixed_colours: bool,
    fixed_lengths: bool = False,
    note: str = "",
) -> Iterator[Image.Image]:
    """One image for each row of pictures side by side, as they are drawn (about 0.1 s for each picture); `note`: what
    stands below each.

    Colours are measured over all frames (`fixed_colours`) or within each; lengths within each (or `fixed_lengths`).
    Pictures side by side are measured together (`share_scale`; differences apart from fields) or each for itself.
    """
    figure = figure_of(len(rows[0]), look)
    figure.set_dpi(_DPI[len(rows[0])])
    canvas = FigureCanvasAgg(figure)
    places: _Places | None = None
    for row, scales in zip(rows, scales_of_rows(rows, share_scale, fixed_colours, fixed_lengths), strict=True):
        with styled(picture_style(look)):
            places = _draw(canvas, row, look, scales, note, places)
        yield image_of(canvas)


def scales_of_rows(
    rows: Sequence[Row], share_scale: bool, fixed_colours: bool, fixed_lengths: bool = False
) -> Iterator[list[Scale]]:
    """For each row the scales of its pictures."""
    overall = _scales(list(zip(*rows, strict=True)), share_scale)
    for row in rows:
        within = _scales([[shown] for shown in row], share_scale)
        yield [
            replace(whole if fixed_colours else here, longest=(whole if fixed_lengths else here).longest)
            for whole, here in zip(overall, within, strict=True)
        ]


def noted(note: str, letters: int) -> str:
    """A note in lines of so many letters; what has no room in a few is cut."""
    return "\n".join(textwrap.wrap(note, letters, max_lines=_LINES, placeholder=" …"))


def image_of(canvas: FigureCanvasAgg) -> Image.Image:
    """What has been drawn on a canvas."""
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _scales(columns: Sequence[Sequence[Shown]], together: bool) -> list[Scale]:
    """One for each column: its own, or that of all that show the same kind of arrows."""

    def alike(column: Sequence[Shown]) -> list[Shown]:
        shared = [other for other in columns if together and bool(other[0].minus) == bool(column[0].minus)]
        return [shown for other in shared or [column] for shown in other]

    return [Scale.of([shown.field for shown in alike(column)]) for column in columns]


def _draw(
    canvas: FigureCanvasAgg,
    row: Sequence[Shown],
    look: Look,
    scales: Sequence[Scale],
    note: str,
    places: _Places | None,
) -> _Places:
    """Draws one frame; returns where its parts are: where those of the first frame were."""
    figure = canvas.figure
    figure.clear()
    parts = draw_side_by_side(figure, row, look, scales)
    below = figure.supxlabel(noted(note, _LETTERS * len(row)), fontsize=8.5, color=look.palette.faint) if note else None
    if places is not None:
        figure.set_layout_engine("none")
        if below is not None:
            below.set_y(places.note)
        in_order = [(part, axes) for part in parts for axes in part.axes]
        for (part, axes), place in zip(in_order, places.axes, strict=True):
            axes.set_position(place.transformed(part.transSubfigure.inverted()))
    canvas.draw()
    return places or _Places(
        [axes.get_window_extent().frozen() for part in parts for axes in part.axes],
        0.0 if below is None else below.get_position()[1],
    )
