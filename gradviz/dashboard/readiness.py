"""/readyz: whether this server can answer now, part by part; /healthz only says that the process is alive."""

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from time import monotonic

from flask import Flask, Response

from gradviz.compute.interface import Compute
from gradviz.dashboard.overview import as_json
from gradviz.dashboard.sending import JSON
from gradviz.experiment.store import RunStore

Check = Callable[[], str]
"""Returns one sentence with the problem, or "". Anyone can read it, so it names no path and no address."""


ANSWER_SECONDS = 0.5
STALE_SECONDS = 10.0


class Prompt:
    """A check with an answer soon: of one under way that takes longer than `ANSWER_SECONDS`, what it found last.

    That holds while the check is on its way for `STALE_SECONDS`; then `stuck` is the problem. One check is under way at
    a time, in a thread of its own, so that a disk that hangs takes none of those that answer.
    """

    def __init__(self, check: Check, stuck: str) -> None:
        self._check, self._stuck = check, stuck
        self._changes = threading.Lock()
        self._under_way: Future[str] | None = None
        self._since, self._found = 0.0, ""

    def __call__(self) -> str:
        with self._changes:
            if self._under_way is None:
                self._under_way, self._since = Future(), monotonic()
                threading.Thread(target=self._run, args=(self._under_way,), daemon=True).start()
            under_way = self._under_way
        try:
            return under_way.result(ANSWER_SECONDS)
        except TimeoutError:
            return self._found if monotonic() - self._since < STALE_SECONDS else self._stuck

    def _run(self, told: Future[str]) -> None:
        try:
            self._found = self._check()
        except BaseException as error:  # noqa: BLE001  (who asked gets it)
            self._end()
            told.set_exception(error)
        else:
            self._end()
            told.set_result(self._found)

    def _end(self) -> None:
        with self._changes:
            self._under_way = None


def checks(store: RunStore, compute: Compute) -> dict[str, Check]:
    """Checks of everything that answering needs: the runs, the cache and the compute workers."""

    def runs() -> str:
        # Before the first training, only the parent directory exists.
        root = store.root.absolute()
        try:
            with os.scandir(root if os.path.lexists(root) else root.parent) as entries:
                next(entries, None)
        except OSError:
            return "The directory of runs cannot be read."
        return ""

    def cache() -> str:
        return compute.cache.fault()

    def computing() -> str:
        return "" if compute.load().reachable else "The compute workers are unreachable."

    return {
        "runs": runs,
        "cache": Prompt(cache, "The disk of the cache does not answer: answers are not kept."),
        "compute": computing,
    }


def serve_readiness(server: Flask, checks: Mapping[str, Check]) -> None:
    """Answers 200, or 503 if one of `checks` finds something; {"ready": …, "checks": {part: "ok" or a sentence}}."""

    @server.get("/readyz")
    def readyz() -> Response:
        found = {name: check() for name, check in checks.items()}
        ready = not any(found.values())
        told = {"ready": ready, "checks": {name: sentence or "ok" for name, sentence in found.items()}}
        return Response(as_json(told), 200 if ready else 503, mimetype=JSON, headers={"Cache-Control": "no-store"})
