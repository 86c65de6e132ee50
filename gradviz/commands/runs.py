"""`gradviz runs`."""

import argparse

from rich.console import Console
from rich.table import Table

from gradviz.experiment.describe import RunDescription, describe_runs
from gradviz.experiment.store import RunStore
from gradviz.settings import load_settings

_PLAIN_WIDTH = 120


def run(options: argparse.Namespace) -> int:
    """Prints a table of the runs and a line for each broken file."""
    settings = load_settings(runs=options.runs)
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
    table = Table("run", "epoch", "best test R²", "at epoch", "training", "disk", "broken files")
    for one in described:
        best = "–" if one.best_test_r2 is None else f"{one.best_test_r2:.4f}"
        table.add_row(
            one.name,
            f"{'–' if one.last_epoch is None else one.last_epoch} of {one.epochs_wanted or '?'}",
            best,
            "–" if one.best_epoch is None else str(one.best_epoch),
            "–" if one.holder is None else f"process {one.holder.pid}",
            f"{one.num_bytes / 1e6:.1f} MB",
            str(len(one.broken) or "–"),
        )
    return table
