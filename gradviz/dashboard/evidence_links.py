"""The address of the page's view that shows a number of the evidence, or a landscape of the report."""

from gradviz.compute.estimate import POINTS
from gradviz.dashboard import permalink
from gradviz.dashboard.permalink import Part, ViewName
from gradviz.evidence.verdict import Shown
from gradviz.landscape.paths.request import PathsRequest
from gradviz.landscape.request import LandscapeRequest, width_by_axes


def address_of(shown: Shown | None) -> str:
    """The query string of the view; empty if none shows the number."""
    if shown is None:
        return ""
    if shown.paths is not None:
        return permalink.write(paths_view_of(shown.paths))
    if shown.request is None:
        return permalink.write(permalink.View(view=shown.view))
    return permalink.write(view_of(shown.request, shown.view, shown.part))


def paths_view_of(request: PathsRequest) -> permalink.View:
    """The Paths view that asks for these paths."""
    return permalink.View(
        view="paths",
        run=request.run,
        epoch=request.epoch,
        conditions=request.conditions,
        replicas=request.replicas,
        optimizer=request.optimizer,
        rate_factor=request.rate_factor,
        x_fan=request.x,
        y_fan=request.y,
    )


def view_of(request: LandscapeRequest, name: ViewName = "explore", part: Part = "pair") -> permalink.View:
    """The view whose left picture is this landscape."""
    is_usual = request.half_width == width_by_axes(request.x, request.y)
    return permalink.View(
        view=name,
        run=request.run,
        epoch=request.epoch,
        x_a=request.x,
        y_a=request.y,
        minibatch=request.minibatch,
        minibatch_size=request.minibatch_size,
        rows=request.rows,
        part=part,
        mode=request.mode,
        masks=request.masks,
        seed=request.seed,
        half_width=None if is_usual else request.half_width,
        points=None if request.points == POINTS and not request.has_directions else request.points,
    )
