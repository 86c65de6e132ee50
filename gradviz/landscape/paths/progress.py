"""Progress of a job in steps of training, with the time that is left."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PathsProgress:
    """What is trained, steps done and all of this session, and seconds left. The search for a rate adds steps as it
    goes. Whenever `what` is another, all before this step is kept: to stop there loses no more than a step."""

    what: str
    done: int
    total: int
    seconds_left: float


OnProgress = Callable[[PathsProgress], None]


@dataclass
class Work:
    """Counts steps; an exception of `on_progress` ends the work."""

    on_progress: OnProgress
    total: int = 0
    done: int = 0
    began: float = field(default_factory=time.perf_counter)

    def add(self, steps: int) -> None:
        """There is more to do than was known."""
        self.total += steps

    def step(self, what: str) -> None:
        """One step is done."""
        self.done += 1
        self.total = max(self.total, self.done)
        seconds = (time.perf_counter() - self.began) / self.done * (self.total - self.done)
        self.on_progress(PathsProgress(what, self.done, self.total, seconds))
