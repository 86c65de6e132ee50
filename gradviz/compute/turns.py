"""Runs one computation at a time, and lets none delay the others for long.

Requests that someone is waiting for run before prefetching, short ones before long ones, and clients take turns. A long
computation yields to short ones between two of its tiles; any computation counts as long after `QUANTUM_SECONDS` of
work. Up to `MOST_PAUSED` long ones keep their partial results while they yield; any further one starts over later,
because memory holds few, and large requests should wait longest. After `PATIENCE_SECONDS` of waiting a computation runs
before later ones, so that none waits for ever behind a stream of others. This applies to long ones only if they are
paused or may be; after each of these the others get as much time again before the next.
"""

import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from gradviz.compute.interface import Busy, Cancelled, ComputationFailed, Load, StillWanted, Ticket
from gradviz.landscape.pausing import asking

QUANTUM_SECONDS = 0.3
PATIENCE_SECONDS = 2.0
MOST_PAUSED = 2
TASK_SECONDS = 120.0
WAIT_SECONDS = 60.0
"""After this time without a first turn, a request fails as Busy, with the number of those waiting."""

_LONG_PASSES = 32.0  # a third of a second at full size on two cores
_ASK_SECONDS = 0.2
_NEWEST_COUNTS = 0.2

_client: ContextVar[str] = ContextVar("client", default="")
_began: ContextVar[float | None] = ContextVar("began", default=None)


@contextmanager
def asked_by(client: str, began: float | None = None) -> Iterator[None]:
    """Attributes questions within the context to a request of this client, for taking turns.

    `began`: when the request arrived, by the monotonic clock; by default each question has its own time.
    """
    tokens = _client.set(client), _began.set(began)
    try:
        yield
    finally:
        _client.reset(tokens[0])
        _began.reset(tokens[1])


def waiting_since() -> float:
    """When the request arrived that asks this question; the current time outside of requests."""
    began = _began.get()
    return time.monotonic() if began is None else began


class _Postponed(Exception):
    """The computation starts over later: others go first, and no more may be paused."""


@dataclass(eq=False)
class _Place:
    """A computation that waits, runs or is paused."""

    ticket: Ticket
    client: str
    number: int
    since: float
    """When it started to wait, or to run."""
    ready: threading.Condition
    """Notified when it may be this place's turn, to wake only one of those waiting."""
    worked_since: float = 0.0
    """The time of its thread's work when it started to run."""
    used: float = 0.0
    """Seconds of its earlier turns."""
    passes: float = 1.0
    quantum: float = QUANTUM_SECONDS
    """Seconds of work in its turn without interruption."""
    is_favoured: bool = False
    """Whether it is long but runs before short ones."""

    @property
    def is_long(self) -> bool:
        return self.passes >= _LONG_PASSES


