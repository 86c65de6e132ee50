"""Several minibatches' fields, small: side by side as a still picture, or one after the other as an animation."""

import io
from collections.abc import Iterator, Sequence

import numpy as np

from gradviz.drawing.animation import image_of
from gradviz.drawing.canvas import Axes, Figure, FigureCanvasAgg, styled
from gradviz.drawing.gif import Gif, colours_of
from gradviz.drawing.look import PLAIN, still_style
from gradviz.drawing.plot import SMALL_RINGS, plot_centre, plot_field
from gradviz.drawing.scale import Scale, drawn_sizes
from gradviz.landscape import GradientField
from gradviz.numbers import percent

# Shape suffixes: K = minibatches, 2 = (x, y).

SHOWN = 3
"""Minibatches that a still picture shows, before the arrows of all."""

_PALETTE = PLAIN.palette
_STYLE = still_style(_PALETTE, 7.5, _PALETTE.grid)
_MOST_POINTS = 15
"""Of larger grids every second arrow is drawn: at this size more would not be told apart."""
_PER_SECOND = 4
_SHADES = 14
"""Of the arrows, in an animation."""


Panels = Sequence[Sequence[GradientField]]
"""For each picture the fields of its minibatches."""
Names = Sequence[tuple[str, str]]
"""For each picture its two parameters."""


def scene_still(panels: Panels, names: Names) -> bytes:
    """A png of `scene_figure`."""
    with styled(_STYLE):
        content = io.BytesIO()
        scene_figure(panels, names).savefig(content, format="png", dpi=100, metadata={"Software": None})
        return content.getvalue()


def scene_figure(panels: Panels, names: Names) -> Figure:
    """A row for each picture: its first minibatches' fields and then the centre arrows of all; or one row of pictures
    that have one minibatch each. Within `styled`."""
    several = len(panels[0]) > 1
    num_rows, num_columns = (len(panels), SHOWN + 1) if several else (1, len(panels))
    size = (2.2 * num_columns, 2.45 * num_rows + 0.1) if several else (3.9 * num_columns, 4.0)
    figure = Figure(figsize=size, layout="constrained", facecolor=_PALETTE.paper)
    cells = figure.subplots(num_rows, num_columns, squeeze=False)
    for row, (fields, (x, y)) in enumerate(zip(panels, names, strict=True)):
        own = cells[row] if several else cells[0][row : row + 1]
        colours = Scale.of(fields)
        for k, (axes, field) in enumerate(zip(own, fields[:SHOWN], strict=False)):
            _draw(axes, field, colours, f"minibatch {k}" if several else "")
        if several:
            _draw_centres(own[-1], fields)
        _name(own[0], x, y)
    return figure


def scene_animation(panels: Panels, names: Names) -> bytes:
    """A gif of `scene_frames`; repeats for ever."""
    # Few colours make a small file, and at this size no more are told apart.
    gif = Gif(_PER_SECOND, colours_of(_PALETTE, num_shades=_SHADES, num_loss=0))
    with styled(_STYLE):
        for figure in scene_frames(panels, names):
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            gif.add(image_of(canvas))
    return gif.finish()


def scene_frames(panels: Panels, names: Names) -> Iterator[Figure]:
    """For each minibatch the pictures side by side; the figure is the same one each time. Within `styled`."""
    scales = [Scale.of(fields) for fields in panels]
    figure = Figure(figsize=(3.3 * len(panels), 3.5), facecolor=_PALETTE.paper, dpi=92)
    for k, row in enumerate(zip(*panels, strict=True)):
        figure.clear()
        for column, (field, (x, y), colours) in enumerate(zip(row, names, scales, strict=True)):
            axes = figure.add_axes(((column + 0.13) / len(panels), 0.12, 0.84 / len(panels), 0.79))
            _draw(
                axes,
                field,
                colours,
                f"minibatch {k}: {percent(field.share_below)} of {field.num_rows} rows below target",
            )
            _name(axes, x, y)
        yield figure


def _name(axes: Axes, x: str, y: str) -> None:
    axes.set(xlabel=f"Δ {x}", ylabel=f"Δ {y}")


def _draw(axes: Axes, field: GradientField, colours: Scale, title: str) -> None:
    """Lengths are measured within the field, as on the page; colours may be over all minibatches."""
    every = 1 if len(field.x) <= _MOST_POINTS else 2
    plot_field(axes, field, colours.measuring([field]), PLAIN, rings=SMALL_RINGS, every=every, apart=None)
    plot_centre(axes, PLAIN, rings=SMALL_RINGS)
    axes.set(xticks=[], yticks=[])
    _entitle(axes, title)


def _entitle(axes: Axes, title: str) -> None:
    axes.set_title(title, fontsize=7.5, color=_PALETTE.faint)


def _draw_centres(axes: Axes, fields: Sequence[GradientField]) -> None:
    """The arrows of all minibatches at the checkpoint itself, each to length 1: how much they agree in direction."""
    sizes_K = np.array([drawn_sizes(field)[len(field.y) // 2, len(field.x) // 2] for field in fields])
    live_K = sizes_K > 0
    unit_K2 = np.array([field.centre for field in fields], float)[live_K] / sizes_K[live_K, None]
    axes.quiver(
        np.zeros(len(unit_K2)), np.zeros(len(unit_K2)), *unit_K2.T, color=_PALETTE.ink, alpha=0.35,
        angles="xy", scale_units="xy", scale=1, units="xy", width=0.025,
    )  # fmt: skip
    num_zeros = int((sizes_K == 0).sum())
    if num_zeros:
        axes.text(0, -1.15, f"{num_zeros} of {len(fields)} are zero", ha="center", color=_PALETTE.faint)
    axes.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect="equal", xticks=[], yticks=[])
    _entitle(axes, f"all {len(fields)} at the centre")
