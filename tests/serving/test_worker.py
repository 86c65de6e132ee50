"""A worker gives signs of life while it loads, and for no longer than loading may take."""

import threading
from collections.abc import Iterator

import pytest
from gunicorn.app.base import BaseApplication
from gunicorn.config import Config
from gunicorn.glogging import Logger

from gradviz.serving import worker as worker_module
from gradviz.serving.worker import FrontWorker

PATIENCE_SECONDS = 60


class SlowApplication(BaseApplication):
    """Is loaded once it has been told to be."""

    def __init__(self) -> None:
        self.may_load = threading.Event()

    def wsgi(self) -> object:
        assert self.may_load.wait(PATIENCE_SECONDS)
        return "loaded"


@pytest.fixture
def application() -> SlowApplication:
    return SlowApplication()


@pytest.fixture
def worker(application: SlowApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[FrontWorker]:
    monkeypatch.setattr(worker_module, "_LOOK_SECONDS", 0.001)
    settings = Config()
    worker = FrontWorker(0, 0, [], application, 1, settings, Logger(settings))
    yield worker
    worker.tmp.close()


def test_a_worker_beats_while_it_loads(
    worker: FrontWorker, application: SlowApplication, monkeypatch: pytest.MonkeyPatch
):
    beats = threading.Semaphore(0)
    monkeypatch.setattr(worker, "notify", beats.release)
    loading = threading.Thread(target=worker.load_wsgi)
    loading.start()
    for _ in range(5):
        assert beats.acquire(timeout=PATIENCE_SECONDS)
    application.may_load.set()
    loading.join(PATIENCE_SECONDS)
    assert worker.wsgi == "loaded"
    assert "loading" not in [thread.name for thread in threading.enumerate()]


def test_a_worker_that_loads_for_ever_stops_beating(worker: FrontWorker, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(worker_module, "LOAD_SECONDS", 0.02)
    never = threading.Event()
    worker._beat(never)
    assert not never.is_set()
