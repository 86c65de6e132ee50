"""What the panels of a sheet hold: gradient fields, flat or as surfaces; the rose and the matrix of all minibatches."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from gradviz.drawing import labels
from gradviz.drawing.canvas import Axes, LinearSegmentedColormap
from gradviz.drawing.caption import titles_of
from gradviz.drawing.level_labels import APART
from gradviz.drawing.look import Look
from gradviz.drawing.plot import SMALL_RINGS, every_of, field_reach, norm_of, shades_of
from gradviz.drawing.sampling import tips_of
from gradviz.drawing.scale import Scale
from gradviz.drawing.sheetplan import Bar, Panel
from gradviz.drawing.shown import Row, Shown, plot_in_space, plot_shown
from gradviz.drawing.surface import RISE
from gradviz.landscape.directions.axis import is_direction

# Shape suffixes: K = minibatches, 2 = (u, v).

_ZOOM = 0.84
"""Of a surface, which leaves room for the names of its axes."""

_LABEL_IN, _LEAST_LABELLED_IN = 0.42, 1.2
"""Inches from one number on a level line to the next, and of the smallest panel whose lines have any."""


def field_panels(row: Row, names: Sequence[str], look: Look, scales: Sequence[Scale]) -> list[Panel]:
    """A panel for each picture, under what tells it from the others; `names`: of their runs."""
    of_each = zip(row, titles_of(row, names), scales, strict=True)
    return [_field_panel(shown, title, look, scale) for shown, title, scale in of_each]


def _field_panel(shown: Shown, title: str, look: Look, scale: Scale) -> Panel:
    request = shown.request
    is_space = look.under == "surface"
    named = _named(shown)
    per = labels.per_unit(has_directions=request.has_directions)
    name = f"{labels.strength_name(bool(shown.minus))} (loss {per})"
    bar = Bar(scale.low, scale.high, look.palette.arrows, name)
    draw = partial(_draw_space if is_space else _draw_flat, shown=shown, look=look, scale=scale)
    return Panel(draw, title, named[0], named[1], field_reach(shown.field), bar, is_space)


def _named(shown: Shown) -> list[str]:
    """The names of both axes."""
    return [axis if is_direction(axis) else f"Δ {axis}" for axis in shown.axes]


def _draw_flat(axes: Any, *, shown: Shown, look: Look, scale: Scale) -> None:
    inches = axes.get_position().width * axes.figure.get_figwidth()
    apart = max(APART, _LABEL_IN / inches) if inches >= _LEAST_LABELLED_IN else None
    plot_shown(axes, shown, look, scale, SMALL_RINGS, every_of(len(shown.field.x), inches), apart)
    if not shown.has_arrows:
        words = "no difference" if shown.minus else labels.ZERO_WORDS
        paper = {"facecolor": look.palette.paper, "edgecolor": "none", "alpha": 0.85, "pad": 1}
        axes.text(0, 0.25 * field_reach(shown.field), words, ha="center", color=look.palette.faint, bbox=paper)


def _draw_space(axes: Any, *, shown: Shown, look: Look, scale: Scale) -> None:
    plot_in_space(axes, shown, look, scale, (-4, -1, 1))
    axes.set(
        **{f"{at}label": axis if is_direction(axis) else f"Δ {axis}" for at, axis in zip("xy", shown.axes, strict=True)}
    )
    axes.tick_params(pad=-3, labelsize=6)
    axes.set_box_aspect((1, 1, RISE), zoom=_ZOOM)


def rose_panel(gradients_K2: np.ndarray, is_zero_K: np.ndarray, look: Look, scale: Scale, per: str) -> Panel:
    """The gradients of all minibatches at the checkpoint as arrows from one point, the longest as long as the ring;
    the broad arrow is the mean of their directions, R of the ring long."""
    draw = partial(_draw_rose, gradients_K2=gradients_K2, is_zero_K=is_zero_K, look=look, scale=scale)
    bar = Bar(scale.low, scale.high, look.palette.arrows, f"{labels.strength_name()} (loss {per})")
    return Panel(draw, f"The gradients of {len(gradients_K2)} minibatches", bar=bar)


def _draw_rose(axes: Axes, *, gradients_K2: np.ndarray, is_zero_K: np.ndarray, look: Look, scale: Scale) -> None:
    palette, sign = look.palette, -1.0 if look.direction == "descent" else 1.0
    axes.set(xlim=(-1.16, 1.16), ylim=(-1.16, 1.16), aspect="equal", xticks=[], yticks=[])
    axes.axis("off")
    turn = np.linspace(0, 2 * np.pi, 181)
    axes.plot(np.cos(turn), np.sin(turn), color=palette.grid, linewidth=1.0)
    axes.plot([-1, 1], [0, 0], color=palette.grid, linewidth=1.0)
    axes.plot([0, 0], [-1, 1], color=palette.grid, linewidth=1.0)
    minus = "−" if look.direction == "descent" else ""
    faint: dict[str, Any] = {"color": palette.faint, "ha": "center", "va": "center"}
    axes.text(0, 1.09, f"{minus}∂J/∂x₂", **faint)
    axes.text(1.09, 0, f"{minus}∂J/∂x₁", rotation=90, **faint)
    live_K2 = gradients_K2[~is_zero_K]
    if len(live_K2):
        size_K = np.hypot(*live_K2.T)
        mean_2 = sign * (live_K2 / size_K[:, None]).mean(0)
        broad = {"width": 0.055, "headwidth": 2.6, "headlength": 2.2, "headaxislength": 2.2, "alpha": 0.5, "zorder": 1}
        exactly: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "units": "xy"}
        axes.quiver(0, 0, *mean_2, color=palette.centre, **broad, **exactly)
        tips_K2 = tips_of(live_K2, 1.0, float(size_K.max()), look)
        colours = {"norm": norm_of(scale), "cmap": shades_of(look)}
        nothing_K = np.zeros(len(tips_K2))
        axes.quiver(nothing_K, nothing_K, *tips_K2.T, np.log10(size_K), width=0.011, zorder=2, **exactly, **colours)
    num_zeros = int(is_zero_K.sum())
    if num_zeros:
        axes.text(0, -1.1, f"{num_zeros} of {len(gradients_K2)}: {labels.ZERO_WORDS}", **faint)


def matrix_panel(cosine_KK: np.ndarray, order: Sequence[int], look: Look, of: str) -> Panel:
    """The cosines between the gradients of all minibatches in one order; paper where one has no direction."""
    draw = partial(_draw_matrix, cosine_KK=cosine_KK[np.ix_(order, order)], look=look)
    bar = Bar(-1.0, 1.0, look.palette.cosine, "cosine of the angle")
    return Panel(draw, f"Cosines between {len(order)} minibatches, {of}", bar=bar)


def _draw_matrix(axes: Axes, *, cosine_KK: np.ndarray, look: Look) -> None:
    many = len(cosine_KK)
    shades = LinearSegmentedColormap.from_list("cosine", look.palette.cosine).with_extremes(bad=look.palette.grid)
    edges = np.arange(many + 1)
    cells = axes.pcolormesh(edges, edges, np.ma.masked_invalid(cosine_KK), cmap=shades, vmin=-1, vmax=1)
    cells.set(edgecolor="face", linewidth=0.8)  # thinner, viewers show seams between equal cells
    axes.set(xlim=(0, many), ylim=(many, 0), aspect="equal", xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_color(look.palette.grid)
