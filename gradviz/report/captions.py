"""The captions of the pictures."""

from collections.abc import Iterator

from gradviz.drawing.labels import layers_of
from gradviz.evidence.gathered import Evidence
from gradviz.evidence.measurements import Panel, RoundOff, Scene
from gradviz.evidence.scenes import design_of
from gradviz.landscape.directions.axis import one_words
from gradviz.landscape.request import LandscapeRequest
from gradviz.report.charts import CHARTS
from gradviz.report.concluding import on_round_off
from gradviz.report.document import Picture
from gradviz.report.numbers import number, percent

PRECISION = "batchnorm-precision"
"""The source's batch normalization picture in two precisions."""


def pictures_of(key: str, evidence: Evidence) -> Iterator[Picture]:
    """The picture with its caption; nothing if there is nothing to draw."""
    caption = caption_of(key, evidence)
    if caption is not None:
        yield Picture(key, caption)


def caption_of(key: str, evidence: Evidence) -> str | None:
    """One or two sentences with the numbers of the picture; None if there is no such picture."""
    scene = evidence.scene(key)
    if scene is not None:
        return f"{design_of(key).caption} {_facts(scene)}"
    if key == PRECISION:
        return None if evidence.round_off is None else _two_precisions(evidence.round_off)
    kind = next((kind for kind in CHARTS if kind.key == key), None)
    return kind.caption(evidence) if kind else None


def _two_precisions(both: RoundOff) -> str:
    return (
        f"The source's two biases under batch normalization at epoch {both.view.epoch}, by a plain loop of backward"
        f" passes, in float32 (left, largest component {number(both.largest_float32)}) and in float64 (right,"
        f" {number(both.largest_float64)}); every arrow is drawn that is not exactly zero. {on_round_off(both)}"
    )


def _facts(scene: Scene) -> str:
    return " ".join([f"Epoch {scene.epoch}.", *map(_facts_of, scene.panels)])


def _plane_of(view: LandscapeRequest) -> str:
    """The layer of two parameters; of directions, their words and what 1 is along them."""
    if not view.has_directions:
        return f"Hidden layer {view.refs[0].layer}"
    return f"{layers_of(view)} ({one_words(view.x, view.y)})"


def _facts_of(panel: Panel) -> str:
    layer, agreement = _plane_of(panel.view), panel.agreement
    if agreement.num_zero == agreement.num_minibatches:
        return f"{layer}: all gradients at the centre are zero up to round-off."
    facts = [f"angle between neighbours {number(panel.roughness.angle.value)}°"]
    if agreement.num_minibatches > 1:
        facts = [
            f"R = {number(agreement.resultant.value)}",
            f"{percent(agreement.opposite.value)} of pairs opposite",
            *facts,
        ]
    facts.append(f"{percent(agreement.share_below)} of rows predicted below their target")
    if agreement.num_zero:
        facts.append(f"{agreement.num_zero} of {agreement.num_minibatches} gradients zero")
    return f"{layer}: {', '.join(facts)}."