class Turns:
    """At most `limit` computations wait for the running one; `on_load` gets each change of the load.

    `seconds`: time limit of one computation, over all its turns. `work_clock`: the time that the calling thread has
    worked, which counts for `QUANTUM_SECONDS`: beside busy threads a short computation takes long.
    """

    def __init__(
        self,
        limit: int,
        on_load: Callable[[Load], None] = lambda load: None,
        *,
        seconds: float = TASK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        work_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._limit, self._seconds = limit, seconds
        self._on_load = on_load
        self._clock, self._work_clock = clock, work_clock
        self._numbers = itertools.count()
        self._changed = threading.Lock()
        self._waiting: list[_Place] = []
        self._running: _Place | None = None
        self._paused: list[_Place] = []  # all are in `_waiting` too, except one that runs again
        self._served: dict[str, int] = {}  # by client, the number of its last turn
        self._mean_seconds = 0.0
        self._favour_ended = -math.inf  # when a long one last ran before short ones

    def run(self, ticket: Ticket, work: Callable[[], bytes], still_wanted: StillWanted = lambda: True) -> bytes:
        """Calls `work` when its turn comes, repeatedly if it is long, and returns its result.

        Busy if too many wait, Cancelled if it is no longer wanted, ComputationFailed if it takes too long.
        """
        with self._changed:
            if len(self._waiting) >= self._limit:
                raise self._busy()
            ready = threading.Condition(self._changed)
            place = _Place(ticket, _client.get(), next(self._numbers), self._clock(), ready, passes=ticket.passes)
            self._queue(place)
        until = place.since + WAIT_SECONDS
        while True:
            try:
                self._wait(place, still_wanted, until)
                until = math.inf
                with asking(lambda: self._between_tiles(place, still_wanted)):
                    return work()
            except _Postponed:
                place.used = 0.0
                with self._changed:
                    self._queue(place)
            finally:
                self._end(place)

    def cancel(self, ticket: Ticket) -> None:
        """Cancels the wait for this ticket, unless it is already running."""
        with self._changed:
            for place in [place for place in self._waiting if place.ticket is ticket]:
                self._leave(place)

    def is_running(self, ticket: Ticket) -> bool:
        with self._changed:
            return self._running is not None and self._running.ticket is ticket

    def load(self) -> Load:
        with self._changed:
            return self._load()

    def _load(self) -> Load:
        sweeps = sum(place.ticket.priority == "sweep" for place in self._waiting)
        return Load(len(self._waiting) - sweeps, sweeps, int(self._running is not None))

    def _tell(self) -> None:
        if self._running is None and self._waiting:
            self._next().ready.notify()
        self._on_load(self._load())

    def _queue(self, place: _Place) -> None:
        place.since = self._clock()
        self._waiting.append(place)
        self._tell()

    def _leave(self, place: _Place) -> None:
        if place in self._waiting:
            self._waiting.remove(place)
            place.ready.notify()  # another thread may have cancelled it
            self._tell()

    def _busy(self) -> Busy:
        return Busy(len(self._waiting), len(self._waiting) * self._mean_seconds)

    def _wait(self, place: _Place, still_wanted: StillWanted, until: float = math.inf) -> None:
        """Waits until it is this place's turn."""
        with self._changed:
            try:
                while self._running is not None or self._next() is not place:
                    # Only the reader knows whether the answer is still wanted, so poll.
                    place.ready.wait(_ASK_SECONDS)
                    if place not in self._waiting or not still_wanted():
                        raise Cancelled
                    if self._clock() > until:
                        raise self._busy()
            finally:
                self._leave(place)
            # A long one that runs before short ones has waited long enough to run undisturbed for a while.
            place.is_favoured = place.is_long and any(not each.is_long for each in self._waiting)
            place.quantum = 0.0 if place.is_long and not place.is_favoured else QUANTUM_SECONDS
            self._running, place.since = place, self._clock()
            place.worked_since = self._work_clock()
            self._served.pop(place.client, None)  # the clients served last stand at the end
            self._served[place.client] = next(self._numbers)
            while len(self._served) > self._limit:
                del self._served[next(iter(self._served))]
            self._tell()

    def _end(self, place: _Place) -> None:
        with self._changed:
            if place in self._paused:
                self._paused.remove(place)
            if self._running is place:
                self._stop(place)
                seconds = place.used + self._clock() - place.since
                self._mean_seconds += _NEWEST_COUNTS * (seconds - self._mean_seconds)
            self._tell()

    def _between_tiles(self, place: _Place, still_wanted: StillWanted) -> None:
        ran = self._clock() - place.since
        if place.used + ran > self._seconds:
            raise ComputationFailed(
                f"This takes longer than {self._seconds:g} s here: request fewer points or masks, "
                "or increase GRADVIZ_TASK_SECONDS."
            )
        if not still_wanted():
            raise Cancelled
        with self._changed:
            worked = self._work_clock() - place.worked_since
            if worked < place.quantum or not self._others_go_first(place):
                return
            place.passes = max(place.passes, _LONG_PASSES)
            self._stop(place)
            if place not in self._paused:
                if len(self._paused) == MOST_PAUSED:
                    raise _Postponed
                self._paused.append(place)
            place.used += ran
            self._queue(place)
        self._wait(place, still_wanted)

    def _stop(self, place: _Place) -> None:
        self._running = None
        if place.is_favoured:
            self._favour_ended = self._clock()

    def _others_go_first(self, place: _Place) -> bool:
        """Whether another would be next if this running one queued as a long one."""
        if not self._waiting:
            return False
        now = self._clock()
        return self._rank(self._next(), now) < self._rank_of_long(place, is_patient=True)

    def _next(self) -> _Place:
        now = self._clock()
        return min(self._waiting, key=lambda place: self._rank(place, now))

    def _rank(self, place: _Place, now: float) -> tuple[int, int, int, int]:
        """The sort key of a place: the lowest runs first."""
        if place.is_long:
            is_patient = now - place.since <= PATIENCE_SECONDS or now - self._favour_ended < QUANTUM_SECONDS
            return self._rank_of_long(place, is_patient=is_patient)
        # A request waits for all its answers together, also for those that it asks for last.
        asked = place.since if place.ticket.since is None else place.ticket.since
        kind = 2 if place.ticket.priority == "sweep" and now - asked <= PATIENCE_SECONDS else 1
        return kind, 0, self._served.get(place.client, -1), place.number

    def _rank_of_long(self, place: _Place, *, is_patient: bool) -> tuple[int, int, int, int]:
        size = int(math.log2(max(place.passes, _LONG_PASSES)))
        if not is_patient and (place in self._paused or len(self._paused) < MOST_PAUSED):
            return 0, size, 0, place.number
        return 3, size, self._served.get(place.client, -1), place.number
