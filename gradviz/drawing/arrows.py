"""The arrows of a field as they are drawn: where each begins and ends, in cells of the grid."""

from dataclasses import dataclass

import numpy as np

from gradviz.drawing.choices import Direction, Length
from gradviz.drawing.scale import Scale, drawn_sizes
from gradviz.landscape import GradientField

# Shape suffixes: X/Y = grid columns/rows, A = arrows, Z = points whose arrow is zero, 2 = (x, y).

ARROW_WIDTH, ARROW_HEAD = 1.0, 0.77
"""Line width in pixels and plotly.js' `arrowsize`: a head of 4.5 px leaves a shaft to short arrows, and stands out from
a thin one; a line of 1 px is drawn in a third of the time of a wider one."""

_MARGIN = 0.1  # of the half width
_HALF_A_CELL = 0.5  # arrows at the border, and the loss under them, take no more


@dataclass(frozen=True)
class Arrows:
    """Places in grid cells from the checkpoint, x to the right and y upwards.

    `point_A`, `zero_Z` count the grid's points with x running fastest. An arrow lies with its middle on its point.
    """

    point_A: np.ndarray
    middle_A2: np.ndarray
    drawn_A2: np.ndarray
    """From tail to tip."""
    strength_A: np.ndarray
    """log10 |g|"""
    zero_Z: np.ndarray
    ring_Z2: np.ndarray
    """Where a ring marks an arrow that is zero."""

    @property
    def tail_A2(self) -> np.ndarray:
        return self.middle_A2 - self.drawn_A2 / 2

    @property
    def tip_A2(self) -> np.ndarray:
        return self.middle_A2 + self.drawn_A2 / 2


def arrows_of(
    field: GradientField,
    scale: Scale,
    *,
    length: Length = "compressed",
    direction: Direction = "ascent",
    every: int = 1,
) -> Arrows:
    """The arrows of every so many columns and rows, the centre's among them; left out is what is not finite.

    `direction="descent"` turns them round, to −∇J.
    """
    size_YX = drawn_sizes(field)
    row_YX, column_YX = np.indices(size_YX.shape) - np.array([len(field.y) // 2, len(field.x) // 2])[:, None, None]
    is_taken_YX = (row_YX % every == 0) & (column_YX % every == 0)
    is_arrow_YX = is_taken_YX & (size_YX > 0)
    is_zero_YX = is_taken_YX & (size_YX == 0)
    size_A = size_YX[is_arrow_YX]
    gradient_A2 = np.stack([field.u[is_arrow_YX], field.v[is_arrow_YX]], axis=1).astype(np.float64)
    sign = -1.0 if direction == "descent" else 1.0
    unit_A2 = gradient_A2 / size_A[:, None]
    return Arrows(
        point_A=np.flatnonzero(is_arrow_YX),
        middle_A2=_places(column_YX, row_YX, is_arrow_YX),
        drawn_A2=sign * every * scale.lengths(size_A, length)[:, None] * unit_A2,
        strength_A=np.log10(size_A),
        zero_Z=np.flatnonzero(is_zero_YX),
        ring_Z2=_places(column_YX, row_YX, is_zero_YX),
    )


def reach_of(half_width: float, points: int) -> float:
    """How far from the checkpoint the axes go: a little beyond the grid, so that no arrow at its border is cut off."""
    cell = 2 * half_width / (points - 1)
    return half_width + max(_MARGIN * half_width, _HALF_A_CELL * cell)


def _places(column_YX: np.ndarray, row_YX: np.ndarray, where_YX: np.ndarray) -> np.ndarray:
    return np.stack([column_YX[where_YX], row_YX[where_YX]], axis=1).astype(np.float64)
