"""The job of paths in a process of its own on this machine."""

import contextlib
import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from gradviz.compute.ending import Ending
from gradviz.compute.paths_cost import PathsCost
from gradviz.compute.paths_job import Job, job_directory, job_of, worker_of
from gradviz.compute.trainer_log import TrainerLog
from gradviz.errors import UserError
from gradviz.experiment.device import resolve_device
from gradviz.experiment.private import make_directory
from gradviz.landscape.paths.request import PathsRequest
from gradviz.settings import Settings, as_environment

_LOG_NAME = "job.log"
_ERROR_PREFIX = "gradviz: error: "
_START_SECONDS = 60.0  # it imports torch, on a busy machine
_ANSWER_SECONDS = 1.0  # how long an answer waits for a job to end; most end within one step
_POLL_SECONDS = 0.02

Launch = Callable[[Sequence[str], Settings, TrainerLog], subprocess.Popen[bytes] | None]
"""Starts `gradviz` with these arguments; its process, or None if it has already ended."""


class PathsProcess:
    """`PathsRunner` of one cache directory: any number of server processes share its job."""

    def __init__(self, settings: Settings, launch: Launch | None = None) -> None:
        self._settings, self._cache = settings, settings.cache_dir
        self._launch = launch or in_a_process
        self._log = TrainerLog(job_directory(self._cache) / _LOG_NAME)

    @property
    def devices(self) -> tuple[torch.device, ...]:
        return (resolve_device(self._settings.device),)

    def job(self) -> Job | None:
        return job_of(self._cache)

    def refusal(self, request: PathsRequest, cost: PathsCost) -> str:
        return ""

    def answer(self, key: str) -> bytes | None:
        return None  # it is in the cache directory, or nowhere

    def begin(self, request: PathsRequest, key: str) -> None:
        try:
            make_directory(job_directory(self._cache))
            child = self._launch(["paths", "--background", *options_of(request)], self._settings, self._log)
        except OSError as error:
            raise UserError(
                f"{job_directory(self._cache)} cannot be written ({error.strerror or error}): set GRADVIZ_CACHE_DIR "
                "to a writable directory."
            ) from error
        if child is not None and self._begins(child):
            # Reaps the process whenever it ends, so that a long-lived server leaves no zombie.
            threading.Thread(target=child.wait, name="end of paths", daemon=True).start()
            return
        job = self.job()
        if job is None or job.key != key:  # it ended before it could say so itself
            said = self._log.last_line().removeprefix(_ERROR_PREFIX)
            raise UserError(said or f"The job ended at once; see {_LOG_NAME} in the cache directory.")

    def cancel(self, job: Job) -> None:
        worker = worker_of(self._cache)
        if worker is None:
            return
        if worker.host != platform.node():
            raise UserError(f"The job runs on another machine, {worker.host}: cancel it there.")
        _end(self._cache, worker.pid, _ANSWER_SECONDS)

    def _begins(self, child: subprocess.Popen[bytes]) -> bool:
        """Waits until a job is under way; False if the process has ended before."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and not self._is_under_way():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_POLL_SECONDS)
                return False
        return True

    def _is_under_way(self) -> bool:
        job = self.job()
        return job is not None and job.state == "running"


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
