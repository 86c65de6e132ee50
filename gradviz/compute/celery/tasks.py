"""The tasks of a worker, and the loader through which each of its processes gets them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import redis
import torch
from billiard.exceptions import WorkerLostError
from celery import Celery, Task
from celery.exceptions import Reject, TimeLimitExceeded
from celery.loaders.app import AppLoader
from celery.signals import setup_logging, task_failure
from kombu.exceptions import OperationalError
from pydantic import BaseModel, ValidationError

from gradviz.compute.cache import FieldCache
from gradviz.compute.celery.answering import GAVE_UP, answer
from gradviz.compute.celery.broker import broker_of
from gradviz.compute.celery.desk import MAX_STARTS, Desk, Start
from gradviz.compute.celery.envelope import ANSWER, TAKE_PATHS, TRAIN
from gradviz.compute.celery.measured import Measured
from gradviz.compute.celery.messages import PathsOrder, Segment, Work, use_strict_json
from gradviz.compute.celery.names import PATHS, TRAINING
from gradviz.compute.celery.paths_desk import PathsDesk
from gradviz.compute.celery.paths_stretch import compute_stretch, give_up
from gradviz.compute.celery.reply import Kind, Reply
from gradviz.compute.celery.segment import Then, train_segment
from gradviz.compute.celery.training_desk import TrainingDesk, TrainingEnd
from gradviz.compute.choice import open_store
from gradviz.compute.interface import Unavailable
from gradviz.compute.workbench import Workbench
from gradviz.errors import one_line
from gradviz.logs import set_up_logging
from gradviz.settings import Settings, load_settings

_log = logging.getLogger(__name__)
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Place:
    """Resources of the tasks of one process, each created at its first use."""

    settings: Settings

    @cached_property
    def bench(self) -> Workbench:
        if self.settings.threads:
            torch.set_num_threads(self.settings.threads)
        settings = self.settings
        return Workbench(
            open_store(settings), device=settings.device, memory_bytes=settings.memory_bytes, cache=self.cache
        )

    @cached_property
    def cache(self) -> FieldCache:
        return FieldCache(self.settings.cache_dir, self.settings.cache_bytes, insist=False)

    @cached_property
    def measured(self) -> Measured:
        return Measured()

    @cached_property
    def training(self) -> TrainingDesk:
        return TrainingDesk(self.desk, self.settings)

    @cached_property
    def paths(self) -> PathsDesk:
        return PathsDesk(self.desk, self.settings)

    @cached_property
    def desk(self) -> Desk:
        return Desk(broker_of(self.settings), self.settings)


class TaskLoader(AppLoader):
    """Registers the tasks with the app, in the worker and in each process of its pool."""

    def on_worker_init(self) -> None:
        use_strict_json()
        place = Place(load_settings())
        set_up_logging(place.settings)
        logging.getLogger("celery").setLevel(logging.WARNING)  # Celery adds a line for each message
        setup_logging.connect(_leave_logging_alone, weak=False)
        define_tasks(self.app, place)
        self._failures = tell_failures(self.app, place)  # a signal keeps no receiver alive

    def on_worker_process_init(self) -> None:
        # Takes seconds, so do it before the first task arrives.
        self.app.tasks[ANSWER].place.bench.device  # noqa: B018


def _leave_logging_alone(**_: object) -> None:
    """Connected to this signal, it keeps Celery from setting up its own logging."""


def define_tasks(app: Celery, place: Place) -> None:
    """Registers `answer`, `train` and `paths`, which log and drop a message that does not fit their models."""
    options: dict[str, Any] = {"max_retries": MAX_STARTS - 1, "default_retry_delay": 1, "place": place}
    options |= {"bind": True, "lazy": False, "shared": False}

    @app.task(name=ANSWER, **options)
    def answer_work(task: Task, work: object) -> None:
        checked = _checked(Work, work)
        if checked is None:
            return
        try:
            answer(checked, _start(task), place.bench, place.cache, place.desk, place.measured)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise Reject(str(error), requeue=True) from error  # redelivered when the broker is back

    @app.task(name=TRAIN, **options)
    def train_on(task: Task, segment: object) -> None:
        checked = _checked(Segment, segment)
        if checked is None:
            return
        try:
            with place.measured.work("training", checked.chain), place.training.held(_start(task)) as held:
                then = train_segment(checked, place.settings, place.training) if held else Then.NOTHING
            if then is Then.NEXT:
                _send(app, checked.model_copy(update={"number": checked.number + 1, "fresh": False, "patience": 60}))
            elif then is Then.AGAIN:
                _send(app, checked.model_copy(update={"patience": checked.patience - 1}), countdown=1)
        except (Unavailable, OperationalError) as error:
            raise Reject(str(error), requeue=True) from error  # redelivered when it is back, or has room

    @app.task(name=TAKE_PATHS, **options)
    def take_paths(task: Task, order: object) -> None:
        checked = _checked(PathsOrder, order)
        if checked is None:
            return
        try:
            with place.measured.work("paths", checked.key), place.paths.held(_start(task)) as held:
                then = (
                    compute_stretch(checked, place.bench.store, place.settings, place.paths) if held else Then.NOTHING
                )
            if then is Then.NEXT:
                _send(app, checked.model_copy(update={"number": checked.number + 1}))
        except (Unavailable, OperationalError) as error:
            raise Reject(str(error), requeue=True) from error  # as above


def _start(task: Task) -> Start:
    return Start(str(task.request.hostname), str(task.request.id))


def tell_failures(app: Celery, place: Place) -> object:
    """Makes the worker itself report failures of its processes that were killed and cannot report them.

    Returns the receiver of Celery's signal, which the caller must keep alive.
    """

    def tell(sender: Any = None, args: Sequence[object] = (), exception: object = None, **_: object) -> None:
        out_of_time = isinstance(exception, TimeLimitExceeded)
        if not out_of_time and not isinstance(exception, WorkerLostError):
            return  # a living process has reported it, or logged it
        said = Reply.saying(Kind.FAILURE, _late(place.settings.task_seconds) if out_of_time else GAVE_UP)
        work = _checked(Work, *args) if sender.name == ANSWER else None
        segment = _checked(Segment, *args) if sender.name == TRAIN else None
        order = _checked(PathsOrder, *args) if sender.name == TAKE_PATHS else None
        if segment is not None and out_of_time:
            # A suspended worker that resumes finds its time over; another may be training by now.
            place.training.release()
            _send(app, segment, countdown=1)
        elif segment is not None:
            place.training.finish(segment.chain, TrainingEnd(True, GAVE_UP))
        if order is not None and out_of_time:
            place.paths.release()
            _send(app, order, countdown=1)
        elif order is not None:
            give_up(order.chain, place.paths, GAVE_UP)
        for key in work.keys if work is not None else ():
            if place.desk.is_under_way(key):
                place.desk.finish(key, said)
            else:
                place.desk.unask([key])  # not started: sent again for waiting callers

    task_failure.connect(tell)
    return tell


def _late(seconds: int) -> str:
    return (
        f"This computation exceeded {seconds} s and was stopped: request a smaller one, or increase "
        "GRADVIZ_TASK_SECONDS and GRADVIZ_VISIBILITY_SECONDS."
    )


def _send(app: Celery, message: Segment | PathsOrder, *, countdown: float | None = None) -> None:
    task, queue = (TRAIN, TRAINING) if isinstance(message, Segment) else (TAKE_PATHS, PATHS)
    app.send_task(task, (message.model_dump(mode="json"),), queue=queue, countdown=countdown)


def _checked(model: type[_Model], message: object) -> _Model | None:
    try:
        return model.model_validate(message)
    except ValidationError as error:
        _log.error("Refused a message: %s", one_line(error))
        return None
