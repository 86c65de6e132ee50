"""The surface of the loss with the arrows on it, in the axes of a still picture.

matplotlib sorts what it draws in space by whole objects: what of an arrow lies behind the surface is left out here.
"""

from itertools import pairwise
from typing import Any

import numpy as np

from gradviz.drawing.camera import FIRST, Camera
from gradviz.drawing.canvas import (
    Axes3D,
    Line3DCollection,
    LinearSegmentedColormap,
    Normalize,
    Poly3DCollection,
    to_hex,
    to_rgb,
)
from gradviz.drawing.choices import Direction, Length
from gradviz.drawing.inks import Palette, Stops
from gradviz.drawing.look import Look
from gradviz.drawing.plot import norm_of, shades_of
from gradviz.drawing.scale import Scale
from gradviz.drawing.surface import RISE, Surface, arrows_on
from gradviz.landscape import GradientField

# Shape suffixes: Q = cells of the grid, S = pieces of arrows, P = any points, T = steps of a sight, 2 = (x, y),
# 3 = (x, y, J) or lengths in space.

_LIGHT = np.array([-0.35, -0.5, 0.79])
_DARKEST = 0.62  # of a colour, where the light does not fall
_STEPS_OF_A_CELL = 3
_MOST_VECTORS = 61  # points a side: a finer sheet is drawn as pixels


def plot_surface(axes: Axes3D, field: GradientField, scale: Scale, look: Look) -> None:
    """Draws the sheet, the arrows, and rings where these are zero, and sets the limits and the side it is seen from.

    Within `styled`. What is not finite is a gap. The whole surface is drawn, however near the camera is.
    """
    axes.view_init(elev=look.camera.over, azim=look.camera.around)
    axes.set_proj_type("ortho")
    axes.computed_zorder = False
    surface = Surface.of(field)
    if surface is None:
        return
    axes.set(
        xlim=(-surface.reach, surface.reach), ylim=(-surface.reach, surface.reach), zlim=surface.range, facecolor="none"
    )
    axes.set_box_aspect((1, 1, RISE))
    of_space: Any = (axes.xaxis, axes.yaxis, axes.zaxis)
    for axis in of_space:
        axis.pane.set(visible=False)
        axis.line.set_color(look.palette.grid)
        axis._axinfo["grid"] |= {"color": look.palette.grid, "linewidth": 0.6}  # matplotlib has no public name for it
    _plot_sheet(axes, surface, look)
    _plot_arrows(axes, field, surface, scale, look.length, look.direction, look)


def shaded(palette: Palette) -> Stops:
    """The greys of the sheet in the light and out of it, from the darkest to the brightest."""
    dark, bright = sorted((palette.grid, palette.contour), key=_brightness)
    red, green, blue = to_rgb(dark)
    return ((0.0, to_hex((_DARKEST * red, _DARKEST * green, _DARKEST * blue))), (1.0, bright))


def _brightness(colour: str) -> float:
    return sum(to_rgb(colour))


class OnSurface:
    """Stands for flat axes: what is drawn in these lies on the surface, and ends where it ends."""

    def __init__(self, axes: Axes3D, surface: Surface) -> None:
        self._axes, self._surface = axes, surface

    def plot(self, x: Any, y: Any, **style: Any) -> None:
        style.pop("clip_on", None)
        self._axes.plot(
            *self._laid(_cut(np.stack([np.atleast_1d(x), np.atleast_1d(y)], axis=1), self._surface)), **style
        )

    def scatter(self, x: Any, y: Any, **style: Any) -> None:
        self._axes.scatter(*self._laid(np.stack([x, y], axis=1)), depthshade=False, **style)  # pyright: ignore[reportArgumentType]

    def fill(self, *_: Any, **__: Any) -> None:
        """A disc would hide the surface."""

    def _laid(self, at_P2: np.ndarray) -> np.ndarray:
        """x, y, J (3, P); NaN beside the surface."""
        is_on_P = (np.abs(at_P2) <= self._surface.half_width * (1 + 1e-9)).all(axis=1)
        height_P = np.where(is_on_P, self._surface.at(*at_P2.T) + self._surface.lift, np.nan)
        return np.stack([*np.where(is_on_P, at_P2.T, np.nan), height_P])


def _cut(way_P2: np.ndarray, surface: Surface) -> np.ndarray:
    """A line with points so close to each other that it bends as the surface does, within reach of it."""
    pieces = [way_P2[:1]]
    for a, b in pairwise(way_P2):
        many = min(2000, max(1, int(np.ceil(_STEPS_OF_A_CELL * np.linalg.norm(b - a) / surface.cell))))
        pieces.append(a + (b - a) * (np.arange(1, many + 1) / many)[:, None])
    return np.concatenate(pieces)


