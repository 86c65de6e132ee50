"""Several minibatches' fields, small: side by side as a still picture, or one after the other as an animation."""

import io
from collections.abc import Sequence

import numpy as np

from gradviz.drawing.animation import image_of
from gradviz.drawing.canvas import Axes, Figure, FigureCanvasAgg, styled
from gradviz.drawing.gif import Gif, colours_of
from gradviz.drawing.look import PLAIN, still_style
from gradviz.drawing.plot import SMALL_RINGS, plot_centre, plot_field
from gradviz.drawing.scale import Scale, drawn_sizes
from gradviz.landscape import GradientField

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


def scene_still(panels: Sequence[Sequence[GradientField]], names: Sequence[tuple[str, str]]) -> bytes:
    """A png with a row for each panel: the first minibatches' fields and then the centre arrows of all."""
    several = len(panels[0]) > 1
    columns = SHOWN + 1 if several else 1
    with styled(_STYLE):
        if several:
            size, shape = (2.2 * columns, 2.45 * len(panels) + 0.1), (len(panels), columns)
        else:
            size, shape = (3.9 * len(panels), 4.0), (1, len(panels))
        figure = Figure(figsize=size, layout="constrained", facecolor=_PALETTE.paper)
        cells = figure.subplots(*shape, squeeze=False)
        for row, (fields, (x, y)) in enumerate(zip(panels, names, strict=True)):
            own = cells[row] if several else cells[0][row : row + 1]
            colours = Scale.of(fields)
            for axes, (k, field) in zip(own, enumerate(fields[:SHOWN]), strict=False):
                _draw(axes, field, colours)
                if several:
                    axes.set_title(f"minibatch {k}", fontsize=7.5, color=_PALETTE.faint)
            if several:
                _draw_centres(own[-1], fields)
                own[-1].set_title(f"all {len(fields)} at the centre", fontsize=7.5, color=_PALETTE.faint)
            own[0].set_xlabel(f"Δ {x}")
            own[0].set_ylabel(f"Δ {y}")
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=100, metadata={"Software": None})
        return content.getvalue()


def scene_animation(panels: Sequence[Sequence[GradientField]], names: Sequence[tuple[str, str]]) -> bytes:
    """A gif with a frame for each minibatch, the panels side by side; repeats for ever."""
    scales = [Scale.of(fields) for fields in panels]
    # Few colours make a small file, and at this size no more are told apart.
    gif = Gif(_PER_SECOND, colours_of(_PALETTE, num_shades=_SHADES, num_loss=0))
    with styled(_STYLE):
        figure = Figure(figsize=(3.3 * len(panels), 3.5), facecolor=_PALETTE.paper, dpi=92)
        canvas = FigureCanvasAgg(figure)
        for k, row in enumerate(zip(*panels, strict=True)):
            figure.clear()
            for column, (field, (x, y), colours) in enumerate(zip(row, names, scales, strict=True)):
                axes = figure.add_axes(((column + 0.13) / len(panels), 0.12, 0.84 / len(panels), 0.79))
                _draw(axes, field, colours)
                axes.set_xlabel(f"Δ {x}")
                axes.set_ylabel(f"Δ {y}")
                share = f"minibatch {k}: {field.share_below:.0%} of {field.num_rows} rows below target"
                axes.set_title(share, fontsize=7.5, color=_PALETTE.faint)
            canvas.draw()
            gif.add(image_of(canvas))
    return gif.finish()


def _draw(axes: Axes, field: GradientField, colours: Scale) -> None:
    """Lengths are measured within the field, as on the page; colours may be over all minibatches."""
    every = 1 if len(field.x) <= _MOST_POINTS else 2
    plot_field(axes, field, colours.measuring([field]), PLAIN, rings=SMALL_RINGS, every=every)
    plot_centre(axes, PLAIN, rings=SMALL_RINGS)
    axes.set(xticks=[], yticks=[])


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
