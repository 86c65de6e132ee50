"""Gradient landscapes as still pictures and animations: several minibatches side by side, or one after the other."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image
from plotly.colors import unlabel_rgb

from gradviz.compute.canvas import Axes, Figure, FigureCanvasAgg, LinearSegmentedColormap, Normalize, styled
from gradviz.dashboard.look import LENGTH_EXPONENT, LONGEST_IN_CELLS, PALETTES
from gradviz.landscape import GradientField

# Shape suffixes: Y/X = grid rows/columns, K = minibatches.

SHOWN = 3
"""Minibatches that a still picture shows, before the arrows of all."""

_PALETTE = PALETTES["light"]
_STYLE: dict[Any, Any] = {"font.family": "DejaVu Sans", "font.size": 7.5, "axes.edgecolor": _PALETTE.grid}
_MOST_POINTS = 15
"""Of larger grids every second arrow is drawn: at this size more would not be told apart."""
_COLOURS = 24
_MILLISECONDS = 250


def scene_still(panels: Sequence[Sequence[GradientField]], names: Sequence[tuple[str, str]]) -> bytes:
    """A png with a row for each panel: the first minibatches' fields and then the centre arrows of all."""
    several = len(panels[0]) > 1
    columns = SHOWN + 1 if several else 1
    with styled(_STYLE):
        if several:
            size, shape = (2.2 * columns, 2.45 * len(panels) + 0.1), (len(panels), columns)
        else:
            size, shape = (3.9 * len(panels), 4.0), (1, len(panels))
        figure = Figure(figsize=size, layout="constrained", facecolor="white")
        cells = figure.subplots(*shape, squeeze=False)
        for row, (fields, (x, y)) in enumerate(zip(panels, names, strict=True)):
            own = cells[row] if several else cells[0][row : row + 1]
            scale = _scale(fields)
            for axes, (k, field) in zip(own, enumerate(fields[:SHOWN]), strict=False):
                _draw(axes, field, scale)
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
    images: list[Image.Image] = []
    scales = [_scale(fields) for fields in panels]
    with styled(_STYLE):
        figure = Figure(figsize=(3.3 * len(panels), 3.5), facecolor="white", dpi=92)
        canvas = FigureCanvasAgg(figure)
        for k, row in enumerate(zip(*panels, strict=True)):
            figure.clear()
            for column, (field, (x, y), scale) in enumerate(zip(row, names, scales, strict=True)):
                axes = figure.add_axes(((column + 0.13) / len(panels), 0.12, 0.84 / len(panels), 0.79))
                _draw(axes, field, scale)
                axes.set_xlabel(f"Δ {x}")
                axes.set_ylabel(f"Δ {y}")
                share = f"minibatch {k}: {field.share_below:.0%} of {field.num_rows} rows below target"
                axes.set_title(share, fontsize=7.5, color=_PALETTE.faint)
            canvas.draw()
            images.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()))
    palette = images[0].quantize(_COLOURS, dither=Image.Dither.NONE)
    first, *others = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    content = io.BytesIO()
    first.save(content, "GIF", save_all=True, append_images=others, duration=_MILLISECONDS, loop=0, optimize=True)
    return content.getvalue()


def _scale(fields: Sequence[GradientField]) -> Normalize:
    """Colours of log10 |g|, the same for all minibatches of a panel."""
    sizes = np.concatenate([field.magnitude[_arrows(field)] for field in fields])
    if not sizes.size:
        return Normalize(-1, 0)
    low, high = np.log10(np.quantile(sizes, 0.02)), np.log10(sizes.max())
    return Normalize(max(min(low, high - 0.1), high - 4), high, clip=True)


def _draw(axes: Axes, field: GradientField, scale: Normalize) -> None:
    """Arrows by length ∝ |g|^0.35 within the field and colour = log10 |g|; zero arrows as circles."""
    middle_y, middle_x = len(field.y) // 2, len(field.x) // 2
    every = 1 if len(field.x) <= _MOST_POINTS else 2
    rows, columns = (np.arange(middle % every, 2 * middle + 1, every) for middle in (middle_y, middle_x))
    part = np.ix_(rows, columns)
    x_YX, y_YX = np.meshgrid((field.x - field.x[middle_x])[columns], (field.y - field.y[middle_y])[rows])
    there = _arrows(field)[part]
    size = field.magnitude[part][there].astype(float)
    cell = x_YX[0, 1] - x_YX[0, 0]
    if size.size:
        drawn = LONGEST_IN_CELLS * cell * (size / size.max()) ** LENGTH_EXPONENT / size
        axes.quiver(
            x_YX[there], y_YX[there], field.u[part][there] * drawn, field.v[part][there] * drawn, np.log10(size),
            norm=scale, cmap=_colours(), angles="xy", scale_units="xy", scale=1, units="xy", width=0.07 * cell,
            pivot="middle",
        )  # fmt: skip
    axes.scatter(x_YX[~there], y_YX[~there], s=5, facecolors="none", edgecolors=_PALETTE.zero, linewidths=0.6)
    axes.scatter([0], [0], s=45, facecolors="none", edgecolors=_PALETTE.centre, linewidths=1.2, zorder=5)
    reach = abs(x_YX).max() + 0.8 * cell
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", xticks=[], yticks=[])


def _draw_centres(axes: Axes, fields: Sequence[GradientField]) -> None:
    """The arrows of all minibatches at the checkpoint itself, each to length 1: how much they agree in direction."""
    arrows_K2 = np.array([field.centre for field in fields], float)
    sizes_K = np.hypot(*arrows_K2.T)
    there_K = np.array([_arrows(field)[len(field.y) // 2, len(field.x) // 2] for field in fields])
    unit_K2 = arrows_K2[there_K] / sizes_K[there_K, None]
    axes.quiver(
        np.zeros(len(unit_K2)), np.zeros(len(unit_K2)), *unit_K2.T, color=_PALETTE.variants["none"], alpha=0.35,
        angles="xy", scale_units="xy", scale=1, units="xy", width=0.025,
    )  # fmt: skip
    if not there_K.all():
        axes.text(0, -1.15, f"{(~there_K).sum()} of {len(fields)} are zero", ha="center", color=_PALETTE.faint)
    axes.set(xlim=(-1.25, 1.25), ylim=(-1.25, 1.25), aspect="equal", xticks=[], yticks=[])


def _arrows(field: GradientField) -> np.ndarray:
    return ~field.is_zero & (field.magnitude > 0)


def _colours() -> LinearSegmentedColormap:
    stops = [(at, tuple(channel / 255 for channel in unlabel_rgb(colour))) for at, colour in _PALETTE.arrows]
    return LinearSegmentedColormap.from_list("arrows", stops)
