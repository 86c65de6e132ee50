"""What `gradviz.record` costs a training loop of the study digits: prints a table.

python tests/benchmarks/recording.py [--rounds N] [--epochs N] [--threads N]
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

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
    parser.add_argument("--epochs", type=int, default=30, help="epochs of a training, with and without each")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    plain, recorded, calls = _times(arguments.rounds, arguments.epochs)
    ratios = [with_record / without - 1 for without, with_record in zip(plain, recorded, strict=True)]
    title = f"medians of {arguments.rounds} trainings of {arguments.epochs} epochs, {arguments.threads} threads"
    table = Table(title=f"an epoch of digits, {title}")
    for name in ("without record", "with record", "in the call", "overhead of a training", "quartiles"):
        table.add_column(name, justify="right")
    milliseconds = [1e3 * statistics.median(each) for each in (plain, recorded, calls)]
    low, _, high = statistics.quantiles(ratios, n=4)
    cells = [f"{each:.2f} ms" for each in milliseconds]
    table.add_row(*cells, f"{statistics.median(ratios):+.2%}", f"{low:+.2%} to {high:+.2%}")
    Console(width=120).print(table)


def _times(rounds: int, epochs: int) -> tuple[list[float], list[float], list[float]]:
    """Seconds of an epoch in each training, without and with `record`, and those of each call of `epoch`.

    Both loops train twins in turn, so that a busy machine disturbs them alike. A training with `record` ends when all
    is on disk: what the writing thread takes from the training is counted, and none of it falls on the other loop.
    """
    torch.manual_seed(0)
    training, _ = rows(0)
    batches = [(training[0][part], training[1][part]) for part in torch.arange(len(training[1])).split(BATCH_SIZE)]
    twins = STUDY.model(), STUDY.model()
    twins[1].load_state_dict(twins[0].state_dict())
    optimizers = [torch.optim.Adam(model.parameters(), 1e-3) for model in twins]
    calls: list[float] = []
    spent: tuple[list[float], list[float]] = [], []
    with tempfile.TemporaryDirectory() as place:
        run = gradviz.record(STUDY, twins[1], Path(place) / "run", minibatches=batches)

        def one_round(number: int) -> float:
            start = time.perf_counter()
            for _ in range(epochs):
                loss = _train(twins[number], optimizers[number], batches)
                if number:
                    before = time.perf_counter()
                    run.epoch(train_loss=loss)
                    calls.append(time.perf_counter() - before)
            if number:
                run._wait(0)
            return (time.perf_counter() - start) / epochs

        for _ in range(rounds + 1):
            for number in (0, 1):
                spent[number].append(one_round(number))
        run.close()
    assert all(torch.equal(one, other) for one, other in zip(*(model.parameters() for model in twins), strict=True))
    return spent[0][1:], spent[1][1:], calls[epochs:]  # the first round warms up


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
