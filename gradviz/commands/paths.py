"""`gradviz paths`."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from gradviz.commands.output import output_path, write_output
from gradviz.compute.choice import open_store
from gradviz.compute.paths import paths
from gradviz.compute.paths_export import PATHS_SUFFIXES, paths_bytes, paths_told, ratios
from gradviz.compute.paths_job import work
from gradviz.drawing.labels import ALL
from gradviz.errors import UserError
from gradviz.experiment.interruption import Stopped, stop_on_signals
from gradviz.experiment.progress import duration
from gradviz.landscape.paths.plane import PlaneWays
from gradviz.landscape.paths.progress import PathsProgress
from gradviz.landscape.paths.request import PathsRequest
from gradviz.landscape.paths.result import ConditionPaths, PathsResult
from gradviz.numbers import number, percent_of
from gradviz.settings import Settings, load_settings

_OPTIONAL = ("replicas", "epochs", "conditions", "optimizer", "rate_factor", "points", "seed", "x", "y")
_PICTURES = (".png", ".html")
_PLAIN_WIDTH = 120
_BACKGROUND_NICENESS = 5  # the page comes first, as before the training


def run(options: argparse.Namespace) -> int:
    """Trains the replicas, prints a table or JSON, and writes `--out`; 128 + the signal if a signal stopped it."""
    path = None if options.out is None else output_path(options.out, (*PATHS_SUFFIXES, *_PICTURES))
    request = request_of(options)
    settings = load_settings(runs=options.runs, study=options.study, device=options.device)
    if options.background:
        return _in_background(request, settings)
    with stop_on_signals() as asked, _display() as show:
        try:
            found = paths(
                open_store(settings), request, settings.cache_dir, device=settings.device, on_progress=show, stop=asked
            )
        except Stopped:
            print("Stopped. Finished replicas are kept; repeat the command to continue.", file=sys.stderr)
            return 128 + (asked.signal or 0)
    if path is not None:
        write_output(path, _content(found, path.suffix.lower()))
    if options.json:
        print(json.dumps(paths_told(found), indent=2, allow_nan=False))
        return 0
    console = Console() if sys.stdout.isatty() else Console(width=_PLAIN_WIDTH)
    for sentence in _sentences(found):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    console.print(_table(found))
    if path is not None:
        print(path)
    return 0


def request_of(options: argparse.Namespace) -> PathsRequest:
    """What the options ask for; UserError if a value is unusable."""
    given = {name: getattr(options, name) for name in _OPTIONAL if getattr(options, name) is not None}
    return PathsRequest.of(run=options.run, epoch=options.epoch, learning_rate=options.lr, **given)


def _in_background(request: PathsRequest, settings: Settings) -> int:
    """As the job of the cache directory, which keeps the answer there; 128 + the signal if a signal stopped it."""
    os.nice(_BACKGROUND_NICENESS)
    with stop_on_signals() as asked:
        job = work(
            open_store(settings),
            request,
            settings.cache_dir,
            device=settings.device,
            limit=settings.cache_bytes,
            stop=asked,
        )
    if job.state == "failed":
        raise UserError(job.message)
    return 128 + (asked.signal or 0) if job.state == "stopped" else 0


def _content(found: PathsResult, suffix: str) -> bytes:
    if suffix in PATHS_SUFFIXES:
        return paths_bytes(found, suffix)
    from gradviz.report.chart import plotly_figure, still  # plotly and matplotlib take a second to import
    from gradviz.report.paths_chart import paths_chart

    chart = paths_chart(found)
    if suffix == ".png":
        return still(chart)
    return plotly_figure(chart).to_html(include_plotlyjs=True, full_html=True).encode()


@contextmanager
def _display() -> Iterator[Callable[[PathsProgress], None]]:
    """Progress on stderr: a bar on a terminal; elsewhere a line for each replica when it begins."""
    if sys.stderr.isatty():
        columns = (TextColumn("{task.description:<28}"), BarColumn(None), TextColumn("{task.fields[left]}"))
        with Progress(*columns, console=Console(stderr=True), expand=True) as progress:
            task = progress.add_task("", total=None, left="")

            def move(now: PathsProgress) -> None:
                left = f"{duration(now.seconds_left)} left"
                progress.update(task, completed=now.done, total=now.total, description=now.what, left=left)

            yield move
        return
    last = ""

    def tell(now: PathsProgress) -> None:
        nonlocal last
        if now.what != last:
            line = f"{now.what:<28}  step {now.done} of {now.total}   {duration(now.seconds_left)} left"
            print(line, file=sys.stderr, flush=True)
        last = now.what

    yield tell


def _sentences(found: PathsResult) -> Iterator[str]:
    request = found.request
    epochs = "an epoch" if request.epochs == 1 else f"{request.epochs} epochs"
    yield (
        f"{request.run}, from epoch {request.epoch} for {epochs} of {found.steps_per_epoch} steps of "
        f"{found.batch_size} rows, with {found.optimizer}."
    )
    if found.moments != "none":
        source = "as the run has saved it" if found.moments == "saved" else "from training the run again to this epoch"
        yield f"The optimizer begins with its state at the checkpoint, {source}."
    if found.searched:
        yield (
            f"{len(found.searched)} rates were tried for the one that lowers the training loss as far as the run's own "
            f"{'epoch' if request.epochs == 1 else 'epochs'} did."
        )
    if found.reproduces is not None:
        how = "exactly" if found.reproduces else "not quite (another machine, version or number of threads)"
        yield f"The run's own minibatches lead to its next checkpoint, {how}."
    if found.chosen is not None:
        yield _plane_sentence(found, found.chosen)
    before, after = (number(losses[0]) for losses in (found.start_losses, found.recorded_losses))
    yield f"Training loss {before} at the checkpoint, {after} after the run's own minibatches."


def _plane_sentence(found: PathsResult, plane: PlaneWays) -> str:
    own, *others = found.within_M.tolist()
    between = " to ".join(dict.fromkeys(map(percent_of, (min(others), max(others)))))
    y = plane.y.meaning if plane.y.part <= ALL else plane.y.unit
    return (
        f"The ways are told in the plane of {plane.x.text} and {plane.y.text} (x = 1: {plane.x.meaning}; y = 1: {y}). "
        f"Of their squared length it holds {percent_of(own)} of the run's own way, {between} of the replicas'."
    )


def _table(found: PathsResult) -> Table:
    half = found.steps_T[found.middle]
    table = Table("condition", "replicas", f"spread / mean step, step {half}", "at the end", "cosine of steps")
    table.add_column("training loss, mean ± sd", justify="right")
    for each in found.conditions:
        middle, end = (_ratio(each, place, found.request.seed) for place in (found.middle, -1))
        losses = f"{number(each.train_losses_K.mean())} ± {number(float(np.std(each.train_losses_K, ddof=1)), 2)}"
        cosine = number(each.cosine_T[-1])
        table.add_row(each.condition, str(each.num_replicas), middle, end, cosine, losses)
    return table


def _ratio(each: ConditionPaths, place: int, seed: int) -> str:
    interval = ratios(each, seed)[place]
    value = number(each.ratio_T[place], 3)
    return value if interval is None else f"{value} [{number(interval.low, 3)}, {number(interval.high, 3)}]"
