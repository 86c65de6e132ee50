"""Gradient landscapes of a training network, and how they depend on the minibatch."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradviz.drawing.inline import field_html
    from gradviz.experiment.callbacks import LightningRecorder, TrainerRecorder
    from gradviz.experiment.facts import Fact
    from gradviz.experiment.losses import L1, CrossEntropy
    from gradviz.experiment.recipe import Recipe
    from gradviz.experiment.recording import Recorder, record
    from gradviz.experiment.study import Study
    from gradviz.notebook.exploring import explore
    from gradviz.notebook.widget import widget

__version__ = "0.1.0"
__all__ = [
    "L1",
    "CrossEntropy",
    "Fact",
    "LightningRecorder",
    "Recipe",
    "Recorder",
    "Study",
    "TrainerRecorder",
    "__version__",
    "explore",
    "field_html",
    "record",
    "widget",
]

_HOMES = {
    "CrossEntropy": "gradviz.experiment.losses",
    "Fact": "gradviz.experiment.facts",
    "L1": "gradviz.experiment.losses",
    "LightningRecorder": "gradviz.experiment.callbacks",
    "Recipe": "gradviz.experiment.recipe",
    "Recorder": "gradviz.experiment.recording",
    "Study": "gradviz.experiment.study",
    "TrainerRecorder": "gradviz.experiment.callbacks",
    "explore": "gradviz.notebook.exploring",
    "field_html": "gradviz.drawing.inline",
    "record": "gradviz.experiment.recording",
    "widget": "gradviz.notebook.widget",
}


def __getattr__(name: str) -> Any:
    """The names for users, found when they are asked for: torch takes a second to import."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
