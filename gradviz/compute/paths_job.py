"""The background job of paths: what it is about and how far it is.

On this machine there is one at a time for a cache directory: it holds the lock of `DIRECTORY/paths-1/job/` and writes
`job.json` there, from which every server process knows it. What it computes goes to the cache by its content, so that a
job that was killed goes on when the same is asked again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from gradviz.compute.paths import LAYOUT, continuation_of, key_of, make_room, paths, replicas_key
from gradviz.errors import UserError
from gradviz.experiment.device import resolve_device
from gradviz.experiment.files import write_whole
from gradviz.experiment.interruption import Stopped, StopRequest
from gradviz.experiment.lock import Holder, holder, run_lock
from gradviz.experiment.outside import UnusableFile, read_outside
from gradviz.experiment.private import make_directory
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.progress import OnProgress, PathsProgress
from gradviz.landscape.paths.request import PathsRequest
from gradviz.landscape.request import Atom

_NAME = "job.json"
_MAX_BYTES = 64 * 1024
_EVERY_SECONDS = 0.25  # between two notes of the progress

State = Literal["running", "finished", "stopped", "failed"]
CANCELLED = "Cancelled. Finished replicas are kept: Start goes on with the next one."
_KILLED = "The job ended unexpectedly. Finished replicas are kept: Start goes on with the next one."
_BROKEN = "The job failed; see job.log beside it in the cache directory."
WAITS = "another process computes the same"
"""What a job does that another process of its machine is ahead of."""


class Job(Atom):
    """`what` is trained now, `done` of `total` steps; `message`: one sentence on how it ended, empty if it finished, or
    why it waits."""

    key: str
    request: PathsRequest
    state: State = "running"
    message: str = ""
    what: str = ""
    done: int = 0
    total: int = 0
    seconds_left: float | None = None


def job_directory(cache: Path) -> Path:
    """Of the job of this cache directory."""
    return cache / LAYOUT / "job"


def job_of(cache: Path) -> Job | None:
    """The job under way, else the last one; None if there was none."""
    place = job_directory(cache)
    here = holder(place)  # first: what is read after its end is final
    try:
        job = Job.model_validate_json(read_outside(place / _NAME, _MAX_BYTES))
    except (UnusableFile, ValidationError):
        return None
    if job.state == "running" and here is None:
        return job.model_copy(update={"state": "failed", "message": _KILLED})
    return job


def worker_of(cache: Path) -> Holder | None:
    """The process of the job under way."""
    return holder(job_directory(cache))


def work(
    store: RunStore, request: PathsRequest, cache: Path, *, device: str, limit: int, stop: StopRequest | None = None
) -> Job:
    """Computes paths as the job of a cache directory, and returns how it ended.

    Before, what older jobs have left makes room, so that all takes `limit` bytes at most. RunLocked if another job is
    under way.
    """
    place = job_directory(cache)
    try:
        make_directory(place)
    except OSError as error:
        raise UserError(
            f"{place} cannot be made ({error.strerror or error}): set GRADVIZ_CACHE_DIR to a writable directory."
        ) from error
    with run_lock(place):
        return carry_out(
            store,
            request,
            cache,
            device=device,
            limit=limit,
            tell=lambda job: write_whole(place / _NAME, job.model_dump_json().encode()),
            stop=stop,
        )


def carry_out(
    store: RunStore,
    request: PathsRequest,
    cache: Path,
    *,
    device: str,
    limit: int,
    tell: Callable[[Job], None],
    on_progress: OnProgress = lambda now: None,
    stop: StopRequest | None = None,
) -> Job:
    """Computes paths into a cache directory, and returns how that ended; `tell` gets how it is, now and then and at the
    end.

    Before, what older jobs have left makes room, so that all takes `limit` bytes at most. `on_progress` gets every
    step, and may raise Stopped. UserError if the run cannot be repeated.
    """
    chosen = resolve_device(device)
    run = continuation_of(store, request.run, chosen)
    key = key_of(store, run, request, chosen)
    course = _Course(tell, Job(key=key, request=request))

    def step(now: PathsProgress) -> None:
        on_progress(now)
        course.progress(now)

    try:
        make_room(cache, limit, replicas_key(store, run, request, chosen))
        paths(store, request, cache, device=device, on_progress=step, on_wait=course.waits, stop=stop)
    except Stopped:
        course.note(state="stopped", message=CANCELLED)
    except UserError as error:
        course.note(state="failed", message=str(error))
    except Exception:
        course.note(state="failed", message=_BROKEN)
        raise
    else:
        course.note(state="finished", what="", seconds_left=0.0)
    return course.job


@dataclass
class _Course:
    """Tells of a job, not more often than anybody looks."""

    tell: Callable[[Job], None]
    job: Job
    _told: float = field(default=-_EVERY_SECONDS)

    def __post_init__(self) -> None:
        self.note()

    def progress(self, now: PathsProgress) -> None:
        self._now_and_then(what=now.what, done=now.done, total=now.total, seconds_left=now.seconds_left)

    def waits(self) -> None:
        self._now_and_then(what=WAITS, seconds_left=None)

    def _now_and_then(self, **changes: object) -> None:
        if time.monotonic() - self._told > _EVERY_SECONDS:
            self.note(**changes)

    def note(self, **changes: object) -> None:
        self.job = self.job.model_copy(update=changes)
        self._told = time.monotonic()
        self.tell(self.job)
