"""`gradviz bench --method replay`: a landscape of 21 × 21 points against ways without replay, in the same run.

Each model is measured with parameters of its lower, middle and upper third. `replay` is a landscape of a checkpoint and
minibatch of which nothing is known, `further` one after another plane of the same, of the model's last parameters, as
a server computes most. Both include
the choice of the method and its check against the plain loop. The other ways cost the same at every point, so some of
their points are measured, before, after and every so many seconds in between, because other programs come and go.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from gradviz.experiment.model import MLP
from gradviz.experiment.studies.deliveries.study import loss as deliveries_loss
from gradviz.landscape.directions.axis import parse_axis
from gradviz.landscape.directions.resolving import Surroundings, spanned_by
from gradviz.landscape.directions.vector import Parameters, parameters_of
from gradviz.landscape.pausing import asking
from gradviz.landscape.replay.examples import (
    CharTransformer,
    ConvolutionalNet,
    Example,
    RecurrentNet,
    ResidualNet,
    example,
)
from gradviz.landscape.replay.known import Prepared
from gradviz.landscape.replay.landscape import network_landscape
from gradviz.landscape.replay.problem import Plane, Problem, Scalar
from gradviz.landscape.replay.rivals import by_backward, by_vmap_of_grad, by_vmap_of_jvp

T = TypeVar("T")

ROWS = 64
RIVALS = {"loop": (by_backward, 3), "vmap(grad)": (by_vmap_of_grad, 9), "vmap(jvp)": (by_vmap_of_jvp, 9)}
"""Each with the number of points at once."""
_RATIOS = ("loop/replay", "best/replay", "loop/further", "best/further")
LONG = 1.0
"""A measurement of more seconds is not repeated: noise is small beside it."""
LONG_PLANE, LONGEST_PLANE = 10.0, 100.0
"""A plane of more seconds is computed once; one of still more is not followed by a further one."""
BETWEEN = 10.0
"""Seconds of a plane after which the other ways are measured again."""


@dataclass(frozen=True)
class Case:
    """A model by its name, and two parameters that move."""

    model: str
    part: str
    x: str
    y: str

    @property
    def name(self) -> str:
        return f"{self.model}, {self.part}"


@dataclass(frozen=True)
class Timing:
    """Seconds of one case; None for a way that this model fails."""

    case: str
    threads: int
    method: str
    forward: float
    replay: float
    further: float
    rivals: dict[str, float | None]

    @property
    def best(self) -> float:
        return min(seconds for seconds in self.rivals.values() if seconds is not None)


def _mlp() -> Example:
    model = MLP()
    inputs = nn.functional.one_hot(torch.randint(0, 15, (ROWS, 45)), 15).float().flatten(1)
    return Example(model, deliveries_loss, (inputs, 10 * inputs[:, ::150].sum(1)))


MODELS: dict[str, Callable[[], Example]] = {
    "MLP": _mlp,
    "digits CNN": lambda: example(ConvolutionalNet(), rows=ROWS),
    "ResNet": lambda: example(ResidualNet(), rows=ROWS),
    "transformer": lambda: example(CharTransformer(), rows=ROWS, positions=64),
    "GRU": lambda: example(RecurrentNet(nn.GRU), rows=ROWS, positions=32),
    "LSTM": lambda: example(RecurrentNet(nn.LSTM), rows=ROWS, positions=32),
}
CASES = [
    Case("MLP", "hidden layer 0", "hidden.0.linear.bias[0]", "hidden.0.linear.bias[1]"),
    Case("MLP", "hidden layer 1", "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"),
    Case("digits CNN", "conv1", "conv1.weight[0,0,1,1]", "conv1.weight[1,0,1,1]"),
    Case("digits CNN", "conv2", "conv2.weight[0,0,1,1]", "conv2.bias[1]"),
    Case("digits CNN", "fc1", "fc1.weight[0,0]", "fc1.bias[1]"),
    Case("ResNet", "conv1", "conv1.weight[0,0,1,1]", "conv1.weight[1,0,1,1]"),
    Case("ResNet", "middle", "layers.2.0.conv1.weight[0,0,1,1]", "layers.2.0.bn1.bias[1]"),
    Case("ResNet", "top", "layers.3.1.conv2.weight[0,0,1,1]", "fc.bias[1]"),
    Case("transformer", "embedding", "embedding.weight[0,0]", "embedding.weight[1,1]"),
    Case("transformer", "block 1", "blocks.1.fc1.weight[0,0]", "blocks.1.fc1.bias[1]"),
    Case("transformer", "block 3", "blocks.3.fc2.weight[0,0]", "blocks.3.fc2.bias[1]"),
    Case("GRU", "layer 0", "cell.weight_hh_l0[0,0]", "cell.bias_ih_l0[1]"),
    Case("GRU", "layer 1", "cell.weight_hh_l1[0,0]", "cell.bias_ih_l1[1]"),
    Case("GRU", "output", "output.weight[0,0]", "output.bias[1]"),
    Case("LSTM", "layer 1", "cell.weight_hh_l1[0,0]", "cell.bias_ih_l1[1]"),
    Case("MLP", "random plane", "random:1", "random:2"),
    Case("MLP", "gradient plane", "gradient:0", "gradient:1"),
    Case("MLP", "upper layers", "random:1@hidden.2", "random:2@output"),
    Case("digits CNN", "random plane", "random:1", "random:2"),
    Case("transformer", "random plane", "random:1", "random:2"),
]


def main(json_path: Path | None = None, *, names: Sequence[str] | None = None, points: int = 21) -> None:
    """Times every case (or those in `names`), prints the table and, if asked to, writes `json_path`."""
    console = Console(width=None if sys.stdout.isatty() else 180)
    console.print(f"{torch.get_num_threads()} threads, {ROWS} rows, {points} × {points} points, eval mode")
    timings = []
    for case in CASES:
        if names is None or case.name in names:
            with console.status(case.name):
                timings.append(time_case(case, points))
    console.print(as_table(timings))
    if json_path is not None:
        json_path.write_text(json.dumps([asdict(timing) for timing in timings], indent=1) + "\n")


def time_case(case: Case, points: int) -> Timing:
    """All measurements of one case, one after another, with the same threads."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        own = MODELS[case.model]()
    problem = Problem(own.model.eval(), own.loss, own.batch)
    plane = plane_of_case(case, problem, points)
    with torch.inference_mode():
        forward = _median(lambda: problem.loss(problem.model, problem.batch))
    measured: list[dict[str, float | None]] = []

    def measure() -> None:
        measured.append({name: _of_points(way, problem, plane, each) for name, (way, each) in RIVALS.items()})

    measure()
    landscape, replay = _in_turns(lambda: network_landscape(problem, plane), measure)
    further = replay
    if replay < LONGEST_PLANE:
        further = _further(problem, plane, measure)
    if replay < LONG_PLANE:
        replay = _median(lambda: network_landscape(problem, plane), least=1)
    measure()
    rivals = {name: _mean([each[name] for each in measured]) for name in RIVALS}
    return Timing(case.name, torch.get_num_threads(), landscape.method, forward, replay, further, rivals)


