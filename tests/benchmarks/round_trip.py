"""What a question to a worker costs beyond computing it, against a bare Celery task that does nothing, in one run.

Run as `python -m tests.benchmarks.round_trip`; needs redis-server. The landscape is of a tiny network, so that nearly
all of its time is the way there and back; what computing it takes here is measured beside it and taken off.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import DEVNULL

import torch
from celery import Celery

from gradviz.compute.cache import FieldCache
from gradviz.compute.celery.client import CeleryCompute
from gradviz.compute.interface import Cancelled
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.landscape import LandscapeRequest
from gradviz.settings import Settings
from tests.compute.celery.conftest import environment_of
from tests.compute.celery.running import Notes, RedisServer, until

TIMES = 200
MOVES = 50


def main() -> None:
    """Prints one JSON object; all times in milliseconds."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        train(root / "runs", run_configs(epochs=1, rows=300, hidden=(20, 10, 5), variants=("none",)), device="cpu")
        (root / "redis").mkdir()
        server = RedisServer(root / "redis", ("--appendonly", "yes")).start()
        try:
            print(json.dumps(_measured(root, server), indent=1))
        finally:
            server.kill()


def _measured(root: Path, server: RedisServer) -> dict[str, object]:
    settings = Settings.model_validate(
        {
            "runs": root / "runs",
            "cache_dir": root / "cache",
            "compute": "celery",
            "broker": server.url,
            "device": "cpu",
            "threads": 1,
        }
    )
    environment = environment_of(settings, Notes(root)) | {"GRADVIZ_CACHE_DIR": str(root / "cache-of-the-worker")}
    command = [sys.executable, "-m", "gradviz", "worker", "--queues", "interactive"]
    worker = subprocess.Popen(command, env=os.environ | environment, stdout=DEVNULL)
    try:
        with FieldCache(settings.cache_dir) as cache:
            compute = CeleryCompute(RunStore(settings.runs), cache, settings)
            compute.ask(_question(0))
            there = [_milliseconds(compute.ask, _question(k)) for k in range(1, TIMES)]
            torch.set_num_threads(settings.threads)  # as the worker has it
            bench = Workbench(compute.store, device="cpu")
            here = [_milliseconds(_question(-k).answer, bench) for k in range(1, TIMES)]
            bare = _bare(server)
            beyond = [each - statistics.median(here) for each in there]
            return {
                "beyond_computing": _figures(beyond),
                "computing_here": _figures(here),
                "bare_celery_task": _figures(bare),
                "ratio_of_medians": round(statistics.median(beyond) / statistics.median(bare), 2),
                "moves": _moves(compute),
            }
    finally:
        worker.terminate()
        worker.wait()


def _moves(compute: CeleryCompute) -> dict[str, object]:
    """A slider that is moved quickly: each move takes the place of the one before, which nobody waits for any more."""
    now = 0
    delivered = []

    def ask(move: int) -> None:
        try:
            compute.ask(_question(10_000 + move), still_wanted=lambda: move == now)
            delivered.append(move)
        except Cancelled:
            return

    with ThreadPoolExecutor(MOVES) as threads:
        for move in range(1, MOVES + 1):
            now = move
            threads.submit(ask, move)
        until(lambda: MOVES in delivered)
        start = time.perf_counter()
        until(lambda: compute.load().waiting_interactive == 0)
        seconds = time.perf_counter() - start
    return {
        "asked": MOVES,
        "delivered": len(delivered),
        "last_is_delivered": delivered[-1] == MOVES,
        "queue_empty_after_ms": round(1000 * seconds),
    }


def _bare(server: RedisServer) -> list[float]:
    """A worker of one process, in a database of its own."""
    place = server.url.removesuffix("0") + "1"
    command = [sys.executable, "-m", "celery", "--app", "tests.benchmarks.bare_task", "worker", "--concurrency", "1"]
    worker = subprocess.Popen(
        [*command, "--loglevel", "ERROR"], env=os.environ | {"BARE_BROKER": place}, stdout=DEVNULL
    )
    app = Celery(broker=place, backend=place, set_as_current=False)
    nothing = app.signature("tests.benchmarks.bare_task.nothing")
    try:
        nothing.delay().get(timeout=60)
        return [_milliseconds(lambda: nothing.delay().get(timeout=60)) for _ in range(TIMES)]
    finally:
        worker.terminate()
        worker.wait()


def _question(number: int) -> LandscapeQuestion:
    request = LandscapeRequest.of(
        run="none",
        epoch=1,
        points=3,
        x="hidden.1.linear.bias[0]",
        y="hidden.1.linear.bias[1]",
        half_width=0.1 + (number + 1000) * 1e-6,
    )
    return LandscapeQuestion(request=request)


def _milliseconds(ask: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter()
    ask(*arguments)
    return 1000 * (time.perf_counter() - start)


def _figures(times: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(times), 2),
        "p95": round(statistics.quantiles(times, n=20)[-1], 2),
        "samples": len(times),
    }


if __name__ == "__main__":
    main()
