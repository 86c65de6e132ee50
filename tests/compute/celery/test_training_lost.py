"""A training of which the broker has lost its data, or a message, goes on; one that was over does not begin again."""

import json
import time
from base64 import b64decode
from collections.abc import Callable, Iterator

import pytest
import redis

from gradviz.compute.celery import segment as module
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.chain_watch import LOST_SECONDS, ChainWatch
from gradviz.compute.celery.desk import Desk, Start
from gradviz.compute.celery.messages import Segment, code_version
from gradviz.compute.celery.names import TRAINING
from gradviz.compute.celery.segment import Then, train_segment
from gradviz.compute.celery.training import NO_WORKER, CeleryTrainer
from gradviz.compute.celery.training_desk import TrainingDesk, TrainingEnd
from gradviz.compute.celery.workers import name_of
from gradviz.compute.interface import Unavailable
from gradviz.experiment.outcome import TrainingOutcome, TrainingProgress
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.settings import Settings
from tests.compute.celery.conftest import MakeSettings
from tests.compute.celery.in_thread import app_of, working
from tests.compute.celery.running import RedisServer, until

# Said at each loss of a connection: what runs goes on, here on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::celery.exceptions.CPendingDeprecationWarning")
QUEUE = "gradviz:training"


class Server(CeleryTrainer):
    """As a web server or a supervisor has it, with a clock of the tests."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.seconds = 0.0
        self._watch = ChainWatch(self._training, lambda: self.seconds)

    def looks(self, *, after: float = 0.0) -> str:
        self.seconds += after
        return self.status().state


@pytest.fixture
def alone(make_settings: MakeSettings, redis_server: RedisServer, own_runs: object) -> Settings:
    return make_settings(broker=redis_server.url.removesuffix("0") + "10", runs=own_runs, variants=("none",))


@pytest.fixture
def client(redis_server: RedisServer) -> Iterator[redis.Redis]:
    with redis_server.database(10) as client:
        yield client


@pytest.fixture
def server(alone: Settings, client: redis.Redis) -> Server:
    return Server(alone)


@pytest.fixture
def training(alone: Settings, client: redis.Redis) -> TrainingDesk:
    return TrainingDesk(Desk(broker_of(alone), alone), alone)


def messages(client: redis.Redis) -> list[Segment]:
    """What waits in the queue."""
    found: list[bytes] = client.lrange(QUEUE, 0, -1)  # pyright: ignore[reportAssignmentType]  (not asynchronous)
    bodies = [json.loads(b64decode(json.loads(raw)["body"])) for raw in found]
    return [Segment.model_validate(arguments[0]) for arguments, _, _ in bodies]


def test_a_training_whose_broker_has_lost_all_is_sent_again(server: Server, client: redis.Redis):
    server.start()
    [sent] = messages(client)
    assert server.looks() == "running"
    client.flushdb()
    assert server.looks() != "running"  # a worker that trains has this time to say so
    assert not messages(client)
    assert server.looks(after=LOST_SECONDS) == "running"
    assert messages(client) == [sent]


def test_a_training_whose_message_alone_was_lost_is_sent_again(
    server: Server, client: redis.Redis, training: TrainingDesk
):
    server.start()
    now = training.now()
    assert now is not None
    training.speak(type(now)(now.chain, 3, now.since, "none: epoch 7"))
    client.delete(QUEUE)
    assert [server.looks(), server.looks(after=LOST_SECONDS)] == ["running", "running"]
    [again] = messages(client)
    assert (again.chain, again.number) == (now.chain, 3)


def test_of_several_servers_that_notice_one_sends_it(alone: Settings, client: redis.Redis):
    servers = [Server(alone) for _ in range(3)]
    servers[0].start()
    for each in servers:
        each.looks()
    client.flushdb()
    for each in servers:
        each.looks()
    assert {each.looks(after=LOST_SECONDS) for each in servers} == {"running"}
    assert len(messages(client)) == 1


@pytest.mark.parametrize("how", ["ended", "failed", "stopping"])
def test_a_training_that_was_over_or_to_stop_is_not_begun_again(
    server: Server, client: redis.Redis, training: TrainingDesk, how: str
):
    server.start()
    server.looks()
    now = training.now()
    assert now is not None
    if how == "stopping":
        training.ask_to_stop(now.chain)
    else:
        training.finish(now.chain, TrainingEnd(how == "failed", "It failed."))
    server.looks()
    client.flushdb()
    server.looks()
    assert server.looks(after=LOST_SECONDS) != "running"
    assert not messages(client)


def test_a_server_that_never_saw_it_or_may_not_train_begins_nothing(alone: Settings, client: redis.Redis):
    Server(alone).start()
    read_only, late = Server(alone.model_copy(update={"read_only": True})), Server(alone)
    read_only.looks()
    client.flushdb()
    for each in (read_only, late):
        each.looks()
        each.looks(after=LOST_SECONDS)
    assert not messages(client)


def test_a_training_that_begins_afresh_still_does_after_the_broker_has_lost_it(server: Server, client: redis.Redis):
    server.start_again()
    server.looks()
    client.flushdb()
    server.looks()
    server.looks(after=LOST_SECONDS)
    [again] = messages(client)
    assert again.fresh


def test_a_worker_that_trains_says_so_again_after_the_broker_has_lost_all(
    server: Server, client: redis.Redis, alone: Settings, training: TrainingDesk, monkeypatch: pytest.MonkeyPatch
):
    configs = tuple(run_configs(epochs=2, rows=300, hidden=(20, 10, 5), variants=("none",)))
    seen = []

    def train(*_: object, on_progress: Callable[[TrainingProgress], None], **__: object) -> TrainingOutcome:
        on_progress(saved(1))
        client.flushdb()
        on_progress(saved(2))
        seen.append((training.now(), server.looks(after=LOST_SECONDS)))
        return TrainingOutcome(finished=False)

    monkeypatch.setattr(module, "train", train)
    training.begin("a" * 32)
    server.looks()
    segment = Segment(code=code_version(), chain="a" * 32, number=0, configs=configs)
    assert train_segment(segment, alone, training) is Then.NEXT
    [(now, state)] = seen
    assert now is not None
    assert (now.chain, state) == ("a" * 32, "running")


def saved(epoch: int) -> TrainingProgress:
    return TrainingProgress("none", epoch, 2, 1, 1, 0.1, None, 1.0, None, saved=True)


def test_a_worker_that_wakes_up_does_not_bring_back_a_training_that_is_over(training: TrainingDesk):
    training.begin("a" * 32)
    now = training.now()
    assert now is not None
    training.finish(now.chain, TrainingEnd(False, ""))
    assert not training.remind(now)
    assert training.now() is None


@pytest.mark.parametrize("junk", ["", "{", "[]", "7", '{"chain": 1}', "\x00"])
def test_what_the_desk_has_not_written_counts_as_lost(server: Server, client: redis.Redis, junk: str):
    client.set("gradviz:training:now", junk)
    client.set("gradviz:training:end", junk)
    assert server.looks() in ("stopped", "finished", "empty")


def test_a_second_message_for_a_segment_is_for_nothing_while_the_first_is_worked_on(training: TrainingDesk):
    here, there = name_of("training", "here"), name_of("training", "there")
    workers = training._desk.workers
    workers.beat(here)
    with training.held(Start(here, "first")) as first, training.held(Start(there, "second")) as second:
        assert (first, second) == (True, False)
        with training.held(Start(there, "first")) as given_out_again:
            assert given_out_again
        workers.leave(here)
        with training.held(Start(there, "second")) as after_it_fell_silent:
            assert after_it_fell_silent
    with training.held(Start(here, "third")) as next_one:
        assert next_one


def test_a_training_without_a_worker_says_which_is_missing(server: Server, client: redis.Redis):
    assert server.start().message == NO_WORKER
    server._desk.workers.beat(name_of("interactive", "here"))
    assert server.status().message == NO_WORKER
    server._desk.workers.beat(name_of("training", "here"))
    assert server.status().message == "The training waits for a worker."


def test_a_full_broker_is_said_where_a_training_is_started(server: Server, client: redis.Redis):
    client.config_set("maxmemory", 1)
    with pytest.raises(Unavailable, match="memory is full"):
        server.start()


def test_a_training_goes_on_as_soon_as_a_full_broker_has_room(
    server: Server,
    client: redis.Redis,
    alone: Settings,
    training: TrainingDesk,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    outcomes = iter([False, True])

    def train(*_: object, on_progress: Callable[[TrainingProgress], None], **__: object) -> TrainingOutcome:
        on_progress(saved(1))
        finished = next(outcomes)
        client.config_set("maxmemory", 0 if finished else 1)
        on_progress(saved(2))
        return TrainingOutcome(finished)

    monkeypatch.setattr(module, "train", train)
    with working(app_of(alone), TRAINING) as worker:
        server.start()
        until(lambda: "Cannot return a task" in caplog.text)
        assert server.looks() == "running"
        client.config_set("maxmemory", 0)
        full = time.monotonic()
        until(lambda: training.end() is not None)
        assert time.monotonic() - full < 30
        assert worker.is_alive()
    assert training.end() == TrainingEnd(False, "")
