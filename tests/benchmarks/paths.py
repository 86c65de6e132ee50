"""What the replicas of `gradviz paths` cost, against as many epochs of the same run's training, its steps alone and as
`gradviz train` does it, with a checkpoint after each: prints a table.

python -m tests.benchmarks.paths [--hidden 2000,1000,200] [--rows 6000] [--replicas K] [--points T] [--threads N]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from gradviz.compute.paths import paths
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.metrics import EpochMetrics
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.run_files import write_epoch
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.experiment.studies.deliveries.training import EpochResult, train_epochs
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
        f"epochs of training; {options.threads} threads, medians of {options.rounds} rounds"
    )
    for name in ("", "a replica, s"):
        table.add_column(name, justify="right" if name else "left")
    for reference in ("steps alone", "gradviz train"):
        for name in (f"an epoch, {reference}, s", "ratio by the clock", "from … to", "of processor time", "from … to"):
            table.add_column(name, justify="right")
    with tempfile.TemporaryDirectory() as directory:
        hidden = tuple(map(int, options.hidden.split(",")))
        configs = run_configs(variants=options.variants.split(","), epochs=1, rows=options.rows, hidden=hidden)
        assert train(directory, configs, device="cpu").finished
        for config in configs:
            table.add_row(*_row(RunStore(directory), config.name, options))
    Console(width=200).print(table)


def _row(store: RunStore, name: str, options: argparse.Namespace) -> list[str]:
    run = store.run(name)

    def asked(seed: int) -> PathsRequest:
        # From epoch 0, where no moments are to be found first.
        return PathsRequest.of(run=name, epoch=0, replicas=options.replicas, points=options.points, seed=seed)

    trainings = 1 + sum(map(asked(0).num_replicas, asked(0).conditions))
    epochs = train_epochs(run.config.model_copy(update={"epochs": 9999}), run.rows(), device=CPU)
    for _ in range(2):
        next(epochs)  # the initialisation, and an epoch to warm up
    taken: list[list[tuple[float, float]]] = []
    for number in range(options.rounds):
        with tempfile.TemporaryDirectory() as directory:
            place, request = Path(directory), asked(number)
            taken.append(
                [
                    _spent(lambda place=place, request=request: paths(store, request, place, device="cpu")),
                    _spent(lambda: [next(epochs) for _ in range(trainings)]),
                    _spent(lambda place=place: _as_trained(epochs, trainings, place)),
                ]
            )
    job, *references = zip(*taken, strict=True)
    cells = [name, f"{statistics.median(clock for clock, _ in job) / trainings:.3f}"]
    for reference in references:
        cells.append(f"{statistics.median(clock for clock, _ in reference) / trainings:.3f}")
        for kind in range(2):
            cells += _told([own[kind] / other[kind] for own, other in zip(job, reference, strict=True)])
    return cells


def _as_trained(epochs: Iterator[EpochResult], many: int, directory: Path) -> None:
    """Epochs with what `gradviz train` writes after each, from which it goes on after a kill, as a job does."""
    metrics: list[EpochMetrics] = []
    for _ in range(many):
        result = next(epochs)
        metrics.append(result.metrics)
        write_epoch(directory, result, metrics)


def _spent(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of processor time of all threads."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def _told(ratios: list[float]) -> list[str]:
    return [f"{statistics.median(ratios):.3f}", f"{min(ratios):.3f} … {max(ratios):.3f}"]


if __name__ == "__main__":
    main()
