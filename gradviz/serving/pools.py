"""Pools of threads for requests: separate ones for health, the page and computing, shared fairly between clients.

A computation waits for its turn in a thread, so there are many, but bounded; further requests wait here without one.
"""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gradviz.compute.turns import asked_by

_log = logging.getLogger(__name__)
_NEWEST_COUNTS = 0.1


class Task(Protocol):
    """One complete request of a connection."""

    client: str

    def is_wanted(self) -> bool:
        """Whether the client is still connected."""
        ...

    def service(self) -> None:
        """Answers it."""
        ...

    def refuse(self, waiting: int, seconds: float) -> None:
        """Answers that the queue is full, with its length and the approximate wait."""
        ...


@dataclass(frozen=True)
class Limits:
    """Limits of one pool: its threads, how many of them one client may hold, and how many requests may wait."""

    threads: int
    share: int
    waiting: int


class Pool:
    """Threads, started when needed. Clients take turns, so one with many requests delays only itself."""

    def __init__(self, name: str, limits: Limits) -> None:
        self.name, self.limits = name, limits
        self._changed = threading.Condition()
        self._queues: OrderedDict[str, deque[Task]] = OrderedDict()  # the next client comes first
        self._held: dict[str, int] = {}  # threads by client
        self._threads = 0
        self._idle = 0
        self._mean_seconds = 0.0
        self._stopping = False

    def add(self, task: Task) -> bool:
        """Queues the task; False if too many wait."""
        client = task.client
        with self._changed:
            # Look for clients that have left only when the queue is full.
            if self.waiting >= self.limits.waiting and not self._forget_who_has_left():
                return False
            self._queues.setdefault(client, deque()).append(task)
            if not self._idle and self._threads < self.limits.threads:
                self._threads += 1
                threading.Thread(target=self._work, name=f"{self.name}-{self._threads}", daemon=True).start()
            self._changed.notify()
        return True

    @property
    def waiting(self) -> int:
        return sum(map(len, self._queues.values()))

    @property
    def wait_seconds(self) -> float:
        """Approximate wait of a new request for a thread, estimated from recent answers."""
        return self.waiting * self._mean_seconds / self.limits.threads

    @property
    def is_idle(self) -> bool:
        """Whether no request is waiting or being answered."""
        with self._changed:
            return not self._queues and not self._held

    def stop(self) -> None:
        """Ends idle threads now, and each other one after its request."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def _work(self) -> None:
        while (taken := self._next()) is not None:
            client, task = taken
            began = time.monotonic()
            try:
                with asked_by(client, began):
                    task.service()
            except BaseException:  # noqa: BLE001  (after any error the thread continues, and the log has it)
                _log.exception("Could not answer a request of %s.", client)
            finally:
                self._release(client, time.monotonic() - began)

    def _next(self) -> tuple[str, Task] | None:
        with self._changed:
            while (taken := self._take()) is None:
                if self._stopping:
                    self._threads -= 1
                    return None
                self._idle += 1
                self._changed.wait()
                self._idle -= 1
            return taken

    def _take(self) -> tuple[str, Task] | None:
        """The next task of the first client below its share; that client moves to the end of the line."""
        for client, queue in self._queues.items():
            if self._held.get(client, 0) >= self.limits.share:
                continue
            task = queue.popleft()
            if queue:
                self._queues.move_to_end(client)
            else:
                del self._queues[client]
            self._held[client] = self._held.get(client, 0) + 1
            return client, task
        return None

    def _release(self, client: str, seconds: float) -> None:
        with self._changed:
            self._mean_seconds += _NEWEST_COUNTS * (seconds - self._mean_seconds)
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]
            self._changed.notify()  # another request of this client may now run

    def _forget_who_has_left(self) -> bool:
        before = self.waiting
        for client, queue in list(self._queues.items()):
            kept = deque(task for task in queue if task.is_wanted())
            if kept:
                self._queues[client] = kept
            else:
                del self._queues[client]
        return self.waiting < before


class Pools:
    """waitress's dispatcher: gives each task to the pool named by `choose`, or refuses it."""

    def __init__(self, pools: dict[str, Pool], choose: Callable[[Task], str]) -> None:
        self._pools, self._choose = pools, choose

    def add_task(self, task: Task) -> None:
        pool = self._pools[self._choose(task)]
        if not pool.add(task):
            task.refuse(pool.waiting, pool.wait_seconds)

    @property
    def is_idle(self) -> bool:
        return all(pool.is_idle for pool in self._pools.values())

    def stop(self) -> None:
        for pool in self._pools.values():
            pool.stop()
