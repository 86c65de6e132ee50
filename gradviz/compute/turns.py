"""One computation at a time: what somebody waits for before what is computed ahead, else first come, first served."""

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from gradviz.compute.interface import Busy, Cancelled, Load, Priority, StillWanted, Ticket

_RANKS: dict[Priority, int] = {"interactive": 0, "sweep": 1}
_ASK_SECONDS = 0.2


@dataclass(order=True)
class _Place:
    rank: int
    number: int
    ticket: Ticket = field(compare=False)


class Turns:
    """At most `limit` computations wait for the one that runs; `on_load` is told of each change."""

    def __init__(self, limit: int, on_load: Callable[[Load], None] = lambda load: None) -> None:
        self._limit = limit
        self._on_load = on_load
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._waiting: list[_Place] = []
        self._running: Ticket | None = None

    @contextmanager
    def turn(self, ticket: Ticket, still_wanted: StillWanted) -> Iterator[None]:
        """Waits for the ticket's turn and holds it; Busy if too many wait, Cancelled if it is not wanted any more."""
        with self._changed:
            if len(self._waiting) >= self._limit:
                raise Busy(len(self._waiting))
            place = _Place(_RANKS[ticket.priority], next(self._numbers), ticket)
            heapq.heappush(self._waiting, place)
            self._tell()
            self._wait(place, still_wanted)
            self._running = ticket
            self._tell()
        try:
            yield
        finally:
            with self._changed:
                self._running = None
                self._tell()

    def cancel(self, ticket: Ticket) -> None:
        with self._changed:
            self._leave(lambda place: place.ticket is ticket)

    def is_running(self, ticket: Ticket) -> bool:
        with self._changed:
            return self._running is ticket

    def load(self) -> Load:
        with self._changed:
            return self._load()

    def _load(self) -> Load:
        sweeps = sum(place.rank == _RANKS["sweep"] for place in self._waiting)
        return Load(len(self._waiting) - sweeps, sweeps, int(self._running is not None))

    def _tell(self) -> None:
        self._changed.notify_all()
        self._on_load(self._load())

    def _wait(self, place: _Place, still_wanted: StillWanted) -> None:
        """Until it is this place's turn, under the condition."""
        try:
            while self._running is not None or self._waiting[0] is not place:
                # Only who reads the answer knows whether it is still wanted, and nobody tells.
                self._changed.wait(_ASK_SECONDS)
                if not any(place is each for each in self._waiting) or not still_wanted():
                    raise Cancelled
        finally:
            self._leave(lambda each: each is place)

    def _leave(self, leaves: Callable[[_Place], bool]) -> None:
        self._waiting = [place for place in self._waiting if not leaves(place)]
        heapq.heapify(self._waiting)
        self._tell()
