"""What those who ask and those who compute tell each other through Redis beside the queues, by the key of a question.

`answer` holds a reply; `wanted` says that somebody waits, and lapses when nobody says so again; `asked` says that a
message is under way, so that one is sent whoever asks; `starts` counts attempts that have not ended, `by` says whose
the last one is; the channel `done` tells that a reply is there. All but the channel lapse by themselves: whatever is
lost is asked for again.
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
_REFUSAL_SECONDS = 10  # long enough for all who wait; who asks again later is answered anew
_WANTED_SECONDS = 10
_SENDING_SECONDS = 5  # of a sender that dies between saying so and doing so
_STARTS_SECONDS = 3600
_CONFIRM_SECONDS = 2.0
_KEEPS = "noeviction"
POLICY_SECONDS = 60.0
FULL = "The broker's memory is full: try again in a moment, or give Redis more (maxmemory)."


class BrokerAway(Unavailable):
    """The broker cannot be reached now."""

    def __init__(self, shown: str) -> None:
        super().__init__(f"Reconnecting: the broker {shown} cannot be reached.")


class Attempt(Enum):
    """What a worker is to do with a question that it has been given."""

    GO = "go"
    ANSWERED = "answered"
    UNWANTED = "unwanted"
    ELSEWHERE = "elsewhere"
    ONCE_TOO_OFTEN = "once too often"


@dataclass(frozen=True)
class Start:
    """Who begins: a worker by its name, and the message that it has taken."""

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
    """Safe to share between threads. Every method raises BrokerAway or Unavailable as `reaching` says."""

    def __init__(self, broker: Broker, settings: Settings) -> None:
        self.redis = broker.connect()
        self.workers = Workers(self.redis)
        self._shown = broker.shown
        # A message that was lost with all its traces is sent again after this.
        self._asked_seconds = settings.visibility_seconds
        self._policy, self._policy_at = _KEEPS, -math.inf

    @contextmanager
    def reaching(self) -> Iterator[None]:
        """Turns what can go wrong between here and the broker into sentences."""
        try:
            yield
        except (redis.AuthenticationError, NoPermissionError) as error:
            raise UserError(f"The broker {self._shown} refuses this user or password: see GRADVIZ_BROKER.") from error
        except OutOfMemoryError as error:
            raise Unavailable(FULL) from error
        except (redis.ConnectionError, redis.TimeoutError, OperationalError) as error:
            if isinstance(error.__cause__, OutOfMemoryError):
                raise Unavailable(FULL) from error
            raise BrokerAway(self._shown) from error

    def ask(self, keys: Sequence[str], queue: str) -> list[str]:
        """Says that all of `keys` are wanted; returns those for which a message must be sent now to `queue`.

        One that waits in a slower queue is sent once more: its answer is then found there.
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
        """The message for these is under way: nobody need send another until it must be lost."""
        with self.reaching():
            pipeline = self.redis.pipeline(transaction=False)
            for key in keys:
                pipeline.expire(_names(key).asked, self._asked_seconds)
            pipeline.execute()

    def unask(self, keys: Sequence[str]) -> None:
        """No message is under way for these after all."""
        with self.reaching():
            self.redis.delete(*(_names(key).asked for key in keys))

    def reply(self, key: str) -> Reply | None:
        """The reply if it is there; says that it is wanted."""
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
        """Somebody does not wait any more; whoever still does says so within a moment."""
        with self.reaching():
            self.redis.delete(_names(key).wanted)

    @contextmanager
    def listening(self, key: str) -> Iterator[PubSub]:
        """A subscription that is in force to the channel of one key; each message is a reply, or empty: look."""
        with self.reaching(), self.redis.pubsub() as channel:
            channel.subscribe(_names(key).done)
            if channel.get_message(timeout=_CONFIRM_SECONDS) is None:
                raise redis.TimeoutError(f"no confirmation of {key}")
            yield channel

    def begin(self, key: str, start: Start) -> Attempt:
        """A worker is about to answer; counted until `finish`, so that what kills every worker ends.

        A second message for what another worker computes is for nothing: that one answers, or falls silent, and then
        its own message is given out again.
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
        """Leaves the reply and tells those who wait. Where the memory is full, it tells them that alone."""
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
        """Messages in a queue that no worker has taken."""
        with self.reaching():
            return int(self.redis.llen(PREFIX + queue))

    def has_worker(self, queue: str) -> bool:
        """Whether any takes from this queue."""
        with self.reaching():
            return bool(self.workers.alive(queue))

    def look_at_policy(self) -> None:
        """Says in the log, once until that changes, that the broker would drop work when its memory is full."""
        if time.monotonic() < self._policy_at:
            return
        self._policy_at = time.monotonic() + POLICY_SECONDS
        try:
            with self.reaching():
                memory: dict[str, object] = self.redis.info("memory")  # pyright: ignore[reportAssignmentType]  (not asynchronous)
        except UserError:
            return  # it is away, or this user may not ask
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
