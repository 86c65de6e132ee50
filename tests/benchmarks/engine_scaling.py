"""How the engine grows: time and peak memory over grid points, and time over minibatches. Run it: it prints tables.

python tests/benchmarks/engine_scaling.py [--largest 161|201] [CASE ...]
"""

import argparse
import ctypes
import json
import multiprocessing
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from gradviz.landscape import Minibatch, minibatch_landscapes, network_of
from gradviz.landscape.bench import MINIBATCH_SIZE, cases, workload

POINTS = (11, 21, 41, 81, 161, 201)
NUM_MINIBATCHES = (1, 5, 10, 25, 50)
DEFAULT_CASES = (
    "eval-layer0",
    "eval-layer1",
    "eval-cross-1-2",
    "batchnorm-train-beta-layer1",
    "batchnorm-after-train-bias-layer1",
    "dropout-frozen-layer1",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=DEFAULT_CASES)
    parser.add_argument("--largest", type=int, default=POINTS[-1])
    arguments = parser.parse_args()
    points = [n for n in POINTS if n <= arguments.largest]
    console = Console(width=140)
    table = Table(title=f"cold milliseconds (and peak MB above the model) over grid points, minibatch {MINIBATCH_SIZE}")
    table.add_column("case", no_wrap=True)
    for n in points:
        table.add_column(f"{n} × {n}", justify="right", no_wrap=True)
    for name in arguments.cases:
        cells = [json.loads(_in_own_process(name, n)) for n in points]
        table.add_row(name, *(f"{1e3 * seconds:.1f} ({peak:.0f})" for seconds, peak in cells))
    console.print(table)
    table = Table(title="milliseconds over minibatches, eval-layer1, 21 × 21")
    for n in NUM_MINIBATCHES:
        table.add_column(str(n), justify="right")
    table.add_row(*(f"{1e3 * _many(n):.1f}" for n in NUM_MINIBATCHES))
    console.print(table)


def _in_own_process(name: str, points: int) -> str:
    """A process of its own, because the peak of a process never falls."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (name, points))


def _measure(name: str, points: int) -> str:
    case = next(case for case in cases() if case.name == name)
    model, inputs, targets = workload(case, "cpu")
    network = network_of(model)
    smallest = case.spec.model_copy(update={"points": 3})
    Minibatch(network, inputs, targets).landscape(smallest)
    # What training left in the allocator would hide what the landscape takes.
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    before = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    spec = case.spec.model_copy(update={"points": points})
    start = time.perf_counter()
    Minibatch(network, inputs, targets).landscape(spec)
    return json.dumps([time.perf_counter() - start, _memory("VmHWM") - before])


def _many(number: int) -> float:
    case = next(case for case in cases() if case.minibatches > 1)
    model, inputs, targets = workload(case, "cpu")
    network = network_of(model)
    rows = [
        (inputs[i : i + MINIBATCH_SIZE], targets[i : i + MINIBATCH_SIZE]) for i in range(0, len(inputs), MINIBATCH_SIZE)
    ]
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        for _ in minibatch_landscapes(network, rows[:number], case.spec):
            pass
        taken.append(time.perf_counter() - start)
    return sorted(taken)[1]


def _memory(name: str) -> float:
    """MB of this process, from /proc (Linux)."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[name].split()[0]) / 1024


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
