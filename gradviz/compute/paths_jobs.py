"""Paths for a server: what is known of a request, and the job that computes it in a process of its own."""

import contextlib
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradviz.compute.ending import Ending
from gradviz.compute.paths import continuation_of, kept_key, key_of, known
from gradviz.compute.paths_cost import PathsCost, cost_of, refusal_of
from gradviz.compute.paths_job import Job, job_directory, job_of, worker_of
from gradviz.compute.paths_steps import StepMinibatch, minibatch_of
from gradviz.compute.trainer_log import TrainerLog
from gradviz.errors import UserError
from gradviz.experiment.continuation import Continuation
from gradviz.experiment.device import resolve_device
from gradviz.experiment.private import make_directory
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.request import Condition, PathsRequest
from gradviz.landscape.paths.result import PathsResult
from gradviz.settings import Settings, as_environment

_LOG_NAME = "job.log"
_ERROR_PREFIX = "gradviz: error: "
_START_SECONDS = 60.0  # it imports torch, on a busy machine
_ANSWER_SECONDS = 1.0  # how long an answer waits for a job to end; most end within one step
_POLL_SECONDS = 0.02
_CACHES = 2  # times the size of the cache: what a job may take on disk until it has ended

Launch = Callable[[Sequence[str], Settings, TrainerLog], subprocess.Popen[bytes] | None]
"""Starts `gradviz` with these arguments; its process, or None if it has already ended."""


class AnotherJob(UserError):
    """One job at a time: try again in about `seconds`."""

    def __init__(self, job: Job) -> None:
        self.seconds = max(1, round(job.seconds_left or 1))
        super().__init__(
            f"Paths of {job.request.run} are being computed here, about {self.seconds} s more: wait, or cancel them."
        )


@dataclass(frozen=True)
class PathsAsked:
    """What is known of a request before it is computed. `absent`: why conditions tell nothing of this run; `refusal`:
    why the server does not compute it, empty if it does or knows it."""

    key: str
    is_known: bool
    cost: PathsCost
    absent: dict[Condition, str]
    refusal: str


