"""Detects that the broker has lost the current job of a kind: its whole state, or only its message."""

import time
from collections.abc import Callable
from typing import Generic

from gradviz.compute.celery.chain_desk import ChainDesk, End, Now

LOST_SECONDS = 3.0
"""A worker that has a message reports within this time."""


class ChainWatch(Generic[Now, End]):
    """One for each process of a server; remembers the last job it saw."""

    def __init__(self, desk: ChainDesk[Now, End], clock: Callable[[], float] = time.monotonic) -> None:
        self._desk, self._clock = desk, clock
        self._last: Now | None = None
        self._missing_since: float | None = None

    @property
    def missed(self) -> Now | None:
        """The job that has been missing for less than LOST_SECONDS: its worker may be about to report it."""
        return None if self._missing_since is None else self._last

    def lost(self, now: Now | None, end: End | None) -> Now | None:
        """The job to send again: it was running, and neither ended nor was asked to stop."""
        if now is not None and not self._desk.is_stopping(now.chain):
            self._last = now
            missing = not self._desk.is_here()
        else:
            if now is not None or end is not None:
                self._last = None
            missing = self._last is not None
        if not missing:
            self._missing_since = None
            return None
        self._missing_since = self._clock() if self._missing_since is None else self._missing_since
        if self._clock() - self._missing_since < LOST_SECONDS:
            return None
        self._missing_since = None
        return self._last
