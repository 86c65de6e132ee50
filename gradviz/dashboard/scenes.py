"""Scenes: views worth opening first, each found in the runs at hand by what is measured there, and shown by a link.

Every measurement is a question whose answer is kept: a scene that was found once is told at once.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from gradviz.compute.interface import Compute, StillWanted
from gradviz.compute.question import Question
from gradviz.compute.units import PairsQuestion, UnitsQuestion
from gradviz.dashboard.evidence_links import view_of
from gradviz.dashboard.overview import runs_of
from gradviz.dashboard.permalink import View
from gradviz.errors import UserError
from gradviz.evidence.roughening import neighbour_angle
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.field import ZeroReason
from gradviz.landscape.pairs import ACTIVE_SHARE, ROUND_OFF
from gradviz.numbers import number as written
from gradviz.numbers import percent

MOST_RUNS = 6
"""How many runs a scene is sought in, in the order of the page."""
_AT_MOST = 400.0
"""Forward passes of a full-size network that one question may cost (`Question.passes`)."""

_TOO_LARGE = "To look for it in networks of this size would take long."

_CORNER_UNITS, _CORNER_WIDTHS, _CORNER_SHARE = 6, (0.1, 0.5), (0.05, 0.6)
_QUARREL = 0.5  # of R, at most
_QUARRELLING = 4  # minibatches that are drawn
_STORM_POINTS, _STORM_DEGREES = 11, 5.0

# Shape suffixes: N = units of a layer.


class NotFound(Exception):
    """Why these runs have no such scene: one sentence."""


@dataclass(frozen=True)
class Scene:
    """A scene that was found: the view that shows it, the pictures that stand for it, each with its name (empty for a
    single one), and a sentence with its numbers."""

    view: View
    panels: tuple[LandscapeRequest, ...]
    caption: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layer:
    """The units of one layer at a run's newest checkpoint; `active_N` is None where no unit can be inactive."""

    run: Mapping
    label: str
    parameters: Sequence[str]
    active_N: np.ndarray | None
    has_gradient_N: np.ndarray

    @property
    def alive_N(self) -> np.ndarray:
        return self.has_gradient_N & (True if self.active_N is None else self.active_N >= ACTIVE_SHARE[0])

    def landscape(self, *units: int, **how: object) -> LandscapeRequest:
        """Of the parameters of two units."""
        x, y = (self.parameters[unit] for unit in units)
        return LandscapeRequest.model_validate(
            {"run": self.run["run"], "epoch": self.run["epochs"][-1], "x": x, "y": y, **how}
        )


@dataclass(frozen=True)
class Looking:
    """What scenes are sought with."""

    compute: Compute
    still_wanted: StillWanted = field(default=lambda: True)

    def runs(self, fits: Callable[[Mapping], bool]) -> list[dict]:
        """Those that can be computed, and of which this holds."""
        runs = [run for run in runs_of(self.compute.store).values() if not run["cannot"] and run["epochs"]]
        fitting = [run for run in runs if fits(run["capabilities"])]
        small = [run for run in fitting if self._is_small(run)]
        if fitting and not small:
            raise NotFound(_TOO_LARGE)
        return small[:MOST_RUNS]

    def _is_small(self, run: Mapping) -> bool:
        question = PairsQuestion(run=run["run"], epoch=run["epochs"][-1], layer=0)
        return not run["layers"] or question.passes(self.compute.store) <= _AT_MOST

    def layers(self, run: Mapping) -> Iterator[Layer]:
        """The units of `shown_layers`, at the newest checkpoint."""
        for number, layer in shown_layers(run):
            told = self.answer(UnitsQuestion(run=run["run"], epoch=run["epochs"][-1], layer=number))
            sizes_N = np.array(told["gradient_rms"])
            active_N = None if told["active"] is None else np.array(told["active"])
            has_N = sizes_N > ROUND_OFF * sizes_N.max()
            yield Layer(run, layer["label"], told["parameters"], active_N, has_N)

    def answer(self, question: Question) -> dict:
        if question.passes(self.compute.store) > _AT_MOST:
            raise NotFound(_TOO_LARGE)
        return json.loads(self.compute.ask(question, self.still_wanted))

    def field(self, request: LandscapeRequest) -> GradientField:
        return self.compute.landscape(request, self.still_wanted)


