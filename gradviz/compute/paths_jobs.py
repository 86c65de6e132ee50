"""Paths for a server: what is known of a request, and the job that computes it, wherever that runs."""

import threading
from dataclasses import dataclass
from typing import Protocol

import torch

from gradviz.compute.paths import continuation_of, kept_key, key_of, keys_of, known, take_in
from gradviz.compute.paths_cost import PathsCost, cost_of, refusal_of
from gradviz.compute.paths_job import Job
from gradviz.compute.paths_steps import StepMinibatch, minibatch_of
from gradviz.errors import UserError
from gradviz.experiment.continuation import Continuation
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.request import Condition, PathsRequest
from gradviz.landscape.paths.result import PathsResult
from gradviz.settings import Settings


class AnotherJob(UserError):
    """One job at a time: try again in about `seconds`."""

    def __init__(self, job: Job) -> None:
        self.seconds = max(1, round(job.seconds_left or 1))
        about = "" if job.seconds_left is None else f", about {self.seconds} s more"
        super().__init__(f"Paths of {job.request.run} are being computed here{about}: wait, or cancel them.")


@dataclass(frozen=True)
class PathsAsked:
    """What is known of a request before it is computed. `absent`: why conditions tell nothing of this run; `refusal`:
    why the server does not compute it, empty if it does or knows it."""

    key: str
    is_known: bool
    cost: PathsCost
    absent: dict[Condition, str]
    refusal: str


class PathsRunner(Protocol):
    """Where paths are computed, one job at a time."""

    @property
    def devices(self) -> tuple[torch.device, ...]:
        """Those on which they may be computed: by the first one a request is known before."""
        ...

    def job(self) -> Job | None:
        """The job under way, else the last one."""
        ...

    def refusal(self, request: PathsRequest, cost: PathsCost) -> str:
        """Why it does not compute this, beyond what no server computes; empty if it does."""
        ...

    def answer(self, key: str) -> bytes | None:
        """Paths that were computed elsewhere, as `take_in` keeps them."""
        ...

    def begin(self, request: PathsRequest, key: str) -> None:
        """Begins the job of a request, unless another is under way; returns when one is, or has ended."""
        ...

    def cancel(self, job: Job) -> None:
        """Ends this job, and returns soon."""
        ...


class PathsJobs:
    """The paths of one cache directory, and the job that computes them."""

    def __init__(self, settings: Settings, store: RunStore, runner: PathsRunner) -> None:
        self._settings, self._store, self._runner = settings, store, runner
        self._cache = settings.cache_dir
        self._starting = threading.Lock()

    def asked(self, request: PathsRequest) -> PathsAsked:
        """UserError if the run cannot be repeated, or the checkpoint is not there."""
        run = self._continuation(request)
        device, cost = self._runner.devices[0], cost_of(run, request)
        kept = self._kept_key(run, request) or self._brought_key(run, request)
        key, there = kept or key_of(self._store, run, request, device), kept is not None
        absent = self._absent(request)
        return PathsAsked(key, there, cost, absent, "" if there else self._refusal(request, cost, absent))

    def job(self) -> Job | None:
        """The job under way, else the last one."""
        return self._runner.job()

    def result(self, key: str) -> PathsResult | None:
        """The paths of a key; None if they are not kept."""
        found = known(self._cache, key)
        return known(self._cache, key) if found is None and self._brings(key) else found

    def kept(self, request: PathsRequest) -> PathsResult | None:
        """The paths of a request if they are kept here; UserError if the run cannot be repeated."""
        key = self._kept_key(continuation_of(self._store, request.run, self._runner.devices[0]), request)
        return None if key is None else known(self._cache, key)

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
                self._runner.begin(request, asked.key)
                self._is_under_way(asked.key)
            finally:
                self._starting.release()
        return self.asked(request)

    def cancel(self, key: str) -> Job | None:
        """Ends the job of this key if it is under way, whoever started it, and returns soon with how it is.

        UserError of a server that is read-only.
        """
        if self._settings.read_only:
            raise UserError("This server is read-only; unset GRADVIZ_READ_ONLY to cancel paths.")
        job = self.job()
        if job is not None and job.key == key and job.state == "running":
            self._runner.cancel(job)
        return self.job()

    def _continuation(self, request: PathsRequest) -> Continuation:
        run = continuation_of(self._store, request.run, self._runner.devices[0])
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
        for condition in request.conditions:
            if condition in absent:
                return f"The condition {condition} tells nothing: {absent[condition]} Leave it out."
        return refusal_of(cost, self._settings.cache_bytes) or self._runner.refusal(request, cost)

    def _kept_key(self, run: Continuation, request: PathsRequest) -> str | None:
        found = (kept_key(self._cache, self._store, run, request, device) for device in self._runner.devices)
        return next((key for key in found if key is not None), None)

    def _brought_key(self, run: Continuation, request: PathsRequest) -> str | None:
        """The key of paths that were computed elsewhere, which are kept here from now on."""
        keys = (key for device in self._runner.devices for key in keys_of(self._store, run, request, device))
        return next((key for key in keys if self._brings(key)), None)

    def _brings(self, key: str) -> bool:
        content = self._runner.answer(key)
        return content is not None and take_in(self._cache, key, content, self._settings.cache_bytes)

    def _is_under_way(self, key: str) -> bool:
        """Whether this job is; AnotherJob if another is."""
        job = self.job()
        if job is None or job.state != "running":
            return False
        if job.key != key:
            raise AnotherJob(job)
        return True
