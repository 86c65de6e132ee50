"""Pictures side by side as one page of vectors, for print."""

import io
from collections.abc import Sequence

from gradviz.drawing.animation import Row
from gradviz.drawing.canvas import styled
from gradviz.drawing.grid import MOST_LARGE, draw_grid, grid_figure, grid_style
from gradviz.drawing.look import Look
from gradviz.drawing.scale import Scale
from gradviz.drawing.still import draw_side_by_side, figure_of, picture_style

_TRUETYPE = {"pdf.fonttype": 42}  # text stays text


def pdf_bytes(row: Row, names: Sequence[str], look: Look, scales: Sequence[Scale], *, share_scale: bool) -> bytes:
    """The pictures as in one frame of the animation; the same row gives the same bytes. `names`: of their runs."""
    is_grid = len(row) > MOST_LARGE
    with styled((grid_style(look) if is_grid else picture_style(look)) | _TRUETYPE):
        figure = grid_figure(len(row), look) if is_grid else figure_of(len(row), look)
        if is_grid:
            draw_grid(figure, row, names, look, scales, share_scale=share_scale)
        else:
            draw_side_by_side(figure, row, look, scales)
        content = io.BytesIO()
        title = "; ".join(shown.request.canonical() for shown in row)
        figure.savefig(content, format="pdf", metadata={"Title": title, "CreationDate": None, "Producer": None})
    return content.getvalue()
