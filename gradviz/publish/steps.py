"""The views that steps of lessons and links of scenes open on the runs of a site, by the rules of the page.

`assets/pure/lessonwords.js` gives the words of a step the same meaning; tests/browser/test_site_lessons.py walks both.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gradviz.dashboard.permalink import View, run_of, settle
from gradviz.landscape.pairs import ACTIVE_SHARE

Told = dict[str, Any]
Activity = Callable[[str, int], Sequence[Sequence[float]]]
"""The share of rows on which each unit of each hidden layer is active, of a run after an epoch."""

_PAIRS = (("x_a", "y_a"), ("x_b", "y_b"))


def views_of(step: Told, runs: Mapping[str, Told], activity: Activity) -> Iterator[View]:
    """What a step (as `/lessons/{lesson}` tells it) shows, and what it shows once the reader has done what it asks;
    nothing where these runs lack it. `runs` as the page is told of them."""
    view = _meant(step["view"], runs, activity)
    if view is None:
        return
    yield view
    done = (step["question"] or {}).get("done")
    value = _done_value(done, runs[view.run]) if done else None
    if done and value is not None:
        yield settle(view.model_copy(update={done["field"]: value}), runs)[0]


def _meant(said: Told, runs: Mapping[str, Told], activity: Activity) -> View | None:
    fields = dict(said["fields"])
    named = {run_of(side) for side in fields.get("compared") or ()} if fields.get("view") == "compare" else set()
    if not {*named, fields.get("run") or said["needs"], said["needs"]} - {None} <= set(runs):
        return None
    shown = _shown(fields, runs)
    epoch = _epoch(fields.get("epoch"), shown)
    if epoch is None:
        return None
    first = shown[0]
    for pair in _PAIRS:
        words = [fields.get(axis) for axis in pair]
        for place, (axis, word) in enumerate(zip(pair, words, strict=True)):
            if isinstance(word, dict):
                fields[axis] = _unit(word, words[:place].count(word), first, epoch, activity)
                if fields[axis] is None:
                    return None
    view = View.model_validate(fields | {"epoch": epoch, "run": fields.get("run") or View().run})
    return settle(view, runs)[0]


def _shown(fields: Told, runs: Mapping[str, Told]) -> list[Told]:
    first = next(run for run in runs.values() if not run["cannot"])
    if fields.get("view") != "compare":
        return [runs.get(fields.get("run") or View().run, first)]
    sides = map(run_of, fields.get("compared") or View().compared)
    return [runs[name] for name in sides if name in runs] or [first]


def _epoch(said: Any, shown: Sequence[Told]) -> int | None:
    shared = [epoch for epoch in shown[0]["epochs"] if all(epoch in run["epochs"] for run in shown)]
    if said is None:
        return max((run["epochs"][-1] for run in shown if run["epochs"]), default=None)
    if not isinstance(said, Mapping):
        return said if shared else None
    if said["word"] == "first":
        return shared[0] if shared else None
    trained = [epoch for epoch in shared if epoch > 0]
    return _trained_epoch(said["word"], trained, shown[0]["metrics"]) if trained else None


def _trained_epoch(word: str, trained: Sequence[int], metrics: Told) -> int:
    if word == "last":
        return trained[-1]
    shares = metrics.get("share_below_target")
    if word == "middle" or not shares:
        return min(trained, key=lambda epoch: abs(epoch - trained[-1] / 2))
    apart = {
        epoch: abs(share - 0.5)
        for epoch, share in zip(metrics["epoch"], shares, strict=False)
        if epoch in trained and share is not None
    }
    known = [epoch for epoch in trained if epoch in apart]
    if not known:
        return trained[-1]
    return min(known, key=lambda epoch: apart[epoch] if word == "balanced" else -apart[epoch])


def _unit(word: Told, before: int, run: Told, epoch: int, activity: Activity) -> str | None:
    tensor = word["tensor"]
    shape = (run["shapes"] or {}).get(tensor)
    if not shape:
        return None
    layers = activity(run["run"], epoch) if run.get("hidden") else []
    known = dict(zip(map(str, range(len(layers))), layers, strict=True))
    active = (known.get(run["tensors"][tensor]["layer"]) or [1.0] * shape[0])[: shape[0]]
    units = units_meant(active, word["word"])
    if len(units) <= before:
        return None
    return f"{tensor}[{','.join(map(str, [units[before], *[0] * (len(shape) - 1)]))}]"


def units_meant(active: Sequence[float], word: str) -> list[int]:
    """Units that are live, by the rule of the page's first picture, or dead: on none of the rows."""
    return [unit for unit, share in enumerate(active) if (share >= ACTIVE_SHARE[0] if word == "live" else share == 0)]


def _done_value(done: Told, run: Told) -> Any:
    """A value of the field with which it is done, as the page's *Show me* chooses it; None where there is none."""
    value = done["value"]
    if done["is_word"]:
        trained = [epoch for epoch in run["epochs"] if epoch > 0]
        if value == "first":
            value = run["epochs"][0]
        else:
            value = _trained_epoch(value, trained, run["metrics"]) if trained else None
    if done["operator"] == "=":
        return value
    if done["field"] == "epoch":
        return next((epoch for epoch in run["epochs"] if epoch != value), None)
    return (0 if value == 1 else 1) if isinstance(value, int) else None
