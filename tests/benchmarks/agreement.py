"""What the agreement of all minibatches costs, against plain backpropagation once per minibatch: prints a table.

python tests/benchmarks/agreement.py [--repeats N] [--threads N]
"""

import argparse
import statistics
import time

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.nn import functional as F

from gradviz.experiment.regularizers import BatchNormalization, Dropout, Plain, Regularizer
from gradviz.landscape import LandscapeSpec, network_of
from gradviz.landscape.bench import MINIBATCH_SIZE, NUM_MINIBATCHES, Case, workload
from gradviz.landscape.statistics import minibatch_agreement

CASES = ((Plain(), "eval"), (BatchNormalization(), "train"), (Dropout(), "train"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    title = f"{NUM_MINIBATCHES} minibatches of {MINIBATCH_SIZE}, whole model and all its parts; medians in seconds"
    table = Table(title=f"{title}, {torch.get_num_threads()} threads")
    for name in ("case", "backpropagation", "agreement", "ratio"):
        table.add_column(name, justify="left" if name == "case" else "right")
    for regularizer, mode in CASES:
        plain, own = _time(regularizer, mode, arguments.repeats)
        ratios = [b / a for a, b in zip(plain, own, strict=True)]
        cells = [statistics.median(plain), statistics.median(own), statistics.median(ratios)]
        table.add_row(f"{regularizer}, {mode}", *(f"{cell:.2f}" for cell in cells))
    Console(width=120).print(table)


def _time(regularizer: Regularizer, mode: str, repeats: int) -> tuple[list[float], list[float]]:
    """Seconds of both, measured in turns, so that a busy machine disturbs them alike."""
    spec = LandscapeSpec(x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]")
    model, inputs, targets = workload(Case("", regularizer, spec, minibatches=NUM_MINIBATCHES), "cpu")
    network = network_of(model)
    inputs_KBM = inputs.reshape(NUM_MINIBATCHES, MINIBATCH_SIZE, -1)
    targets_KB = targets.reshape(NUM_MINIBATCHES, MINIBATCH_SIZE)
    # Backpropagation itself costs the same whatever the masks: those of eval mode are none.
    model.train(mode == "train" and regularizer.has_batch_statistics)

    def backpropagation() -> None:
        for inputs_BM, targets_B in zip(inputs_KBM, targets_KB, strict=True):
            model.zero_grad()
            F.l1_loss(model(inputs_BM), targets_B).backward()

    def agreement() -> None:
        generator = np.random.default_rng(0)
        minibatch_agreement(network, inputs_KBM, targets_KB, mode=mode, generator=generator)  # pyright: ignore[reportArgumentType]

    plain, own = [], []
    for _ in range(repeats + 1):
        for function, seconds in ((backpropagation, plain), (agreement, own)):
            start = time.perf_counter()
            function()
            seconds.append(time.perf_counter() - start)
    return plain[1:], own[1:]  # the first of each warms up


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
