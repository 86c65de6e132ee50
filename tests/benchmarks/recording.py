"""What `gradviz.record` costs a training loop of the study digits: prints a table.

python tests/benchmarks/recording.py [--rounds N] [--epochs N] [--threads N]
"""

import argparse
import copy
import statistics
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import torch
from rich.console import Console
from rich.table import Table
from torch import nn

import gradviz
from gradviz.experiment.studies.digits.study import STUDY, rows

BATCH_SIZE = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=30, help="epochs of a training")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    spent = _times(arguments.rounds, arguments.epochs)
    title = f"medians of {arguments.rounds} trainings of {arguments.epochs} epochs, {arguments.threads} threads"
    table = Table(title=f"an epoch of digits, {title}")
    for name in ("", "an epoch", "in the call", "over the loop without", "quartiles"):
        table.add_column(name, justify="right" if name else "left")
    for name, each in spent.items():
        ratios = [mine.epoch / plain.epoch - 1 for mine, plain in zip(each, spent["without record"], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        times = [1e3 * statistics.median(column) for column in zip(*each, strict=True)]
        told = ["", ""] if each is spent["without record"] else [f"{middle:+.2%}", f"{low:+.2%} to {high:+.2%}"]
        table.add_row(name, f"{times[0]:.2f} ms", f"{times[1]:.2f} ms" if times[1] else "", *told)
    Console(width=120).print(table)


class Spent(NamedTuple):
    """Seconds of an epoch of one training, and of those the ones within `Recorder.epoch`."""

    epoch: float
    call: float


def _times(rounds: int, epochs: int) -> dict[str, list[Spent]]:
    """The trainings without `record`, without it once more (how far equal things differ), and with it.

    All train one network from the same values, in turn, so that a busy machine disturbs them alike. A training with
    `record` ends when all is on disk: what the writing thread takes from the training is counted.
    """
    torch.manual_seed(0)
    training, _ = rows(0)
    batches = [(training[0][part], training[1][part]) for part in torch.arange(len(training[1])).split(BATCH_SIZE)]
    model = STUDY.model()
    start = copy.deepcopy(model.state_dict())
    spent: dict[str, list[Spent]] = {"without record": [], "without, again": [], "with record": []}
    with tempfile.TemporaryDirectory() as place:

        def one_training(name: str) -> Spent:
            model.load_state_dict(start)
            optimizer = torch.optim.Adam(model.parameters(), 1e-3)
            recorded = name == "with record"
            run = (
                gradviz.record(STUDY, model, Path(place) / "run", minibatches=batches, fresh=True) if recorded else None
            )
            in_calls, begin = 0.0, time.perf_counter()
            for _ in range(epochs):
                loss = _train(model, optimizer, batches)
                if run is not None:
                    before = time.perf_counter()
                    run.epoch(train_loss=loss)
                    in_calls += time.perf_counter() - before
            if run is not None:
                run.close()
            return Spent((time.perf_counter() - begin) / epochs, in_calls / epochs)

        for number in range(rounds + 1):
            for name in list(spent)[:: 1 if number % 2 else -1]:
                spent[name].append(one_training(name))
    return {name: each[1:] for name, each in spent.items()}  # the first round warms up


def _train(
    model: nn.Module, optimizer: torch.optim.Optimizer, batches: list[tuple[torch.Tensor, torch.Tensor]]
) -> torch.Tensor:
    """The loop that anyone writes; the loss of the last step."""
    model.train()
    for batch in batches:
        optimizer.zero_grad()
        loss = STUDY.loss(model, batch).mean()
        loss.backward()
        optimizer.step()
    return loss  # pyright: ignore[reportPossiblyUnboundVariable]  (there are batches)


if __name__ == "__main__":
    main()
