"""Landscapes of planes that directions span: the run's recorded path is what most are made from."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import safetensors.torch
import torch

from gradviz.compute.begun_planes import BegunPlane, Opened, Told
from gradviz.compute.study_landscape import REPLAY_VERSION, AnyNetwork, batch_of, problem_of, study_of
from gradviz.compute.vectors import KeptVectors, address_of_vector
from gradviz.errors import UserError
from gradviz.experiment import asking
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.composed import rows_text
from gradviz.landscape.directions.axis import Axis, Curvature, Gradient, Principal, Step, Towards, parse_axis
from gradviz.landscape.directions.checking import Known, Shapes
from gradviz.landscape.directions.path import last_step
from gradviz.landscape.directions.resolving import Surroundings, spanned_by, vector_of
from gradviz.landscape.directions.told import PlaneFacts, facts_of, statistics_of
from gradviz.landscape.directions.vector import Parameters, Vector, parameters_of
from gradviz.landscape.replay import Plane, Prepared, Problem, network_landscape
from gradviz.landscape.replay.coarser import Order
from gradviz.landscape.request import Grid

DIRECTIONS_VERSION = 4
"""Part of every key: raise it whenever an axis stands for another vector, or more is told of a plane."""


class RecordedPath:
    """The checkpoints of one run on disk, one of which is looked at."""

    def __init__(self, store: RunStore, run: str, epoch: int) -> None:
        self._store, self.run, self.epoch = store, run, epoch

    def epochs(self) -> Sequence[int]:
        return self._store.any_run(self.run).epochs()

    def parameters(self, epoch: int) -> Parameters:
        return self.of(self.run, epoch)

    def of(self, run: str, epoch: int) -> Parameters:
        return parameters_of(self._store.any_run(run).model(epoch))

    def address(self, run: str, epoch: int) -> str:
        """Of the checkpoint's content; `UserError` if there is none."""
        return self._store.any_run(run).address(epoch)


def sources(store: RunStore, request: LandscapeRequest) -> str:
    """Part of a key: what makes the vectors and computes with them, and the checkpoints, beside that of the request,
    which its directions are made from.

    `UserError` if one of them is missing, or for an axis that the run does not have.
    """
    check_axes(store, request)
    run, path = store.any_run(request.run), RecordedPath(store, request.run, request.epoch)
    addresses = {}
    for axis in map(parse_axis, (request.x, request.y)):
        for name, epoch in _needed(axis, path):
            try:
                addresses[name, epoch] = path.address(name, epoch)
            except UserError as error:
                raise UserError(f"`{axis}`: {error}") from error
    many = run.num_minibatches(request.minibatch_size)
    return f"directions {DIRECTIONS_VERSION} {REPLAY_VERSION} {many} {list(addresses.values())}"


def direction_sources(store: RunStore, request: LandscapeRequest) -> list[str]:
    """`sources` where an axis is a direction; for two parameters the checkpoint is all."""
    return [sources(store, request)] if request.has_directions else []


def check_axes(store: RunStore, request: LandscapeRequest) -> None:
    """`UserError` for an axis that the run has at none of its checkpoints, before anything is computed."""
    run = store.any_run(request.run)

    def shapes_of(axis: Towards) -> Shapes:
        try:
            store.any_run(axis.run).address(axis.epoch)
        except UserError as error:
            raise UserError(f"`{axis}`: {error}") from error
        return store.any_run(axis.run).parameter_shapes

    many = run.num_minibatches(request.minibatch_size)
    known = Known(run.name, run.epochs(), many, run.parameter_shapes, shapes_of)
    for axis in (request.x, request.y):
        known.check(parse_axis(axis))


def runs_named(request: LandscapeRequest) -> list[str]:
    """Other runs whose checkpoints the request's axes name."""
    return [axis.run for axis in map(parse_axis, (request.x, request.y)) if isinstance(axis, Towards)]


def _needed(axis: Axis, path: RecordedPath) -> list[tuple[str, int]]:
    """The checkpoints, by run and epoch, that a direction is made from beside the one that the plane goes through."""
    if isinstance(axis, Towards):
        return [(axis.run, axis.epoch)]
    if isinstance(axis, Principal):
        return [(path.run, epoch) for epoch in path.epochs()]
    if isinstance(axis, Step | Gradient | Curvature):
        return [(path.run, epoch) for epoch in last_step(path)]
    return []


@dataclass(frozen=True, eq=False)
class Span:
    """Two orthogonal directions of one length through a checkpoint, and what they were made from."""

    x: Vector
    y: Vector
    where: Surroundings
    problem: Problem
    statistics: str
    """Which batch statistics the network uses, if any."""

    def plane(self, grid: Grid) -> Plane:
        """The points of this grid on it."""
        return Plane(self.x, self.y, grid.half_width, grid.points)

    def facts(self) -> PlaneFacts:
        return facts_of(self.x, self.y, self.where.gradient(self.where.shown), self.statistics)


