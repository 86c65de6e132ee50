"""The runs as plain JSON: their epochs, curves and broken files."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from gradviz.dashboard.run_colours import run_colours
from gradviz.drawing.inks import Scheme
from gradviz.errors import UserError
from gradviz.experiment import regularizers
from gradviz.experiment.describe import disk_bytes
from gradviz.experiment.grouping import seed_groups
from gradviz.experiment.optimizers import Optimizer
from gradviz.experiment.regularizers import Regularizer
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.landscape.parameters import ParameterTensor

MINIBATCH_SIZES = (16, 64, 256)
"""The page's choices; the API takes 1 to 1024."""


def run_of(run: Run, colour: Mapping[Scheme, str]) -> dict[str, object]:
    """One run: its configuration, capabilities, parameter shapes, complete checkpoints, metrics as columns, and the
    files left out."""
    metrics = run.metrics()
    config = run.config
    shapes = {name: list(shape.shape) for name, shape in run.shapes.items() if ".running_" not in name}
    return {
        "run": run.name,
        "variant": run.name,
        "label": config.title,
        "colour": colour,
        "study": config.study,
        "group": config.group,
        "regularizer": _tagged(config.regularizer),
        "optimizer": _tagged(config.optimizer),
        "widths": list(config.widths),
        "capabilities": asdict(run.capabilities),
        "stamp": _stamp(run),
        "epochs": run.epochs(),
        "planned_epochs": config.epochs,
        "hidden": list(config.hidden),
        **_strengths(config.regularizer),
        "rows": config.rows,
        "train_rows": run.record.rows_train,
        "disk_bytes": disk_bytes(run.path),
        "batch_size": config.batch_size,
        "learning_rate": config.optimizer.learning_rate,
        "output_scale": config.output_scale,
        "preset": config.preset,
        "seed": config.seed,
        "data": Path(config.data).name if config.data else "the synthetic table",
        "shapes": shapes,
        "tensors": {name: asdict(ParameterTensor.parse(name)) for name in shapes},
        "minibatches": {str(size): run.num_minibatches(size) for size in MINIBATCH_SIZES},
        "broken": [{"file": broken.path.name, "reason": broken.reason} for broken in run.broken()],
        "metrics": {
            "epoch": [line.epoch for line in metrics],
            "train_loss": _numbers(line.train_loss for line in metrics),
            "test_loss": _numbers(line.test_loss for line in metrics),
            "test_r2": _numbers(line.test_r2 for line in metrics),
            "share_below_target": _numbers(line.share_below_target for line in metrics),
            "wall_seconds": _numbers(line.wall_seconds for line in metrics),
        },
    }


def _tagged(value: Regularizer | Optimizer) -> dict[str, object]:
    return {"kind": value.kind, "label": value.label, **value.model_dump(exclude={"kind"})}


def _strengths(regularizer: Regularizer) -> dict[str, object]:
    """Version 0.1's keys `dropout` and `norm_placement`, given for every run."""
    flat = regularizers.to_flat(regularizer) or regularizers.to_flat(regularizers.Plain()) or {}
    return {key: value for key, value in flat.items() if key != "variant"}


def runs_of(store: RunStore) -> dict[str, dict]:
    """All runs that can be read, by name."""
    runs, told = store.runs(), {}
    colours = run_colours([run.config for run in runs])
    for run in runs:
        with suppress(UserError):  # became unreadable, or was deleted, just now
            told[run.name] = run_of(run, colours[run.name])
    return told


def groups_of(runs: Iterable[Run]) -> list[dict[str, object]]:
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
    runs = {run.name: run for run in store.runs()}
    if name not in runs:
        runs[name] = store.run(name)
    return run_of(runs[name], run_colours([each.config for each in runs.values()])[name])


def unreadable_of(store: RunStore) -> list[dict[str, str]]:
    """The runs that exist but cannot be read, and why."""
    return [{"file": f"{each.path.parent.name}/{each.path.name}", "reason": each.reason} for each in store.broken()]


def etag(body: str) -> str:
    return hashlib.blake2b(body.encode(), digest_size=12).hexdigest()


def as_json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def _stamp(run: Run) -> str:
    """Changes when the run starts over, because what the page has loaded then belongs to another network."""
    digest = run.digest(0) if 0 in run.epochs() else ""
    return hashlib.blake2b(f"{run.config.identity()} {digest}".encode(), digest_size=8).hexdigest()


def _numbers(values: Iterable[float]) -> list[float | None]:
    """None for nan and infinity, which JSON lacks."""
    return [value if math.isfinite(value) else None for value in values]
