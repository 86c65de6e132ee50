"""The loss as a surface over the plane, and the arrows that lie on it; `assets/pure/surface.js` says the same.

Seen from above, an arrow has the direction of the gradient. The tangent of the surface along it is as long in space as
the arrow of a flat picture is in the plane, so that arrows tell sizes in the same way in both.
"""

from dataclasses import dataclass

import numpy as np

from gradviz.drawing.arrows import arrows_of, reach_of
from gradviz.drawing.choices import Direction, Length
from gradviz.drawing.ground import Levels, levels_of
from gradviz.drawing.scale import Scale
from gradviz.landscape import GradientField

# Shape suffixes: X/Y = grid columns/rows, A = arrows, Z = points whose arrow is zero, V = vertices of an arrow,
# P = any points, 2 = (x, y), 3 = (x, y, J).

RISE = 0.55
"""Of the plane's width: from the lowest to the highest loss."""

_LIFT = 0.012  # of that height: what lies on the surface is drawn this far above it
_ROOM = 0.04  # of that height: left above and below
_MOST_ACROSS = 41  # arrows: of a finer grid some are left out
_PIECES = 4  # of a shaft
_HEAD_SHARE = 0.4  # of an arrow
_HEAD_ANGLE = np.pi / 7


@dataclass(frozen=True)
class Surface:
    """Places are offsets from the checkpoint. `low`, `high`: the ends of the loss, a little apart where it is flat."""

    loss_YX: np.ndarray
    half_width: float
    low: float
    high: float
    levels: Levels | None

    @classmethod
    def of(cls, field: GradientField) -> "Surface | None":
        """None where no loss is finite."""
        loss_YX = np.where(np.isfinite(field.loss), field.loss.astype(np.float64), np.nan)
        finite = loss_YX[np.isfinite(loss_YX)]
        if not finite.size:
            return None
        levels = levels_of(field.loss)
        half = 0.05 * abs(float(finite[0])) or 1.0  # a loss that is flat but for round-off is shown as flat
        low, high = (levels.low, levels.high) if levels else (float(finite[0]) - half, float(finite[0]) + half)
        return cls(loss_YX, float(field.x[-1] - field.x[0]) / 2, low, high, levels)

    @property
    def cell(self) -> float:
        return 2 * self.half_width / (self.loss_YX.shape[1] - 1)

    @property
    def reach(self) -> float:
        """How far the axes go."""
        return reach_of(self.half_width, self.loss_YX.shape[1])

    @property
    def rise(self) -> float:
        """Lengths of the plane for each unit of loss."""
        return RISE * 2 * self.reach / ((1 + 2 * _ROOM) * (self.high - self.low))

    @property
    def lift(self) -> float:
        return _LIFT * (self.high - self.low)

    @property
    def range(self) -> tuple[float, float]:
        """Of the loss axis."""
        room = _ROOM * (self.high - self.low)
        return self.low - room, self.high + room

    def at(self, x_P: np.ndarray, y_P: np.ndarray) -> np.ndarray:
        """The loss between the grid's points, bilinear, and beyond the border as in the last cell; NaN beside a gap."""
        column_P, row_P = (x_P + self.half_width) / self.cell, (y_P + self.half_width) / self.cell
        i_P, j_P = (
            np.clip(np.floor(place_P), 0, points - 2).astype(int)
            for place_P, points in zip((column_P, row_P), self.loss_YX.shape[::-1], strict=True)
        )
        s_P, t_P = column_P - i_P, row_P - j_P
        total_P = np.zeros_like(s_P)
        for across, up, weight_P in (
            (0, 0, (1 - s_P) * (1 - t_P)),
            (1, 0, s_P * (1 - t_P)),
            (0, 1, (1 - s_P) * t_P),
            (1, 1, s_P * t_P),
        ):
            total_P += np.where(weight_P == 0, 0.0, weight_P * self.loss_YX[j_P + up, i_P + across])
        return total_P


@dataclass(frozen=True)
class SurfaceArrows:
    """Each arrow as its `shaft_AV3` from tail to tip and its `head_AV3` around the tip.

    `point_A` counts the grid's points with x running fastest, `strength_A` is log10 |g|; `ring_Z3`: where a ring marks
    an arrow that is zero.
    """

    point_A: np.ndarray
    strength_A: np.ndarray
    shaft_AV3: np.ndarray
    head_AV3: np.ndarray
    ring_Z3: np.ndarray


def tangent_along(drawn_A2: np.ndarray, gradient_A2: np.ndarray, rise: float) -> np.ndarray:
    """The tangents (A, 3) of the surface along arrows of the plane, each in space as long as its arrow."""
    shrink_A1 = 1 / np.hypot(1.0, rise * np.linalg.norm(gradient_A2, axis=1, keepdims=True))
    climb_A1 = (drawn_A2 * gradient_A2).sum(axis=1, keepdims=True)
    return shrink_A1 * np.concatenate([drawn_A2, climb_A1], axis=1)


def arrows_on(
    field: GradientField,
    surface: Surface,
    scale: Scale,
    *,
    length: Length = "compressed",
    direction: Direction = "ascent",
) -> SurfaceArrows:
    """The arrows laid on the surface; beside a gap, where it is unknown, along their tangents."""
    every = -(-(len(field.x) - 1) // (_MOST_ACROSS - 1))
    arrows = arrows_of(field, scale, length=length, direction=direction, every=every)
    u_P, v_P, loss_P = (np.asarray(array, np.float64).ravel() for array in (field.u, field.v, field.loss))
    gradient_A2 = np.stack([u_P, v_P], axis=1)[arrows.point_A]
    drawn_A2 = surface.cell * arrows.drawn_A2
    tangent_A3 = tangent_along(drawn_A2, gradient_A2, surface.rise)
    middle_A3 = np.concatenate([surface.cell * arrows.middle_A2, loss_P[arrows.point_A][:, None]], axis=1)
    level_A3 = np.stack([-drawn_A2[:, 1], drawn_A2[:, 0], np.zeros(len(drawn_A2))], axis=1)

    def laid(along: float, aside: float = 0.0) -> np.ndarray:
        at_A3 = middle_A3 + along * tangent_A3 + aside * level_A3
        on_A = surface.at(at_A3[:, 0], at_A3[:, 1])
        at_A3[:, 2] = np.where(np.isnan(on_A), at_A3[:, 2], on_A) + surface.lift
        return at_A3

    back, aside = 0.5 - _HEAD_SHARE * np.cos(_HEAD_ANGLE), _HEAD_SHARE * np.sin(_HEAD_ANGLE)
    ring_Z2 = surface.cell * arrows.ring_Z2
    return SurfaceArrows(
        arrows.point_A,
        arrows.strength_A,
        np.stack([laid(step) for step in np.arange(_PIECES + 1) / _PIECES - 0.5], axis=1),
        np.stack([laid(back, aside), laid(0.5), laid(back, -aside)], axis=1),
        np.concatenate([ring_Z2, (surface.at(*ring_Z2.T) + surface.lift)[:, None]], axis=1),
    )
