"""What lessons and scenes need of a site beyond its pairs and modes: the pictures that their views show."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from gradviz.compute.estimate import POINTS
from gradviz.dashboard import permalink
from gradviz.dashboard.permalink import View, run_of
from gradviz.landscape.directions.axis import is_direction
from gradviz.landscape.request import WIDTHS
from gradviz.publish.choices import RunHeld
from gradviz.publish.questions import File, Group, bundle, question_of, stack
from gradviz.publish.steps import Activity, views_of

_ASKED = ["run", "epoch", "x", "y", "minibatch", "minibatch_size", "mode", "masks", "seed", "half_width", "points"]
"""Of a scene's picture, as assets/views/scenes.js asks for it."""
_SCENE_BYTES = 600


@dataclass
class _Stack:
    """Frames under one question."""

    reason: str
    kind: str
    selection: dict[str, str]
    over: str
    indices: set[int] = field(default_factory=set)

    def file(self) -> File:
        return stack(self.selection, self.over, sorted(self.indices), min(self.indices))


@dataclass
class Extras:
    """`sizes` of minibatches by run, and `modes`, `masks`, `seeds` of the pictures that `stacks` and `answers` hold,
    by their questions; `scenes`: what is told of each."""

    runs: Mapping[str, RunHeld]
    sizes: dict[str, set[str]] = field(default_factory=dict)
    modes: set[str] = field(default_factory=set)
    masks: set[str] = field(default_factory=set)
    seeds: set[int] = field(default_factory=set)
    stacks: dict[str, _Stack] = field(default_factory=dict)
    answers: dict[str, tuple[str, list[str]]] = field(default_factory=dict)
    scenes: dict[str, Any] = field(default_factory=dict)

    def lessons(self, lessons: Sequence[Any], told: Mapping[str, Any], activity: Activity) -> None:
        """What their steps show; `told` of the runs as the page is told it."""
        for lesson in lessons:
            for step in lesson["steps"]:
                for view in views_of(step, told, activity):
                    self._view("lessons", view)

    def scenes_of(self, scenes: Any, get: Callable[[str], Any]) -> None:
        """What they show, each as it is told under its address by `get`."""
        self.scenes["scenes"] = scenes
        for each in scenes["scenes"]:
            address = f"scenes/{each['scene']}"
            self.scenes[address] = self._scene(get(address))

    def _scene(self, told: dict[str, Any]) -> dict[str, Any]:
        if told["reason"]:
            return told
        for panel in told["panels"]:
            if panel["epoch"] not in self.runs[panel["run"]].epochs:
                lack = f"It is at epoch {panel['epoch']} of {panel['run']}, which is not in this site."
                return told | {"caption": None, "link": None, "panels": [], "labels": [], "reason": lack}
        for panel in told["panels"]:
            selection = {name: _text(panel[name]) for name in _ASKED}
            self._stack("scenes", "one by one", selection, "epochs", [panel["epoch"]])
        self._view("scenes", permalink.read(told["link"])[0])
        return told

    def _view(self, reason: str, view: View) -> None:
        """Notes what the page asks for to draw a view, and to move its sliders."""
        for run, masks, x, y in self._planes(view):
            if not run.has((x, y)) or view.epoch not in run.epochs or view.rows:
                continue  # the page says that it is not in the site
            self._plane(reason, view, run, masks, (x, y))

    def _planes(self, view: View) -> Iterator[tuple[RunHeld, str, str, str]]:
        own = self.runs.get(view.run)
        if own and view.view in ("explore", "minibatches"):
            pairs = [(view.x_a, view.y_a), (view.x_b, view.y_b)][: 2 if view.view == "explore" else 1]
            yield from ((own, view.masks, x, y) for x, y in pairs if x and y)
        if view.view == "compare" and view.x_a and view.y_a:
            for side in view.compared:
                if run := self.runs.get(run_of(side)):
                    yield run, side.partition("~")[2] or view.masks, view.x_a, view.y_a

    def _plane(self, reason: str, view: View, run: RunHeld, masks: str, pair: tuple[str, str]) -> None:
        width = view.half_width or WIDTHS["directions" if any(map(is_direction, pair)) else "parameters"]
        size = f"{view.minibatch_size}" if run.told["minibatch_sizes"] else run.size
        if view.minibatch >= run.minibatches_of(size):
            return
        common = {"run": run.name, "x": pair[0], "y": pair[1], "minibatch_size": size, "mode": view.mode}
        common |= {"half_width": _text(width), "points": f"{view.points or POINTS}"}
        is_random = view.mode == "train" and run.draws_masks
        if is_random:
            common |= {"masks": masks, "seed": f"{view.seed}"}
            self.masks.add(masks)
            self.seeds.add(view.seed)
        self.modes.add(view.mode)
        self.sizes.setdefault(run.name, set()).add(size)
        at = {"minibatch": f"{view.minibatch}"}
        kind = "with random masks" if is_random else "by minibatch"
        assert view.epoch is not None
        if view.view != "minibatches":
            self._stack(reason, kind, common | at, "epochs", [view.epoch] if is_random else run.epochs)
        if not is_random or view.view == "minibatches" or "spread" in view.show:
            many = range(run.minibatches_of(size))
            self._stack(reason, "by epoch", common | {"epoch": f"{view.epoch}"}, "minibatches", many)
        self._told(reason, view, run, common, common | at, width)

    def _told(
        self, reason: str, view: View, run: RunHeld, common: dict[str, str], one: dict[str, str], width: float
    ) -> None:
        """What overlays and curves are drawn from."""
        if "sampling" in view.show:
            asked = {name: common[name] for name in ("run", "x", "y", "minibatch_size", "mode")}
            self._ask(reason, "sampling", asked, [view.epoch])
        if view.curves == "agreement":
            self._ask(reason, "course", one, run.epochs)
        if "probe" in view.show:
            start = ",".join(_text(width * float(share)) for share in view.start.split(","))
            rate = {} if view.rate is None else {"rate": _text(view.rate)}
            self._ask(reason, "probe", one | {"start": start, "steps": f"{view.steps}"} | rate, [view.epoch])

    def _stack(self, reason: str, kind: str, selection: dict[str, str], over: str, indices: Sequence[int]) -> None:
        left_out = {"epochs": "epoch", "minibatches": "minibatch"}[over]
        selection = {name: value for name, value in selection.items() if name != left_out}
        made = _Stack(reason, kind, selection, over, set(indices))
        [question] = made.file().questions
        self.stacks.setdefault(question, made).indices.update(indices)

    def _ask(self, reason: str, kind: str, asked: Mapping[str, str], epochs: Sequence[Any]) -> None:
        addresses = [_address(kind, {**asked, "epoch": f"{epoch}"}) for epoch in epochs]
        self.answers.setdefault(question_of(addresses[0]), (f"{kind} of the {reason}", addresses))

    def groups(self, held: Sequence[Group]) -> Iterator[Group]:
        """Files of all that the other groups of a site do not hold already."""
        there = {question for group in held for file in group.files for question in file.questions}
        files: dict[tuple[str, str], list[File]] = {}
        for question, made in self.stacks.items():
            if question not in there:
                files.setdefault((f"pictures of the {made.reason}, {made.kind}", made.reason), []).append(made.file())
        for name, addresses in self.answers.values():
            fresh = [address for address in addresses if question_of(address) not in there]
            there.update(map(question_of, fresh))
            if fresh:
                files.setdefault((name, name.rpartition(" ")[2]), []).append(bundle(fresh))
        for (name, reason), found in files.items():
            yield Group(name, tuple(found), f"--with without {reason}")
        if self.scenes:
            told = json.dumps(self.scenes, separators=(",", ":")).encode()
            file = File(tuple(self.scenes), lambda get: told)
            yield Group("scenes", (file,), "--with without scenes", expected_bytes=_SCENE_BYTES * len(self.scenes))


def _address(kind: str, asked: Mapping[str, str]) -> str:
    return f"{kind}?{urlencode(asked)}"


def _text(value: Any) -> str:
    """As JavaScript writes it."""
    return f"{value:g}" if isinstance(value, float) and value.is_integer() else f"{value}"
