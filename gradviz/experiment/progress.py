"""Shows the progress of a training: a bar per run on a terminal, one plain line per epoch elsewhere."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from gradviz.experiment.outcome import TrainingProgress
from gradviz.numbers import number, signed


@dataclass(frozen=True)
class TrainingDisplay:
    """The callbacks for `train`."""

    on_progress: Callable[[TrainingProgress], None]
    on_message: Callable[[str], None]


@contextmanager
def training_display(stream: TextIO) -> Iterator[TrainingDisplay]:
    """A display on `stream`, with bars if it is a terminal."""
    if not stream.isatty():
        yield plain_lines(stream)
        return
    with bars(Console(file=stream)) as display:
        yield display


def plain_lines(stream: TextIO) -> TrainingDisplay:
    """One line per saved epoch, flushed at once, so that you can follow a log."""

    def write(line: str) -> None:
        stream.write(line + "\n")
        stream.flush()

    def on_progress(progress: TrainingProgress) -> None:
        if progress.saved:
            write(plain_line(progress))

    return TrainingDisplay(on_progress, write)


@contextmanager
def bars(console: Console) -> Iterator[TrainingDisplay]:
    """One bar per run, which moves with every step."""
    columns = (TextColumn("{task.description:<9}"), BarColumn(None), TextColumn("{task.fields[facts]}"))
    with Progress(*columns, console=console, expand=True) as progress:
        tasks: dict[str, TaskID] = {}

        def on_progress(now: TrainingProgress) -> None:
            if now.run not in tasks:
                tasks[now.run] = progress.add_task(now.run, total=now.epochs * now.steps, facts="")
            done = (now.epoch - 1) * now.steps + now.step if now.epoch else 0
            progress.update(tasks[now.run], completed=done, facts=facts(now))

        def on_message(message: str) -> None:
            console.print(message, markup=False, highlight=False)

        yield TrainingDisplay(on_progress, on_message)


def plain_line(progress: TrainingProgress) -> str:
    """`dropout    epoch 12/30   train loss 24.1   test R2 0.981   4,210 rows/s   1:52 left`."""
    return f"{progress.run:<9}  {facts(progress)}"


def facts(progress: TrainingProgress) -> str:
    """The current figures, in a line."""
    parts = [f"epoch {progress.epoch}/{progress.epochs}", f"train loss {number(progress.train_loss)}"]
    if progress.test_r2 is not None:
        parts.append(f"test R2 {signed(f'{progress.test_r2:.4f}')}")
    if progress.rows_per_second:
        parts.append(f"{progress.rows_per_second:,.0f} rows/s")
    if progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    return "   ".join(parts)


def duration(seconds: float) -> str:
    """`0:07`, `1:52`, `2:03:10`."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
