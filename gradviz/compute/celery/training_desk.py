"""State of a broker's one training, shared by servers and workers: which it is, its progress, and its end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from gradviz.compute.celery.desk import Desk, Start
from gradviz.compute.celery.names import PREFIX, TRAINING
from gradviz.settings import Settings

_NOW, _STOP, _END, _BEGUN, _BY = (f"{PREFIX}training:{name}" for name in ("now", "stop", "end", "begun", "by"))
_DAY_SECONDS = 86_400
_Said = TypeVar("_Said")
_SENDING_SECONDS = 10  # for a server that dies between announcing and sending


@dataclass(frozen=True)
class TrainingNow:
    """The current training: its chain, the number of its segment, its start (ISO 8601), and its last message.

    `fresh`: it has yet to replace existing runs.
    """

    chain: str
    number: int
    since: str
    message: str
    fresh: bool = False


@dataclass(frozen=True)
class TrainingEnd:
    """How the last training ended: `failed`, with one sentence, or not; `refused`: a restart would fail too."""

    failed: bool
    message: str
    refused: bool = True


_HERE, _OVER = TypeAdapter(TrainingNow), TypeAdapter(TrainingEnd)


class TrainingDesk:
    """Every method raises the errors of `Desk.reaching`. The training's entry expires unless a worker renews it."""

    def __init__(self, desk: Desk, settings: Settings) -> None:
        self._desk, self._redis = desk, desk.redis
        self._seconds = 3 * settings.visibility_seconds + settings.task_seconds

    def now(self) -> TrainingNow | None:
        with self._desk.reaching():
            return _read(_HERE, self._redis.get(_NOW))

    def end(self) -> TrainingEnd | None:
        with self._desk.reaching():
            return _read(_OVER, self._redis.get(_END))

    def begin(self, chain: str, *, fresh: bool = False, in_place_of_another: bool = False) -> bool:
        """Makes this the current training; False if there is one already."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        new = TrainingNow(chain, 0, since, "The training waits for a worker.", fresh)
        with self._desk.reaching():
            begun = self._redis.set(_NOW, json.dumps(asdict(new)), ex=_SENDING_SECONDS, nx=not in_place_of_another)
            if begun:
                self._redis.delete(_STOP, _END)
        return bool(begun)

    def begin_again(self, lost: TrainingNow) -> bool:
        """Makes the lost training current again; False if another server does, or another training has begun."""
        with self._desk.reaching():
            mine = self._redis.set(f"{PREFIX}training:again:{lost.chain}", 1, ex=_SENDING_SECONDS, nx=True)
        if not mine:
            return False
        self.remind(lost)
        now = self.now()
        return now is not None and now.chain == lost.chain

    def sent(self) -> None:
        """Lets its first segment wait a day for a worker."""
        with self._desk.reaching():
            self._redis.expire(_NOW, _DAY_SECONDS, gt=True)

    def speak(self, now: TrainingNow) -> None:
        """Reports that the training continues, with this segment and message."""
        with self._desk.reaching():
            self._redis.set(_NOW, json.dumps(asdict(now)), ex=self._seconds)

    def remind(self, now: TrainingNow) -> bool:
        """Restores the entry of this training if the broker has lost its data; returns whether it had."""
        if self.end() is not None:
            return False
        with self._desk.reaching():
            return bool(self._redis.set(_NOW, json.dumps(asdict(now)), ex=self._seconds, nx=True))

    @contextmanager
    def held(self, start: Start) -> Iterator[bool]:
        """Whether to train a segment: not for its second message while the worker of the first lives."""
        with self._desk.reaching():
            worker, _, message = (self._redis.get(_BY) or b"").decode().partition(" ")  # pyright: ignore[reportAttributeAccessIssue]  (not asynchronous)
            if message not in ("", start.message) and self._desk.workers.lives(worker):
                yield False
                return
            self._redis.set(_BY, f"{start.worker} {start.message}", ex=_DAY_SECONDS)
        yield True
        self.release()

    def release(self) -> None:
        """Ends the worker's claim: any worker may train the next segment."""
        with self._desk.reaching():
            self._redis.delete(_BY)

    def is_here(self) -> bool:
        """Whether a segment waits in the queue, or a worker has taken one."""
        with self._desk.reaching():
            return bool(self._redis.llen(PREFIX + TRAINING)) or self._desk.workers.num_taken(TRAINING) > 0

    def finish(self, chain: str, end: TrainingEnd) -> None:
        """Ends the training, unless another has replaced it."""
        now = self.now()
        with self._desk.reaching():
            if now is not None and now.chain == chain:
                self._redis.set(_END, json.dumps(asdict(end)))
                self._redis.delete(_NOW)

    def ask_to_stop(self, chain: str) -> None:
        with self._desk.reaching():
            self._redis.set(_STOP, chain, ex=_DAY_SECONDS)

    def is_stopping(self, chain: str) -> bool:
        with self._desk.reaching():
            return self._redis.get(_STOP) == chain.encode()

    def is_wanted(self, chain: str) -> bool:
        """Whether this training is still current and not asked to stop."""
        now = self.now()
        return now is not None and now.chain == chain and not self.is_stopping(chain)

    def count_start(self, chain: str, number: int, change: int = 1) -> int:
        """How often this segment was started without reaching its end."""
        name = f"{PREFIX}training:starts:{chain}:{number}"
        with self._desk.reaching():
            starts = self._redis.incrby(name, change)
            self._redis.expire(name, _DAY_SECONDS)
        return int(starts)

    def note_begun(self, chain: str) -> None:
        """Marks its runs as started over, so that repeating the first segment continues them."""
        with self._desk.reaching():
            self._redis.set(_BEGUN, chain, ex=_DAY_SECONDS)

    def has_begun(self, chain: str) -> bool:
        with self._desk.reaching():
            return self._redis.get(_BEGUN) == chain.encode()


def _read(form: TypeAdapter[_Said], text: object) -> _Said | None:
    """The value; None, as if lost, if these methods did not write it."""
    try:
        return None if text is None else form.validate_json(text)  # pyright: ignore[reportArgumentType]
    except ValidationError:
        return None
