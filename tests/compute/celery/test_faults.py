"""Whatever is killed, stopped or full: each question is answered, or told clearly that it cannot be."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gradviz.compute.celery import client
from gradviz.compute.celery.client import CeleryCompute
from gradviz.compute.celery.desk import BrokerAway
from gradviz.compute.celery.workers import name_of
from gradviz.compute.interface import Busy, Cancelled, ComputationFailed, Unavailable
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.local import LocalCompute
from gradviz.settings import Settings
from tests.compute.celery.conftest import Ask, MakeSettings, client_of, question
from tests.compute.celery.running import (
    HANGS,
    KILLS,
    NOTED,
    PATIENCE_SECONDS,
    WAITS,
    Notes,
    RedisServer,
    Worker,
    brief_limits,
    until,
)

StartWorker = Callable[..., Worker]


@pytest.mark.usefixtures("worker")
def test_a_killed_process_of_a_worker_is_replaced_and_its_task_done_again(ask: Ask, local: LocalCompute, notes: Notes):
    asked = question(WAITS)
    answer = ask(asked)
    [process] = notes.started(asked.request.seed)
    os.kill(process, signal.SIGKILL)
    again = notes.started(asked.request.seed, times=2)
    notes.go(asked.request.seed)
    assert answer.result(PATIENCE_SECONDS) == local.ask(asked)
    assert len(set(again)) == 2


def test_the_task_of_a_whole_worker_that_is_gone_is_given_out_again(
    brief: Settings, local: LocalCompute, notes: Notes, another_worker: StartWorker
):
    compute = client_of(brief)
    workers = [another_worker(settings=brief) for _ in range(2)]
    for each in workers:
        notes.ready(each)

    def lose(number: signal.Signals, asked: LandscapeQuestion) -> Worker:
        """Asks, sends a signal to the whole worker that computes, and returns it when another has answered."""
        with ThreadPoolExecutor(1) as threads:
            answer = threads.submit(compute.ask, asked)
            [process] = notes.started(asked.request.seed)
            [lost] = [each for each in workers if each.process.pid == parent_of(process)]
            lost.tell(number)
            gone = time.monotonic()
            notes.started(asked.request.seed, times=2)
            seconds = time.monotonic() - gone
            notes.go(asked.request.seed)
            assert answer.result(PATIENCE_SECONDS) == local.ask(asked)
        assert seconds <= 15 + _slowness()
        return lost

    stopped_at = question(WAITS)
    lose(signal.SIGSTOP, stopped_at).tell(signal.SIGCONT)
    until(lambda: compute.load().running == 0)  # both have computed it: it stays what it was, and both go on
    assert client_of(brief).ask(stopped_at) == local.ask(stopped_at)
    until(lambda: len(compute.desk.workers.alive("interactive")) == 2)
    lose(signal.SIGKILL, question(WAITS))
    other = question()
    assert compute.ask(other) == local.ask(other)


@pytest.fixture
def brief(make_settings: MakeSettings, redis_server: RedisServer) -> Settings:
    """Of workers whose tasks are given up soon, in a database of their own."""
    return make_settings(broker=redis_server.url.removesuffix("0") + "4", **brief_limits())


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def _slowness() -> float:
    """Seconds that this machine may take longer than an idle one."""
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
    return max(0.0, 2 * (waiting - 1))


@pytest.mark.slow
@pytest.mark.usefixtures("worker")
def test_what_ends_every_worker_is_given_up_after_three_starts_and_others_are_served(
    ask: Ask, local: LocalCompute, notes: Notes
):
    poison, other = question(KILLS), question()
    failed, served = ask(poison), ask(other)
    assert served.result(PATIENCE_SECONDS) == local.ask(other)
    while isinstance(failed.exception(PATIENCE_SECONDS), Unavailable):  # where processes start slowly it is asked again
        failed = ask(poison)
    with pytest.raises(ComputationFailed, match="crashed its worker 3 times"):
        failed.result()
    assert len(notes.starts(poison.request.seed)) == 3


@pytest.mark.slow
def test_what_hangs_in_native_code_is_stopped_at_the_limit_and_its_slot_given_back(
    brief: Settings, local: LocalCompute, notes: Notes, another_worker: StartWorker
):
    compute, hanging, other = client_of(brief), question(HANGS), question()
    notes.ready(another_worker(settings=brief))
    with ThreadPoolExecutor(2) as threads:
        failed = threads.submit(compute.ask, hanging)
        notes.started(hanging.request.seed)
        served = threads.submit(compute.ask, other)
        with pytest.raises(ComputationFailed, match=r"longer than \d+ s .* GRADVIZ_TASK_SECONDS"):
            failed.result(PATIENCE_SECONDS)
        assert served.result(PATIENCE_SECONDS) == local.ask(other)
    assert len(notes.starts(hanging.request.seed)) == 1


@pytest.mark.usefixtures("worker")
@pytest.mark.slow
def test_what_no_page_waits_for_any_more_is_not_computed(compute: CeleryCompute, ask: Ask, notes: Notes):
    held, moved_on = question(WAITS), question(NOTED)
    first = ask(held)
    notes.started(held.request.seed)
    with pytest.raises(Unavailable, match="cancelled"):
        compute.ask(moved_on, still_wanted=lambda: False)
    notes.go(held.request.seed)
    assert first.result(PATIENCE_SECONDS)
    until(lambda: compute.load().waiting_interactive == 0)
    assert not notes.starts(moved_on.request.seed)


@pytest.mark.usefixtures("worker")
def test_of_fifty_quick_moves_of_a_slider_the_last_alone_is_computed_and_delivered(
    compute: CeleryCompute, ask: Ask, local: LocalCompute, notes: Notes
):
    held, moves = question(WAITS), [question(NOTED) for _ in range(50)]
    first = ask(held)
    notes.started(held.request.seed)
    now = 0

    def follow(move: int) -> bytes:
        return compute.ask(moves[move], still_wanted=lambda: move == now)

    with ThreadPoolExecutor(50) as threads:
        answers = []
        for now in range(50):
            answers.append(threads.submit(follow, now))
        for superseded in answers[:-1]:
            with pytest.raises(Cancelled):
                superseded.result(PATIENCE_SECONDS)
        notes.go(held.request.seed)
        assert answers[-1].result(PATIENCE_SECONDS) == local.ask(moves[-1])
    until(lambda: compute.load().waiting_interactive == 0, 1 + _slowness())
    assert first.result(PATIENCE_SECONDS)
    assert [len(notes.starts(each.request.seed)) for each in moves] == [0] * 49 + [1]


def test_beyond_the_limit_of_the_queue_it_is_told_at_once(make_settings: MakeSettings, redis_server: RedisServer):
    alone = redis_server.url.removesuffix("0") + "3"  # nobody works for it
    compute = client_of(make_settings(broker=alone, queue_limit=3))
    compute.desk.workers.beat(name_of("interactive", "tests"))
    for _ in range(3):
        compute.submit([question()])
    with pytest.raises(Busy, match="3 computations are waiting") as refusal:
        compute.submit([question()])
    assert refusal.value.waiting == 3
    assert compute.load().waiting_interactive == 3


@pytest.fixture
def full_memory(redis_server: RedisServer) -> Iterator[Callable[[], object]]:
    """Fills the broker's memory, until the test is over."""
    client = redis_server.client()
    yield lambda: client.config_set("maxmemory", 1)
    client.config_set("maxmemory", 0)


