"""Makes the configurations of runs from a user's request: presets, changes to them, and the table's digest."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gradviz.errors import UserError, one_line
from gradviz.experiment.optimizers import Adam, Optimizer, optimizer_of, with_rate
from gradviz.experiment.outside import UnusableFile, open_outside, reason_of, shown
from gradviz.experiment.regularizers import DEFAULT_NAMES, Regularizer, placed, rank, regularizer_of
from gradviz.experiment.studies.deliveries.config import PRESETS, TrainingConfig
from gradviz.experiment.studies.deliveries.packed import LARGEST

_PRESET_VALUES: dict[str, dict[str, object]] = {
    "quick": {"epochs": 30, "rows": 6_000, "batch_size": 64, "output_scale": 100.0},
    "source": {"epochs": 30, "rows": 10_000, "batch_size": 128, "output_scale": 1.0},
}
_LEARNING_RATES = {"quick": 3e-4, "source": 1e-4}


def preset_config(
    preset: str,
    regularizer: Regularizer | str,
    *,
    optimizer: Optimizer | str | None = None,
    learning_rate: float | None = None,
    norm_placement: str | None = None,
    **changes: Any,
) -> TrainingConfig:
    """The configuration of a preset for one regularizer, with some values changed; None means "as in the preset".

    `norm_placement` is for regularizers that normalize.
    """
    values = _PRESET_VALUES.get(preset, {}) | {key: value for key, value in changes.items() if value is not None}
    chosen = Adam() if optimizer is None else optimizer_of(optimizer)
    if learning_rate is None and not isinstance(optimizer, Optimizer):
        learning_rate = _LEARNING_RATES.get(preset)
    return TrainingConfig.model_validate(
        {
            "preset": preset,
            "regularizer": placed(regularizer_of(regularizer), norm_placement),
            "optimizer": chosen if learning_rate is None else with_rate(chosen, learning_rate),
            **values,
        }
    )


def run_configs(
    preset: str = "quick",
    variants: Sequence[str] = DEFAULT_NAMES,
    *,
    name: str | None = None,
    data: Path | str | None = None,
    **changes: Any,
) -> list[TrainingConfig]:
    """One configuration per regularizer, in their order: the preset's values, with `changes` (None: as in the preset).

    `variants` names the regularizers, in the form of `regularizer_of`. Each run has the name of its regularizer, or
    `name`, followed by that of the regularizer if there are several. `data` is None for the synthetic table,
    or a CSV, whose digest this computes; `derive` among the changes is a column that it lacks. UserError names the
    first unusable value and what is allowed.
    """
    if preset not in PRESETS:
        raise UserError(f"`preset` must be one of {', '.join(PRESETS)}, got {preset!r}.")
    if data is not None:
        changes |= {"data_digest": file_digest(data), "data": os.path.realpath(data)}
    elif changes.get("derive") is not None:
        raise UserError("`derive` adds a column to your own table: name the table with `--data`.")
    refusal = f"`variants` must name some of {','.join(DEFAULT_NAMES)}, each once, got {','.join(variants)!r}"
    try:
        chosen = sorted((regularizer_of(variant) for variant in variants), key=rank)
    except ValueError as error:
        raise UserError(f"{refusal}: {error}") from error
    if not chosen or len({each.run_name for each in chosen}) < len(chosen):
        raise UserError(f"{refusal}.")
    try:
        names = [each.run_name if name is None else name for each in chosen]
        if name is not None and len(chosen) > 1:
            names = [f"{name}-{each.run_name}" for each in chosen]
        return [preset_config(preset, each, name=own, **changes) for each, own in zip(chosen, names, strict=True)]
    except ValidationError as error:
        raise UserError(one_line(error)) from error
    except ValueError as error:
        raise UserError(str(error)) from error


def run_names(variants: Sequence[str]) -> tuple[str, ...]:
    """The default names of the runs of these regularizers; UserError for an unknown regularizer."""
    try:
        return tuple(regularizer_of(variant).run_name for variant in variants)
    except ValueError as error:
        raise UserError(str(error)) from error


def file_digest(path: Path | str) -> str:
    """Hex sha256 of a table's file, which identifies the table; UserError if it cannot be read."""
    try:
        with open_outside(path, LARGEST) as stream:
            digest = hashlib.sha256()
            while piece := stream.read(1 << 20):
                digest.update(piece)
            return digest.hexdigest()
    except UnusableFile as error:
        reason = error.reason
    except OSError as error:
        reason = reason_of(error, path)
    raise UserError(f"{shown(path)} cannot be read: {reason}; `--data` takes the path of a CSV file.")
