"""The loss under the arrows: its level lines, and whether there is anything to draw."""

import math
from dataclasses import dataclass

import numpy as np

FLAT_SHARE = 1e-6
"""A loss that varies by less than this share of itself varies by float32's round-off: nothing is drawn of it."""

_NUM_LEVELS = 10


@dataclass(frozen=True)
class Levels:
    """Ten level lines, evenly spaced between the lowest and the highest loss of a picture."""

    low: float
    high: float

    @property
    def step(self) -> float:
        return (self.high - self.low) / _NUM_LEVELS

    @property
    def start(self) -> float:
        return self.low + self.step / 2

    @property
    def values(self) -> np.ndarray:
        return self.start + self.step * np.arange(_NUM_LEVELS)


def level_digits(levels: Levels) -> int:
    """With how many digits the levels are told apart."""
    largest = max(abs(levels.low), abs(levels.high))
    return max(2, min(8, math.ceil(math.log10(largest / levels.step)) + 1))


def levels_of(loss: np.ndarray) -> Levels | None:
    """Over what is finite; None if that is flat but for round-off."""
    finite = loss[np.isfinite(loss)].astype(np.float64)
    if not finite.size:
        return None
    low, high = float(finite.min()), float(finite.max())
    return Levels(low, high) if high - low > FLAT_SHARE * max(abs(low), abs(high)) else None