def shown_layers(run: Mapping) -> list[tuple[int, Mapping]]:
    """The layers that the page shows first, if they have units, each with its number."""
    tensors = {pair[0].partition("[")[0] for pair in (run["suggested"] or {}).values()}
    shown = {run["tensors"][tensor]["layer"] for tensor in tensors}
    return [(number, each) for number, each in enumerate(run["layers"]) if each["value"] in shown and each["has_units"]]


def relu_corner(looking: Looking) -> Scene:
    """Two units that are seldom active: where both are off, nothing is left of the gradient."""
    for run in _without_statistics(looking):
        found: list[tuple[float, LandscapeRequest, Layer, tuple[int, int], float]] = []
        for layer in looking.layers(run):
            if layer.active_N is None:
                continue
            rare = [unit for unit in np.argsort(layer.active_N, kind="stable") if layer.alive_N[unit]][:_CORNER_UNITS]
            for x, y in zip(rare[::2], rare[1::2], strict=False):
                for width in _CORNER_WIDTHS:
                    request = layer.landscape(x, y, half_width=width)
                    share = _share_both_off(looking.field(request))
                    if _CORNER_SHARE[0] <= share <= _CORNER_SHARE[1]:
                        found.append((abs(share - 0.25), request, layer, (x, y), share))
        if found:
            _, request, layer, (x, y), share = min(found, key=lambda each: each[0])
            assert layer.active_N is not None
            active = " and ".join(percent(float(layer.active_N[unit])) for unit in (x, y))
            caption = (
                f"Units {x} and {y} of {layer.label} of {run['label']} are active on {active} of the rows. On"
                f" {percent(share)} of the plane both are off for the whole minibatch, and no arrow is left."
            )
            return Scene(view_of(request), (request,), caption)
    raise NotFound("No two units seldom enough active lie near their kinks in these runs.")


