"""Planes along directions of which coarser grids have been computed: what these have found is not found again."""

from collections import OrderedDict
from dataclasses import dataclass

from gradviz.experiment.facts import Fact
from gradviz.landscape.directions.told import PlaneFacts
from gradviz.landscape.replay import Plane, Prepared
from gradviz.landscape.replay.coarser import Order

_MOST = 64
"""Planes of which the numbers are kept: a few kilobytes each."""


@dataclass(frozen=True)
class Told:
    """What is told of a plane and its minibatch beside the field."""

    plane: PlaneFacts
    facts: tuple[Fact, ...]


@dataclass(frozen=True, eq=False)
class Opened:
    """The vectors of a plane and what is known of its network: large, and can be made again."""

    plane: Plane
    prepared: Prepared

    @property
    def nbytes(self) -> int:
        model = self.prepared.problem.model
        parts = (part for axis in (self.plane.x, self.plane.y) for part in getattr(axis, "parts", {}).values())
        return self.prepared.nbytes + sum(each.nbytes for each in (*parts, *model.parameters(), *model.buffers()))


@dataclass(eq=False)
class BegunPlane:
    """The numbers of a plane as far as they are computed, what is told of it, and, while nothing computes with it and
    there is room, what goes on from there."""

    order: Order
    told: Told | None = None
    opened: Opened | None = None


class BegunPlanes:
    """Begun planes by the fields that they belong to: their numbers, and of those used last the rest, within
    `memory_bytes`. For one computation at a time."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._planes: OrderedDict[str, BegunPlane] = OrderedDict()  # the last used at the end

    def take(self, address: str, points: int) -> BegunPlane:
        """The plane of this address, which another computation then begins anew."""
        return self._planes.pop(address, None) or BegunPlane(Order.coarser_first(points))

    def keep(self, address: str, begun: BegunPlane) -> None:
        self._planes[address] = begun
        while len(self._planes) > _MOST:
            self._planes.popitem(last=False)
        room = self._memory_bytes
        for each in reversed(self._planes.values()):
            room -= 0 if each.opened is None else each.opened.nbytes
            if room < 0:
                each.opened = None

    def forget(self) -> None:
        """Drops all but the numbers, because memory is short."""
        for each in self._planes.values():
            each.opened = None

    @property
    def nbytes(self) -> int:
        return sum(each.opened.nbytes for each in self._planes.values() if each.opened is not None)
