"""Workers that fall silent: what they had taken is given out again, and those who wait are told what is the matter."""

import json
import threading
from collections.abc import Iterator

import pytest
import redis

from gradviz.compute.celery import workers as module
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.client import GONE, NO_WORKER, CeleryCompute
from gradviz.compute.celery.desk import Attempt, Desk, Start
from gradviz.compute.celery.envelope import ANSWER
from gradviz.compute.celery.workers import SILENT_SECONDS, Workers, beating, name_of, taken_by
from gradviz.compute.interface import Unavailable
from gradviz.settings import Settings
from tests.compute.celery.conftest import MakeSettings, client_of, question
from tests.compute.celery.in_thread import app_of, app_with, working
from tests.compute.celery.running import PATIENCE_SECONDS, RedisServer, until
from tests.compute.celery.test_queue import Desk as Task
from tests.compute.celery.test_queue import send

pytestmark = pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
KEY = "0" * 40


@pytest.fixture
def alone(make_settings: MakeSettings, redis_server: RedisServer) -> Settings:
    return make_settings(broker=redis_server.url.removesuffix("0") + "8")


@pytest.fixture
def client(alone: Settings, redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis_server.database(8) as client:
        yield client


@pytest.fixture
def workers(client: redis.Redis) -> Workers:
    return Workers(client)


@pytest.fixture
def desk(alone: Settings, client: redis.Redis) -> Desk:
    return Desk(broker_of(alone), alone)


def fall_silent(client: redis.Redis, name: str) -> None:
    """As after `SILENT_SECONDS`."""
    assert client.delete(f"gradviz:worker:{name}")


def take(client: redis.Redis, name: str, *values: object, settings: Settings) -> list[bytes]:
    """As a worker that has taken messages from the queue and settled none; what they were."""
    for value in values:
        send(app_with(settings, Task()), value)
    messages = [client.rpop("gradviz:interactive") for _ in values]
    for message in messages:
        tag = json.loads(message)["properties"]["delivery_tag"]  # pyright: ignore[reportArgumentType]
        client.hset(f"gradviz:{taken_by(name)[0]}", tag, json.dumps([json.loads(message), "", "interactive"]))  # pyright: ignore[reportArgumentType]
        client.zadd(f"gradviz:{taken_by(name)[1]}", {tag: 0})
    return messages  # pyright: ignore[reportReturnType]


def test_a_worker_that_beats_lives_and_keeps_what_it_has_taken(workers: Workers, client: redis.Redis, alone: Settings):
    name = name_of("interactive", "here")
    workers.beat(name)
    take(client, name, "held", settings=alone)
    assert workers.give_out_again() == 0
    assert workers.alive("interactive") == [name]
    assert workers.alive("batch") == []
    assert workers.num_taken("interactive") == 1
    assert 0 < client.pttl(f"gradviz:worker:{name}") <= 1000 * SILENT_SECONDS  # pyright: ignore[reportOperatorIssue]
    assert SILENT_SECONDS + 2 * module.BEAT_SECONDS < 15


def test_what_a_silent_worker_had_taken_comes_first_and_once(workers: Workers, client: redis.Redis, alone: Settings):
    name = name_of("interactive", "here")
    workers.beat(name)
    [taken] = take(client, name, "taken", settings=alone)
    send(app_with(alone, Task()), "later")
    fall_silent(client, name)
    assert [workers.give_out_again(), workers.give_out_again()] == [1, 0]
    first = json.loads(client.rpop("gradviz:interactive"))  # pyright: ignore[reportArgumentType]
    assert first.pop("headers") == {**json.loads(taken)["headers"], "redelivered": True}
    assert first == {name: value for name, value in json.loads(taken).items() if name != "headers"}
    assert client.llen("gradviz:interactive") == 1
    assert workers.num_taken("interactive") == 0


def test_many_that_look_at_once_give_it_out_once(workers: Workers, client: redis.Redis, alone: Settings):
    name = name_of("interactive", "here")
    workers.beat(name)
    take(client, name, *range(20), settings=alone)
    fall_silent(client, name)
    threads = [threading.Thread(target=workers.give_out_again) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.llen("gradviz:interactive") == 20


def test_junk_that_a_silent_worker_has_taken_is_dropped(
    workers: Workers, client: redis.Redis, alone: Settings, caplog: pytest.LogCaptureFixture
):
    name = name_of("interactive", "here")
    workers.beat(name)
    for tag, junk in {
        "a": b"\xff",
        "b": b"[]",
        "c": b'[{"headers": {}}, 1, 2]',
        "d": b"7",
        "e": b'["x", 1, 2]',
    }.items():
        client.hset(f"gradviz:{taken_by(name)[0]}", tag, junk)  # pyright: ignore[reportArgumentType]
    take(client, name, "good", settings=alone)
    fall_silent(client, name)
    workers.give_out_again()
    assert client.llen("gradviz:interactive") == 1
    assert not client.keys("gradviz:unacked*")
    assert caplog.text.count("Refused a") == 5


def test_a_full_broker_keeps_what_was_taken_until_there_is_room_and_hears_the_beat(
    workers: Workers, client: redis.Redis, alone: Settings
):
    gone, here = name_of("interactive", "gone"), name_of("interactive", "here")
    workers.beat(gone)
    workers.beat(here)
    take(client, gone, "taken", settings=alone)
    fall_silent(client, gone)
    client.pexpire(f"gradviz:worker:{here}", 500)
    client.config_set("maxmemory", 1)
    workers.beat(here)
    assert client.pttl(f"gradviz:worker:{here}") > 1000  # pyright: ignore[reportOperatorIssue]
    with pytest.raises(redis.ResponseError):
        workers.give_out_again()
    client.config_set("maxmemory", 0)
    assert workers.give_out_again() == 1


def test_a_worker_is_there_again_after_the_broker_has_lost_all(workers: Workers, client: redis.Redis):
    name = name_of("interactive", "here")
    workers.beat(name)
    client.flushdb()
    assert workers.alive("interactive") == []
    workers.beat(name)
    assert workers.alive("interactive") == [name]


def test_what_was_taken_right_after_the_broker_had_lost_all_is_known_as_the_taker_s(
    workers: Workers, client: redis.Redis, alone: Settings
):
    name = name_of("interactive", "here")
    with app_of(alone, name).connection_for_read() as connection:
        queue = connection.SimpleQueue("interactive")
        workers.beat(name)
        client.flushdb()
        send(app_with(alone, Task()), "taken")
        assert queue.get(timeout=PATIENCE_SECONDS)  # it is killed before it beats again
        assert workers.num_taken("interactive") == 1
        assert workers.give_out_again() == 0
        fall_silent(client, name)
        assert workers.give_out_again() == 1
        assert client.llen("gradviz:interactive") == 1


def test_a_worker_that_comes_back_while_it_is_given_up_is_not_forgotten(
    workers: Workers, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    name = name_of("interactive", "here")
    workers.beat(name)
    fall_silent(client, name)
    hkeys = client.hkeys

    def come_back(taken: str) -> object:
        found = hkeys(taken)
        Workers(redis.Redis(connection_pool=client.connection_pool)).beat(name)
        return found

    monkeypatch.setattr(client, "hkeys", come_back)
    assert workers.give_out_again() == 0
    assert workers.alive("interactive") == [name]


def test_what_a_silent_worker_had_taken_is_done_by_the_next_that_comes(
    workers: Workers, client: redis.Redis, alone: Settings
):
    gone = name_of("interactive", "gone")
    workers.beat(gone)
    take(client, gone, "taken", settings=alone)
    fall_silent(client, gone)
    task, name = Task(), name_of("interactive", "next")
    with beating(broker_of(alone), name), working(app_with(alone, task)):
        assert task.next() == "taken"
    assert workers.alive("interactive") == []  # it has ended, and said so


def test_the_beat_goes_on_when_the_broker_is_back(
    alone: Settings, workers: Workers, client: redis.Redis, monkeypatch: pytest.MonkeyPatch
):
    name = name_of("interactive", "here")
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.01)
    with beating(broker_of(alone), name):
        until(lambda: workers.alive("interactive"))
        client.config_set("maxmemory", 1)
        client.flushdb()
        client.config_set("maxmemory", 0)
        until(lambda: workers.alive("interactive") == [name])


def begin(desk: Desk, worker: str, message: str) -> Attempt:
    return desk.begin(KEY, Start(worker, message))


def test_a_second_message_for_what_a_living_worker_computes_is_for_nothing(desk: Desk, client: redis.Redis):
    one, other = name_of("interactive", "one"), name_of("interactive", "other")
    desk.workers.beat(one)
    desk.ask([KEY], "interactive")
    assert begin(desk, one, "first") is Attempt.GO
    assert begin(desk, other, "second") is Attempt.ELSEWHERE
    assert begin(desk, other, "first") is Attempt.GO  # given out again, or tried again after its process was lost
    fall_silent(client, one)
    desk.workers.beat(other)
    assert begin(desk, one, "second") is Attempt.ELSEWHERE
    fall_silent(client, other)
    assert begin(desk, one, "second") is Attempt.GO


def test_who_asks_is_told_at_once_that_no_worker_is_connected(alone: Settings, client: redis.Redis):
    compute = client_of(alone)
    with pytest.raises(Unavailable) as refusal:
        compute.ask(question())
    assert str(refusal.value) == NO_WORKER
    assert client.llen("gradviz:interactive") == 1  # it stays asked, for the first that comes
    with pytest.raises(Unavailable, match="No compute worker is connected"):
        compute.result(compute.submit([question()], "sweep")[0])


def test_who_waits_is_told_that_the_worker_is_gone(alone: Settings, client: redis.Redis):
    compute, name = client_of(alone), name_of("interactive", "here")
    compute.desk.workers.beat(name)
    [ticket] = compute.submit([question()])
    assert compute.desk.begin(ticket.key, Start(name, "message")) is Attempt.GO
    fall_silent(client, name)
    with pytest.raises(Unavailable) as refusal:
        compute.result(ticket)
    assert str(refusal.value) == f"{GONE} {NO_WORKER}"


def test_a_full_queue_without_workers_says_that_there_are_none(make_settings: MakeSettings, alone: Settings):
    compute = CeleryCompute(client_of(alone).store, client_of(alone).cache, alone.model_copy(update={"queue_limit": 1}))
    compute.desk.redis.flushdb()
    compute.submit([question()])
    with pytest.raises(Unavailable, match="No compute worker is connected"):
        compute.submit([question()])


def test_a_message_that_a_lost_connection_had_taken_is_worked_on_over_the_next(
    alone: Settings, client: redis.Redis, workers: Workers
):
    taken = take(client, "", "taken over the last connection", settings=alone)
    assert len(taken) == 1
    task = Task()
    with working(app_with(alone, task)):  # it works under the same name
        assert task.next() == "taken over the last connection"
        until(lambda: not client.keys("gradviz:unacked*"))
    assert ANSWER in taken[0].decode()
