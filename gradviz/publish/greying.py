"""The page's layout for a site: what is not in it is greyed out, and named in a list at the head of the controls."""

from collections.abc import Collection
from typing import Any

from dash import html
from dash.development.base_component import Component

from gradviz.dashboard import ids
from gradviz.dashboard.fieldsets import label
from gradviz.dashboard.layout import page
from gradviz.landscape.request import MASKS, MODES
from gradviz.publish.choices import Choices, RunHeld

_ALWAYS = (
    "planes along directions, and pairs of parameters other than those listed",
    "grids of another width or with other points",
    "the probe",
    "the scenes",
    "what a composed minibatch would give",
    "the paths of replicas",
    "training",
    "exports that a server makes (numbers, PDF, pages with a slider, animations, commands)",
)


def layout_of(choices: Choices, runs: Collection[RunHeld]) -> tuple[Component, list[str]]:
    """The layout, and what is not in the site, in words."""
    made: Any = page()
    lacks: list[str] = []
    _grey_sizes(made, choices, runs, lacks)
    _grey_modes(made, choices, runs, lacks)
    _disable(made, ids.HALF_WIDTH, ids.POINTS)
    _keep(made, ids.VIEW, {"paths", "training"} | (set() if "evidence" in choices.more else {"evidence"}))
    if "evidence" not in choices.more:
        lacks.append("the evidence")
    lacking = {"biases", "layer", "model"} - set(choices.parts)
    if lacking:
        _keep(made, ids.PART, lacking)
        lacks.append("cosines and measures of larger parts than a pair")
    if "curves" not in choices.more:
        _keep(made, ids.CURVES, {"agreement"})
        lacks.append("the curves of agreement over the epochs")
    for chip in made[ids.SHOW].children:
        chip.disabled = chip.value == "probe" or (chip.value == "sampling" and "sampling" not in choices.more)
    if "sampling" not in choices.more:
        lacks.append("the sampling ellipse")
    if not choices.rows:
        lacks.append("the rows of the minibatches")
    if "lessons" not in choices.more:
        lacks.append("the lessons")
    there = {mark for mark, held in (("data-rows", choices.rows), ("data-lessons", "lessons" in choices.more)) if held}
    for button in _buttons(made, there):
        button.disabled = True
        button.title = "Not in this site"
    lacks += _ALWAYS
    sidebar = made[ids.SIDEBAR]
    sidebar.children = [_about(lacks), *sidebar.children]
    return made, lacks


def _about(lacks: Collection[str]) -> Component:
    words = html.P(
        "This is a published site: files, without a server that computes. What is not in it is greyed out:",
        className="gv-sub",
    )
    return html.Details(
        [html.Summary("Published site"), words, html.Ul([html.Li(each) for each in lacks], className="gv-sub")],
        className="gv-fold gv-site",
        **label("Not in this site"),
    )


def _grey_sizes(made: Any, choices: Choices, runs: Collection[RunHeld], lacks: list[str]) -> None:
    chosen = {run.size for run in runs}
    sizes = {option["value"] for option in made[ids.MINIBATCH_SIZE].data}
    _keep(made, ids.MINIBATCH_SIZE, sizes - chosen)
    lacks.append(f"minibatches of {', '.join(sorted(sizes - chosen, key=int))} rows")
    made[ids.MINIBATCH_SIZE].value = str(choices.minibatch_size)


def _grey_modes(made: Any, choices: Choices, runs: Collection[RunHeld], lacks: list[str]) -> None:
    without = set(MODES) - set(choices.modes)
    _keep(made, ids.MODE, without)
    lacks += [f"{mode} mode" for mode in MODES if mode in without]
    _disable(made, ids.SEED)
    absent = set(MASKS) - set(choices.masks)
    _keep(made, ids.MASKS, absent)
    if choices.masks and any(run.draws_masks for run in runs):
        lacks += [f"{name} masks" for name in sorted(absent)] + ["masks of other seeds"]


def _keep(made: Any, control: str, absent: Collection[str]) -> None:
    made[control].data = [option | {"disabled": option["value"] in absent} for option in made[control].data]


def _disable(made: Any, *controls: str) -> None:
    for control in controls:
        made[control].disabled = True


def _buttons(made: Component, there: Collection[str]) -> list[Any]:
    """The buttons that open what the site does not have: `there` are the marks of those that it has."""
    marks = {"data-directions", "data-pick", "data-rows", "data-scenes", "data-lessons"} - set(there)
    every = [made, *made._traverse()]  # pyright: ignore[reportPrivateUsage]  (the only way through a layout)
    return [each for each in every if isinstance(each, html.Button) and any(hasattr(each, mark) for mark in marks)]
