"""A field in the axes of a still picture: what all of these pictures have in common."""

from dataclasses import dataclass
from math import ceil

import numpy as np

from gradviz.drawing.arrows import Arrows, arrows_of, reach_of
from gradviz.drawing.canvas import Artist, Axes, LinearSegmentedColormap, Normalize
from gradviz.drawing.ground import levels_of
from gradviz.drawing.level_labels import APART, plot_level_labels
from gradviz.drawing.look import Look
from gradviz.drawing.scale import Scale
from gradviz.landscape import GradientField

# Shape suffixes: A = arrows, Z = points whose arrow is zero, 2 = (x, y).

_SHAFT_IN_CELLS = 0.07
_CLOSEST_IN = 0.06  # inches between arrows


@dataclass(frozen=True)
class Rings:
    """Areas and line widths, in points, of the rings that mark zero arrows and the centre."""

    zero: float = 11.0
    zero_width: float = 0.8
    centre: float = 90.0
    centre_width: float = 1.6


LARGE_RINGS = Rings()
SMALL_RINGS = Rings(5.0, 0.6, 45.0, 1.2)


def plot_field(
    axes: Axes,
    field: GradientField,
    scale: Scale,
    look: Look,
    *,
    rings: Rings = LARGE_RINGS,
    every: int = 1,
    apart: float | None = APART,
) -> Artist | None:
    """Draws the loss, the arrows and rings where these are zero, and sets the limits; returns the rings, if any.

    Within `styled`. Of grids too fine for the picture, `every` second arrow is drawn, or third, twice as long.
    `apart`: how far the numbers of level lines lie from each other, as a share of the width; None: lines have none.
    """
    arrows = arrows_of(field, scale, length=look.length, direction=look.direction, every=every)
    cell = cell_of(field)
    _plot_loss(axes, field, look, apart)
    _plot_arrows(axes, arrows, scale, look, cell, every)
    reach = field_reach(field, every)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    if not arrows.zero_Z.size:
        return None
    return _plot_rings(axes, cell * arrows.ring_Z2, look.palette.zero, rings.zero, rings.zero_width)


def every_of(points: int, inches: float) -> int:
    """Of a grid too fine for a picture of so many inches a side, every so many arrows are drawn, the centre's among
    them."""
    return max(1, min(points // 2, ceil(_CLOSEST_IN * (points - 1) / inches)))


def plot_centre(axes: Axes, look: Look, *, rings: Rings = LARGE_RINGS) -> Artist:
    """Draws a ring at the checkpoint itself, over all else."""
    return _plot_rings(axes, np.zeros((1, 2)), look.palette.centre, rings.centre, rings.centre_width, zorder=5)


def shades_of(look: Look) -> LinearSegmentedColormap:
    """The colour scale of arrows."""
    return LinearSegmentedColormap.from_list("arrows", look.palette.arrows)


def norm_of(scale: Scale) -> Normalize:
    return Normalize(scale.low, scale.high, clip=True)


def cell_of(field: GradientField) -> float:
    """The grid's distance from point to point."""
    return float(field.x[-1] - field.x[0]) / (len(field.x) - 1)


def field_reach(field: GradientField, every: int = 1) -> float:
    """How far the axes go from the checkpoint, where `every` so many arrows are drawn."""
    return reach_of(float(field.x[-1] - field.x[0]) / 2, (len(field.x) - 1) // every + 1)


def _plot_rings(axes: Axes, at_Z2: np.ndarray, colour: str, area: float, width: float, zorder: float = 1) -> Artist:
    return axes.scatter(*at_Z2.T, s=area, facecolors="none", edgecolors=colour, linewidths=width, zorder=zorder)


def _plot_loss(axes: Axes, field: GradientField, look: Look, apart: float | None) -> None:
    levels = levels_of(field.loss)
    if look.under == "none" or levels is None:
        return
    x_X, y_Y = field.x - field.x[len(field.x) // 2], field.y - field.y[len(field.y) // 2]
    loss_YX = np.ma.masked_invalid(field.loss)
    if look.under in ("heat", "surface"):  # a surface is drawn flat here
        colours = LinearSegmentedColormap.from_list("loss", look.palette.loss)
        # With edges of their own colour, so that no paper shines through between two cells.
        cells = axes.pcolormesh(x_X, y_Y, loss_YX, cmap=colours, vmin=levels.low, vmax=levels.high, zorder=0)
        cells.set(edgecolor="face", linewidth=0.3)
    else:
        axes.contour(x_X, y_Y, loss_YX, levels=levels.values, colors=look.palette.contour, linewidths=0.8, zorder=0)
        if apart is not None:
            plot_level_labels(axes, field, levels, look.palette, apart)


def _plot_arrows(axes: Axes, arrows: Arrows, scale: Scale, look: Look, cell: float, every: int) -> None:
    if not arrows.point_A.size:
        return
    (x_A, y_A), (u_A, v_A) = cell * arrows.middle_A2.T, cell * arrows.drawn_A2.T
    # Lengths and places are those of `arrows`, in units of the axes.
    exactly = {"angles": "xy", "scale_units": "xy", "scale": 1, "units": "xy", "pivot": "middle"}
    colours = {"norm": norm_of(scale), "cmap": shades_of(look)}
    axes.quiver(x_A, y_A, u_A, v_A, arrows.strength_A, width=_SHAFT_IN_CELLS * every * cell, **exactly, **colours)
