"""Where quantities on a grid change their side: marching squares (Lorensen & Cline 1987, in the plane), many at once.

- A value is above if it is > 0. Exactly 0 is below, as the derivative of ReLU is 0 there.
- A line crosses the edges of the grid whose ends lie on two sides, each once, where the linear function between their
  values is 0, and no other edge: it stays clear of the grid's points by `CLEAR` of an edge, also where a value is 0.
- Where all four edges of a cell are crossed, the mean of its corners decides: the corners on its side are joined.
- Where a value is infinite or not a number, which is below, an edge is crossed in its middle.
"""

import numpy as np

# Shape suffixes: Y/X = grid rows/columns, S = quantities, M = segments.

CLEAR = 1e-3
"""Far less of an edge than can be seen, and far more than float32 rounds a coordinate by."""

# By the corners that are above, of low left 1, low right 2, high right 4, high left 8: the sides that a segment joins.
# The sides are low 0, right 1, high 2, left 3. Two corners across, 5 and 10, are replaced by what cuts off one or two.
_FIRST = np.array([0, 3, 0, 3, 1, 0, 0, 2, 2, 0, 0, 1, 3, 0, 3, 0])
_SECOND = np.array([0, 0, 1, 1, 2, 0, 2, 3, 3, 2, 0, 2, 1, 1, 0, 0])


def trace(values_YXS: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Segments of all quantities: which one, (M,), ascending, and from where to where in grid coordinates, (M, 4):
    column and row of one end, then of the other. Costs about 30 bytes for each value."""
    above = (values_YXS > 0).view(np.uint8)
    code = above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, 1:] + 8 * above[1:, :-1]
    j, i, s = np.nonzero((code != 0) & (code != 15))
    order = np.argsort(s, kind="stable")
    j, i, s = j[order], i[order], s[order]
    code = code[j, i, s].astype(np.intp)
    corners = (values_YXS[j + dj, i + di, s].astype(np.float64) for dj, di in ((0, 0), (0, 1), (1, 1), (1, 0)))
    a, b, c, d = corners
    ends_4M2 = np.stack(
        [
            np.stack([i + _crossing(a, b), j], 1),
            np.stack([i + 1, j + _crossing(b, c)], 1),
            np.stack([i + _crossing(d, c), j + 1], 1),
            np.stack([i, j + _crossing(a, d)], 1),
        ]
    )
    [saddles] = np.nonzero((code == 5) | (code == 10))
    with np.errstate(invalid="ignore", over="ignore"):
        is_joined = a[saddles] + b[saddles] + c[saddles] + d[saddles] > 0
    cuts_low_left = is_joined == (code[saddles] == 10)
    first, second = code, code[saddles]
    first[saddles] = np.where(cuts_low_left, 1, 2)
    second = np.where(cuts_low_left, 4, 8)
    code = np.concatenate([first, second])
    cell = np.concatenate([np.arange(len(first)), saddles])
    ends = np.concatenate([ends_4M2[_FIRST[code], cell], ends_4M2[_SECOND[code], cell]], 1)
    order = np.argsort(cell, kind="stable")
    return s[cell[order]], ends[order]


def _crossing(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Where on its way from `low` to `high` an edge is crossed, as a share of it, if it is."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        share = low / (low - high)
    return np.clip(np.where(np.isfinite(low) & np.isfinite(high), share, 0.5), CLEAR, 1 - CLEAR)
