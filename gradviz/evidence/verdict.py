"""A verdict, and the numbers that it rests on."""

from enum import StrEnum

from gradviz.evidence.measurements import Estimate, Measured, Panel, Scene
from gradviz.landscape.request import LandscapeRequest


class Kind(StrEnum):
    """What is said of a claim."""

    HOLDS = "holds"
    IN_PART = "holds at some checkpoints"
    NOT = "does not hold"
    SAMPLING = "explained by random sampling"
    MASKS = "artefact of re-drawn masks"
    ROUND_OFF = "artefact of float32 round-off"
    UNTOLD = "cannot be told"
    UNKNOWN = "not measured"


class Figure(Measured):
    """A number that a verdict rests on: what it is, its unit, and what it is a statistic of.

    The unit "%" is that of a share, which is kept as a number from 0 to 1.
    """

    name: str
    estimate: Estimate
    unit: str = ""
    sample: str = ""


class Verdict(Measured):
    """The verdict of one claim for one set of runs; `views` are the landscapes that show it.

    `why`: a sentence where the verdict cannot be told, nothing elsewhere.
    """

    claim: str
    kind: Kind
    figures: tuple[Figure, ...]
    views: tuple[LandscapeRequest, ...] = ()
    why: str = ""


def opposite_of(panel: Panel, where: str) -> Figure:
    name = f"opposite pairs, {layer_of(panel)}{where}"
    return Figure(name=name, estimate=panel.agreement.opposite, unit="%", sample=sample_of(panel))


def resultant_of(panel: Panel, where: str) -> Figure:
    return Figure(name=f"R, {layer_of(panel)}{where}", estimate=panel.agreement.resultant, sample=sample_of(panel))


def angles_of(scene: Scene, where: str) -> tuple[Figure, ...]:
    return tuple(
        Figure(
            name=f"angle between neighbours, {layer_of(panel)}, {where}",
            estimate=panel.roughness.angle,
            unit="°",
            sample=f"{panel.view.x}, {panel.view.y}: {panel.roughness.num_minibatches} minibatches,"
            f" {panel.roughness.points} × {panel.roughness.points} points",
        )
        for panel in scene.panels
    )


def layer_of(panel: Panel) -> str:
    """`hidden layer 1`."""
    return f"hidden layer {panel.view.refs[0].layer}"


def sample_of(panel: Panel) -> str:
    agreement = panel.agreement
    return f"{panel.view.x}, {panel.view.y}: {agreement.num_minibatches} minibatches of {agreement.minibatch_size} rows"


def views_of(scene: Scene) -> tuple[LandscapeRequest, ...]:
    return tuple(panel.view for panel in scene.panels)


def exact(value: float | None) -> Estimate:
    return Estimate(value=value)


def ratio(a: float | None, b: float | None) -> Estimate:
    return Estimate(value=a / b if a is not None and b else None)