class PathsJobs:
    """The paths of one cache directory: any number of server processes share its job."""

    def __init__(self, settings: Settings, store: RunStore, launch: Launch | None = None) -> None:
        self._settings, self._store = settings, store
        self._cache = settings.cache_dir
        self._launch = launch or in_a_process
        self._log = TrainerLog(job_directory(self._cache) / _LOG_NAME)
        self._starting = threading.Lock()

    def asked(self, request: PathsRequest) -> PathsAsked:
        """UserError if the run cannot be repeated, or the checkpoint is not there."""
        run = self._continuation(request)
        device, cost = resolve_device(self._settings.device), cost_of(run, request)
        kept = kept_key(self._cache, self._store, run, request, device)
        key, there = kept or key_of(self._store, run, request, device), kept is not None
        absent = self._absent(request)
        return PathsAsked(key, there, cost, absent, "" if there else self._refusal(request, cost, absent))

    def job(self) -> Job | None:
        """The job under way, else the last one."""
        return job_of(self._cache)

    def result(self, key: str) -> PathsResult | None:
        """The paths of a key; None if they are not kept."""
        return known(self._cache, key)

    def minibatch(self, request: PathsRequest, condition: Condition, replica: int, step: int) -> StepMinibatch:
        """The minibatch of a step, counted from 1; UserError if there is no such step."""
        return minibatch_of(self._continuation(request), request, condition, replica, step)

    def start(self, request: PathsRequest) -> PathsAsked:
        """Starts the job of a request, unless its paths are known or its job is under way.

        Returns when the job has begun, or has ended. AnotherJob if another is under way; UserError if the server does
        not compute it.
        """
        asked = self.asked(request)
        if asked.is_known:
            return asked
        if asked.refusal:
            raise UserError(asked.refusal)
        if not self._is_under_way(asked.key) and self._starting.acquire(blocking=False):
            try:
                self._begin(request, asked.key)
            finally:
                self._starting.release()
        return self.asked(request)

    def cancel(self, key: str) -> Job | None:
        """Ends the job of this key if it is under way, whoever started it, and returns soon with how it is.

        UserError of a server that is read-only.
        """
        if self._settings.read_only:
            raise UserError("This server is read-only; unset GRADVIZ_READ_ONLY to cancel paths.")
        job, worker = self.job(), worker_of(self._cache)
        if job is not None and job.key == key and job.state == "running" and worker is not None:
            if worker.host != platform.node():
                raise UserError(f"The job runs on another machine, {worker.host}: cancel it there.")
            _end(self._cache, worker.pid, _ANSWER_SECONDS)
        return self.job()

    def _continuation(self, request: PathsRequest) -> Continuation:
        run = continuation_of(self._store, request.run, resolve_device(self._settings.device))
        if request.epoch not in run.epochs():
            run.state(request.epoch)  # UserError names those that are there
        return run

    def _absent(self, request: PathsRequest) -> dict[Condition, str]:
        run = f"the run {request.run}"
        if self._store.any_run(request.run).capabilities.draws_masks:
            return {"rows": f"{run} draws masks, which belong to rows: re-ordered rows would meet other masks."}
        return {"masks": f"{run} draws no masks."}

    def _refusal(self, request: PathsRequest, cost: PathsCost, absent: dict[Condition, str]) -> str:
        if self._settings.read_only:
            return "This server is read-only; unset GRADVIZ_READ_ONLY to compute paths."
        if self._settings.compute != "local":
            return "This server's workers compute no paths: use `gradviz paths`."
        for condition in request.conditions:
            if condition in absent:
                return f"The condition {condition} tells nothing: {absent[condition]} Leave it out."
        return refusal_of(cost, _CACHES * self._settings.cache_bytes)

    def _is_under_way(self, key: str) -> bool:
        """Whether this job is; AnotherJob if another is."""
        job = self.job()
        if job is None or job.state != "running":
            return False
        if job.key != key:
            raise AnotherJob(job)
        return True

    def _begin(self, request: PathsRequest, key: str) -> None:
        try:
            make_directory(job_directory(self._cache))
            child = self._launch(["paths", "--background", *options_of(request)], self._settings, self._log)
        except OSError as error:
            raise UserError(
                f"{job_directory(self._cache)} cannot be written ({error.strerror or error}): set GRADVIZ_CACHE_DIR "
                "to a writable directory."
            ) from error
        if child is not None and self._begins(child, key):
            # Reaps the process whenever it ends, so that a long-lived server leaves no zombie.
            threading.Thread(target=child.wait, name="end of paths", daemon=True).start()
            return
        job = self.job()
        if job is None or job.key != key:  # it ended before it could say so itself
            said = self._log.last_line().removeprefix(_ERROR_PREFIX)
            raise UserError(said or f"The job ended at once; see {_LOG_NAME} in the cache directory.")

    def _begins(self, child: subprocess.Popen[bytes], key: str) -> bool:
        """Waits until the job has begun; False if it has ended before anybody saw it."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and not self._is_under_way(key):
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_POLL_SECONDS)
                return False
        return True


def end_job(cache: Path) -> None:
    """Ends the job of a cache directory, if it runs on this machine, and waits for it."""
    worker = worker_of(cache)
    if worker is not None and worker.host == platform.node():
        _end(cache, worker.pid, None)


def _end(cache: Path, pid: int, seconds: float | None) -> None:
    def is_meant() -> bool:
        worker = worker_of(cache)
        return worker is not None and worker.pid == pid

    with contextlib.suppress(ProcessLookupError):
        Ending(pid, is_meant=is_meant).wait(seconds)


def options_of(request: PathsRequest) -> list[str]:
    """The options of `gradviz paths` that ask for the same."""
    options = {
        "--run": request.run,
        "--epoch": request.epoch,
        "--replicas": request.replicas,
        "--epochs": request.epochs,
        "--conditions": ",".join(request.conditions),
        "--optimizer": request.optimizer,
        "--lr": request.learning_rate,
        "--rate-factor": request.rate_factor,
        "--points": request.points,
        "--seed": request.seed,
        "--x": request.x,
        "--y": request.y,
    }
    return [f"{name}={value}" for name, value in options.items() if value is not None]


def in_a_process(arguments: Sequence[str], settings: Settings, log: TrainerLog) -> subprocess.Popen[bytes]:
    """`gradviz` in a session of its own, which Ctrl-C in the server's terminal does not reach."""
    with log.begin() as said:
        return subprocess.Popen(
            [sys.executable, "-m", "gradviz", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
            env=os.environ | as_environment(settings) | {"PYTHONUNBUFFERED": "1"},
        )
