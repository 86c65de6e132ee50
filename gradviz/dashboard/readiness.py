"""/readyz: whether this server can answer now, part by part; /healthz only says that the process is alive."""

import os
from collections.abc import Callable, Mapping

from flask import Flask, Response

from gradviz.compute.interface import Compute
from gradviz.dashboard.overview import as_json
from gradviz.dashboard.sending import JSON
from gradviz.experiment.store import RunStore

Check = Callable[[], str]
"""Returns one sentence with the problem, or "". Anyone can read it, so it names no path and no address."""


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

    return {"runs": runs, "cache": cache, "compute": computing}


def serve_readiness(server: Flask, checks: Mapping[str, Check]) -> None:
    """Answers 200, or 503 if one of `checks` finds something; {"ready": …, "checks": {part: "ok" or a sentence}}."""

    @server.get("/readyz")
    def readyz() -> Response:
        found = {name: check() for name, check in checks.items()}
        ready = not any(found.values())
        told = {"ready": ready, "checks": {name: sentence or "ok" for name, sentence in found.items()}}
        return Response(as_json(told), 200 if ready else 503, mimetype=JSON, headers={"Cache-Control": "no-store"})
