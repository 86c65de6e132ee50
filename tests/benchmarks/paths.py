"""What the replicas of `gradviz paths` cost, against as many epochs of the same run's training: prints a table.

python -m tests.benchmarks.paths [--hidden 2000,1000,200] [--rows 6000] [--replicas K] [--points T] [--threads N]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from gradviz.compute.paths import paths
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.experiment.studies.deliveries.training import train_epochs
from gradviz.landscape.paths.request import PathsRequest

CPU = torch.device("cpu")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", default="2000,1000,200")
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--replicas", type=int, default=8)
    parser.add_argument("--points", type=int, help="as by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--variants", default=",".join(DEFAULT_NAMES))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    table = Table(
        title=f"All trainings of a job, {options.replicas} replicas for each of three conditions, against as many "
        f"epochs of the run; {options.threads} threads, medians of {options.rounds} rounds"
    )
    for name in (
        "",
        "an epoch, s",
        "a replica, s",
        "ratio by the clock",
        "from … to",
        "ratio of processor time",
        "from … to",
    ):
        table.add_column(name, justify="right" if name else "left")
    with tempfile.TemporaryDirectory() as directory:
        hidden = tuple(map(int, options.hidden.split(",")))
        configs = run_configs(variants=options.variants.split(","), epochs=1, rows=options.rows, hidden=hidden)
        assert train(directory, configs, device="cpu").finished
        for config in configs:
            table.add_row(*_row(RunStore(directory), config.name, options))
    Console(width=120).print(table)


def _row(store: RunStore, name: str, options: argparse.Namespace) -> list[str]:
    run = store.run(name)

    def asked(seed: int) -> PathsRequest:
        # From epoch 0, where no moments are to be found first.
        return PathsRequest.of(run=name, epoch=0, replicas=options.replicas, points=options.points, seed=seed)

    trainings = 1 + sum(map(asked(0).num_replicas, asked(0).conditions))
    epochs = train_epochs(run.config.model_copy(update={"epochs": 9999}), run.rows(), device=CPU)
    for _ in range(2):
        next(epochs)  # the initialisation, and an epoch to warm up
    clock, processor, seconds = [], [], []
    for number in range(options.rounds):
        plain = _spent(lambda: [next(epochs) for _ in range(trainings)])
        with tempfile.TemporaryDirectory() as directory:
            request = asked(number)
            job = _spent(lambda place=Path(directory), request=request: paths(store, request, place, device="cpu"))
        clock.append(job[0] / plain[0])
        processor.append(job[1] / plain[1])
        seconds.append((plain[0] / trainings, job[0] / trainings))
    own, theirs = (statistics.median(each) for each in zip(*seconds, strict=True))
    return [name, f"{own:.3f}", f"{theirs:.3f}", *_told(clock), *_told(processor)]


def _spent(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of processor time of all threads."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def _told(ratios: list[float]) -> list[str]:
    return [f"{statistics.median(ratios):.3f}", f"{min(ratios):.3f} … {max(ratios):.3f}"]


if __name__ == "__main__":
    main()
