"""Paths by workers: the bytes that `gradviz paths` keeps, whoever is killed on the way, and nothing after a cancel."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradviz.compute.celery.names import PATHS
from gradviz.compute.celery.paths import NO_WORKER, CeleryPaths
from gradviz.compute.paths import LAYOUT, paths
from gradviz.compute.paths_job import CANCELLED
from gradviz.compute.paths_jobs import PathsJobs
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.request import PathsRequest
from gradviz.settings import Settings
from tests.compute.celery.conftest import MakeSettings, environment_of
from tests.compute.celery.running import Notes, OfOneBroker, RedisServer, Worker, brief_limits, until

ASKED = PathsRequest.of(run="dropout", epoch=1, replicas=3, conditions=("same", "order"))
BEFORE, HELD, AFTER = "order.1.of.3", "order.2.of.3", "order.3.of.3"


def content(cache: Path) -> dict[str, bytes]:
    """The answers that a cache directory keeps."""
    return {path.name: path.read_bytes() for path in (cache / LAYOUT).glob("*.safetensors")}


@pytest.fixture(scope="module")
def at_home(tiny_store: RunStore, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    directory = tmp_path_factory.mktemp("at-home")
    paths(tiny_store, ASKED, directory, device="cpu")
    return content(directory)


class Paths(OfOneBroker):
    """A broker of its own, since there is one job of paths for a broker; servers and workers with their own caches."""

    def __init__(self, place: Path, make_settings: MakeSettings, **limits: int) -> None:
        self.place, self.make_settings, self.limits = place, make_settings, limits
        self.broker = RedisServer(place, ("--appendonly", "yes")).start()
        self.notes = Notes(place / "notes")
        self.workers: list[Worker] = []
        self.prepare()

    def prepare(self) -> None:
        """As nobody had asked for paths yet."""
        self.broker.client().flushall()
        for name in ("notes", "server", "of-workers"):
            shutil.rmtree(self.place / name, ignore_errors=True)
        self.notes.directory.mkdir()
        self.server = self.make_server("server")

    def settings(self, cache: str) -> Settings:
        return self.make_settings(broker=self.broker.url, cache_dir=self.place / cache, **self.limits)

    def make_server(self, cache: str) -> PathsJobs:
        settings = self.settings(cache)
        return PathsJobs(settings, RunStore(settings.runs), CeleryPaths(settings))

    def start_worker(self, cache: str = "of-workers") -> Worker:
        self.workers.append(Worker(environment_of(self.settings(cache), self.notes), PATHS))
        return self.workers[-1]

    def state(self) -> str:
        job = self.server.job()
        return "none" if job is None else job.state

    def begin(self) -> str:
        """The key of a job that a worker has begun, and is held up at."""
        self.notes.hold(HELD)
        key = self.server.start(ASKED).key
        self.notes.took(HELD)
        return key

    def finish(self) -> dict[str, bytes]:
        """Waits for the end; what the server keeps then."""
        until(lambda: self.state() != "running")
        job = self.server.job()
        assert job is not None
        assert (job.state, job.message) == ("finished", "")
        assert self.server.asked(ASKED).is_known
        return content(self.place / "server")

    def times_begun(self) -> dict[str, int]:
        return {name: len(self.notes.takes(name)) for name in (BEFORE, HELD, AFTER)}

    def leaves_nothing(self) -> None:
        """Waits until no message, no claim and no task is left."""
        desk, client = self.server._runner._desk, self.broker.client()  # pyright: ignore
        until(lambda: not client.exists("gradviz:paths", "gradviz:paths:now", "gradviz:paths:by"))
        until(lambda: not desk.workers.num_taken(PATHS))


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, make_settings: MakeSettings) -> Iterator[Paths]:
    found = Paths(tmp_path_factory.mktemp("lasting"), make_settings)
    found.start_worker()
    yield found
    found.close()


@pytest.fixture
def shared(lasting: Paths) -> Paths:
    """With a worker that is there for several tests, and no other."""
    return lasting.begin_with_one_worker()


def test_workers_send_what_paths_at_home_keep_to_every_server(shared: Paths, at_home: dict[str, bytes]):
    key = shared.begin()
    other = shared.make_server("of-another-server")
    assert other.start(ASKED).key == key  # another server asks: there is one job
    assert shared.broker.client().llen("gradviz:paths") == 0
    job = other.job()
    assert job is not None
    assert (job.state, job.what, job.total) == ("running", HELD.replace(".", " "), 21)
    assert 14 < job.done <= 18
    assert job.seconds_left is not None
    shared.notes.release(HELD)
    assert shared.finish() == at_home
    assert other.result(key) is not None
    assert content(shared.place / "of-another-server") == content(shared.place / "of-workers") == at_home
    assert set(shared.times_begun().values()) == {1}
    assert [path.name for path in (shared.place / "of-workers" / LAYOUT).glob("*")] == list(at_home)  # no scratch
    shared.leaves_nothing()


def test_a_killed_process_is_replaced_and_loses_no_finished_replica(shared: Paths, at_home: dict[str, bytes]):
    shared.begin()
    os.kill(shared.notes.took(HELD), signal.SIGKILL)
    shared.notes.release(HELD)
    assert shared.finish() == at_home
    assert shared.times_begun() == {BEFORE: 1, HELD: 2, AFTER: 1}


def test_a_cancel_leaves_no_task_and_it_goes_on_when_asked(shared: Paths, at_home: dict[str, bytes]):
    key = shared.begin()
    [worker] = shared.living()
    shared.server.cancel(key)
    until(lambda: shared.state() == "stopped")
    job = shared.server.job()
    assert job is not None
    assert job.message == CANCELLED
    shared.leaves_nothing()
    assert worker.process.poll() is None
    assert not shared.notes.takes(AFTER)
    shared.notes.release(HELD)
    shared.server.start(ASKED)
    assert shared.finish() == at_home
    assert shared.times_begun() == {BEFORE: 1, HELD: 2, AFTER: 1}


def test_a_killed_broker_comes_back_to_a_job_that_goes_on(shared: Paths, at_home: dict[str, bytes]):
    shared.begin()
    shared.broker.kill()
    shared.notes.release(HELD)
    shared.notes.took(AFTER)  # nothing of the job waits for the broker
    shared.broker.start()
    assert shared.finish() == at_home
    assert set(shared.times_begun().values()) == {1}


def test_a_stopped_worker_that_wakes_up_does_not_compute_beside_the_one_that_took_over(
    shared: Paths, at_home: dict[str, bytes]
):
    [sleeper] = shared.living()
    shared.begin()
    sleeper.tell(signal.SIGSTOP)
    shared.start_worker()
    until(lambda: (job := shared.server.job()) is not None and job.what == "another process computes the same")
    shared.notes.release(HELD)
    sleeper.tell(signal.SIGCONT)
    assert shared.finish() == at_home
    # It slept longer than a stretch takes: it finishes its replica, and the next stretch begins with the next.
    assert (len(shared.notes.takes(BEFORE)), len(shared.notes.takes(HELD))) == (1, 1)


@pytest.mark.slow
def test_a_killed_worker_is_replaced_by_the_next(shared: Paths, at_home: dict[str, bytes]):
    [first] = shared.living()
    shared.begin()
    first.tell(signal.SIGKILL)
    until(lambda: (job := shared.server.job()) is not None and job.message == NO_WORKER)
    shared.notes.release(HELD)
    shared.start_worker()
    assert shared.finish() == at_home
    assert shared.times_begun() == {BEFORE: 1, HELD: 2, AFTER: 1}


@pytest.mark.slow
def test_a_worker_on_another_machine_begins_anew_and_ends_with_the_same_bytes(shared: Paths, at_home: dict[str, bytes]):
    [first] = shared.living()
    shared.begin()
    first.tell(signal.SIGKILL)
    shared.notes.release(HELD)
    shared.start_worker("of-another-machine")
    assert shared.finish() == at_home
    assert shared.times_begun() == {BEFORE: 2, HELD: 2, AFTER: 1}


@pytest.mark.slow
def test_a_replica_that_takes_too_long_is_given_up_after_three_starts(tmp_path: Path, make_settings: MakeSettings):
    found = Paths(tmp_path, make_settings, **brief_limits())
    try:
        found.start_worker()
        found.begin()
        until(lambda: found.state() == "failed")
        job = found.server.job()
        assert job is not None
        assert "finished no replica within" in job.message
        assert "GRADVIZ_TASK_SECONDS" in job.message
        found.leaves_nothing()
    finally:
        found.close()