@pytest.mark.usefixtures("worker")
def test_a_broker_without_memory_says_so_and_heals(
    compute: CeleryCompute, ask: Ask, notes: Notes, full_memory: Callable[[], object], redis_server: RedisServer
):
    held, asked = question(WAITS), question()
    under_way = ask(held)
    notes.started(held.request.seed)
    full_memory()
    with pytest.raises(Unavailable, match="memory is full"):
        compute.ask(asked)
    notes.go(held.request.seed)
    with pytest.raises(Unavailable, match="memory is full"):
        under_way.result(PATIENCE_SECONDS)
    redis_server.client().config_set("maxmemory", 0)
    assert compute.ask(asked)


@pytest.mark.usefixtures("worker")
def test_a_worker_of_another_version_refuses(compute: CeleryCompute, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client, "code_version", lambda: "0" * 16)
    with pytest.raises(ComputationFailed, match=r"worker runs version \w{16}, this server 0{16}"):
        compute.ask(question())


@pytest.mark.usefixtures("worker")
def test_a_worker_with_other_checkpoints_refuses(make_settings: MakeSettings, own_runs: Path):
    shutil.copy(own_runs / "dropout" / "epoch-0002.safetensors", own_runs / "dropout" / "epoch-0001.safetensors")
    compute = client_of(make_settings(runs=own_runs))
    with pytest.raises(ComputationFailed, match="different contents of this checkpoint"):
        compute.ask(question())


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A broker that a test may kill: it writes what it is told to disk, as that of an operator does."""
    server = RedisServer(tmp_path, ("--appendonly", "yes")).start()
    yield server
    server.kill()


def test_a_broker_that_is_killed_and_comes_back_loses_nothing(
    make_settings: MakeSettings, own_redis: RedisServer, another_worker: StartWorker, local: LocalCompute, notes: Notes
):
    settings = make_settings(broker=own_redis.url, **brief_limits())
    compute = client_of(settings)
    another_worker(settings=settings)
    under_way, *queued = [question(WAITS) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        answers = [threads.submit(compute.ask, under_way)]
        notes.started(under_way.request.seed)
        answers += [threads.submit(compute.ask, each) for each in queued]
        until(lambda: compute.load().waiting_interactive == 2)
        own_redis.kill()
        for each in (under_way, *queued):
            notes.go(each.request.seed)
        with pytest.raises(BrokerAway, match="Reconnecting"):
            compute.submit([question()])
        assert not compute.load().reachable
        for answer in answers:
            with pytest.raises(BrokerAway):
                answer.result(PATIENCE_SECONDS)
        own_redis.start()
        for each in (under_way, *queued):
            assert compute.ask(each) == local.ask(each)
    assert compute.load().reachable
