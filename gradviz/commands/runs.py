"""`gradviz runs`."""

import argparse
import json

from rich.console import Console
from rich.table import Table

from gradviz.experiment.describe import RunDescription, describe_runs
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.study_record import StudyRecord
from gradviz.numbers import number, signed
from gradviz.settings import load_settings

_PLAIN_WIDTH = 120


def run(options: argparse.Namespace) -> int:
    """Prints a table of the runs and a line for each broken file, or all of that as JSON."""
    settings = load_settings(runs=options.runs)
    if options.json:
        print(json.dumps([_told(one) for one in describe_runs(RunStore(settings.runs))], indent=2, allow_nan=False))
        return 0
    console = Console()
    if not console.is_terminal:
        console = Console(width=_PLAIN_WIDTH)
    described = describe_runs(RunStore(settings.runs))
    if not described:
        console.print(f"No runs in {settings.runs} yet: start `gradviz train` or `gradviz serve`.", markup=False)
        return 0
    console.print(_table(described))
    for broken in (broken for one in described for broken in one.broken):
        console.print(f"left out: {broken.path}: {broken.reason}", markup=False, highlight=False, soft_wrap=True)
    return 0


def _table(described: list[RunDescription]) -> Table:
    others = any(isinstance(one.config, StudyRecord) for one in described)
    who = ("run", *(("study",) if others else ()), "regularizer", "optimizer", "seed")
    best = "best" if others else "best test R²"
    table = Table(*who, "epoch", best, "at epoch", "training", "disk", "broken files")
    for one in described:
        table.add_row(
            one.name,
            *((one.config.study if one.config else "–",) if others else ()),
            *_kinds(one.config),
            _progress(one),
            _best(one, named=others),
            "–" if one.best_epoch is None else str(one.best_epoch),
            "–" if one.holder is None else f"process {one.holder.pid}",
            f"{one.num_bytes / 1e6:.1f} MB",
            str(len(one.broken) or "–"),
        )
    return table


def _best(one: RunDescription, *, named: bool) -> str:
    if one.best_loss is not None:
        return f"{one.best_loss[0]} {number(one.best_loss[1])}"
    if one.best_test_r2 is None:
        return "–"
    return f"{'test R² ' if named else ''}{signed(f'{one.best_test_r2:.4f}')}"


def _progress(one: RunDescription) -> str:
    last = "–" if one.last_epoch is None else str(one.last_epoch)
    if isinstance(one.config, StudyRecord) and one.epochs_wanted is None:
        return last
    return f"{last} of {one.epochs_wanted or '?'}"


def _kinds(config: TrainingConfig | StudyRecord | None) -> tuple[str, str, str]:
    if config is None:
        return ("–", "–", "–")
    if isinstance(config, StudyRecord):
        told = (config.settings.get("regularizer"), config.settings.get("optimizer"), config.seed)
        return tuple("–" if each is None else str(each) for each in told)  # pyright: ignore[reportReturnType]
    return (str(config.regularizer), str(config.optimizer), str(config.seed))


def _told(one: RunDescription) -> dict[str, object]:
    """Everything about a run, for programs; its configuration as in run.json."""
    config = one.config
    return {
        "name": one.name,
        "label": None if config is None else config.title,
        "config": None if config is None else config.model_dump(mode="json"),
        "directory": str(one.path),
        "last_epoch": one.last_epoch,
        "epochs": one.epochs_wanted,
        "best_test_r2": one.best_test_r2,
        "best_epoch": one.best_epoch,
        "best_loss": None if one.best_loss is None else dict(zip(("metric", "value"), one.best_loss, strict=True)),
        "trainer_pid": None if one.holder is None else one.holder.pid,
        "bytes": one.num_bytes,
        "broken": [{"file": str(broken.path), "reason": broken.reason} for broken in one.broken],
    }
