"""What a step of a lesson is to show on given runs, by plain loops: the page
finds the same in assets/pure/lessonwords.js."""

from collections.abc import Mapping
from typing import Any

import torch

from gradviz.dashboard.lesson_file import Done, Step
from gradviz.dashboard.lesson_view import Word
from gradviz.dashboard.permalink import View
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.metrics import EpochMetrics
from gradviz.landscape import unit_activity
from gradviz.publish.steps import units_meant

AXES = ("x_a", "y_a", "x_b", "y_b")


def view_of_step(store: RunStore, step: Step) -> View:
    """The view of a step before the reader does anything, with epochs and parameters for its words."""
    said = dict(step.view.fields)
    run = _run(store, said)
    said["epoch"] = epoch_meant(run, said.get("epoch", Word(word="last")))
    for axis in AXES:
        if isinstance(word := said.get(axis), Word):
            assert word.tensor
            units = _units(run, said["epoch"], word)
            said[axis] = f"{word.tensor}[{units[0 if axis.startswith('x') else 1]}]"
    return View.model_validate(said)


def done_view(store: RunStore, view: View, done: Done | None) -> View:
    """The view once the reader has done what the step asks for; what only has to differ becomes 1."""
    if done is None:
        return view
    value = epoch_meant(_run(store, view.model_dump()), Word(word=done.value)) if done.is_word else done.value
    return View.model_validate(view.model_dump() | {done.field: value if done.operator == "=" else 1})


def epoch_meant(run: Run, said: object) -> int:
    """The epoch of a run that a word means."""
    lines = run.metrics()
    trained = [line for line in lines if line.epoch > 0]
    words = {
        "first": lines[0],
        "last": lines[-1],
        "balanced": min(trained, key=_apart),
        "lopsided": max(trained, key=_apart),
    }
    return words[said.word].epoch if isinstance(said, Word) else int(str(said))


def _apart(line: EpochMetrics) -> float:
    """How far the signs of the rows are from balance."""
    return abs(line.share_below_target - 0.5)


def _run(store: RunStore, said: Mapping[str, Any]) -> Run:
    """The first run on show."""
    name = said["compared"][0] if said.get("view") == "compare" else said.get("run", "none")
    return store.run(name)


def _units(run: Run, epoch: int, word: Word) -> list[int]:
    layer = int(str(word.tensor).split(".")[1])
    rows = torch.cat([run.minibatch(k).inputs_BI for k in range(run.num_minibatches(64))])
    shares = unit_activity(run.model(epoch), rows)[layer].tolist()
    return units_meant(shares, word.word)
