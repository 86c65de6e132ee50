"""Coarser grids that lie in a finer one: their points come first, so that a slow field is seen before all are there.

A field is computed in this order whether anybody asked for a coarser one before or not, so that its numbers are the
same; what a coarser one has computed is not computed again.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property

from gradviz.errors import UserError
from gradviz.landscape.replay.begun import Begun

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


@dataclass(frozen=True, eq=False)
class Order:
    """The points of a grid of `points` a side in the order in which they are computed: all at once, or those of coarser
    grids first, as far as the last of `sizes`.

    `begun`: what has been computed of the plane so far; shared by the orders that go further on it.
    """

    points: int
    sizes: tuple[int, ...]
    begun: Begun = field(default_factory=Begun)

    @classmethod
    def at_once(cls, points: int) -> "Order":
        return cls(points, (points,))

    @classmethod
    def coarser_first(cls, points: int, size: int | None = None) -> "Order":
        """As far as the grid of `size` points a side; None: as far as all. `UserError` if no such grid lies in it."""
        sizes = coarser_sizes(points)
        if size is None:
            return cls(points, (*sizes, points))
        if size not in sizes:
            grid = f"a grid of {points} × {points} points"
            if not sizes:
                raise UserError(f"`coarse` cannot be chosen for {grid}: none is coarser and lies in it.")
            raise UserError(f"`coarse` must be {' or '.join(map(str, sizes))} for {grid}, got {size}.")
        return cls(points, sizes[: sizes.index(size) + 1])

    def going_to(self, size: int | None) -> "Order":
        """The order of the same plane that goes to another size, coarser grids first."""
        return replace(self.coarser_first(self.points, size), begun=self.begun)

    @property
    def shown(self) -> list[int]:
        """The points that are computed, in the order of the grid."""
        return points_within(self.points, self.sizes[-1])

    @property
    def steps_apart(self) -> list[int]:
        """By how many points those of each size lie apart."""
        return [(self.points - 1) // (size - 1) for size in self.sizes]

    @cached_property
    def stages(self) -> list[list[int]]:
        """The points of each size, without those of the ones before."""
        found, before = [], set()
        for size in self.sizes:
            found.append([point for point in points_within(self.points, size) if point not in before])
            before.update(found[-1])
        return found
