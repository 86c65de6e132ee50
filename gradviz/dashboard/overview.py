"""The runs of all studies as plain JSON: each of them, their groups of seeds, and those that cannot be read."""

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress

from gradviz.dashboard.run_colours import run_colours
from gradviz.dashboard.run_told import told
from gradviz.errors import UserError
from gradviz.experiment.grouping import seed_groups
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun


def runs_of(store: RunStore) -> dict[str, dict]:
    """All runs that can be read, by name: those of deliveries, then the others."""
    runs, all_told = store.all_runs(), {}
    colours = run_colours([run.config for run in runs])
    for run in runs:
        with suppress(UserError):  # became unreadable, or was deleted, just now
            all_told[run.name] = told(run, colours[run.name])
    return all_told


def groups_of(runs: Iterable[Run | StudyRun]) -> list[dict[str, object]]:
    """The groups of seeds among these runs: what to call each, its colour, its runs and their seeds."""
    configs = [run.config for run in runs]
    colours = run_colours(configs)
    return [
        {
            "label": group.label,
            "colour": colours[group.configs[0].name],
            "runs": [config.name for config in group.configs],
            "seeds": [config.seed for config in group.configs],
        }
        for group in seed_groups(configs)
    ]


def one_of(store: RunStore, name: str) -> dict[str, object]:
    """One run; UserError if it does not exist."""
    runs = {run.name: run for run in store.all_runs()}
    if name not in runs:
        runs[name] = store.any_run(name)
    return told(runs[name], run_colours([run.config for run in runs.values()])[name])


def unreadable_of(store: RunStore) -> list[dict[str, str]]:
    """The runs that exist but cannot be read, and why."""
    return [{"file": f"{each.path.parent.name}/{each.path.name}", "reason": each.reason} for each in store.broken()]


def etag(body: str) -> str:
    return hashlib.blake2b(body.encode(), digest_size=12).hexdigest()


def as_json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)
