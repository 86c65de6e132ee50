"""Detects that the broker has lost the current training: its whole state, or only its message."""

import time
from collections.abc import Callable

from gradviz.compute.celery.training_desk import TrainingDesk, TrainingEnd, TrainingNow

LOST_SECONDS = 3.0
"""A training worker reports within this time."""


class TrainingWatch:
    """One for each process of a server; remembers the last training it saw."""

    def __init__(self, desk: TrainingDesk, clock: Callable[[], float] = time.monotonic) -> None:
        self._desk, self._clock = desk, clock
        self._last: TrainingNow | None = None
        self._missing_since: float | None = None

    def lost(self, now: TrainingNow | None, end: TrainingEnd | None) -> TrainingNow | None:
        """The training to send again: it was running, and neither ended nor was asked to stop."""
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
