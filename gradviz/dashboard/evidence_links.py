"""Which view of the page shows a number of the evidence: its address, found by what the number is a statistic of."""

from gradviz.dashboard import permalink
from gradviz.dashboard.permalink import Part
from gradviz.evidence.measurements import Evidence, Panel
from gradviz.evidence.verdict import Figure, Verdict
from gradviz.landscape.parameters import default_pair
from gradviz.landscape.request import LandscapeRequest


def address_of(figure: Figure, verdict: Verdict, evidence: Evidence) -> str:
    """The query string of the view whose words, table or picture show the number; empty if none does."""
    if verdict.claim == "accurate":
        return permalink.write(permalink.View(view="training")) if figure.name == "R² on the test rows" else ""
    if verdict.claim == "batchnorm-rough":  # the page computes in float32 alone, and draws no round-off
        return permalink.write(_view(verdict.views[0], "explore", "pair")) if figure.name.startswith("arrows") else ""
    if verdict.claim == "sgd" and verdict.views:
        return permalink.write(_view(verdict.views[0], "minibatches", "model"))
    if verdict.claim == "composition":
        return _of_biases(figure, evidence)
    panel = _panel_of(figure, evidence)
    return permalink.write(_view(panel.view, "minibatches", "pair")) if panel else ""


def _of_biases(figure: Figure, evidence: Evidence) -> str:
    """All biases of a layer: the cosines of the Minibatches view, with the layer's first two as its pair."""
    null = next((each for each in evidence.nulls if each.measured_resultant is figure.estimate), None)
    if null is None:
        return ""
    x, y = default_pair(int(null.scope.split()[-1]))
    request = LandscapeRequest(x=x, y=y, run=null.run, epoch=null.epoch, minibatch_size=null.minibatch_size)
    return permalink.write(_view(request, "minibatches", "biases"))


def _panel_of(figure: Figure, evidence: Evidence) -> Panel | None:
    """The picture that this very number was measured on, if it shows it.

    With fresh masks the arrow at the centre of a grid has other masks than those that the agreement was measured with:
    another draw, another number.
    """
    for scene in evidence.scenes:
        draws_anew = scene.run == "dropout" and scene.mode == "train" and scene.masks == "fresh"
        for panel in scene.panels:
            shown = [panel.roughness.angle]
            shown += [] if draws_anew else [panel.agreement.resultant, panel.agreement.opposite]
            if any(figure.estimate is known for known in shown):
                return panel
    return None


def _view(request: LandscapeRequest, name: permalink.ViewName, part: Part) -> permalink.View:
    return permalink.View(
        view=name,
        run=request.run,
        epoch=request.epoch,
        x_a=request.x,
        y_a=request.y,
        minibatch=request.minibatch,
        minibatch_size=request.minibatch_size,
        part=part,
        mode=request.mode,
        masks=request.masks,
        seed=request.seed,
        half_width=request.half_width,
        points=request.points,
    )
