"""Where level lines carry their values, as `assets/pure/contours.js` does: tests/fixtures/arrows.json has both."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradviz.drawing.canvas import Axes
from gradviz.drawing.ground import Levels, level_digits
from gradviz.drawing.inks import Palette
from gradviz.landscape import GradientField
from gradviz.numbers import number

APART = 0.14
"""Of the grid's width: so far labels lie from each other and from the checkpoint at least."""

_BORDER = 2.5
"""Room to the border counts so many times as much as room to another label."""

_LEAST_PIECE = 0.25  # of a cell: shorter pieces of a line have no direction to speak of
_SAME = 1 + 1e-9  # round-off chooses no place

Piece = tuple[float, float, float, float]


@dataclass(frozen=True)
class LevelLabel:
    """A place in columns and rows of the grid, in degrees counter-clockwise along the line, with its level."""

    column: float
    row: float
    angle: float
    level: float


def level_labels(loss_YX: np.ndarray, levels: Levels, apart: float = APART) -> list[LevelLabel]:
    """At most one on each line, where there is most room for it: none lies over another, or over the checkpoint."""
    last = len(loss_YX) - 1
    pieces = _pieces(loss_YX, levels)
    placed, found = [(last / 2, last / 2)], []
    for level, own in zip(levels.values.tolist(), pieces, strict=True):
        best, most = None, 0.0
        for piece in own:
            x0, y0, x1, y1 = piece
            if math.hypot(x1 - x0, y1 - y0) < _LEAST_PIECE:
                continue
            room = _room((x0 + x1) / 2, (y0 + y1) / 2, placed, last)
            if room > most * _SAME:
                best, most = piece, room
        if best is not None and most >= apart * last:
            x0, y0, x1, y1 = best
            placed.append(((x0 + x1) / 2, (y0 + y1) / 2))
            found.append(LevelLabel(*placed[-1], _readable(math.degrees(math.atan2(y1 - y0, x1 - x0))), level))
    return found


def plot_level_labels(axes: Axes, field: GradientField, levels: Levels, palette: Palette, apart: float) -> None:
    """Writes them into the axes of a still picture, on a little paper of their own."""
    half_width, last = float(field.x[-1] - field.x[0]) / 2, len(field.x) - 1
    paper = {"facecolor": palette.paper, "edgecolor": "none", "pad": 0.6, "alpha": 0.85}
    for label in level_labels(field.loss, levels, apart):
        x, y = (2 * half_width * (place / last - 0.5) for place in (label.column, label.row))
        text = number(label.level, level_digits(levels))
        style = {"rotation": label.angle, "rotation_mode": "anchor", "ha": "center", "va": "center", "fontsize": 7}
        axes.text(x, y, text, color=palette.faint, zorder=3, bbox=paper, clip_on=True, **style)


def _pieces(loss_YX: np.ndarray, levels: Levels) -> list[list[Piece]]:
    """Pieces of each level line by marching squares, cell by cell along the rows."""
    values = loss_YX.astype(np.float64)
    found: list[list[Piece]] = [[] for _ in levels.values]
    low_YX, high_YX = _of_cells(values, np.minimum), _of_cells(values, np.maximum)
    for j, i in zip(*np.nonzero(np.isfinite(low_YX) & np.isfinite(high_YX)), strict=True):
        first = math.floor((low_YX[j, i] - levels.start) / levels.step)
        final = math.ceil((high_YX[j, i] - levels.start) / levels.step)
        for n in range(max(0, first), min(len(found), final + 1)):
            cuts = list(_cuts(values, int(i), int(j), float(levels.values[n])))
            found[n] += [(*a, *b) for a, b in zip(cuts[::2], cuts[1::2], strict=True)]
    return found


def _of_cells(values: np.ndarray, smaller: np.ufunc) -> np.ndarray:
    """The smallest or largest corner of each cell; not finite if any corner is not."""
    return smaller(smaller(values[:-1, :-1], values[:-1, 1:]), smaller(values[1:, :-1], values[1:, 1:]))


def _cuts(values: np.ndarray, i: int, j: int, level: float) -> Iterator[tuple[float, float]]:
    """Where a level crosses the sides of a cell, around it."""
    corners = [(x, y, float(values[y, x])) for x, y in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))]
    for (ax, ay, a), (bx, by, b) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (a < level) != (b < level):
            t = (level - a) / (b - a)
            yield ax + t * (bx - ax), ay + t * (by - ay)


def _room(x: float, y: float, placed: list[tuple[float, float]], last: int) -> float:
    return min(_BORDER * min(x, y, last - x, last - y), *(math.hypot(x - px, y - py) for px, py in placed))


def _readable(degrees: float) -> float:
    """Turned so that it reads from the left."""
    return degrees - 180 if degrees > 90 else degrees + 180 if degrees <= -90 else degrees
