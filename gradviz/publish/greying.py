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
from gradviz.publish.extras import Extras

_ALWAYS = (
    "planes along directions, and pairs of parameters other than those listed",
    "grids of another width or with other points",
    "the probe",
    "what a composed minibatch would give",
    "the paths of replicas",
    "training",
    "exports that a server makes (numbers, PDF, pages with a slider, animations, commands)",
)


def views_in(choices: Choices) -> list[str]:
    """The views of the page that a site has."""
    return ["explore", "compare", "minibatches", *(["evidence"] if "evidence" in choices.more else [])]


def layout_of(choices: Choices, runs: Collection[RunHeld], extras: Extras) -> tuple[Component, list[str]]:
    """The layout, and what is not in the site, in words."""
    made: Any = page()
    lacks: list[str] = []
    _grey_sizes(made, choices, runs, extras, lacks)
    _grey_modes(made, choices, runs, extras, lacks)
    _disable(made, ids.HALF_WIDTH, ids.POINTS)
    _keep(made, ids.VIEW, {"paths", "training", "evidence"} - set(views_in(choices)))
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
    for what in ("lessons", "scenes"):
        if what not in choices.more:
            lacks.append(f"the {what}")
    for button in _buttons(made, choices):
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


def _grey_sizes(made: Any, choices: Choices, runs: Collection[RunHeld], extras: Extras, lacks: list[str]) -> None:
    chosen = {run.size for run in runs}
    shown = set().union(*extras.sizes.values()) - chosen
    sizes = {option["value"] for option in made[ids.MINIBATCH_SIZE].data}
    _keep(made, ids.MINIBATCH_SIZE, sizes - chosen - shown)
    _name(lacks, "minibatches of {} rows", sorted(sizes - chosen, key=int), shown)
    made[ids.MINIBATCH_SIZE].value = str(choices.minibatch_size)


def _grey_modes(made: Any, choices: Choices, runs: Collection[RunHeld], extras: Extras, lacks: list[str]) -> None:
    _keep(made, ids.MODE, set(MODES) - set(choices.modes) - extras.modes)
    _name(lacks, "{} mode", [mode for mode in MODES if mode not in choices.modes], extras.modes)
    made[ids.SEED].disabled = not extras.seeds - {0}
    _keep(made, ids.MASKS, set(MASKS) - set(choices.masks) - extras.masks)
    if (choices.masks or extras.masks) and any(run.draws_masks for run in runs):
        _name(lacks, "{} masks", [name for name in MASKS if name not in choices.masks], extras.masks)
        _name(lacks, "masks of other seeds{}", [""], {""} if extras.seeds - {0} else ())


def _name(lacks: list[str], words: str, absent: Collection[str], shown: Collection[str]) -> None:
    """Names what a site lacks, and what it has for lessons and scenes alone."""
    wholly = [words.format(each) for each in absent if each not in shown]
    partly = [words.format(each) for each in absent if each in shown]
    lacks += wholly + [f"{each}, but for what lessons and scenes show" for each in partly]


def _keep(made: Any, control: str, absent: Collection[str]) -> None:
    made[control].data = [option | {"disabled": option["value"] in absent} for option in made[control].data]


def _disable(made: Any, *controls: str) -> None:
    for control in controls:
        made[control].disabled = True


def _buttons(made: Component, choices: Choices) -> list[Any]:
    """The buttons that open what the site lacks: units, directions; rows, lessons and scenes where it has none."""
    marks = ["data-directions", "data-pick"]
    marks += [f"data-{what}" for what in ("lessons", "scenes") if what not in choices.more]
    marks += [] if choices.rows else ["data-rows"]
    every = [made, *made._traverse()]  # pyright: ignore[reportPrivateUsage]  (the only way through a layout)
    return [each for each in every if isinstance(each, html.Button) and any(hasattr(each, mark) for mark in marks)]
