"""Memory of one server process over many mixed requests: what it settles at, and what of it is kept on purpose.

`python tests/benchmarks/memory.py RUNS [--requests 20000] [--threads 8]` asks the server of this process, without a
socket between, for landscapes, whole sweeps, agreement, units, exports, runs and the page, from as many threads as a
server has. RUNS as `gradviz train` makes them (`--train` trains a few epochs of full size there). Prints the resident
memory as it goes, what the kept networks and forward passes take of it, and how much of a kind of request is new.
"""

import argparse
import ctypes
import random
import re
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from gradviz.dashboard.factory import create_server
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.settings import Settings

SHARES = {
    "landscape": 44,
    "landscape kept": 15,
    "fresh masks": 1,
    "sweep": 8,
    "minibatches": 4,
    "agreement": 4,
    "units": 4,
    "png": 2,
    "gif": 1,
    "html": 1,
    "runs": 8,
    "page": 8,
}


class Asking:
    """Requests by chance, of the runs that there are."""

    def __init__(self, store: RunStore, seed: int) -> None:
        self.chance = random.Random(seed)
        self.runs = {variant: store.run(variant) for variant in store.names()}

    def perform(self, kind: str, client: FlaskClient) -> int:
        if kind in ("runs", "page"):
            return _status(client, {"runs": "/api/v1/runs", "page": "/"}[kind])
        variant = "dropout" if kind == "fresh masks" else self.chance.choice(list(self.runs))
        epoch = self.chance.choice(self.runs[variant].epochs())
        minibatch = self.chance.randrange(min(8, self.runs[variant].num_minibatches(64)))
        x, y = self._bias(variant, kind == "landscape kept"), "hidden.1.linear.bias[1]"
        view: dict[str, Any] = {"variant": variant, "epoch": epoch, "x": x, "y": y, "minibatch": minibatch}
        match kind:
            case "landscape":
                return _status(client, "/api/v1/landscape", view | {"format": "binary"})
            case "landscape kept":
                return _status(client, "/api/v1/landscape", view | {"minibatch": 0, "format": "binary"})
            case "fresh masks":
                return _status(client, "/api/v1/landscape", view | {"mode": "train", "masks": "fresh"})
            case "sweep":
                return _status(client, "/api/v1/frames", view | {"over": "epochs"})
            case "minibatches":
                return _status(client, "/api/v1/frames", view | {"over": "minibatches", "minibatch_size": 16})
            case "agreement":
                return _status(client, "/api/v1/agreement", {"variant": variant, "epoch": epoch, "parts": "model"})
            case "units":
                layer = self.chance.choice((1, 2))
                return _status(client, f"/api/v1/units/{variant}/{epoch}/{layer}", {"minibatch_size": 16})
        with client.post("/api/v1/exports", json={"kind": kind, "panels": [view | {"points": 9}]}) as answer:
            answer.get_data()
            return answer.status_code

    def _bias(self, variant: str, kept: bool) -> str:
        width = self.runs[variant].config.hidden[0]
        return f"hidden.1.linear.bias[{2 if kept else self.chance.randrange(2, width)}]"


def _status(client: FlaskClient, path: str, query: dict[str, Any] | None = None) -> int:
    with client.get(path, query_string=query or {}) as answer:
        answer.get_data()
        return answer.status_code


def resident() -> tuple[int, int]:
    """MB now, and at most so far."""
    text = Path("/proc/self/status").read_text()
    now, most = (int(re.findall(rf"{name}:\s+(\d+)", text)[0]) // 1024 for name in ("VmRSS", "VmHWM"))
    return now, most


def measure(server: Flask, store: RunStore, requests: int, threads: int, seed: int) -> None:
    numbers, told = iter(range(1, requests + 1)), threading.Lock()
    statuses: Counter[tuple[str, int]] = Counter()
    began = time.monotonic()
    step = max(1, requests // 20)

    def work(number: int) -> None:
        asking, client = Asking(store, seed * 1000 + number), server.test_client()
        kinds, weights = list(SHARES), list(SHARES.values())
        while True:
            with told:
                n = next(numbers, None)
            if n is None:
                return
            [kind] = asking.chance.choices(kinds, weights)
            status = asking.perform(kind, client)
            with told:
                statuses[kind, status] += 1
                if n % step == 0:
                    now, most = resident()
                    print(f"| {n} | {now} | {most} | {time.monotonic() - began:.0f} |", flush=True)

    print("| requests | MB now | MB at most | s |\n|--:|--:|--:|--:|")
    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print("\n" + ", ".join(f"{kind} {status}: {count}" for (kind, status), count in sorted(statuses.items())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.train:
        train(options.runs, run_configs(epochs=12, rows=600, hidden=(2000, 1000, 200)), device="cpu")
    with tempfile.TemporaryDirectory() as cache:
        settings = Settings(runs=options.runs, cache_dir=Path(cache), read_only=True, device="cpu", threads=1)
        server = create_server(settings)
        print(f"At the start: {resident()[0]} MB; kept at most: {settings.memory_bytes >> 20} MB of networks\n")
        measure(server, RunStore(options.runs), options.requests, options.threads, options.seed)
        now = resident()[0]
        ctypes.CDLL(None).malloc_trim(0)
        print(f"\n{resident()[0]} MB after malloc_trim, which gave {now - resident()[0]} MB back")


if __name__ == "__main__":
    main()
