"""From what a user asks for to the configurations of the runs: presets, changes to them, and the table's digest."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from gradviz.errors import UserError, one_line
from gradviz.experiment.config import PRESETS, VARIANTS, TrainingConfig
from gradviz.experiment.outside import UnusableFile, open_outside, reason_of, shown
from gradviz.experiment.packed import LARGEST

_PRESET_VALUES: dict[str, dict[str, object]] = {
    "quick": {"epochs": 30, "rows": 6_000, "batch_size": 64, "learning_rate": 3e-4, "output_scale": 100.0},
    "source": {"epochs": 30, "rows": 10_000, "batch_size": 128, "learning_rate": 1e-4, "output_scale": 1.0},
}


def preset_config(preset: str, variant: str, **changes: object) -> TrainingConfig:
    """The configuration of a preset for one variant, with some values changed; None means "as in the preset"."""
    values = _PRESET_VALUES.get(preset, {}) | {key: value for key, value in changes.items() if value is not None}
    return TrainingConfig.model_validate({"preset": preset, "variant": variant, **values})


def run_configs(
    preset: str = "quick", variants: Sequence[str] = VARIANTS, *, data: Path | str | None = None, **changes: object
) -> list[TrainingConfig]:
    """One configuration per variant: the preset's values, with `changes` (None: as in the preset), for a table.

    `data` is None for the synthetic table, or a CSV, whose content is digested here; `derive` among the changes is a
    column that it lacks. UserError names the first value that cannot be used and what is allowed.
    """
    if preset not in PRESETS:
        raise UserError(f"`preset` must be one of {', '.join(PRESETS)}, got {preset!r}.")
    unknown = [variant for variant in variants if variant not in VARIANTS]
    if unknown or not variants or len(set(variants)) < len(variants):
        raise UserError(f"`variants` must name some of {','.join(VARIANTS)}, each once, got {','.join(variants)!r}.")
    if data is not None:
        changes |= {"data_digest": file_digest(data), "data": os.path.realpath(data)}
    elif changes.get("derive") is not None:
        raise UserError("`derive` adds a column to a table of your own: name that with `--data`.")
    try:
        return [preset_config(preset, variant, **changes) for variant in VARIANTS if variant in variants]
    except ValidationError as error:
        raise UserError(one_line(error)) from error


def file_digest(path: Path | str) -> str:
    """Hex sha256 of a table's file, by which a run knows its table; UserError when it cannot be read."""
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
