"""The pictures beside the claims: which landscapes, arrows or numbers a claim's page shows, and what they are of."""

from collections.abc import Iterable, Sequence

from gradviz.evidence.figures import exact, in_minibatches, layer_of
from gradviz.evidence.measurements import Panel, Scene
from gradviz.evidence.values import Estimate
from gradviz.evidence.verdict import Line, Picture, Plane, Shown
from gradviz.landscape.request import LandscapeRequest


def arrows_at(scene: Scene, how: str = "") -> Picture:
    """The arrows of all minibatches at the centres of a scene's planes; `how` the model is evaluated."""
    planes = tuple(Plane(name=layer_of(panel), shown=in_minibatches(panel)) for panel in scene.panels)
    many = " or ".join(_numbers(panel.agreement.num_minibatches for panel in scene.panels))
    caption = (
        f"The gradients of {many} minibatches at epoch {scene.epoch}{how}. The thick arrow is their mean direction,"
    )
    return Picture(
        kind="arrows", caption=f"{caption} R of the circle's radius long.", planes=planes, shown=planes[0].shown
    )


def fields_of(scenes: Sequence[tuple[str, Scene]]) -> Picture:
    """The first plane of each scene, side by side; a scene without any is left out."""
    first = [(name, scene.panels[0]) for name, scene in scenes if scene.panels]
    planes = tuple(Plane(name=f"{name}, epoch {panel.view.epoch}", shown=in_field(panel)) for name, panel in first)
    [*layers] = dict.fromkeys(layer_of(panel) for _, panel in first)
    caption = (
        f"The first minibatch's gradients, {' and '.join(layers)}, each picture by its own scale of length and colour."
    )
    return Picture(kind="fields", caption=caption, planes=planes, shown=planes[0].shown if planes else None)


def field_at(view: LandscapeRequest, caption: str) -> Picture:
    """One landscape."""
    shown = Shown(view="explore", request=view)
    return Picture(
        kind="fields", caption=caption, planes=(Plane(name=f"epoch {view.epoch}", shown=shown),), shown=shown
    )


def in_field(panel: Panel) -> Shown:
    """The landscape of a panel's first minibatch."""
    return Shown(view="explore", request=panel.view)


def line(name: str, x: Iterable[float], found: Sequence[Estimate], role: str = "own") -> Line:
    """Estimates as a curve with their intervals."""
    parts = {
        part: tuple(exact(getattr(each, of)).value for each in found)
        for part, of in (("y", "value"), ("low", "low"), ("high", "high"))
    }
    return Line.model_validate({"name": name, "x": tuple(x), "role": role, **parts})


def _numbers(values: Iterable[int]) -> list[str]:
    return [str(value) for value in sorted(set(values))]
