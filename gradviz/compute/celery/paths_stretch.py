"""Computes a stretch of a job of paths in a worker: until it is finished, unwanted, or time for the next.

A killed worker, broker or server loses at most the current replica; the worker of the next stretch, if it is another
with a cache of its own, begins anew. Each ends with the same bytes.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch

from gradviz.compute.celery.desk import MAX_STARTS, BrokerAway
from gradviz.compute.celery.messages import PathsOrder, code_version
from gradviz.compute.celery.paths_desk import PathsDesk, PathsNow
from gradviz.compute.celery.segment import SHARE_OF_LIMIT, Then
from gradviz.compute.interface import Unavailable
from gradviz.compute.paths import MOST_SENT_BYTES, continuation_of, kept_key, key_of, sent
from gradviz.compute.paths_cost import cost_of, refusal_of
from gradviz.compute.paths_job import CANCELLED, WAITS, Job, carry_out
from gradviz.errors import UserError
from gradviz.experiment.device import resolve_device
from gradviz.experiment.interruption import Stopped, StopRequest
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.progress import PathsProgress
from gradviz.settings import Settings

_log = logging.getLogger(__name__)
ON_A_CPU = torch.device("cpu")
"""By what server and worker compare what they read: a server need not know on which device a worker computes."""


def compute_stretch(order: PathsOrder, store: RunStore, settings: Settings, desk: PathsDesk) -> Then:
    """Computes, reports progress and the end to the desk, and returns what to send next."""
    now = desk.now()
    if now is None or now.chain != order.chain or now.number > order.number:
        return Then.NOTHING
    if desk.is_stopping(order.chain):
        return _ended(desk, now, state="stopped", message=CANCELLED)
    if desk.count_start(order.chain, order.number) > MAX_STARTS:
        return _ended(desk, now, state="failed", message=_gave_up(settings.task_seconds))
    course = _Course(desk, replace(now, number=order.number), settings.task_seconds * SHARE_OF_LIMIT)
    try:
        _check(order, store, settings)
        job = carry_out(
            store,
            order.request,
            settings.cache_dir,
            device=settings.device,
            limit=settings.cache_bytes,
            tell=course.tell,
            on_progress=course.on_progress,
            stop=course.stop,
        )
        if job.state == "finished":
            desk.leave_answer(*_answer(order, store, settings))
    except BrokerAway:
        raise  # but of a full one the answer is soon asked for again
    except UserError as error:
        return _ended(desk, course.now, state="failed", message=str(error))
    except Exception as error:  # noqa: BLE001  (any error must reach the waiting callers; the log has the traceback)
        _log.exception("The job of paths failed.")
        return _ended(desk, course.now, state="failed", message=_failed(error))
    if job.state == "stopped" and course.wanted and desk.is_wanted(order.chain):
        # The next stretch announces itself: if this worker is killed before sending it, this one repeats.
        return Then.NEXT
    done = course.now.job.total if job.state == "finished" else course.now.job.done
    how = {"state": job.state, "message": job.message, "what": job.what, "seconds_left": job.seconds_left}
    return _ended(desk, course.now, **how, done=done)


def _ended(desk: PathsDesk, now: PathsNow, **changes: object) -> Then:
    desk.finish(now.chain, now.job.model_copy(update=changes))
    return Then.NOTHING


def give_up(chain: str, desk: PathsDesk, message: str) -> None:
    """Ends the job as failed."""
    now = desk.now()
    if now is not None and now.chain == chain:
        _ended(desk, now, state="failed", message=message)


def _check(order: PathsOrder, store: RunStore, settings: Settings) -> None:
    """UserError if this worker is not the one to compute what the server means."""
    if order.code != code_version():
        raise UserError(
            f"The worker runs version {code_version()}, the server {order.code}: install the same version on both."
        )
    run = continuation_of(store, order.request.run, ON_A_CPU)
    if key_of(store, run, order.request, ON_A_CPU) != order.key:
        raise UserError(
            "The worker and the server read different contents of this run, or have different versions of torch: set "
            "GRADVIZ_RUNS of both to the same runs, and install the same version."
        )
    refusal = refusal_of(cost_of(run, order.request), settings.cache_bytes)
    if refusal:
        raise UserError(f"The worker refuses: {refusal}")


def _answer(order: PathsOrder, store: RunStore, settings: Settings) -> tuple[str, bytes]:
    """The key under which the paths are kept, and their bytes."""
    device = resolve_device(settings.device)
    run = continuation_of(store, order.request.run, device)
    key = kept_key(settings.cache_dir, store, run, order.request, device)
    content = None if key is None else sent(settings.cache_dir, key)
    if key is None or content is None:
        raise UserError(
            f"The worker cannot send the paths: they are no longer in its cache, or have more than "
            f"{MOST_SENT_BYTES >> 20} MB. Choose fewer points or replicas, or raise GRADVIZ_CACHE_BYTES."
        )
    return key, content


def _failed(error: Exception) -> str:
    return (
        f"The job failed ({type(error).__name__}); see the worker's log. Finished replicas are kept: Start goes on "
        "with the next one."
    )


def _gave_up(seconds: int) -> str:
    return (
        f"The job crashed its worker, or finished no replica within {seconds} s, {MAX_STARTS} times; see the worker's "
        "log. Choose fewer epochs, or increase GRADVIZ_TASK_SECONDS and GRADVIZ_VISIBILITY_SECONDS."
    )


@dataclass
class _Course:
    """Reports a stretch to the desk, as a part of its job; continues while the broker is away."""

    desk: PathsDesk
    now: PathsNow
    seconds: float
    stop: StopRequest = field(default_factory=StopRequest)
    wanted: bool = True
    clock: Callable[[], float] = time.monotonic
    _before: int | None = None
    _what: str | None = None

    def __post_init__(self) -> None:
        self._start = self.clock()

    def on_progress(self, now: PathsProgress) -> None:
        """Ends the stretch where all before is kept, once its time is over."""
        if now.what != self._what and self._what is not None and self._is_over():
            raise Stopped
        self._what = now.what

    def tell(self, job: Job) -> None:
        if job.state != "running":
            return
        self.now = replace(self.now, job=self._as_part(job))
        try:
            self.desk.remind(self.now)
            if not self.desk.is_wanted(self.now.chain):
                self.wanted = False
                self.stop.ask()
                return
            self.desk.speak(self.now)
        except Unavailable:
            pass  # the next report will include it
        if job.what == WAITS and self._is_over():
            self.stop.ask()

    def _as_part(self, job: Job) -> Job:
        """The whole job's steps: those that earlier stretches have kept are done."""
        whole = self.now.job
        if not job.total:  # it waits, or has just begun
            return whole.model_copy(update={"what": job.what or whole.what, "seconds_left": None})
        if self._before is None:
            self._before = max(0, whole.total - job.total)
        done, total = self._before + job.done, self._before + job.total
        return whole.model_copy(
            update={"what": job.what, "done": done, "total": total, "seconds_left": job.seconds_left}
        )

    def _is_over(self) -> bool:
        return self.clock() - self._start > self.seconds
