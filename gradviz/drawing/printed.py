"""Pictures side by side as one still picture, in vectors or pixels: as on a page, or on a sheet for print."""

from collections.abc import Sequence

from gradviz.drawing.canvas import styled
from gradviz.drawing.caption import caption_of
from gradviz.drawing.choices import Still
from gradviz.drawing.grid import MOST_LARGE, draw_grid, grid_figure, grid_style
from gradviz.drawing.look import Look
from gradviz.drawing.panels import field_panels
from gradviz.drawing.scale import Scale
from gradviz.drawing.sheet import DOTS_PER_INCH, sheet_figure, sheet_style
from gradviz.drawing.sheetplan import Panel, Sheet
from gradviz.drawing.shown import Row
from gradviz.drawing.still import draw_side_by_side, figure_of, picture_bytes, picture_style
from gradviz.drawing.written import figure_bytes


def row_bytes(
    row: Row,
    names: Sequence[str],
    look: Look,
    scales: Sequence[Scale],
    kind: Still,
    *,
    share_scale: bool,
    sheet: Sheet | None = None,
) -> tuple[bytes, str]:
    """The file and its caption; the same row gives the same bytes. `names`: of the runs.

    Without a `sheet` the pictures are as in one frame of an animation.
    """
    caption = caption_of(row, look, scales, names, share_scale=share_scale)
    title = "; ".join(shown.request.canonical() for shown in row)
    if sheet is not None:
        return sheet_bytes(field_panels(row, names, look, scales), sheet, look, kind, title, caption), caption
    if len(row) == 1:
        return picture_bytes(row[0], kind, look, scales[0]), caption
    is_grid = len(row) > MOST_LARGE
    with styled(grid_style(look) if is_grid else picture_style(look)):
        figure = grid_figure(len(row), look) if is_grid else figure_of(len(row), look)
        if is_grid:
            draw_grid(figure, row, names, look, scales, share_scale=share_scale)
        else:
            draw_side_by_side(figure, row, look, scales)
        return figure_bytes(figure, kind, title, caption), caption


def sheet_bytes(panels: Sequence[Panel], sheet: Sheet, look: Look, kind: Still, title: str, caption: str) -> bytes:
    """The same panels give the same bytes."""
    with styled(sheet_style(look)):
        figure = sheet_figure(panels, sheet, look)
        return figure_bytes(figure, kind, title, caption, dots_per_inch=DOTS_PER_INCH)
