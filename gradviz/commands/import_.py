"""`gradviz import`."""

import argparse
import json
from pathlib import Path
from typing import Any

from gradviz.errors import UserError, shown
from gradviz.experiment.importing import import_run
from gradviz.experiment.study_loading import load_study
from gradviz.settings import load_settings


def run(options: argparse.Namespace) -> int:
    """Makes a run of the checkpoints, and prints a line for each with what was changed so that it fits."""
    settings = load_settings(runs=options.runs, study=options.study)
    if settings.read_only:
        raise UserError("GRADVIZ_READ_ONLY is set; unset it to import.")
    if not settings.study:
        raise UserError("`--study` or GRADVIZ_STUDY must name the study of the checkpoints: FILE.py:NAME.")
    loaded = load_study(settings.study)
    import_run(
        loaded.study,
        settings.runs.absolute(),
        options.run,
        [Path(name) for name in options.checkpoints],
        prefix=options.prefix,
        arguments=dict(_argument(text) for text in options.argument),
        label=options.label,
        fresh=options.fresh,
        on_message=print,
    )
    return 0


def _argument(text: str) -> tuple[str, Any]:
    """`width=32`: a name, and a number, true, false, null or a text."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise UserError(f"`--argument` must be NAME=VALUE, such as width=32, got {shown(repr(text))}.")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
