"""Arrows read from the pixels of a picture: places are found by the ring at the checkpoint and by the left axis."""

from dataclasses import dataclass

import numpy as np

from gradviz.drawing.arrows import Arrows, reach_of
from gradviz.drawing.canvas import LinearSegmentedColormap, to_rgb
from gradviz.drawing.inks import Palette
from gradviz.drawing.scale import Scale

# Shape suffixes: H/W = rows/columns of pixels, 3 = channels, A = arrows, 2 = (x, y).

READABLE = 0.6
"""Shorter arrows (in cells) are mostly head."""

_INKED = 60  # of 255: so far from the paper is no smoothed edge
_ALONG = (0.12, 0.3, 0.5, 0.7, 0.88)
_BEYOND = 0.08  # cells
_BARB_BACK, _BARB_ASIDE = 0.28, 0.07  # cells: within the head, and outside of the shaft


@dataclass(frozen=True)
class Picture:
    """Pixels, and where places in cells from the checkpoint are among them."""

    pixels_HW3: np.ndarray
    palette: Palette
    x: float
    y: float
    cell: float

    @classmethod
    def of(cls, pixels_HW3: np.ndarray, palette: Palette, points: int, axis: str) -> "Picture":
        """A picture of a grid with so many points; `axis` is the colour of the left axis."""
        pixels_HW3 = pixels_HW3.astype(int)
        ring_HW = distances(pixels_HW3, palette.centre) < 60
        rows = np.flatnonzero(ring_HW.any(1))
        rows = rows[: np.flatnonzero(np.diff(rows, append=np.inf) > 5)[0] + 1]  # the other ring is in the legend
        x, y = middle_of(np.flatnonzero(ring_HW[rows].any(0))), middle_of(rows)
        from_paper = distances(np.array([255 * np.array(to_rgb(palette.paper))]), axis)[0]
        axis_HW = distances(pixels_HW3, axis) < min(60, 0.65 * from_paper)
        columns = np.flatnonzero(axis_HW.sum(0) > 0.6 * len(pixels_HW3))
        left = middle_of(columns[columns < columns[0] + 3])
        return cls(pixels_HW3, palette, x, y, (x - left) / reach_of((points - 1) / 2, points))

    def at(self, places_A2: np.ndarray) -> np.ndarray:
        """The colours (A, 3) at places in cells."""
        columns_A = np.rint(self.x + self.cell * places_A2[:, 0]).astype(int)
        rows_A = np.rint(self.y - self.cell * places_A2[:, 1]).astype(int)
        return self.pixels_HW3[rows_A, columns_A]

    def is_inked(self, places_A2: np.ndarray) -> np.ndarray:
        return distances(self.at(places_A2), self.palette.paper) > _INKED

    def share_of(self, arrows: Arrows) -> float:
        """How many of the arrows are seen: a shaft from tail to tip, a head at the tip and no head at the tail."""
        tail_A2, tip_A2 = arrows.tail_A2, arrows.tip_A2
        along_A2 = (tip_A2 - tail_A2) / np.hypot(*(tip_A2 - tail_A2).T)[:, None]
        aside_A2 = along_A2[:, ::-1] * (-1, 1)
        inked = [tail_A2 + share * (tip_A2 - tail_A2) for share in _ALONG]
        inked += [tip_A2 - _BARB_BACK * along_A2 + side * _BARB_ASIDE * aside_A2 for side in (1, -1)]
        bare = [tail_A2 - _BEYOND * along_A2, tip_A2 + _BEYOND * along_A2]
        bare += [tail_A2 + _BARB_BACK * along_A2 + side * _BARB_ASIDE * aside_A2 for side in (1, -1)]
        seen_A = np.all([self.is_inked(place_A2) for place_A2 in inked], axis=0)
        seen_A &= ~np.any([self.is_inked(place_A2) for place_A2 in bare], axis=0)
        readable_A = np.hypot(*arrows.drawn_A2.T) > READABLE
        readable_A &= arrows.middle_A2.any(1)  # the ring lies over the centre's
        assert readable_A.sum() >= 5, "too few arrows to read"
        return float(seen_A[readable_A].mean())

    def colour_error(self, arrows: Arrows, scale: Scale) -> float:
        """The largest distance of an arrow's colour from that of its strength."""
        shades = LinearSegmentedColormap.from_list("arrows", self.palette.arrows)
        expected_A3 = 255 * shades(scale.positions(10**arrows.strength_A))[:, :3]
        is_other_A = arrows.middle_A2.any(1)
        return float(np.abs(self.at(arrows.middle_A2) - expected_A3)[is_other_A].max())


def middle_of(places: np.ndarray) -> float:
    return (float(places.min()) + float(places.max())) / 2


def distances(pixels: np.ndarray, colour: str) -> np.ndarray:
    """Of each pixel from a colour: the sum over its channels."""
    return np.abs(pixels - 255 * np.array(to_rgb(colour))).sum(-1)
