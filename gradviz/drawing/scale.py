"""What the lengths and the colours of arrows are measured by; `assets/pure/arrows.js` says the same to the browser."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from gradviz.drawing.choices import Length
from gradviz.landscape import GradientField

# Shape suffixes: X/Y = grid columns/rows, A = arrows.

LENGTH_EXPONENT = 0.35
"""Length of an arrow ∝ |g|^0.35: gradients of one picture span decades, and a drawn length cannot."""

LONGEST_IN_CELLS = 0.92
"""Length of the longest arrow in grid cells: arrows of one line do not run into each other."""

UNIT_SHARE = 0.8
"""Of the longest length, where all arrows are drawn equally long."""

LENGTH_EXPONENTS: dict[Length, float] = {"compressed": LENGTH_EXPONENT, "true": 1.0, "unit": 0.0}

_LEFT_OUT = 0.02  # of the arrows of a field: the smallest ones may lie decades below all others
_LEAST_DECADES, _MOST_DECADES = 0.5, 4.0  # narrower, nearly equal arrows would get all colours; wider, most arrows one


@dataclass(frozen=True)
class Scale:
    """What several pictures may share: `low`, `high` of log10 |g| for the colours, `longest` |g| for the lengths."""

    low: float = -1.0
    high: float = 0.0
    longest: float = 1.0

    @classmethod
    def of(cls, fields: Iterable[GradientField]) -> "Scale":
        """Of all arrows of the fields. `low` leaves out the smallest 2 % of each field, and is 0.5 to 4 decades below
        `high`. The scale of fields without any arrow is −1, 0 and 1."""
        sizes = [size_YX[size_YX > 0] for size_YX in map(drawn_sizes, fields)]
        sizes = [size_A for size_A in sizes if size_A.size]
        if not sizes:
            return cls()
        longest = max(float(size_A.max()) for size_A in sizes)
        high = float(np.log10(longest))
        low = min(float(np.log10(np.quantile(size_A, _LEFT_OUT))) for size_A in sizes)
        return cls(min(max(low, high - _MOST_DECADES), high - _LEAST_DECADES), high, longest)

    def measuring(self, fields: Iterable[GradientField]) -> "Scale":
        """These colours, with lengths measured within the fields alone."""
        return replace(self, longest=Scale.of(fields).longest)

    def lengths(self, size_A: np.ndarray, length: Length = "compressed") -> np.ndarray:
        """In grid cells, of arrows with these positive |g|; what is longer than `longest` is drawn like it."""
        if length == "unit":
            return np.full(size_A.shape, UNIT_SHARE * LONGEST_IN_CELLS)
        return LONGEST_IN_CELLS * np.minimum(size_A / self.longest, 1.0) ** LENGTH_EXPONENTS[length]

    def positions(self, size_A: np.ndarray) -> np.ndarray:
        """On the colour scale, from 0 (weak) to 1 (strong), of arrows with these positive |g|."""
        return np.clip((np.log10(size_A) - self.low) / (self.high - self.low), 0.0, 1.0)


def drawn_sizes(field: GradientField) -> np.ndarray:
    """|g| (Y, X) in float64: 0 where a ring marks a zero arrow, NaN where |g| or J is not finite and nothing is drawn.

    In float32, |g| would overflow above 1.8e38, and lose digits below 1e-38.
    """
    size_YX = np.hypot(field.u.astype(np.float64), field.v.astype(np.float64))
    is_finite_YX = np.isfinite(size_YX) & np.isfinite(field.loss)
    return np.where(is_finite_YX, np.where(field.is_zero, 0.0, size_YX), np.nan)
