"""Which workers there are: each beats in Redis, and what one that does not any more had taken is given out again.

A worker notes what it has taken under its own name. One that is killed, stopped or cut off falls silent; the others, or
the first that comes back, put what it had taken at the head of the queues. Should it wake up, its answers are as good.
"""

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

import redis
from redis.client import Pipeline
from redis.exceptions import ResponseError

from gradviz.compute.celery.broker import Broker
from gradviz.compute.celery.envelope import refusal
from gradviz.compute.celery.names import PREFIX

BEAT_SECONDS = 1.0
SILENT_SECONDS = 8.0
"""After this time without a beat a worker counts as gone."""

_log = logging.getLogger(__name__)
_WORKERS, _TAKEN = f"{PREFIX}workers", "unacked:"


def name_of(queue: str, node: str) -> str:
    """A name that no other worker has, and none will have."""
    return f"{queue}.{uuid.uuid4().hex[:12]}@{node}"


def taken_by(name: str) -> tuple[str, str]:
    """Where a worker notes what it has taken, and since when; kombu puts the prefix before."""
    return f"{_TAKEN}{name}", f"unacked_index:{name}"


def who_took(taken: str) -> str:
    """The worker that notes there what it has taken; empty where none does."""
    return taken.removeprefix(_TAKEN)


class Workers:
    """Those of one broker. Every method raises RedisError."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def beat(self, name: str) -> None:
        """Says that this worker lives; works where the broker's memory is full, and after it has lost all."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.pexpire(_beat(name), round(1000 * SILENT_SECONDS))
        pipeline.sismember(_WORKERS, name)
        if not all(pipeline.execute()):
            pipeline.set(_beat(name), 1, px=round(1000 * SILENT_SECONDS))
            pipeline.sadd(_WORKERS, name)
            pipeline.execute()

    def leave(self, name: str) -> None:
        """The worker has ended: nobody waits for its silence."""
        self._redis.delete(_beat(name))

    def alive(self, queue: str) -> list[str]:
        """Those that take from a queue."""
        return [name for name, lives in self._all() if lives and name.partition(".")[0] == queue]

    def lives(self, name: str) -> bool:
        return bool(self._redis.exists(_beat(name)))

    def num_taken(self, *queues: str) -> int:
        """Messages of these queues that some worker has taken and not settled."""
        pipeline = self._redis.pipeline(transaction=False)
        for name, _ in self._all():
            if name.partition(".")[0] in queues:
                pipeline.hlen(PREFIX + taken_by(name)[0])
        return sum(pipeline.execute())

    def give_out_again(self) -> int:
        """Puts back what workers had taken that have fallen silent; how many messages that were."""
        return sum(self._put_back(name) for name, lives in self._all() if not lives)

    def _all(self) -> list[tuple[str, bool]]:
        names = sorted(bytes(name).decode() for name in self._redis.smembers(_WORKERS))  # pyright: ignore[reportArgumentType, reportGeneralTypeIssues]
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            pipeline.exists(_beat(name))
        return [(name, bool(lives)) for name, lives in zip(names, pipeline.execute(), strict=True)]

    def _put_back(self, name: str) -> int:
        taken, since = (PREFIX + key for key in taken_by(name))
        tags: list[bytes] = self._redis.hkeys(taken)  # pyright: ignore[reportAssignmentType]  (not asynchronous)
        for tag in tags:
            self._redis.transaction(partial(_give_back, taken, since, tag), taken)
        self._redis.transaction(partial(_forget, name), _beat(name))
        if tags:
            _log.warning("The worker %s is gone; %d messages that it had taken are given out again.", name, len(tags))
        return len(tags)


def _give_back(taken: str, since: str, tag: bytes, pipeline: Pipeline) -> None:
    noted: bytes | None = pipeline.hget(taken, tag)  # pyright: ignore[reportAssignmentType, reportArgumentType]
    found = None if noted is None else _message(noted)  # None where another has put it back meanwhile
    pipeline.multi()
    pipeline.zrem(since, tag)
    pipeline.hdel(taken, tag)  # pyright: ignore[reportArgumentType]  (bytes are taken)
    if found is not None:
        queue, message = found
        pipeline.rpush(PREFIX + queue, message)


def _forget(name: str, pipeline: Pipeline) -> None:
    """Unless it has come back meanwhile: it may have taken something since."""
    lives = pipeline.exists(_beat(name))
    pipeline.multi()
    if not lives:
        pipeline.srem(_WORKERS, name)


def _beat(name: str) -> str:
    return f"{PREFIX}worker:{name}"


def _message(noted: bytes) -> tuple[str, bytes] | None:
    """The queue of a message that kombu has noted as taken, and the message as it lay there; None if it is none."""
    try:
        message, _, _ = json.loads(noted)
        message["headers"]["redelivered"] = True
        text = json.dumps(message).encode()
        reason = refusal(text)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason, text, message = str(error), b"", {}
    if reason is not None:
        _log.error("A message that was taken is refused: %s", reason)
        return None
    return message["properties"]["delivery_info"]["routing_key"], text


@contextmanager
def beating(broker: Broker, name: str, also: Callable[[], None] = lambda: None) -> Iterator[None]:
    """A thread in which this worker beats and looks after the others, and does `also` what it is given, until the end.

    A thread, since Celery's loop stands still while it starts a process or looks for its broker.
    """
    ended = threading.Event()

    def beat() -> None:
        with broker.connect() as client:
            workers = Workers(client)
            while True:
                with suppress(redis.ConnectionError, redis.TimeoutError, ResponseError):  # away or full: once more
                    workers.beat(name)
                    workers.give_out_again()
                    also()
                if ended.wait(BEAT_SECONDS):
                    break
            with suppress(redis.RedisError):  # it falls silent all the same
                workers.leave(name)
                workers.give_out_again()

    thread = threading.Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
