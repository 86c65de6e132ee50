"""The numbers of a picture, and single numbers, as the figures of a verdict."""

import math
from collections.abc import Sequence
from typing import Literal

from gradviz.evidence import rules
from gradviz.evidence.controls import RandomPairs, RoughPairs
from gradviz.evidence.deciding import listed
from gradviz.evidence.live_pairs import mean_of_those_there, median
from gradviz.evidence.measurements import Agreement, Null, Panel, Scene
from gradviz.evidence.parts import layer_words
from gradviz.evidence.values import Estimate
from gradviz.evidence.verdict import COSINE, DEGREES, SHARE, Figure, Mark, Shown, Threshold
from gradviz.landscape.request import LandscapeRequest

AGREES = Threshold(value=rules.AGREES, side="at least")
MANY_OPPOSITE = Threshold(value=rules.MANY_OPPOSITE, side="at least")
DIFFERS = Threshold(value=rules.LEAST_APART, side="at most", what=f"directions {rules.LEAST_ANGLE:g}° apart")


def opposite_of(panel: Panel, where: str = "") -> Figure:
    """The share of pairs of minibatches whose arrows point in opposite directions; seen in the Minibatches view."""
    return Figure(
        name=f"opposite pairs, {layer_of(panel)}{where}",
        estimate=panel.agreement.opposite,
        unit="%",
        sample=_minibatches_of(panel),
        range=SHARE,
        thresholds=(MANY_OPPOSITE,),
        shown=in_minibatches(panel),
    )


def resultant_of(panel: Panel, where: str = "", *, is_shown: bool = True) -> Figure:
    """R. No view shows it where masks are drawn anew at each point: the arrow at the centre of a grid then has other
    masks than those that the agreement was measured with."""
    return Figure(
        name=f"R, {layer_of(panel)}{where}",
        estimate=panel.agreement.resultant,
        sample=_minibatches_of(panel),
        range=SHARE,
        shown=in_minibatches(panel) if is_shown else None,
    )


def many_opposite_of(
    answers: Sequence[bool | None], note: str = "", *, of: str = "of mid-training", where: str = ""
) -> Figure:
    """At how many checkpoints minibatches disagree, of so many `of` these; `note` ends the sample, `where` the name."""
    return Figure(
        name=f"checkpoints with at least {100 * rules.MANY_OPPOSITE:g} % opposite pairs{where}",
        estimate=exact(answers.count(True)),
        sample=f"of {len(answers)} {of}{note}",
        range=(0.0, float(len(answers))) if answers else None,
        thresholds=(Threshold(value=len(answers) / 2, side="above", what="most"),) if answers else (),
    )


def median_of(pairs: RandomPairs, of: Literal["resultant", "opposite"], layer: str) -> Figure:
    """R or the share of opposite pairs of minibatches, in pairs of random live units."""
    names = {"resultant": ("median R", ""), "opposite": ("median of opposite pairs", "%")}
    name, unit = names[of]
    return Figure(
        name=f"{name}, {layer}, random units",
        estimate=pairs.resultant if of == "resultant" else pairs.opposite,
        unit=unit,
        sample=f"{pairs.num_pairs} pairs of {pairs.num_live} live of {pairs.num_units} units of {pairs.tensor}, with"
        f" the middle 95 % of the pairs, epoch {pairs.epoch}",
        range=SHARE,
        thresholds=(AGREES if of == "resultant" else MANY_OPPOSITE,),
    )


def medians_of(scene: Scene, pairs: Sequence[RandomPairs], of: Literal["resultant", "opposite"]) -> tuple[Figure, ...]:
    """One for each panel of a picture."""
    return tuple(median_of(each, of, layer_of(panel)) for panel, each in zip(scene.panels, pairs, strict=False))


def median_angle(pairs: Sequence[RoughPairs]) -> Estimate:
    """What a rule on roughness reads, for random units: in each draw of a pair in every panel the mean of the panels'
    angles; the median over the draws, with their middle 95 %. A panel without live units, or without arrows in a draw,
    is left out."""
    draws = zip(*(each.angles for each in pairs if each.angles), strict=False)
    means = [mean_of_those_there(draw) for draw in draws]
    return median([mean for mean in means if mean is not None])


def median_angle_of(pairs: Sequence[RoughPairs], where: str) -> Figure:
    """The angle between neighbouring arrows in pairs of random live units."""
    first = pairs[0]
    num = first.num_minibatches
    over = f"{num} minibatch{'es' if num > 1 else ''}"
    of = f" of {first.tensor}" if len(pairs) == 1 else ""
    return Figure(
        name=f"median angle between neighbours, {where}, random units",
        estimate=median_angle(pairs),
        unit="°",
        sample=f"{listed(map(_rough_pairs_of, pairs))}{of}, {over}, with the middle 95 % of the pairs,"
        f" epoch {first.epoch}",
        range=DEGREES,
    )