def plane_of_case(case: Case, problem: Problem, points: int) -> Plane:
    """Of two parameters; or of two directions, whose length is that of a small step."""
    x, y = parse_axis(case.x), parse_axis(case.y)
    if isinstance(x, Scalar) and isinstance(y, Scalar):
        return Plane(x, y, points=points)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        batches = problem.batch, MODELS[case.model]().batch
    problems = [replace(problem, batch=batch) for batch in batches]
    where = Surroundings(_SmallStep(problem), lambda number: problems[number or 0], len(problems), 0, points**2 // 2)
    return Plane(*spanned_by(case.x, case.y, where), 1.0, points)


@dataclass(frozen=True, eq=False)
class _SmallStep:
    """A path of two checkpoints: the model, and where it came from."""

    problem: Problem
    run: str = "bench"
    epoch: int = 1

    def epochs(self) -> Sequence[int]:
        return (0, 1)

    def parameters(self, epoch: int) -> Parameters:
        own = parameters_of(self.problem.model)
        return own if epoch else {name: 0.999 * part for name, part in own.items()}

    def of(self, run: str, epoch: int) -> Parameters:
        return self.parameters(epoch)


def _in_turns(work: Callable[[], T], other: Callable[[], object]) -> tuple[T, float]:
    """What `work` gives, and its seconds without those of `other`, which runs in between."""
    begun = since = time.perf_counter()
    apart = 0.0

    def ask() -> None:
        nonlocal since, apart
        now = time.perf_counter()
        if now - since > BETWEEN:
            other()
            since = time.perf_counter()
            apart += since - now

    with asking(ask):
        found = work()
    return found, time.perf_counter() - begun - apart


def _further(problem: Problem, plane: Plane, other: Callable[[], object]) -> float:
    """Seconds of a plane of which nothing is known but what another one has made known."""
    x, y = (Scalar(name, (0,) * last.ndim) for name, last in list(problem.model.named_parameters())[-2:])
    taken: list[float] = []
    while len(taken) < 3 or sum(taken) < LONG:
        if taken and taken[0] > LONG:
            break
        shared = Prepared(problem)
        network_landscape(shared, Plane(x, y, points=3))
        taken.append(_in_turns(lambda shared=shared: network_landscape(shared, plane), other)[1])
    return statistics.median(taken)


def _mean(measured: Sequence[float | None]) -> float | None:
    there = [seconds for seconds in measured if seconds is not None]
    return statistics.fmean(there) if len(there) == len(measured) else None


def _of_points(
    way: Callable[[Problem, Plane, Sequence[int]], Tensor], problem: Problem, plane: Plane, each: int
) -> float | None:
    """Seconds for all points of the plane, from some of them; None if the model cannot be computed this way."""
    some = range(min(each, plane.points**2))
    try:
        return _median(lambda: way(problem, plane, some)) * plane.points**2 / len(some)
    except (RuntimeError, NotImplementedError):  # torch.func says so of what it cannot map
        return None


def _median(run: Callable[[], object], *, least: int = 3) -> float:
    """The median of at least `least` runs after a warm-up, or the first if that takes `LONG`."""
    start = time.perf_counter()
    run()
    first = time.perf_counter() - start
    if first > LONG:
        return first
    taken: list[float] = []
    while len(taken) < least or sum(taken) < LONG / 4:
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def as_table(timings: Sequence[Timing]) -> Table:
    table = Table(title="milliseconds; the ratios are of the other ways to replay, so above 1 replay is quicker")
    for heading in ("case", "method", "forward", "replay", "further", *RIVALS, *_RATIOS):
        table.add_column(heading, justify="left" if heading in ("case", "method") else "right")
    for timing in timings:
        seconds = [timing.forward, timing.replay, timing.further, *timing.rivals.values()]
        loop = timing.rivals["loop"]
        assert loop is not None
        ratios = (over / own for own in (timing.replay, timing.further) for over in (loop, timing.best))
        table.add_row(
            timing.case,
            timing.method,
            *("–" if s is None else f"{1e3 * s:,.1f}" if s < 1 else f"{1e3 * s:,.0f}" for s in seconds),
            *(f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}" for ratio in ratios),
        )
    return table
