"""From what a user asks for to the configurations of the runs: presets, changes to them, and the table's digest."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from gradviz.errors import UserError, one_line
from gradviz.experiment.config import PRESETS, VARIANTS, TrainingConfig

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

    `data` is None for the synthetic table, or a CSV, whose content is digested here. UserError names the first value
    that cannot be used and what is allowed.
    """
    if preset not in PRESETS:
        raise UserError(f"`preset` must be one of {', '.join(PRESETS)}, got {preset!r}.")
    unknown = [variant for variant in variants if variant not in VARIANTS]
    if unknown or not variants or len(set(variants)) < len(variants):
        raise UserError(f"`variants` must name some of {','.join(VARIANTS)}, each once, got {','.join(variants)!r}.")
    if data is not None:
        changes |= {"data": str(Path(data).resolve()), "data_digest": file_digest(data)}
    try:
        return [preset_config(preset, variant, **changes) for variant in VARIANTS if variant in variants]
    except ValidationError as error:
        raise UserError(one_line(error)) from error


def file_digest(path: Path | str) -> str:
    """Hex sha256 of a table's file, by which a run knows its table; UserError when it cannot be read."""
    try:
        with open(path, "rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror or error}; `--data` takes the path of a CSV file."
        ) from error
