"""State that servers and workers share in Redis beside the queues, under the key of each question.

`answer` holds a reply; `wanted` means that a caller is waiting, and expires unless renewed; `asked` means that a
message is under way, so that no one sends a second; `starts` counts unfinished attempts, and `by` names the worker of
the last; the channel `done` announces replies. All but the channel expire: lost questions are asked again.
"""

import logging
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum

import redis
from kombu.exceptions import OperationalError
from redis.client import PubSub
from redis.exceptions import NoPermissionError, OutOfMemoryError

from gradviz.compute.celery.broker import Broker
from gradviz.compute.celery.names import BATCH, INTERACTIVE, PREFIX, QUEUES
from gradviz.compute.celery.reply import Kind, Reply
from gradviz.compute.celery.workers import Workers
from gradviz.compute.interface import Load, Unavailable
from gradviz.errors import UserError
from gradviz.settings import Settings

_log = logging.getLogger(__name__)
MAX_STARTS = 3

_ANSWER_SECONDS = 300
_REFUSAL_SECONDS = 10  # long enough for all waiting callers; later ones get a new answer
_WANTED_SECONDS = 10
_SENDING_SECONDS = 5  # for a sender that dies between announcing and sending
_STARTS_SECONDS = 3600
_CONFIRM_SECONDS = 2.0
_KEEPS = "noeviction"
POLICY_SECONDS = 60.0
FULL = "The broker's memory is full: retry in a moment, or give Redis more (maxmemory)."


class BrokerAway(Unavailable):
    """The broker is currently unreachable."""

    def __init__(self, shown: str) -> None:
        super().__init__(f"Reconnecting: the broker {shown} is unreachable.")


class Attempt(Enum):
    """What a worker should do with a question."""

    GO = "go"
    ANSWERED = "answered"
    UNWANTED = "unwanted"
    ELSEWHERE = "elsewhere"
    ONCE_TOO_OFTEN = "once too often"


@dataclass(frozen=True)
class Start:
    """A worker's name, and the message that it took."""

    worker: str
    message: str


@dataclass(frozen=True)
class _Names:
    answer: str
    wanted: str
    asked: str
    starts: str
    by: str
    done: str


def _names(key: str) -> _Names:
    return _Names(*(f"{PREFIX}{name}:{key}" for name in _Names.__dataclass_fields__))


