"""A worker in a thread of the tests: Celery's own, with our consumer and transport, and tasks that a test defines."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from celery import Celery, _state
from celery.app import trace
from celery.loaders.app import AppLoader
from celery.worker import state
from celery.worker.worker import WorkController

from gradviz.compute.celery.app import create_app
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.envelope import ANSWER
from gradviz.compute.celery.messages import use_strict_json
from gradviz.compute.celery.names import INTERACTIVE
from gradviz.compute.celery.tasks import Place, define_tasks
from gradviz.compute.celery.workers import beating, name_of
from gradviz.settings import Settings
from tests.compute.celery.running import PATIENCE_SECONDS


def app_with(settings: Settings, task: Callable[[object], None]) -> Celery:
    """An app whose task for questions is `task`."""
    use_strict_json()
    app = create_app(settings, broker_of(settings))
    app.loader_cls = AppLoader

    @app.task(name=ANSWER, shared=False)
    def answer(work: object) -> None:
        task(work)

    return app


def app_of(settings: Settings, name: str = "") -> Celery:
    """An app with the tasks of a real worker."""
    use_strict_json()
    app = create_app(settings, broker_of(settings), name)
    app.loader_cls = AppLoader
    define_tasks(app, Place(settings))
    return app


@contextmanager
def working(
    app: Celery, queue: str = INTERACTIVE, *, name: str = "worker@tests", at_once: bool = True
) -> Iterator[threading.Thread]:
    """Works with one slot, in this process, until the end; the thread is dead where something has ended the worker.

    `at_once`: yields when the worker has been received by the broker.
    """
    ready = threading.Event()
    worker = WorkController(
        app=app,
        queues=[queue],
        concurrency=1,
        pool="solo",
        hostname=name,
        ready_callback=lambda consumer: ready.set(),
        without_heartbeat=True,
        without_mingle=True,
        without_gossip=True,
    )

    def work() -> None:
        app.set_current()
        worker.start()

    before = _state.default_app
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        assert not at_once or ready.wait(PATIENCE_SECONDS)
        yield thread
    finally:
        state.should_stop = 0
        thread.join(PATIENCE_SECONDS)
        state.should_stop = None
        trace.reset_worker_optimizations(app)  # pyright: ignore[reportArgumentType]  (of the default app alone)
        _state.default_app = before
        assert not thread.is_alive()


@contextmanager
def worker_of(settings: Settings, queue: str = INTERACTIVE) -> Iterator[None]:
    """A whole worker: it does what is asked of `queue`, and beats."""
    name = name_of(queue, "tests")
    with beating(broker_of(settings), name), working(app_of(settings, name), queue, name=name):
        yield
