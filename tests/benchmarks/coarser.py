"""What showing coarser grids first costs, and how good the estimate is: prints a table of planes of one checkpoint.

`python -m tests.benchmarks.coarser --runs RUNS --run none`: RUNS holds a recorded run of any study that ships. *Alone*:
the whole field, asked for at once; *first* and *second*: until the coarser grids are there; *all*: until the field is,
after them; *extra*: by how much that is more than alone. Vectors are made anew for each.
Seconds are the processor's, over all threads, and the least of some repetitions: other programs disturb these least.
"""

import argparse
import math
import time

import torch

from gradviz.compute.estimate import seconds_of
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.replay.coarser import coarser_sizes

PLANES = [
    ("random:1", "random:2"),
    ("gradient:0", "gradient:1"),
    ("gradient:mean", "step"),
    ("pca:1", "pca:2"),
    ("hessian:1", "random:1"),
]


def seconds_until(bench: Workbench, request: LandscapeRequest, sizes: tuple[int | None, ...]) -> list[float]:
    """Until each of these grids of the request was there, one after the other."""
    began, ends = time.process_time(), []
    for size in sizes:
        bench.direction_landscape(request, coarse=size)
        ends.append(time.process_time() - began)
    return ends


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", required=True)
    parser.add_argument("--run", default="none")
    parser.add_argument("--points", type=int, default=21)
    parser.add_argument("--mode", default="eval")
    parser.add_argument("--planes", default=",".join(map(str, range(len(PLANES)))), help="by their numbers")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    store = RunStore(options.runs)
    run = store.any_run(options.run)
    epoch = run.epochs()[-1]
    print(f"{options.run}: {run.record.num_parameters:,} parameters, {torch.get_num_threads()} threads")
    print("| plane | estimate, s | alone, s | first, s | second, s | all, s | extra |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for x, y in (PLANES[int(number)] for number in options.planes.split(",")):
        request = LandscapeRequest.of(run=options.run, epoch=epoch, x=x, y=y, points=options.points, mode=options.mode)
        sizes = coarser_sizes(options.points)
        fresh = Workbench(store, device="cpu")
        fresh.landscape(request.model_copy(update={"x": "random:8", "y": "random:9", "points": 3}))
        alone, parts = [math.inf], [math.inf] * (len(sizes) + 1)
        for _ in range(options.repetitions):
            taken = seconds_until(Workbench(store, device="cpu"), request, (*sizes, None))
            parts = list(map(min, parts, taken))
            alone = list(map(min, alone, seconds_until(Workbench(store, device="cpu"), request, (None,))))
        estimate = seconds_of(LandscapeQuestion(request=request).passes(store))
        told = [*parts[: len(sizes)], *[float("nan")] * (2 - len(sizes)), parts[-1]]
        numbers = " | ".join(f"{value:.2f}" for value in (estimate, *alone, *told))
        print(f"| {x} × {y} | {numbers} | {parts[-1] / alone[0] - 1:+.0%} |", flush=True)


if __name__ == "__main__":
    main()
