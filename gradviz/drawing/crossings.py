"""Where a way goes through the border of the drawn part of a plane."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

# Shape suffix: E = epochs.


def crossings_of(way_E2: np.ndarray, reach: float) -> Iterator[tuple[np.ndarray, float]]:
    """Where the way goes through the border of the square, and its direction there, in degrees from upwards."""
    for a, b in pairwise(way_E2):
        step = b - a
        with np.errstate(divide="ignore", invalid="ignore"):
            near, far = np.sort([(-reach - a) / step, (reach - a) / step], axis=0)
        start, end = np.nanmax(near), np.nanmin(far)
        if (step == 0).all() or start >= end:  # (Liang and Barsky's clipping, 1984)
            continue
        for t in (start, end):
            if 0 < t < 1:
                yield a + t * step, float(np.degrees(np.arctan2(-step[0], step[1])))
