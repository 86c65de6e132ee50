"""The gradient landscape of any network: replay runs a study's own model and loss."""

from dataclasses import replace
from typing import Literal

import torch

from gradviz.errors import UserError
from gradviz.experiment import asking
from gradviz.experiment.batches import mapped
from gradviz.experiment.run import Run
from gradviz.experiment.studies.deliveries.study import STUDY as DELIVERIES
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.replay import Plane, Problem, Scalar, network_landscape
from gradviz.landscape.request import WhyRequest

REPLAY_VERSION = 2
"""Part of every key: raise it whenever replay gives different numbers for the same request."""

_MINIBATCH_SIZE = LandscapeRequest.model_fields["minibatch_size"].default
ROWS_OF_A_STUDY = 64
"""About, as its minibatches may have any number: for estimates of costs."""
AnyNetwork = Literal["replay", "reference"]
"""Methods for any network."""


def study_key(run: StudyRun, request: LandscapeRequest) -> str:
    """The address of the answer; UserError if the checkpoint does not exist or the study is not loaded."""
    check_minibatch_size(run, request.minibatch_size)
    return request.key(f"replay {REPLAY_VERSION} {run.address(request.epoch)}")


def problem_of(run: Run | StudyRun, asked: LandscapeRequest | WhyRequest, device: torch.device) -> Problem:
    """A checkpoint, a minibatch and the study's loss; UserError if they do not exist or the study is not loaded."""
    if isinstance(run, StudyRun):
        check_minibatch_size(run, asked.minibatch_size)
        loss, batch = run.study.loss, run.minibatch(asked.minibatch)
    else:
        rows = run.minibatch(asked.minibatch, asked.minibatch_size)
        loss, batch = DELIVERIES.loss, (rows.inputs_BI, rows.targets_B)
    return Problem(
        run.model(asked.epoch).to(device),
        loss,
        mapped(batch, lambda tensor: tensor.to(device)),
        mode=asked.mode,
        masks=asked.masks,
        num_masks=asked.num_masks if isinstance(asked, LandscapeRequest) else 1,
        seed=asked.seed,
    )


def landscape_of(
    run: Run | StudyRun, request: LandscapeRequest, device: torch.device, *, method: AnyNetwork = "replay"
) -> GradientField:
    """The field of one request, with a study's facts about the minibatch; UserError as `network_landscape`."""
    problem = problem_of(run, request, device)
    plane = Plane(Scalar.parse(request.x), Scalar.parse(request.y), request.half_width, request.points)
    found = network_landscape(problem, plane, method=method)
    study = run.study if isinstance(run, StudyRun) else DELIVERIES
    facts = asking.facts(study, problem.model, problem.batch)
    return replace(found.field, facts=facts, method=found.method, passed_over=found.passed_over)


def check_minibatch_size(run: StudyRun, size: int) -> None:
    """UserError unless the size is the default: a study's run has the minibatches that it was recorded with."""
    if size != _MINIBATCH_SIZE:
        raise UserError(
            f"`minibatch_size` cannot be chosen for the run {run.name}: its minibatches were recorded with it."
        )