def minibatches_quarrel(looking: Looking) -> Scene:
    """The first pair of the pair finder over which the minibatches hardly agree, at the newest or the middle epoch."""
    least, where = 2.0, ""
    for run in _without_statistics(looking):
        for epoch in dict.fromkeys([run["epochs"][-1], run["epochs"][len(run["epochs"]) // 2]]):
            for number, layer in shown_layers(run):
                told = looking.answer(PairsQuestion(run=run["run"], epoch=epoch, layer=number))
                for pair in told["pairs"][:1]:
                    resultant = 1 - pair["spread"]
                    if resultant <= _QUARREL:
                        request = LandscapeRequest(run=run["run"], epoch=epoch, x=pair["x"], y=pair["y"])
                        return _quarrel(
                            request, f"{layer['label']} of {run['label']}", resultant, told["num_minibatches"]
                        )
                    if resultant < least:
                        least, where = resultant, f"{layer['label']} of {run['label']}"
    raise NotFound(
        f"The minibatches agree: the pair that they agree least on, in {where}, has R = {least:.2f}."
        if where
        else "No layer of these runs has two live units to compare minibatches by."
    )


def _quarrel(request: LandscapeRequest, where: str, resultant: float, many: int) -> Scene:
    drawn = min(_QUARRELLING, many)
    panels = tuple(request.of_minibatch(index) for index in range(drawn))
    caption = (
        f"Two parameters of {where} at epoch {request.epoch}, under {drawn} of {many} minibatches. Over all of them"
        f" the arrows at ○ have R = {resultant:.2f}: 1 is agreement, 0 cancels out."
    )
    return Scene(
        view_of(request, "minibatches"), panels, caption, tuple(f"minibatch {index}" for index in range(drawn))
    )


def dead_unit(looking: Looking) -> Scene:
    """A unit that is active on no row, beside the nearest live one."""
    sought: list[str] = []
    for run in looking.runs(lambda can: True):
        for layer in looking.layers(run):
            if layer.active_N is None:
                continue
            sought.append(f"{layer.label} of {run['label']}")
            dead, alive = np.flatnonzero((layer.active_N == 0) & ~layer.has_gradient_N), np.flatnonzero(layer.alive_N)
            if not len(dead) or not len(alive):
                continue
            x = int(dead[0])
            request = layer.landscape(x, int(min(alive, key=lambda unit: (abs(unit - x), unit))))
            if np.any(looking.field(request).u):
                continue  # it wakes up within the plane
            caption = (
                f"Unit {x} of {layer.label} of {run['label']} is active on none of the rows looked at; {len(dead)} of"
                f" the layer's {len(layer.active_N)} units are dead. ∂J/\u2060∂x₁ is zero: arrows are parallel to x₂."
            )
            return Scene(view_of(request), (request,), caption)
    raise NotFound(f"No unit is dead in {', '.join(sought)}." if sought else "No units of these runs can be inactive.")


def dropout_storm(looking: Looking) -> Scene:
    """Masks drawn anew at each point beside one set of masks for the whole plane."""
    runs = looking.runs(lambda can: can["draws_masks"])
    calm = ""
    for run in runs:
        for layer in looking.layers(run):
            alive = np.flatnonzero(layer.alive_N)[:2]
            if len(alive) < 2:
                continue
            pair = [int(unit) for unit in alive]
            fresh, frozen = (
                layer.landscape(*pair, mode="train", masks=masks, points=_STORM_POINTS) for masks in ("fresh", "frozen")
            )
            angles = [neighbour_angle(looking.field(request)) for request in (fresh, frozen)]
            if angles[0] is None or angles[1] is None:
                continue
            told = f"{angles[0]:.0f}° with masks drawn anew at every point, {angles[1]:.0f}° with one set for all"
            if angles[0] - angles[1] < _STORM_DEGREES:
                calm = f" Neighbouring arrows of {run['label']} differ by {told}."
                continue
            sides = (run["run"], f"{run['run']}~frozen")
            view = view_of(fresh, "compare").model_copy(update={"compared": sides, "points": _STORM_POINTS})
            caption = f"Neighbouring arrows of {run['label']}, {layer.label}, differ on average by {told}."
            return Scene(view, (fresh, frozen), caption, ("fresh masks", "frozen masks"))
    if calm:
        raise NotFound(f"Masks hardly turn the arrows here.{calm}")
    raise NotFound("No layer of these runs has two live units." if runs else "None of these runs draws masks.")


def batchnorm_silence(looking: Looking) -> Scene:
    """Biases whose effect batch statistics take out: every arrow is zero in train mode, and none is in eval mode."""
    runs = looking.runs(lambda can: can["has_batch_statistics"])
    for run in runs:
        for x, y in (run["suggested"] or {}).values():
            silent = LandscapeRequest(run=run["run"], epoch=run["epochs"][-1], x=x, y=y, mode="train")
            loud = silent.model_copy(update={"mode": "eval"})
            zero, other = looking.field(silent), looking.field(loud)
            if not np.all(zero.zero_reason == ZeroReason.BATCH_STATISTICS) or not np.any(~other.is_zero):
                continue
            centre = other.is_zero.shape[0] // 2
            label = run["tensors"][x.partition("[")[0]]["label"]
            caption = (
                f"All {zero.is_zero.size} arrows by two biases of {label} of {run['label']} are zero in train mode: the"
                " norm subtracts the minibatch mean, and so whatever they add. In eval mode the arrow at ○ has length"
                f" {written(float(other.magnitude[centre, centre]), 3)}."
            )
            return Scene(view_of(silent), (silent, loud), caption, ("train mode", "eval mode"))
    raise NotFound("Batch statistics take no bias out here." if runs else "None of these runs has batch statistics.")


Find = Callable[[Looking], Scene]
SCENES: Mapping[str, tuple[str, Find]] = {
    "relu-corner": ("ReLU corner", relu_corner),
    "minibatches-quarrel": ("Minibatches quarrel", minibatches_quarrel),
    "dead-unit": ("Dead unit", dead_unit),
    "dropout-storm": ("Dropout storm", dropout_storm),
    "batchnorm-silence": ("Batch normalization’s silence", batchnorm_silence),
}
"""By key: its name for people, and how it is found."""


def found(key: str, looking: Looking) -> Scene | str:
    """The scene, or why there is none. UserError for an unknown key; Unavailable, as of any question."""
    if key not in SCENES:
        raise UserError(f"There is no scene `{key[:40]}`: there are {', '.join(SCENES)}.")
    if not looking.runs(lambda can: True):
        return "No run has a checkpoint yet."
    try:
        return SCENES[key][1](looking)
    except NotFound as reason:
        return str(reason)


def _without_statistics(looking: Looking) -> list[dict]:
    """The runs whose rows do not depend on each other in train mode; those that draw no masks come first."""
    runs = looking.runs(lambda can: not can["has_batch_statistics"])
    return sorted(runs, key=lambda run: run["capabilities"]["draws_masks"])


def _share_both_off(field: GradientField) -> float:
    """The share of the plane on which every component is zero because its unit is inactive on every row."""
    is_off = (field.u_reason == ZeroReason.DEAD_UNIT) & (field.v_reason == ZeroReason.DEAD_UNIT) & field.is_zero
    return float(is_off.mean())
