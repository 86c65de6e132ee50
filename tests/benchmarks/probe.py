"""What the probe costs beside its picture and beside plain backpropagation: prints a table, in milliseconds.

`python -m tests.benchmarks.probe`: the built-in network at its full size, 50 minibatches of 64. *First* is the answer
to the first start after the picture is there, *next* to a further one; *loop*: the same paths by the model's own
forward and backward pass, one step timed and multiplied. Processor time over all threads, because other programs may
have the cores; medians of the same run.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.compute.probe_minibatches import FEWEST, MOST, MOST_COUPLED, most_together, spread_over
from gradviz.experiment.regularizers import BatchNormalization, Dropout, Plain, Regularizer
from gradviz.landscape import LandscapeSpec, Minibatch, network_of
from gradviz.landscape.bench import MINIBATCH_SIZE, NUM_MINIBATCHES, Case, workload
from gradviz.landscape.masks import numbered_masks
from gradviz.landscape.probe import DEFAULT_STEPS, line_up, probe
from gradviz.landscape.probe_together import Together


def cases() -> list[tuple[str, Regularizer, dict[str, Any]]]:
    def pair(layer: int, kind: str = "linear") -> dict[str, Any]:
        return {"x": f"hidden.{layer}.{kind}.bias[0]", "y": f"hidden.{layer}.{kind}.bias[1]"}

    return [
        *((f"eval, layer {layer}", Plain(), pair(layer)) for layer in range(3)),
        ("batch norm, train, β of layer 1", BatchNormalization(), pair(1, "norm") | {"mode": "train"}),
        ("dropout, a frozen mask, layer 1", Dropout(), pair(1) | {"mode": "train", "masks": "frozen"}),
        ("dropout, fresh masks, layer 1", Dropout(), pair(1) | {"mode": "train", "masks": "fresh"}),
    ]


def timed(run: Callable[[], object], times: int) -> float:
    """The median of so many runs, in milliseconds."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        run()
        taken.append(1e3 * (time.process_time() - began))
    return median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"{torch.get_num_threads()} threads, {DEFAULT_STEPS} steps of 4 paths; all rows: {FEWEST} to {MOST} "
        f"minibatches, at most {MOST_COUPLED} where batch statistics tie rows together"
    )
    print("| plane | all rows of | field | first | next | loop | first / field | next / field | loop / next |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for name, regularizer, values in cases():
        spec = LandscapeSpec.model_validate(values)
        model, inputs, targets = workload(Case(name, regularizer, spec, minibatches=NUM_MINIBATCHES), "cpu")
        parts = list(zip(inputs.split(MINIBATCH_SIZE), targets.split(MINIBATCH_SIZE), strict=True))
        network = network_of(model)
        picture = Minibatch(network, *parts[0])
        picture.landscape(spec)
        most = most_together(network, spec, MINIBATCH_SIZE)
        everything = spread_over(NUM_MINIBATCHES, most)
        line = [parts[k] for k in line_up(0, 1, everything)]

        def together(network=network, line=line, spec=spec) -> Together:
            return Together(network, line, spec)

        def paths(of: Together, spec=spec, everything=everything) -> object:
            slopes = partial(of.at, spec.refs)
            return probe(slopes, len(everything), (0.03, 0.02), spec.half_width)

        kept = together()
        field = timed(lambda picture=picture, spec=spec: picture.landscape(spec), options.times)
        first = timed(lambda together=together, paths=paths: paths(together()), options.times)
        following = timed(lambda kept=kept, paths=paths: paths(kept), options.times)
        loop = timed(lambda model=model, line=line, spec=spec: one_step(model, line, spec), 1) * (DEFAULT_STEPS + 1)
        ratios = [first / field, following / field, loop / following]
        row = [name, f"{len(everything)}", *(f"{each:.1f}" for each in (field, first, following, loop))]
        print("| " + " | ".join([*row, *(f"{ratio:.1f}" for ratio in ratios)]) + " |", flush=True)


def one_step(model: Any, line: list[tuple[Tensor, Tensor]], spec: LandscapeSpec) -> None:
    """The gradients that one step of the four paths takes: this, the next, one of both, and all."""
    model.train(spec.mode == "train")
    for inputs, targets in [*line[:3], *line[4:]]:
        masks = None
        if spec.mode == "train" and model.regularizer.draws_masks:
            masks = numbered_masks(model.regularizer, 0, 0, len(inputs), model.widths)
        model.zero_grad()
        F.l1_loss(model(inputs, masks), targets).backward()


if __name__ == "__main__":
    main()
