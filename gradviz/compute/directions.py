"""Landscapes of planes that directions span: the run's recorded path is what most are made from."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import safetensors.torch
import torch

from gradviz.compute.study_landscape import REPLAY_VERSION, AnyNetwork, batch_of, problem_of, study_of
from gradviz.errors import UserError
from gradviz.experiment import asking
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.directions.axis import Axis, Curvature, Gradient, Principal, Step, Towards, parse_axis
from gradviz.landscape.directions.path import last_step
from gradviz.landscape.directions.resolving import Surroundings, spanned_by
from gradviz.landscape.directions.told import PlaneFacts, facts_of
from gradviz.landscape.directions.vector import Parameters, Vector, parameters_of
from gradviz.landscape.replay import Plane, Problem, network_landscape

DIRECTIONS_VERSION = 1
"""Part of every key: raise it whenever an axis stands for another vector."""


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


def sources(store: RunStore, request: LandscapeRequest) -> str:
    """Part of a key: what makes the vectors and computes with them, and the checkpoints, beside that of the request,
    which its directions are made from.

    `UserError` if one of them is missing.
    """
    run, path = store.any_run(request.run), RecordedPath(store, request.run, request.epoch)
    needed = dict.fromkeys(each for axis in (request.x, request.y) for each in _needed(parse_axis(axis), path))
    addresses = [store.any_run(name).address(epoch) for name, epoch in needed]
    many = run.num_minibatches(request.minibatch_size)
    return f"directions {DIRECTIONS_VERSION} {REPLAY_VERSION} {many} {addresses}"


def extra_passes(store: RunStore, request: LandscapeRequest) -> float:
    """Approximate forward passes that finding the vectors costs, beside the field."""
    run, passes = store.any_run(request.run), 3.0  # the gradient's share
    for axis in map(parse_axis, (request.x, request.y)):
        if isinstance(axis, Gradient):
            passes += 6 * (run.num_minibatches(request.minibatch_size) if axis.minibatch is None else 1)
        elif isinstance(axis, Principal):
            passes += 2 * len(run.epochs())
        elif isinstance(axis, Curvature):
            passes += 100 * (10 + axis.number)
    return passes


def _needed(axis: Axis, path: RecordedPath) -> list[tuple[str, int]]:
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

    def facts(self) -> PlaneFacts:
        return facts_of(self.x, self.y, self.where.gradient(self.where.shown))


def span(store: RunStore, request: LandscapeRequest, device: torch.device) -> Span:
    """The plane of a request; a single parameter is a direction of length 1. `UserError` for an axis that the run has
    not, or two on one line."""
    run = store.any_run(request.run)
    problem = problem_of(run, request, device)
    where = Surroundings(
        RecordedPath(store, request.run, request.epoch),
        lambda number: _at_minibatch(problem, run, request, number),
        run.num_minibatches(request.minibatch_size),
        request.minibatch,
        request.points**2 // 2,
    )
    return Span(*spanned_by(request.x, request.y, where), where, problem)


def direction_landscape(
    store: RunStore, request: LandscapeRequest, device: torch.device, *, method: AnyNetwork = "replay"
) -> tuple[GradientField, tuple[Vector, Vector]]:
    """The field of one request on a plane of directions, and the two vectors. `UserError` as `span` and
    `network_landscape`."""
    if not request.has_directions:
        raise UserError(f"{request.x} and {request.y} are two parameters: the plane has no directions to write.")
    own = span(store, request, device)
    plane = Plane(own.x, own.y, request.half_width, request.points)
    found = network_landscape(own.problem, plane, method=method)
    facts = asking.facts(study_of(store.any_run(request.run)), own.problem.model, own.problem.batch)
    about = {"facts": facts, "plane": own.facts(), "method": found.method, "passed_over": found.passed_over}
    return replace(found.field, **about), (own.x, own.y)


def _at_minibatch(problem: Problem, run: Run | StudyRun, request: LandscapeRequest, number: int) -> Problem:
    batch = batch_of(run, request.model_copy(update={"minibatch": number}), problem.device)
    return replace(problem, batch=batch)


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
