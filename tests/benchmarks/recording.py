"""What `gradviz.record` costs a training loop of the study digits: prints a table.

python tests/benchmarks/recording.py [--epochs N] [--threads N]
"""

import argparse
import random
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
KINDS = ("without record", "without, again", "with record")
"""The second tells how far equal things differ here."""


class Spent(NamedTuple):
    """Seconds of an epoch: by the clock, of all threads' processor time, and those within `Recorder.epoch`."""

    clock: float
    processor: float
    call: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=300, help="epochs of each kind")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    opening, spent = _spent(arguments.epochs)
    plain = spent[KINDS[0]]
    table = Table(
        title=f"an epoch of digits, medians of {arguments.epochs} of each kind, {arguments.threads} threads; opening "
        f"the run took {1e3 * opening:.0f} ms, once"
    )
    for name in ("", "by the clock", "more", "95 % interval", "processor time", "more", "in the call"):
        table.add_column(name, justify="right" if name else "left")
    for kind, each in spent.items():
        cells = [kind]
        for part in (0, 1):
            middle, low, high = _more([one[part] for one in each], [one[part] for one in plain])
            cells.append(f"{1e3 * statistics.median(one[part] for one in each):.2f} ms")
            cells.append(f"{middle:+.2%}" if each is not plain else "")
            if part == 0:
                cells.append(f"{low:+.2%} to {high:+.2%}" if each is not plain else "")
        table.add_row(*cells, f"{1e3 * statistics.median(one.call for one in each):.2f} ms")
    Console(width=140).print(table)


def _spent(epochs: int) -> tuple[float, dict[str, list[Spent]]]:
    """Seconds of `record` itself, and the epochs of one training by their kind, in turn.

    An epoch `with record` begins with recording the one before, so that what the writing thread takes from the loop
    falls within it. Kinds take turns in an order by chance: a busy machine, or a training that grows slower, disturbs
    them alike.
    """
    torch.manual_seed(0)
    training, _ = rows(0)
    batches = [(training[0][part], training[1][part]) for part in torch.arange(len(training[1])).split(BATCH_SIZE)]
    model = STUDY.model()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    loss = _train(model, optimizer, batches)
    spent: dict[str, list[Spent]] = {kind: [] for kind in KINDS}
    order = random.Random(0)
    with tempfile.TemporaryDirectory() as place:
        begin = time.perf_counter()
        with gradviz.record(STUDY, model, Path(place) / "run", minibatches=batches) as run:
            opening = time.perf_counter() - begin
            for _ in range(epochs):
                for kind in order.sample(KINDS, len(KINDS)):
                    begin, worked = time.perf_counter(), time.process_time()
                    if kind == "with record":
                        run.epoch(train_loss=loss)
                    call = time.perf_counter() - begin
                    loss = _train(model, optimizer, batches)
                    spent[kind].append(Spent(time.perf_counter() - begin, time.process_time() - worked, call))
    return opening, spent


def _more(mine: list[float], plain: list[float]) -> tuple[float, float, float]:
    """By how much `mine` exceeds `plain`, the median over neighbours in time, with the bootstrap's interval."""
    ratios = [one / other - 1 for one, other in zip(mine, plain, strict=True)]
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(ratios, k=len(ratios))) for _ in range(1000))
    return statistics.median(ratios), medians[25], medians[974]


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
