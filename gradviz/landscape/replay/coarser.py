"""Coarser grids that lie in a finer one: their points come first, so that a slow field is seen before all are there.

A field is computed in this order whether anybody asked for a coarser one before or not, so that its numbers are the
same; what a coarser one has computed is not computed again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gradviz.errors import UserError

SIZES = (5, 11, 21)
"""Points a side, and 3 where a grid of 5 × 5 does not lie in it."""


def coarser_sizes(points: int) -> tuple[int, ...]:
    """Points a side of the coarser grids that lie in one of `points`, ascending: each is some of its rows and columns,
    at even distances, the outermost and the middle among them."""
    sizes = tuple(size for size in SIZES if size < points and (points - 1) % (size - 1) == 0)
    return sizes if SIZES[0] in sizes or points <= SIZES[0] else (3, *sizes)


def points_within(points: int, size: int) -> list[int]:
    """The numbers of the points of a coarser grid among those of a grid of `points` a side, both x running fastest."""
    step = (points - 1) // (size - 1)
    return [row * points + column for row in range(0, points, step) for column in range(0, points, step)]


@dataclass(eq=False)
class Order:
    """The points of a grid of `points` a side, coarser grids first, as far as that of `size`; None: all.

    `known`: the numbers that have been computed, by the method and the size of the grid that they complete; shared by
    the orders of one field.
    """

    points: int
    size: int | None = None
    known: dict[tuple[str, int], Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = coarser_sizes(self.points)
        if self.size is not None and self.size not in sizes:
            grid = f"a grid of {self.points} × {self.points} points"
            if not sizes:
                raise UserError(f"`coarse` cannot be chosen for {grid}: none is coarser and lies in it.")
            raise UserError(f"`coarse` must be {' or '.join(map(str, sizes))} for {grid}, got {self.size}.")

    @property
    def shown(self) -> list[int]:
        """The points that are computed, in the order of the grid."""
        return points_within(self.points, self.size or self.points)

    def values(self, method: str, compute: Callable[[Sequence[int]], Tensor]) -> Tensor:
        """(points², 3) float64, NaN at points that are left out; `compute` gives those of some points."""
        found = torch.full((self.points**2, 3), torch.nan, dtype=torch.float64)
        before: set[int] = set()
        for size in (*coarser_sizes(self.points), self.points):
            new = [point for point in points_within(self.points, size) if point not in before]
            before.update(new)
            if (method, size) not in self.known:
                self.known[method, size] = compute(new)
            found[new] = self.known[method, size]
            if size == self.size:
                break
        return found