def _plot_sheet(axes: Axes3D, surface: Surface, look: Look) -> None:
    points = len(surface.loss_YX)
    steps = surface.cell * (np.arange(points) - points // 2)
    y_YX, x_YX = np.meshgrid(steps, steps, indexing="ij")
    grid_YX3 = np.stack([x_YX, y_YX, surface.loss_YX], axis=2)
    corners = (grid_YX3[:-1, :-1], grid_YX3[:-1, 1:], grid_YX3[1:, 1:], grid_YX3[1:, :-1])
    cells_Q43 = np.stack(corners, axis=2).reshape(-1, 4, 3)
    cells_Q43 = cells_Q43[np.isfinite(cells_Q43).all(axis=(1, 2))]
    in_space_Q43 = cells_Q43 * [1, 1, surface.rise]
    normal_Q3 = np.cross(in_space_Q43[:, 2] - in_space_Q43[:, 0], in_space_Q43[:, 3] - in_space_Q43[:, 1])
    normal_Q3 /= np.linalg.norm(normal_Q3, axis=1, keepdims=True)
    light_Q1 = _DARKEST + (1 - _DARKEST) * np.clip(normal_Q3 @ (_LIGHT / np.linalg.norm(_LIGHT)), 0, 1)[:, None]
    greys = LinearSegmentedColormap.from_list("loss", look.palette.sheet)
    colour_Q4 = greys(Normalize(surface.low, surface.high)(cells_Q43[:, :, 2].mean(axis=1)))
    colour_Q4[:, :3] *= light_Q1
    sheet = Poly3DCollection(cells_Q43, facecolors=colour_Q4, edgecolors=colour_Q4, linewidths=0.3, zorder=1)
    sheet.set_rasterized(points > _MOST_VECTORS)
    axes.add_collection3d(sheet)


def _plot_arrows(
    axes: Axes3D, field: GradientField, surface: Surface, scale: Scale, length: Length, direction: Direction, look: Look
) -> None:
    arrows = arrows_on(field, surface, scale, length=length, direction=direction)
    if arrows.point_A.size:
        lines = (arrows.shaft_AV3, arrows.head_AV3)
        pieces_S23 = np.concatenate([np.stack([line[:, :-1], line[:, 1:]], axis=2).reshape(-1, 2, 3) for line in lines])
        strength_S = np.concatenate([np.repeat(arrows.strength_A, line.shape[1] - 1) for line in lines])
        is_seen_S = is_seen(surface, pieces_S23.mean(axis=1), look.camera)
        drawn = Line3DCollection(
            pieces_S23[is_seen_S],
            colors=shades_of(look)(norm_of(scale)(strength_S[is_seen_S])),
            linewidths=1.0,
            zorder=2,
            capstyle="round",
        )
        axes.add_collection3d(drawn, autolim=False)
    ring_Z3 = arrows.ring_Z3[np.isfinite(arrows.ring_Z3).all(axis=1)]
    ring_Z3 = ring_Z3[is_seen(surface, ring_Z3, look.camera)]
    if ring_Z3.size:
        ring = {"facecolors": "none", "edgecolors": look.palette.zero, "linewidths": 0.8}
        axes.scatter(*ring_Z3.T, s=9, depthshade=False, zorder=2, **ring)


def is_seen(surface: Surface, at_P3: np.ndarray, camera: Camera = FIRST) -> np.ndarray:
    """Whether nothing of the surface lies between a point above it and the eye, which is far away."""
    elevation, azimuth = np.radians((camera.over, camera.around))
    step = surface.cell / _STEPS_OF_A_CELL
    across = np.array([np.cos(azimuth), np.sin(azimuth)])
    climb = np.tan(elevation) / surface.rise  # of the sight, in loss for each length of the plane
    span = surface.range[1] - surface.range[0]
    farthest = min(span / max(abs(climb), 1e-9 * span), 2**1.5 * surface.half_width)
    away_T = step * np.arange(1, max(2, int(np.ceil(farthest / step)) + 1))
    sight_PT2 = at_P3[:, None, :2] + away_T[:, None] * across
    height_PT = at_P3[:, 2:] + away_T * climb
    ground_PT = surface.at(sight_PT2[..., 0], sight_PT2[..., 1])
    is_over_PT = (np.abs(sight_PT2) <= surface.half_width).all(axis=2)
    return ~(is_over_PT & (ground_PT > height_PT)).any(axis=1)