def nulls_of(null: Null, shown: Shown, *, scope: str = "", note: str = "") -> tuple[Figure, Figure, Figure]:
    """R measured, that of random rows, and how far both are from 1 beside each other. `scope` ends the names, `note`
    the sample."""
    sample = f"epoch {null.epoch}, {null.num_minibatches} minibatches of {null.minibatch_size} rows{note}"
    random = null.random_resultant
    beyond = () if random.low is None else (Threshold(value=random.low, side="below", what="95 % of random rows"),)
    measured = Figure(
        name=f"R measured{scope}", estimate=null.measured_resultant, sample=sample, range=SHARE, shown=shown
    )
    return (
        measured.against(*beyond, DIFFERS, marks=(Mark(name="random rows", estimate=random),)),
        Figure(name=f"R of random rows{scope}", estimate=null.random_resultant, sample=sample, range=SHARE),
        Figure(name=f"1 − R over that of random rows{scope}", estimate=null.sensitivity, sample=sample),
    )


def cosine_of(agreement: Agreement, epoch: int, view: LandscapeRequest) -> Figure:
    """The mean pairwise cosine of whole gradients, seen in the Minibatches view."""
    return Figure(
        name="mean pairwise cosine",
        estimate=agreement.cosine,
        sample=f"all {agreement.num_parameters:,} parameters, {agreement.num_minibatches} minibatches of"
        f" {agreement.minibatch_size} rows, epoch {epoch}",
        range=COSINE,
        thresholds=(Threshold(value=rules.AGREES, side="below", end="upper end"),),
        shown=Shown(view="minibatches", request=view, part="model"),
    )


def angles_of(scene: Scene, where: str) -> tuple[Figure, ...]:
    """The angle between neighbouring arrows in each panel."""
    return tuple(
        Figure(
            name=f"angle between neighbours, {layer_of(panel)}, {where}",
            estimate=panel.roughness.angle,
            unit="°",
            sample=f"{panel.view.x}, {panel.view.y}: {panel.roughness.num_minibatches} minibatches,"
            f" {panel.roughness.points} × {panel.roughness.points} points",
            range=DEGREES,
            shown=in_minibatches(panel),
        )
        for panel in scene.panels
    )


def mean_angle_of(scene: Scene, where: str, *thresholds: Threshold, marks: tuple[Mark, ...] = ()) -> Figure:
    """What a rule on roughness reads: the mean of the panels' angles between neighbouring arrows."""
    return Figure(
        name=f"mean angle between neighbours, {where}",
        estimate=exact(mean_angle(scene)),
        unit="°",
        sample=f"mean of {len(scene.panels)} planes, epoch {scene.epoch}",
        range=DEGREES,
    ).against(*thresholds, marks=marks)


def angle_mark(name: str, angle: float | None) -> Mark:
    return Mark(name=name, estimate=exact(angle))


def mean_angle(scene: Scene) -> float | None:
    """Degrees between neighbouring arrows, the mean over the panels; None if no panel has two arrows."""
    return mean_of_those_there(panel.roughness.angle.value for panel in scene.panels)


def views_of(*scenes: Scene) -> tuple[LandscapeRequest, ...]:
    return tuple(panel.view for scene in scenes for panel in scene.panels)


def in_minibatches(panel: Panel) -> Shown:
    return Shown(view="minibatches", request=panel.view)


def layer_of(panel: Panel) -> str:
    """`hidden layer 1`; of another network than the built-in one the module's name."""
    return layer_words(panel.view)


def exact(value: float | None) -> Estimate:
    """A number without an interval; missing if it is not finite."""
    return Estimate(value=value if value is not None and math.isfinite(value) else None)


def ratio(a: float | None, b: float | None) -> Estimate:
    return exact(a / b if a is not None and b else None)


def _rough_pairs_of(pairs: RoughPairs) -> str:
    without = sum(angle is None for angle in pairs.angles)
    told = f"{len(pairs.angles)} pairs of {pairs.num_live} live of {pairs.num_units} units"
    return f"{told} ({without} without arrows)" if without else told


def _minibatches_of(panel: Panel) -> str:
    agreement = panel.agreement
    return f"{panel.view.x}, {panel.view.y}: {agreement.num_minibatches} minibatches of {agreement.minibatch_size} rows"
