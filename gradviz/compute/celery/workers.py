"""The list of workers: each sends heartbeats to Redis; the tasks of one that falls silent are requeued.

A worker notes its tasks under its own name. If it is killed, suspended or cut off, it falls silent; the others, or
the first that returns, put its tasks at the head of the queues. If it resumes, its answers are still valid.
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
"""After this time without a heartbeat a worker counts as gone."""

_log = logging.getLogger(__name__)
_WORKERS, _TAKEN = f"{PREFIX}workers", "unacked:"


def name_of(queue: str, node: str) -> str:
    """A unique name for a worker."""
    return f"{queue}.{uuid.uuid4().hex[:12]}@{node}"


def taken_by(name: str) -> tuple[str, str]:
    """The keys where a worker notes its tasks, and since when; kombu adds the prefix."""
    return f"{_TAKEN}{name}", f"unacked_index:{name}"


def who_took(taken: str) -> str:
    """The worker that notes its tasks under this key; empty if none does."""
    return taken.removeprefix(_TAKEN)


class Workers:
    """The workers of one broker. Every method may raise RedisError."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def beat(self, name: str) -> None:
        """Sends this worker's heartbeat; works while the broker's memory is full, and after it has lost everything."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.pexpire(_beat(name), round(1000 * SILENT_SECONDS))
        pipeline.sismember(_WORKERS, name)
        if not all(pipeline.execute()):
            pipeline.set(_beat(name), 1, px=round(1000 * SILENT_SECONDS))
            pipeline.sadd(_WORKERS, name)
            pipeline.execute()

    def leave(self, name: str) -> None:
        """Marks the worker as ended, without waiting for its silence."""
        self._redis.delete(_beat(name))

    def alive(self, queue: str) -> list[str]:
        """The workers that serve a queue."""
        return [name for name, lives in self._all() if lives and name.partition(".")[0] == queue]

    def lives(self, name: str) -> bool:
        return bool(self._redis.exists(_beat(name)))

    def num_taken(self, *queues: str) -> int:
        """Number of messages of these queues that workers have taken and not settled."""
        pipeline = self._redis.pipeline(transaction=False)
        for name, _ in self._all():
            if name.partition(".")[0] in queues:
                pipeline.hlen(PREFIX + taken_by(name)[0])
        return sum(pipeline.execute())

    def give_out_again(self) -> int:
        """Requeues the messages of silent workers; returns their number."""
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
            _log.warning("The worker %s is gone; requeued its %d messages.", name, len(tags))
        return len(tags)


def _give_back(taken: str, since: str, tag: bytes, pipeline: Pipeline) -> None:
    noted: bytes | None = pipeline.hget(taken, tag)  # pyright: ignore[reportAssignmentType, reportArgumentType]
    found = None if noted is None else _message(noted)  # None if another worker has requeued it meanwhile
    pipeline.multi()
    pipeline.zrem(since, tag)
    pipeline.hdel(taken, tag)  # pyright: ignore[reportArgumentType]  (bytes are taken)
    if found is not None:
        queue, message = found
        pipeline.rpush(PREFIX + queue, message)


def _forget(name: str, pipeline: Pipeline) -> None:
    """Forgets the worker, unless it has returned: it may have taken messages since."""
    lives = pipeline.exists(_beat(name))
    pipeline.multi()
    if not lives:
        pipeline.srem(_WORKERS, name)


def _beat(name: str) -> str:
    return f"{PREFIX}worker:{name}"


def _message(noted: bytes) -> tuple[str, bytes] | None:
    """The queue of a message that kombu noted as taken, and its original text; None if it is invalid."""
    try:
        message, _, _ = json.loads(noted)
        message["headers"]["redelivered"] = True
        text = json.dumps(message).encode()
        reason = refusal(text)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason, text, message = str(error), b"", {}
    if reason is not None:
        _log.error("Refused a taken message: %s", reason)
        return None
    return message["properties"]["delivery_info"]["routing_key"], text


@contextmanager
def beating(broker: Broker, name: str, also: Callable[[], None] = lambda: None) -> Iterator[None]:
    """A thread that sends this worker's heartbeats, requeues tasks of silent workers, and calls `also`, until the end.

    It needs a thread, because Celery's loop blocks while it starts a process or reconnects to its broker.
    """
    ended = threading.Event()

    def beat() -> None:
        with broker.connect() as client:
            workers = Workers(client)
            while True:
                with suppress(redis.ConnectionError, redis.TimeoutError, ResponseError):  # away or full: retry
                    workers.beat(name)
                    workers.give_out_again()
                    also()
                if ended.wait(BEAT_SECONDS):
                    break
            with suppress(redis.RedisError):  # the worker falls silent all the same
                workers.leave(name)
                workers.give_out_again()

    thread = threading.Thread(target=beat, name="beat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
