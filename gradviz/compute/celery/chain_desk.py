"""State of a broker's one job of a kind, shared by servers and workers: which it is, its progress, and its end.

Such a job is a chain of messages, one after the other, so that each is done within a task's time limit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from pydantic import TypeAdapter, ValidationError

from gradviz.compute.celery.desk import Desk, Start
from gradviz.compute.celery.names import PREFIX
from gradviz.settings import Settings

DAY_SECONDS = 86_400
_SENDING_SECONDS = 10  # for a server that dies between announcing and sending


class ChainNow(Protocol):
    """The current job: its chain, and the number of its message."""

    @property
    def chain(self) -> str: ...

    @property
    def number(self) -> int: ...


Now = TypeVar("Now", bound=ChainNow)
End = TypeVar("End")
_Said = TypeVar("_Said")


class ChainDesk(Generic[Now, End]):
    """Every method raises the errors of `Desk.reaching`. The job's entry expires unless a worker renews it."""

    def __init__(self, desk: Desk, settings: Settings, queue: str, now: type[Now], end: type[End]) -> None:
        self._desk, self._redis, self._queue = desk, desk.redis, queue
        self._now_form, self._end_form = TypeAdapter(now), TypeAdapter(end)
        self._seconds = 3 * settings.visibility_seconds + settings.task_seconds
        self._now, self._stop, self._end, self._by = (self._name(each) for each in ("now", "stop", "end", "by"))

    def now(self) -> Now | None:
        with self._desk.reaching():
            return _read(self._now_form, self._redis.get(self._now))

    def end(self) -> End | None:
        with self._desk.reaching():
            return _read(self._end_form, self._redis.get(self._end))

    def announce(self, new: Now, *, in_place_of_another: bool = False) -> bool:
        """Makes this the current job; False if there is one already."""
        with self._desk.reaching():
            begun = self._redis.set(
                self._now, self._now_form.dump_json(new), ex=_SENDING_SECONDS, nx=not in_place_of_another
            )
            if begun:
                self._redis.delete(self._stop, self._end)
        return bool(begun)

    def begin_again(self, lost: Now) -> bool:
        """Makes the lost job current again; False if another server does, or another job has begun."""
        with self._desk.reaching():
            mine = self._redis.set(self._name(f"again:{lost.chain}"), 1, ex=_SENDING_SECONDS, nx=True)
        if not mine:
            return False
        self.remind(lost)
        now = self.now()
        return now is not None and now.chain == lost.chain

    def sent(self) -> None:
        """Lets its first message wait a day for a worker."""
        with self._desk.reaching():
            self._redis.expire(self._now, DAY_SECONDS, gt=True)

    def speak(self, now: Now) -> None:
        """Reports that the job continues."""
        with self._desk.reaching():
            self._redis.set(self._now, self._now_form.dump_json(now), ex=self._seconds)

    def remind(self, now: Now) -> bool:
        """Restores the entry of this job if the broker has lost its data; returns whether it had."""
        if self.end() is not None:
            return False
        with self._desk.reaching():
            return bool(self._redis.set(self._now, self._now_form.dump_json(now), ex=self._seconds, nx=True))

    @contextmanager
    def held(self, start: Start) -> Iterator[bool]:
        """Whether to do what a message says: not for its second copy while the worker of the first lives."""
        with self._desk.reaching():
            worker, message = self._claim()
            if message not in ("", start.message) and self._desk.workers.lives(worker):
                yield False
                return
            self._redis.set(self._by, f"{start.worker} {start.message}", ex=DAY_SECONDS)
        yield True
        self.release()

    def release(self) -> None:
        """Ends the worker's claim: any worker may take the next message."""
        with self._desk.reaching():
            self._redis.delete(self._by)

    def is_held(self) -> bool:
        """Whether a worker that lives does what a message says."""
        with self._desk.reaching():
            worker, message = self._claim()
            return message != "" and self._desk.workers.lives(worker)

    def is_here(self) -> bool:
        """Whether a message waits in the queue, or a worker has taken one."""
        with self._desk.reaching():
            return bool(self._redis.llen(PREFIX + self._queue)) or self._desk.workers.num_taken(self._queue) > 0

    def finish(self, chain: str, end: End) -> None:
        """Ends the job, unless another has replaced it."""
        now = self.now()
        with self._desk.reaching():
            if now is not None and now.chain == chain:
                self._redis.set(self._end, self._end_form.dump_json(end))
                self._redis.delete(self._now)

    def ask_to_stop(self, chain: str) -> None:
        with self._desk.reaching():
            self._redis.set(self._stop, chain, ex=DAY_SECONDS)

    def is_stopping(self, chain: str) -> bool:
        with self._desk.reaching():
            return self._redis.get(self._stop) == chain.encode()

    def is_wanted(self, chain: str) -> bool:
        """Whether this job is still current and not asked to stop."""
        now = self.now()
        return now is not None and now.chain == chain and not self.is_stopping(chain)

    def count_start(self, chain: str, number: int, change: int = 1) -> int:
        """How often this message was started without reaching its end."""
        name = self._name(f"starts:{chain}:{number}")
        with self._desk.reaching():
            starts = self._redis.incrby(name, change)
            self._redis.expire(name, DAY_SECONDS)
        return int(starts)

    def _name(self, text: str) -> str:
        return f"{PREFIX}{self._queue}:{text}"

    def _claim(self) -> tuple[str, str]:
        """The worker that holds the job, and its message; empty if none does."""
        worker, _, message = (self._redis.get(self._by) or b"").decode().partition(" ")  # pyright: ignore[reportAttributeAccessIssue]  (not asynchronous)
        return worker, message


def _read(form: TypeAdapter[_Said], text: object) -> _Said | None:
    """The value; None, as if lost, if these methods did not write it."""
    try:
        return None if text is None else form.validate_json(text)  # pyright: ignore[reportArgumentType]
    except ValidationError:
        return None
