"""A redis-server and a worker for the whole directory, clients as web servers have them, and what to ask."""

import itertools
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from gradviz.compute.cache import FieldCache
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.client import CeleryCompute
from gradviz.compute.celery.desk import Desk
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.local import LocalCompute
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest
from gradviz.settings import Settings, as_environment
from tests.compute.celery.running import Notes, RedisServer, Worker, until

TASK_SECONDS, VISIBILITY_SECONDS = 30, 40
_numbers = itertools.count()

Ask = Callable[[LandscapeQuestion], Future[bytes]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.redis)
            if shutil.which("redis-server") is None:
                item.add_marker(pytest.mark.skip(reason="redis-server is not installed"))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Notes:
    return Notes(tmp_path_factory.mktemp("notes"))


@pytest.fixture(scope="session")
def make_settings(tmp_path_factory: pytest.TempPathFactory, redis_server: RedisServer, tiny_runs: Path):
    """Settings of one process, with a cache of its own."""

    def make(**changes: object) -> Settings:
        values: dict[str, object] = {
            "runs": tiny_runs,
            "cache_dir": tmp_path_factory.mktemp("cache"),
            "compute": "celery",
            "broker": redis_server.url,
            "device": "cpu",
            "threads": 1,
            "task_seconds": TASK_SECONDS,
            "visibility_seconds": VISIBILITY_SECONDS,
        }
        return Settings.model_validate(values | changes)

    return make


MakeSettings = Callable[..., Settings]


def environment_of(settings: Settings, notes: Notes) -> dict[str, str]:
    secret = {"GRADVIZ_BROKER": settings.broker.get_secret_value()}
    return as_environment(settings) | secret | {"GRADVIZ_TEST_NOTES": str(notes.directory)}


@contextmanager
def connected(settings: Settings, queue: str) -> Iterator[None]:
    """Waits for one more worker than there was."""
    workers = Desk(broker_of(settings), settings).workers
    before = set(workers.alive(queue))
    yield
    until(lambda: set(workers.alive(queue)) - before)


@pytest.fixture(scope="session")
def worker(make_settings: MakeSettings, notes: Notes) -> Iterator[Worker]:
    """The worker that is always there, for interactive questions; tests may kill its processes, not itself."""
    settings = make_settings()
    with connected(settings, "interactive"):
        worker = Worker(environment_of(settings, notes), supervised=True)
    yield worker
    worker.process.terminate()
    worker.process.wait()


@pytest.fixture
def another_worker(make_settings: MakeSettings, notes: Notes) -> Iterator[Callable[..., Worker]]:
    """Starts workers that a test may kill."""
    started: list[Worker] = []

    def start(queue: str = "interactive", *, settings: Settings | None = None) -> Worker:
        settings = settings or make_settings()
        with connected(settings, queue):
            started.append(Worker(environment_of(settings, notes), queue))
        return started[-1]

    yield start
    for worker in started:
        worker.end()


@pytest.fixture
def compute(make_settings: MakeSettings) -> CeleryCompute:
    """As a web server has it."""
    return client_of(make_settings())


def client_of(settings: Settings) -> CeleryCompute:
    return CeleryCompute(RunStore(settings.runs), FieldCache(settings.cache_dir), settings)


@pytest.fixture
def local(tiny_store: RunStore, tmp_path: Path) -> LocalCompute:
    """The same questions answered here: what the answers of workers are compared with."""
    return LocalCompute(tiny_store, FieldCache(tmp_path / "local-cache"), device="cpu", threads=1)


@pytest.fixture
def ask(compute: CeleryCompute) -> Iterator[Ask]:
    """Asks in a thread."""
    with ThreadPoolExecutor(8) as threads:
        yield lambda question: threads.submit(compute.ask, question)


def question(behaviour: int = 0, **changes: Any) -> LandscapeQuestion:
    """A landscape that nobody has asked for yet; `behaviour` is one of `worker_child.py`, 0 for none."""
    values: dict[str, object] = {
        "run": "dropout",
        "epoch": 1,
        "x": "hidden.1.linear.bias[0]",
        "y": "hidden.2.linear.weight[1,2]",
        "points": 5,
        "mode": "train",
        "masks": "frozen",
        "seed": behaviour + next(_numbers),
    }
    return LandscapeQuestion(request=LandscapeRequest.of(**(values | changes)))
