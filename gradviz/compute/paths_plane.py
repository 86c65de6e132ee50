"""The plane that a request for paths names: that of `gradviz landscape` with these axes at this checkpoint, and with
all else as by default there (eval mode, minibatches of 64 rows, the Hessian of minibatch 0)."""

import torch

from gradviz.compute.directions import check_axes, sources, span
from gradviz.compute.vectors import KeptVectors
from gradviz.experiment.continuation import Continuation
from gradviz.experiment.store import RunStore
from gradviz.landscape.directions.axis import parse_axis
from gradviz.landscape.paths.plane import ChosenPlane
from gradviz.landscape.paths.request import PathsRequest
from gradviz.landscape.replay.axes import check_scalar
from gradviz.landscape.request import LandscapeRequest
from gradviz.landscape.scalar import Scalar


def plane_sources(store: RunStore, run: Continuation, request: PathsRequest) -> list[str]:
    """Part of a key: the axes and all that they are made from; nothing without a plane. UserError for an axis that the
    run has at none of its checkpoints."""
    if request.axes is None:
        return []
    asked = _landscape(request)
    check_axes(store, asked)
    for axis in map(parse_axis, request.axes):
        if isinstance(axis, Scalar):
            check_scalar(run.model, axis)
    return [*request.axes, sources(store, asked)]


def chosen_plane(store: RunStore, run: Continuation, request: PathsRequest, device: torch.device) -> ChosenPlane:
    """The plane of a request that names one. UserError if its axes lie on one line, or this checkpoint has one not."""
    spanned = span(store, _landscape(request), device, KeptVectors(0))
    return ChosenPlane.of(spanned.x, spanned.y, run.model)


def _landscape(request: PathsRequest) -> LandscapeRequest:
    return LandscapeRequest.of(run=request.run, epoch=request.epoch, x=request.x, y=request.y)
