"""Landscapes as moving pictures: one frame an epoch or minibatch, all drawn on the same place by the same scale.

One frame at a time is in memory: it is drawn on one canvas for all, and written before the next one is.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from gradviz.drawing.canvas import Bbox, FigureCanvasAgg, styled
from gradviz.drawing.look import Look
from gradviz.drawing.scale import Scale
from gradviz.drawing.still import Shown, draw_side_by_side, figure_of, picture_style

_DPI = {1: 110, 2: 100, 3: 80}  # by the number of pictures side by side: 880, 1600 and 1920 pixels wide


Row = Sequence[Shown]
"""Pictures side by side."""


def drawn_frames(rows: Sequence[Row], look: Look, *, share_scale: bool, fixed_colours: bool) -> Iterator[Image.Image]:
    """One image for each row of pictures side by side, as they are drawn (about 0.1 s for each picture).

    Lengths are measured within a frame, as on the page; colours over all frames (`fixed_colours`) or within each.
    Pictures side by side are measured together (`share_scale`; differences apart from fields) or each for itself.
    """
    figure = figure_of(len(rows[0]), look)
    figure.set_dpi(_DPI[len(rows[0])])
    canvas = FigureCanvasAgg(figure)
    places: list[Bbox] | None = None
    for row, scales in zip(rows, scales_of_rows(rows, share_scale, fixed_colours), strict=True):
        with styled(picture_style(look)):
            places = _draw(canvas, row, look, scales, places)
        yield image_of(canvas)


def scales_of_rows(rows: Sequence[Row], share_scale: bool, fixed_colours: bool) -> Iterator[list[Scale]]:
    """For each row the scales of its pictures."""
    overall = _scales(list(zip(*rows, strict=True)), share_scale)
    for row in rows:
        scales = _scales([[shown] for shown in row], share_scale)
        if fixed_colours:
            scales = [Scale(whole.low, whole.high, here.longest) for whole, here in zip(overall, scales, strict=True)]
        yield scales


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
    canvas: FigureCanvasAgg, row: Sequence[Shown], look: Look, scales: Sequence[Scale], places: list[Bbox] | None
) -> list[Bbox]:
    """Draws one frame; returns where (in pixels) its axes are: where those of the first frame were."""
    figure = canvas.figure
    figure.clear()
    parts = draw_side_by_side(figure, row, look, scales)
    if places is not None:
        figure.set_layout_engine("none")
        in_order = [(part, axes) for part in parts for axes in part.axes]
        for (part, axes), place in zip(in_order, places, strict=True):
            axes.set_position(place.transformed(part.transSubfigure.inverted()))
    canvas.draw()
    return places or [axes.get_window_extent().frozen() for part in parts for axes in part.axes]
