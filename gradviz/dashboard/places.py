"""Places for long works: a bounded number at a time, and whoever has left makes room for the next."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from time import monotonic

from gradviz.compute.interface import Cancelled, StillWanted

_LOOK_SECONDS = 0.1


class Full(Exception):
    """All places are held by works that are wanted."""


class Places:
    """At most `most` works at a time. Safe to share between threads."""

    def __init__(self, most: int, *, patience_seconds: float = 1.0) -> None:
        self._most, self._patience_seconds = most, patience_seconds
        self._room = Condition()
        self._held: list[StillWanted] = []

    @contextmanager
    def taken(self, still_wanted: StillWanted) -> Iterator[None]:
        """One place, within the context.

        Raises Full if none becomes free within the patience. A work that is no longer wanted ends soon: this waits for
        it as long as it takes. Cancelled if this one is no longer wanted itself.
        """
        until = monotonic() + self._patience_seconds
        with self._room:
            while len(self._held) >= self._most:
                if not still_wanted():
                    raise Cancelled
                if monotonic() > until and all(wanted() for wanted in self._held):
                    raise Full
                self._room.wait(_LOOK_SECONDS)
            self._held.append(still_wanted)
        try:
            yield
        finally:
            with self._room:
                self._held.remove(still_wanted)
                self._room.notify_all()