class Desk:
    """Safe to share between threads. Every method raises the errors of `reaching`."""

    def __init__(self, broker: Broker, settings: Settings) -> None:
        self.redis = broker.connect()
        self.workers = Workers(self.redis)
        self._shown = broker.shown
        # After this time a message that was lost without trace is sent again.
        self._asked_seconds = settings.visibility_seconds
        self._policy, self._policy_at = _KEEPS, -math.inf

    @contextmanager
    def reaching(self) -> Iterator[None]:
        """Turns errors of the connection to the broker into UserErrors with clear sentences."""
        try:
            yield
        except (redis.AuthenticationError, NoPermissionError) as error:
            raise UserError(
                f"The broker {self._shown} refuses this user or password: correct GRADVIZ_BROKER."
            ) from error
        except OutOfMemoryError as error:
            raise Unavailable(FULL) from error
        except (redis.ConnectionError, redis.TimeoutError, OperationalError) as error:
            if isinstance(error.__cause__, OutOfMemoryError):
                raise Unavailable(FULL) from error
            raise BrokerAway(self._shown) from error

    def ask(self, keys: Sequence[str], queue: str) -> list[str]:
        """Marks all `keys` as wanted; returns those for which to send a message to `queue` now.

        That includes questions that wait in a slower queue; its worker will then find the answer.
        """
        with self.reaching():
            pipeline = self.redis.pipeline(transaction=False)
            for names in map(_names, keys):
                pipeline.exists(names.answer)
                pipeline.set(names.wanted, 1, ex=_WANTED_SECONDS)
                pipeline.set(names.asked, queue, ex=_SENDING_SECONDS, nx=True, get=True)
            said = pipeline.execute()
            answered, before = said[0::3], said[2::3]
            new = [key for key, done, old in zip(keys, answered, before, strict=True) if not done and old is None]
            sooner = [key for key, old in zip(keys, before, strict=True) if queue == INTERACTIVE and old == b"batch"]
            for key in sooner:
                self.redis.set(_names(key).asked, queue, ex=_SENDING_SECONDS)
            return [*new, *sooner]

    def sent(self, keys: Sequence[str]) -> None:
        """Marks the message for these keys as under way: no one sends another until it counts as lost."""
        with self.reaching():
            pipeline = self.redis.pipeline(transaction=False)
            for key in keys:
                pipeline.expire(_names(key).asked, self._asked_seconds)
            pipeline.execute()

    def unask(self, keys: Sequence[str]) -> None:
        """Marks that no message is under way for these keys after all."""
        with self.reaching():
            self.redis.delete(*(_names(key).asked for key in keys))

    def reply(self, key: str) -> Reply | None:
        """The reply, if it has arrived; marks it as wanted."""
        names = _names(key)
        with self.reaching():
            pipeline = self.redis.pipeline(transaction=False)
            pipeline.get(names.answer)
            pipeline.set(names.wanted, 1, ex=_WANTED_SECONDS)
            found = pipeline.execute()[0]
        return None if found is None else Reply.from_bytes(key, found)

    def is_under_way(self, key: str) -> bool:
        with self.reaching():
            return bool(self.redis.exists(_names(key).starts))

    def unwant(self, key: str) -> None:
        """Marks the answer as no longer wanted; other waiting callers renew the mark within a moment."""
        with self.reaching():
            self.redis.delete(_names(key).wanted)

    @contextmanager
    def listening(self, key: str) -> Iterator[PubSub]:
        """A confirmed subscription to the channel of one key; each message is a reply, or empty to look for one."""
        with self.reaching(), self.redis.pubsub() as channel:
            channel.subscribe(_names(key).done)
            if channel.get_message(timeout=_CONFIRM_SECONDS) is None:
                raise redis.TimeoutError(f"no confirmation of {key}")
            yield channel

    def begin(self, key: str, start: Start) -> Attempt:
        """Registers a worker's attempt, counted until `finish`, to give up a question that kills every worker.

        A second message for a question that another worker computes needs no work: that worker answers, or falls
        silent, and then its own message is redelivered.
        """
        names = _names(key)
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.exists(names.answer)
        pipeline.exists(names.wanted)
        pipeline.get(names.by)
        answered, wanted, by = pipeline.execute()
        if answered or not wanted:
            self.redis.delete(names.asked)
            return Attempt.ANSWERED if answered else Attempt.UNWANTED
        worker, _, message = (by or b"").decode().partition(" ")
        if message not in ("", start.message) and self.workers.lives(worker):
            return Attempt.ELSEWHERE
        pipeline.incr(names.starts)
        pipeline.expire(names.starts, _STARTS_SECONDS)
        pipeline.set(names.by, f"{start.worker} {start.message}", ex=_STARTS_SECONDS)
        return Attempt.GO if pipeline.execute()[0] <= MAX_STARTS else Attempt.ONCE_TOO_OFTEN

    def finish(self, key: str, reply: Reply) -> None:
        """Leaves the reply and notifies the waiting callers; with full memory it only tells them that."""
        names, content = _names(key), reply.to_bytes(key)
        seconds = _ANSWER_SECONDS if reply.kind is Kind.ANSWER else _REFUSAL_SECONDS
        told = b""
        try:
            self.redis.set(names.answer, content, ex=seconds)
        except OutOfMemoryError:
            told = Reply.saying(Kind.NOT_NOW, FULL).to_bytes(key)
        pipeline = self.redis.pipeline(transaction=False)
        pipeline.delete(names.asked, names.starts, names.by)
        pipeline.publish(names.done, told)
        pipeline.execute()

    def waiting(self, queue: str) -> int:
        """Number of messages in a queue that no worker has taken."""
        with self.reaching():
            return int(self.redis.llen(PREFIX + queue))

    def has_worker(self, queue: str) -> bool:
        """Whether any worker serves this queue."""
        with self.reaching():
            return bool(self.workers.alive(queue))

    def look_at_policy(self) -> None:
        """Warns in the log, once until it changes, if the broker would drop work when its memory is full."""
        if time.monotonic() < self._policy_at:
            return
        self._policy_at = time.monotonic() + POLICY_SECONDS
        try:
            with self.reaching():
                memory: dict[str, object] = self.redis.info("memory")  # pyright: ignore[reportAssignmentType]  (not asynchronous)
        except UserError:
            return  # the broker is away, or this user may not ask
        policy = str(memory.get("maxmemory_policy", _KEEPS)) if memory.get("maxmemory") else _KEEPS
        if policy not in (_KEEPS, self._policy):
            _log.warning(
                "The broker %s drops work when its memory is full: its maxmemory-policy is %s, set it to noeviction.",
                self._shown,
                policy,
            )
        self._policy = policy

    def load(self) -> Load:
        with self.reaching():
            interactive, batch = (int(self.redis.llen(PREFIX + queue)) for queue in (INTERACTIVE, BATCH))  # pyright: ignore[reportArgumentType]  (not asynchronous)
            return Load(interactive, batch, self.workers.num_taken(*QUEUES))