def span(store: RunStore, request: LandscapeRequest, device: torch.device, kept: KeptVectors) -> Span:
    """The plane of a request, of vectors that are `kept` where they are known; a single parameter is a direction of
    length 1. `UserError` for an axis that the run has not, or two on one line."""
    run = store.any_run(request.run)
    problem, path = problem_of(run, request, device), RecordedPath(store, request.run, request.epoch)
    where = Surroundings(
        path,
        lambda number: _at_minibatch(problem, run, request, number),
        run.num_minibatches(request.minibatch_size),
        request.minibatch if request.rows is None else None,
        request.points**2 // 2,
    )
    has_statistics = run.capabilities.has_batch_statistics
    statistics = statistics_of(request.mode, request.epoch, request.x, request.y) if has_statistics else ""

    def vector(axis: Axis, where: Surroundings) -> Vector:
        content = _made_from(axis, run, path, request, where.centre)
        return kept.of(address_of_vector(*content), lambda: vector_of(axis, where), on_disk=_takes_long(axis))

    return Span(*spanned_by(request.x, request.y, where, vector), where, problem, statistics)


def _made_from(
    axis: Axis, run: Run | StudyRun, path: RecordedPath, request: LandscapeRequest, centre: int
) -> list[object]:
    """Everything that the vector of an axis depends on, and nothing else of the request."""
    # The checkpoint itself comes first: the last steps of the first two epochs lie between the same two checkpoints.
    own = [] if isinstance(axis, Principal) else [(path.run, path.epoch)]
    addresses = [(epoch, path.address(name, epoch)) for name, epoch in [*own, *_needed(axis, path)]]
    content: list[object] = [DIRECTIONS_VERSION, REPLAY_VERSION, str(axis), addresses]
    if isinstance(axis, Gradient | Curvature):
        size = request.minibatch_size
        content += [run.num_minibatches(size), size, request.mode, _masks(run, request, centre)]
    if isinstance(axis, Curvature):
        content.append(request.minibatch if request.rows is None else rows_text(request.rows))
    return content


def _masks(run: Run | StudyRun, request: LandscapeRequest, centre: int) -> tuple[object, ...]:
    """Which random numbers a gradient at the checkpoint sees: with fresh masks those of the grid's middle point."""
    if not run.capabilities.draws_masks_in(request.mode):
        return ()
    own = {"fresh": centre, "frozen": 0, "averaged": request.num_masks}[request.masks]
    return request.masks, request.seed, own


def _takes_long(axis: Axis) -> bool:
    """Whether reading a vector is quicker than making it: one made from many checkpoints or minibatches, or by
    iteration."""
    return isinstance(axis, Principal | Curvature) or (isinstance(axis, Gradient) and axis.minibatch is None)


def direction_landscape(
    store: RunStore,
    request: LandscapeRequest,
    device: torch.device,
    kept: KeptVectors,
    *,
    method: AnyNetwork = "replay",
    coarse: int | None = None,
    begun: BegunPlane | None = None,
) -> tuple[GradientField, tuple[Vector, Vector]]:
    """The field of one request on a plane of directions, and the two vectors. Coarser grids come first; with `coarse`
    as far as that. `begun`: what has been found of the same plane by this method, to which this adds. `UserError` as
    `span` and `network_landscape`."""
    if not request.has_directions:
        raise UserError(f"{request.x} and {request.y} are two parameters: the plane has no directions to write.")
    begun = begun or BegunPlane(Order.coarser_first(request.points))
    # Out of it while something computes with it: if that is ended, it may be left as it should not be.
    opened, begun.opened, own = begun.opened, None, None
    if opened is None:
        own = span(store, request, device, kept)
        opened = Opened(own.plane(request), Prepared(own.problem))
    plane, prepared = opened.plane, opened.prepared
    found = network_landscape(prepared, plane, method=method, order=begun.order.going_to(coarse))
    if begun.told is None:
        own = own or span(store, request, device, kept)
        facts = asking.facts(study_of(store.any_run(request.run)), own.problem.model, own.problem.batch)
        begun.told = Told(own.facts(), facts)
    prepared.forget_checks()
    begun.opened = opened
    about = {"facts": begun.told.facts, "plane": begun.told.plane}
    field = replace(found.field, **about, method=found.method, passed_over=found.passed_over)
    assert isinstance(plane.x, Vector)
    assert isinstance(plane.y, Vector)
    return field, (plane.x, plane.y)


def _at_minibatch(problem: Problem, run: Run | StudyRun, request: LandscapeRequest, number: int | None) -> Problem:
    if number is None:
        return problem
    return replace(problem, batch=batch_of(run, request.of_minibatch(number), problem.device))


def vectors_bytes(vectors: Sequence[Vector]) -> bytes:
    """Both vectors as a safetensors file: float64 tensors `x.NAME` and `y.NAME`, and the axes in its metadata."""
    tensors = {
        f"{axis}.{name}": part.contiguous()
        for axis, vector in zip("xy", vectors, strict=True)
        for name, part in vector.parts.items()
    }
    # One text: the order of several would differ from process to process.
    texts = {"axes": json.dumps({axis: vector.text for axis, vector in zip("xy", vectors, strict=True)})}
    return safetensors.torch.save(tensors, texts)
