"""What comes out of a queue, and what goes back into it: neither junk nor a full broker ends a worker."""

import json
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any

import pytest
import redis
from celery import Celery, current_task
from celery.exceptions import Reject

from gradviz.compute.celery.envelope import ANSWER, MAX_ENVELOPE_BYTES, refusal
from gradviz.compute.celery.messages import MAX_BYTES
from gradviz.settings import Settings
from tests.compute.celery.conftest import MakeSettings
from tests.compute.celery.in_thread import app_with, working
from tests.compute.celery.running import PATIENCE_SECONDS, RedisServer, until

# Said at each loss of a connection: what runs goes on, here on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
QUEUE = "gradviz:interactive"


@pytest.fixture
def alone(make_settings: MakeSettings, redis_server: RedisServer) -> Settings:
    """Settings with a database of the broker that no other test uses."""
    return make_settings(broker=redis_server.url.removesuffix("0") + "7")


@pytest.fixture
def client(alone: Settings, redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis_server.database(7) as client:
        yield client


class Desk:
    """The task of the tests: it does what a test says, in the order in which messages come, and keeps them."""

    def __init__(self) -> None:
        self.came: Queue[Any] = Queue()
        self.does: list[Callable[[], None]] = []

    def __call__(self, work: object) -> None:
        self.came.put(work)
        if self.does:
            self.does.pop(0)()

    def next(self) -> object:
        return self.came.get(timeout=PATIENCE_SECONDS)


def send(app: Celery, value: object) -> None:
    app.send_task(ANSWER, (value,), queue="interactive")


def body(*arguments: object) -> bytes:
    return json.dumps([arguments, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]).encode()


def envelope(text: bytes = body(0), **changes: object) -> dict[str, Any]:
    """A message as it lies in the queue; `changes` are of its headers."""
    tag = str(uuid.uuid4())
    return {
        "body": b64encode(text).decode(),
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": {"lang": "py", "task": ANSWER, "id": tag, "root_id": tag, "retries": 0, **changes},
        "properties": {
            "correlation_id": tag,
            "delivery_mode": 2,
            "delivery_info": {"exchange": "", "routing_key": "interactive"},
            "priority": 0,
            "body_encoding": "base64",
            "delivery_tag": tag,
        },
    }


def changed(*path: str, to: object) -> dict[str, Any]:
    message = envelope()
    place = message
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return message


def without(*path: str) -> dict[str, Any]:
    message = envelope()
    place = message
    for name in path[:-1]:
        place = place[name]
    del place[path[-1]]
    return message


JUNK: dict[str, object] = {
    "text": b"nothing that kombu has written",
    "nothing": b"",
    "no UTF-8": b"\xff\xfe\x00",
    "cut JSON": json.dumps(envelope()).encode()[:-9],
    "a number": b"7",
    "null": b"null",
    "a list": b"[]",
    "a text in JSON": b'"body"',
    "an empty object": b"{}",
    "NaN": b'{"body": NaN}',
    "deep": b"[" * 60_000 + b"]" * 60_000,
    "a deep body": envelope(b"[" * 20_000 + b"]" * 20_000),
    "a huge number": b"1" * 5000,
    "huge": b" " * (MAX_ENVELOPE_BYTES + 1),
    "a huge body": envelope(body("x" * MAX_BYTES)),
    "a body that is no text": changed("body", to=7),
    "a body that is no base64": changed("body", to="%%%"),
    "a body of bad padding": changed("body", to="abcde"),
    "a body that is no JSON": envelope(b"{nothing"),
    "a body that is no list": envelope(b"7"),
    "a body that is no UTF-8": envelope(b"\xff"),
    "a body without arguments": envelope(body()),
    "a body with two": envelope(body(1, 2)),
    "a body with what follows": envelope(b'[[0], {}, {"errbacks": [{"task": "os.system"}]}]'),
    "a body with options": envelope(b'[[0], {"self": 1}, {}]'),
    "another object": envelope(b'[[{"__type__": "uuid", "__value__": 5}], {}, {}]'),
    "another object outside": changed("properties", "delivery_info", to={"__type__": "bytes", "__value__": 5}),
    "no body": without("body"),
    "no headers": without("headers"),
    "headers in a list": changed("headers", to=[]),
    "headers that are null": changed("headers", to=None),
    "no properties": without("properties"),
    "no tag": without("properties", "delivery_tag"),
    "a tag that is a list": changed("properties", "delivery_tag", to=["tag"]),
    "a tag that is empty": changed("properties", "delivery_tag", to=""),
    "no delivery": without("properties", "delivery_info"),
    "a delivery that is a text": changed("properties", "delivery_info", to="interactive"),
    "a delivery to elsewhere": changed("properties", "delivery_info", "routing_key", to="unacked"),
    "another encoding of the body": changed("properties", "body_encoding", to="rot13"),
    "an encoding that is a list": changed("properties", "body_encoding", to=[]),
    "another charset": changed("content-encoding", to="rot13"),
    "a charset that is null": changed("content-encoding", to=None),
    "a pickle": changed("content-type", to="application/x-python-serialize"),
    "yaml": changed("content-type", to="application/x-yaml"),
    "a content type that is a number": changed("content-type", to=1),
    "compressed": envelope(compression="application/x-gzip"),
    "no task": without("headers", "task"),
    "another task": envelope(task="os.system"),
    "a task of Celery's": envelope(task="celery.backend_cleanup"),
    "a task that is a list": envelope(task=[ANSWER]),
    "no id": without("headers", "id"),
    "an id that is a number": envelope(id=7),
    "an id that is long": envelope(id="7" * 1000),
    "retries that are no number": envelope(retries="many"),
    "retries without end": envelope(retries=-1),
    "an eta that is no time": envelope(eta="tomorrow"),
    "an eta without a zone": envelope(eta="2026-01-01T00:00:00"),
    "an expiry": envelope(expires="2020-01-01T00:00:00+00:00"),
    "a group": envelope(group="all"),
    "a shadow": envelope(shadow=["name"]),
    "stamps": envelope(stamped_headers=["a"], stamps={"a": 1}),
    "a limit that is a text": envelope(timelimit="long"),
    "an unknown header": envelope(chord={"task": "os.system"}),
}


def as_bytes(message: object) -> bytes:
    return message if isinstance(message, bytes) else json.dumps(message).encode()


@pytest.mark.parametrize("name", JUNK)
def test_what_no_server_of_ours_has_written_is_refused_with_a_reason(name: str):
    reason = refusal(as_bytes(JUNK[name]))
    assert reason
    assert len(reason) < 300


def test_what_celery_writes_is_let_in(alone: Settings, client: redis.Redis):
    app = app_with(alone, Desk())
    send(app, {"a": [1, "ü", None]})
    app.send_task(ANSWER, (1,), queue="interactive", countdown=5, retries=2)
    assert [refusal(as_bytes(raw)) for raw in client.lrange(QUEUE, 0, -1)] == [None, None]


def test_junk_in_a_queue_is_dropped_and_logged_and_the_worker_goes_on(
    alone: Settings, client: redis.Redis, caplog: pytest.LogCaptureFixture
):
    desk = Desk()
    app = app_with(alone, desk)
    with working(app) as worker:
        client.lpush(QUEUE, *map(as_bytes, JUNK.values()))
        send(app, "the last")
        assert desk.next() == "the last"
        until(lambda: not client.keys("gradviz:unacked*"))
        assert worker.is_alive()
    assert sum("Refused a message" in each.message for each in caplog.records) == len(JUNK)
    assert desk.came.empty()


@pytest.mark.parametrize("requeue", [True, False])
def test_a_task_that_is_rejected_comes_again_only_if_it_is_to(alone: Settings, client: redis.Redis, requeue: bool):
    def reject() -> None:
        raise Reject("not now", requeue=requeue)

    desk = Desk()
    desk.does = [reject]
    app = app_with(alone, desk)
    with working(app) as worker:
        send(app, "rejected")
        assert desk.next() == "rejected"
        send(app, "after")
        assert {desk.next() for _ in range(1 + requeue)} == ({"rejected", "after"} if requeue else {"after"})
        until(lambda: not client.keys("gradviz:unacked*"))
        assert worker.is_alive()


def test_a_task_that_is_tried_again_comes_again(alone: Settings, client: redis.Redis):
    desk = Desk()
    desk.does = [lambda: current_task.retry(countdown=0), lambda: current_task.retry(countdown=0.1)]  # pyright: ignore[reportCallIssue]
    app = app_with(alone, desk)
    with working(app) as worker:
        send(app, "tried")
        assert [desk.next() for _ in range(3)] == ["tried"] * 3
        assert worker.is_alive()


def test_a_task_that_fails_is_settled_and_does_not_come_again(alone: Settings, client: redis.Redis):
    def fail() -> None:
        raise RuntimeError("out of something")

    desk = Desk()
    desk.does = [fail]
    app = app_with(alone, desk)
    with working(app) as worker:
        send(app, "fails")
        send(app, "after")
        assert [desk.next(), desk.next()] == ["fails", "after"]
        until(lambda: not client.keys("gradviz:unacked*"))
        assert worker.is_alive()


def test_a_task_that_a_full_broker_cannot_take_back_comes_again_when_there_is_room(
    alone: Settings, client: redis.Redis, caplog: pytest.LogCaptureFixture
):
    def reject() -> None:
        client.config_set("maxmemory", 1)
        raise Reject("not now", requeue=True)

    desk = Desk()
    desk.does = [reject]
    app = app_with(alone, desk)
    with working(app) as worker:
        send(app, "rejected")
        assert desk.next() == "rejected"
        until(lambda: "Cannot return a task" in caplog.text)
        assert worker.is_alive()
        client.config_set("maxmemory", 0)
        assert desk.next() == "rejected"


def test_a_task_that_is_taken_while_the_broker_is_full_is_not_lost(
    alone: Settings, client: redis.Redis, caplog: pytest.LogCaptureFixture
):
    def reject() -> None:
        raise Reject("not now", requeue=True)

    desk = Desk()
    desk.does = [lambda: None, reject]
    with working(app_with(alone, desk)) as worker:
        hold = client.pipeline()
        hold.lpush(QUEUE, json.dumps(envelope(body("first"))))
        hold.lpush(QUEUE, json.dumps(envelope(body("second"))))
        hold.config_set("maxmemory", 1)
        hold.execute()
        assert [desk.next(), desk.next()] == ["first", "second"]
        until(lambda: "Cannot return a task" in caplog.text)
        client.config_set("maxmemory", 0)
        assert desk.next() == "second"
        assert worker.is_alive()
    assert "Cannot note a message as taken" in caplog.text


def test_a_broker_that_is_full_when_a_worker_comes_is_waited_for(
    alone: Settings, client: redis.Redis, caplog: pytest.LogCaptureFixture
):
    desk = Desk()
    app = app_with(alone, desk)
    send(app, "waits")
    client.delete("gradviz:_kombu.binding.interactive")
    client.config_set("maxmemory", 1)
    with working(app, at_once=False):
        until(lambda: "OutOfMemoryError" in caplog.text)
        client.config_set("maxmemory", 0)
        assert desk.next() == "waits"
