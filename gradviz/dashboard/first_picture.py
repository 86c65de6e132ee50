"""What an address opens that names nothing: biases that are alive, and Compare as the runs were trained.

Such an address is no link: the page names in full what it has opened, so that what is shared stays what it is.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

import numpy as np

from gradviz.compute.interface import Compute, StillWanted
from gradviz.compute.units import UnitsQuestion
from gradviz.dashboard.permalink import View, run_of
from gradviz.errors import UserError
from gradviz.experiment.run_record import OWN_STUDY
from gradviz.landscape.pairs import ACTIVE_SHARE

Pair = tuple[str, str]
Live = Callable[[Mapping, Pair], Pair]
"""From what is told of a run, and its suggested pair: the pair to open."""

_AT_MOST = 50.0
"""Forward passes of a full-size network (`Question.passes`) that opening the page may cost, where activity does."""

_SOON_SECONDS = 5.0
"""So long the page waits for its turn behind other visitors' computations; few threads serve the page."""

# Shape suffixes: E = checkpoints that are looked at, N = units of the layer.


def names_nothing(asked: View) -> bool:
    """Whether an address, as it was read, names nothing but Explore or Compare."""
    return asked.model_fields_set <= {"view"} and asked.view in ("explore", "compare")


def first_picture(settled: View, runs: Mapping[str, dict], live: Live) -> View:
    """The view of such an address, after `permalink.settle`: with live pairs, and in Compare in train mode where a run
    draws masks or has batch statistics."""
    run = runs.get(settled.run)
    if run is None or run["suggested"] is None:
        return settled
    changes: dict[str, object] = {}
    if not any(each["epochs"] for each in runs.values()):  # the page asks again at the first checkpoint
        return settled.model_copy(update=dict.fromkeys(("x_a", "y_a", "x_b", "y_b")))
    for side in ("a", "b"):
        changes[f"x_{side}"], changes[f"y_{side}"] = live(run, tuple(run["suggested"][side]))
    if settled.view == "compare" and any(
        trains_otherwise(runs[name]) for name in map(run_of, settled.compared) if name in runs
    ):
        changes["mode"] = "train"
    return settled.model_copy(update=changes)


def trains_otherwise(run: Mapping) -> bool:
    """Whether the network is another in train mode: it draws masks, or has batch statistics."""
    can = run["capabilities"]
    return can is not None and (can["draws_masks"] or can["has_batch_statistics"])


def live_pair(compute: Compute, run: Mapping, pair: Pair) -> Pair:
    """The first two numbers of the pair's tensor whose units are alive; the pair itself if that cannot be told soon.

    Alive: active on at least 5 % of the rows looked at, at the first, the middle and the newest checkpoint. Answers are
    kept as those of any question: the same checkpoints give the same pair.
    """
    tensor = pair[0].partition("[")[0]
    layer = run["tensors"][tensor]["layer"]
    if not run["epochs"] or not pair[1].startswith(f"{tensor}["):
        return pair
    until = monotonic() + _SOON_SECONDS

    def is_soon() -> bool:
        return monotonic() < until

    try:
        if run["study"] == OWN_STUDY:
            active_EN = np.stack(
                [compute.activity(run["run"], epoch, is_soon)[int(layer)] for epoch in _looked_at(run["epochs"])]
            )
        else:
            number = [each["value"] for each in run["layers"]].index(layer)
            question = UnitsQuestion(run=run["run"], epoch=run["epochs"][-1], layer=number)
            active_EN = _of_study(compute, question, pair, is_soon)
    except (UserError, ValueError):  # away, busy, deleted just now, or a layer without such units
        return pair
    alive = np.flatnonzero((active_EN >= ACTIVE_SHARE[0]).all(0))
    return (f"{tensor}[{alive[0]}]", f"{tensor}[{alive[1]}]") if len(alive) > 1 else pair


def _looked_at(epochs: Sequence[int]) -> list[int]:
    return sorted({epochs[0], epochs[len(epochs) // 2], epochs[-1]})


def _of_study(compute: Compute, question: UnitsQuestion, pair: Pair, still_wanted: StillWanted) -> np.ndarray:
    """(1, N); ValueError where it would take long, or other numbers stand for the units, or none can be inactive."""
    if question.passes(compute.store) > _AT_MOST:
        raise ValueError
    told = json.loads(compute.ask(question, still_wanted))
    if told["active"] is None or not set(pair) <= set(told["parameters"]):
        raise ValueError
    return np.array([told["active"]])
