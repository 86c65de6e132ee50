"""`gradviz bench`: times a landscape against one forward pass, the plain loop and `torch.func.vmap` in the same run.

The model has the full size, one-hot inputs and a few steps of training, so that gates and residuals are realistic.
"Cold" starts from the loaded model, "warm" has the layers below cached.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from safetensors.torch import load_file, save_file
from torch import Tensor

from gradviz.experiment.model import MLP
from gradviz.experiment.regularizers import BatchNormalization, Dropout, Plain, Regularizer
from gradviz.experiment.studies.deliveries.fields import NUM_CHARACTERS, NUM_INPUTS
from gradviz.landscape.landscape import Minibatch
from gradviz.landscape.many import minibatch_landscapes
from gradviz.landscape.masks import numbered_masks
from gradviz.landscape.models import network_of
from gradviz.landscape.reference import landscape_by_loop
from gradviz.landscape.request import LandscapeSpec
from gradviz.landscape.vmap import landscape_by_vmap

# Shape suffixes: B = examples of a minibatch, I = inputs, P = grid points.

MINIBATCH_SIZE, NUM_MINIBATCHES, NUM_CHECKPOINTS = 64, 50, 31
LONG = 2.0
LOOP_POINTS = 5
"""Times the loop on a grid of 5 × 5 points and scales to the whole, because each point costs the same."""


@dataclass(frozen=True)
class Case:
    name: str
    regularizer: Regularizer
    spec: LandscapeSpec
    minibatches: int = 1
    checkpoints: int = 1


@dataclass(frozen=True)
class Timing:
    """One row of the table: medians in seconds. `loading_seconds` is the reading of the checkpoint files of a sweep."""

    case: str
    device: str
    threads: int
    points: int
    forward_seconds: float
    reference_seconds: float
    vmap_seconds: float
    cold_seconds: float
    warm_seconds: float
    loading_seconds: float
    matrix_product_gflops: float


def cases() -> list[Case]:
    def pair(layer: int, kind: str = "linear") -> dict[str, str]:
        return {"x": f"hidden.{layer}.{kind}.bias[0]", "y": f"hidden.{layer}.{kind}.bias[1]"}

    def spec(**values: object) -> LandscapeSpec:
        return LandscapeSpec.model_validate(pair(1) | values)

    cross = {"x": "hidden.1.linear.bias[0]", "y": "hidden.2.linear.bias[0]"}
    weights = {"x": "hidden.1.linear.weight[0,0]", "y": "hidden.1.linear.weight[1,1]"}
    return [
        Case("eval-layer0", Plain(), spec(**pair(0))),
        Case("eval-layer1", Plain(), spec()),
        Case("eval-layer2", Plain(), spec(**pair(2))),
        Case("eval-cross-1-2", Plain(), spec(**cross)),
        Case("eval-weights-layer1", Plain(), spec(**weights)),
        Case("batchnorm-train-beta-layer1", BatchNormalization(), spec(**pair(1, "norm"), mode="train")),
        Case("batchnorm-after-train-bias-layer1", BatchNormalization(placement="after"), spec(mode="train")),
        Case("dropout-fresh-layer1", Dropout(), spec(mode="train", masks="fresh")),
        Case("dropout-frozen-layer1", Dropout(), spec(mode="train", masks="frozen")),
        Case("all-minibatches-layer1", Plain(), spec(), minibatches=NUM_MINIBATCHES),
        Case("sweep-layer1", Plain(), spec(), checkpoints=NUM_CHECKPOINTS),
    ]


def main(json_path: Path | None = None, *, device: str = "cpu", names: list[str] | None = None) -> None:
    """Times every case (or those in `names`), prints the table and, if asked to, writes `json_path`."""
    console = Console(width=None if sys.stdout.isatty() else 140)
    rate = matrix_product_rate(device)
    console.print(f"device {device}, {torch.get_num_threads()} threads, large matrix product {rate:.0f} GFLOP/s")
    timings = []
    for case in cases():
        if names is None or case.name in names:
            with console.status(case.name):
                timings.append(time_case(case, device, rate))
    console.print(_as_table(timings))
    for timing in timings:
        if timing.case == "dropout-fresh-layer1":
            share = fresh_mask_flops(timing.points) / timing.cold_seconds / 1e9 / rate
            console.print(f"{timing.case}: {100 * share:.0f} % of the rate of the large matrix product")
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(timing) for timing in timings], indent=1) + "\n")


def time_case(case: Case, device: str, rate: float) -> Timing:
    """All measurements of one case, one after another, with the same threads."""
    model, inputs, targets = workload(case, device)
    network = network_of(model)
    forward = _median(lambda: _forward(model, inputs), least=15)
    one = slice(0, MINIBATCH_SIZE)
    repeats = case.minibatches * case.checkpoints
    small = case.spec.model_copy(update={"points": LOOP_POINTS})
    loop = _median(lambda: landscape_by_loop(model, inputs[one], targets[one], small), least=1)
    vmap = _median(lambda: landscape_by_vmap(model, inputs[one], targets[one], case.spec), least=1)
    loading = 0.0
    parts = list(zip(inputs.split(MINIBATCH_SIZE), targets.split(MINIBATCH_SIZE), strict=True))
    kept = [Minibatch(network, *part) for part in parts] * case.checkpoints
    if case.checkpoints > 1:
        cold, loading = _sweep(case, model, inputs, targets)
    elif case.minibatches > 1:
        cold = _median(lambda: list(minibatch_landscapes(network, parts, case.spec)), least=3)
    else:
        cold = _median(lambda: Minibatch(network, inputs, targets).landscape(case.spec), least=15)
    warm = _median(lambda: [minibatch.landscape(case.spec) for minibatch in kept], least=3 if repeats > 1 else 15)
    return Timing(
        case=case.name,
        device=device,
        threads=torch.get_num_threads(),
        points=case.spec.points,
        forward_seconds=forward,
        reference_seconds=loop * (case.spec.points / LOOP_POINTS) ** 2 * repeats,
        vmap_seconds=vmap * repeats,
        cold_seconds=cold,
        warm_seconds=warm,
        loading_seconds=loading,
        matrix_product_gflops=rate,
    )


def matrix_product_rate(device: str) -> float:
    """GFLOP/s of the largest product of a fresh-mask landscape: 4,096 rows through a 2000 × 1000 layer."""
    a, b = torch.rand((4096, 2000), device=device), torch.rand((2000, 1000), device=device)
    return 2 * a.numel() * b.shape[1] / _median(lambda: a @ b, least=7) / 1e9


def fresh_mask_flops(points: int) -> float:
    """Operations of the unavoidable products with fresh masks: hidden layers 1 and 2, at every grid point."""
    above = sum(rows * columns for rows, columns in pairwise(MLP().widths))
    return 2.0 * above * points**2 * MINIBATCH_SIZE


def workload(case: Case, device: str) -> tuple[MLP, Tensor, Tensor]:
    """A briefly trained full-size model and the rows of all minibatches of the case, one-hot."""
    generator = torch.Generator().manual_seed(0)
    num_rows = MINIBATCH_SIZE * case.minibatches
    characters = torch.randint(0, 15, (num_rows, NUM_CHARACTERS), generator=generator)
    inputs = torch.nn.functional.one_hot(characters, 15).float().reshape(num_rows, NUM_INPUTS)
    targets = 10.0 * characters[:, :4].sum(1)
    model = MLP(regularizer=case.regularizer)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-4, fused=True)
    for _ in range(20):
        masks = None
        if case.regularizer.draws_masks:
            masks = numbered_masks(case.regularizer, 0, 0, MINIBATCH_SIZE, model.widths)
        optimizer.zero_grad()
        torch.nn.functional.l1_loss(model(inputs[:MINIBATCH_SIZE], masks), targets[:MINIBATCH_SIZE]).backward()
        optimizer.step()
    return model.eval().to(device), inputs.to(device), targets.to(device)


def _forward(model: MLP, inputs: Tensor) -> None:
    with torch.inference_mode():
        model(inputs)


def _sweep(case: Case, model: MLP, inputs: Tensor, targets: Tensor) -> tuple[float, float]:
    """Seconds of a sweep from files on disk, and of only the loading."""
    with tempfile.TemporaryDirectory() as directory:
        paths = [Path(directory) / f"epoch-{k:04d}.safetensors" for k in range(case.checkpoints)]
        for path in paths:
            save_file(model.state_dict(), path)

        def load(path: Path) -> MLP:
            model.load_state_dict(load_file(path))
            return model

        def sweep() -> None:
            for path in paths:
                Minibatch(network_of(load(path)), inputs, targets).landscape(case.spec)

        return _median(sweep, least=3), _median(lambda: [load(path) for path in paths], least=3)


def _median(run: Callable[[], object], *, least: int, seconds: float = 0.5) -> float:
    """The median over at least `least` runs after a warm-up, for at least `seconds`.

    If one run takes more than `LONG` seconds, it is the measurement, because noise is small beside it.
    """
    start = time.perf_counter()
    run()
    _wait_for_device()
    first = time.perf_counter() - start
    if first > LONG:
        return first
    taken: list[float] = []
    while len(taken) < least or sum(taken) < seconds:
        _wait_for_device()
        start = time.perf_counter()
        run()
        _wait_for_device()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def _wait_for_device() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _as_table(timings: list[Timing]) -> Table:
    table = Table(
        title="21 × 21 points, minibatch 64: medians in milliseconds, and ratios to the same run's forward pass"
    )
    for heading in (
        "case",
        "forward",
        "loop",
        "vmap",
        "cold",
        "warm",
        "cold/fwd",
        "warm/fwd",
        "loop/cold",
        "vmap/cold",
    ):
        table.add_column(heading, justify="left" if heading == "case" else "right")
    for t in timings:
        num = NUM_CHECKPOINTS if t.loading_seconds else 1
        forward = num * t.forward_seconds
        cold = t.cold_seconds - t.loading_seconds
        milliseconds = (forward, t.reference_seconds, t.vmap_seconds, t.cold_seconds, t.warm_seconds)
        ratios = (cold / forward, t.warm_seconds / forward, t.reference_seconds / cold, t.vmap_seconds / cold)
        table.add_row(
            t.case,
            *(f"{1e3 * s:.2f}" if s < 0.1 else f"{1e3 * s:.0f}" for s in milliseconds),
            *(f"{r:.2f}" if r < 10 else f"{r:.0f}" for r in ratios),
        )
    return table
