"""When to restart a process that ended: at once, unless it ends often; then after a growing pause."""

import time
from collections.abc import Callable

_FREE_ENDS = 3
_FORGIVING_SECONDS = 20.0  # of life make up for one end, so three ends a minute need no pause
_LONGEST_PAUSE_SECONDS = 60.0


class Pacing:
    """For one supervised process. `clock`: seconds that only grow, unaffected by changes to the time of day."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = 0.0
        self._started = clock()

    def starts(self) -> None:
        """Call this at each start."""
        self._started = self._clock()

    def pause(self) -> float:
        """Seconds to wait before the next start; call this once for each end."""
        lived = self._clock() - self._started
        self._ends = max(0.0, self._ends - lived / _FORGIVING_SECONDS) + 1
        over = self._ends - _FREE_ENDS
        if over <= 0:
            return 0.0
        self._ends = min(self._ends, 2.0 * _FREE_ENDS + 3)  # so that a steady minute or two always suffices
        return min(_LONGEST_PAUSE_SECONDS, 2.0 ** min(over, 6))
