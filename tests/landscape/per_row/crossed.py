"""Which edges of the grid change side, from values; and which are crossed, from drawn segments alone."""

from collections import Counter

import numpy as np

# Shape suffixes: Y/X = grid rows/columns, M = segments.

Edge = tuple[str, int, int]
"""Along x or y, from the point in this grid row and column."""


def changing(values_YX: np.ndarray) -> set[Edge]:
    """The edges whose ends lie on two sides: above 0, and not."""
    above = values_YX > 0
    along_x = np.argwhere(above[:, 1:] != above[:, :-1]).tolist()
    along_y = np.argwhere(above[1:] != above[:-1]).tolist()
    return {("x", row, column) for row, column in along_x} | {("y", row, column) for row, column in along_y}


def crossed(segments_M4: np.ndarray, half_width: float, points: int) -> set[Edge]:
    """The edges that segments in offsets cross: each segment must lie within one cell, with its ends on two of the
    cell's edges, away from the grid's points; an edge must be crossed once within each cell beside it."""
    places = (segments_M4.astype(np.float64) + half_width) * (points - 1) / (2 * half_width)
    times: Counter[tuple[Edge, int, int]] = Counter()
    edges: set[Edge] = set()
    for ends in places.reshape(-1, 2, 2):
        column, row = np.floor(ends.mean(0)).astype(int)
        assert 0 <= column < points - 1
        assert 0 <= row < points - 1
        for x, y in ends:
            is_on_column, is_on_row = (abs(each - round(each)) < 1e-4 for each in (x, y))
            assert is_on_column != is_on_row, "an end lies on an edge, and on no point of the grid"
            edge: Edge = ("x", round(y), int(np.floor(x))) if is_on_row else ("y", int(np.floor(y)), round(x))
            assert edge in {("x", row, column), ("x", row + 1, column), ("y", row, column), ("y", row, column + 1)}
            times[edge, column, row] += 1
            edges.add(edge)
    assert set(times.values()) <= {1}
    return edges
