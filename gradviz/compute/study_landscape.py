"""The gradient landscape of any network: replay runs a study's own model and loss."""

from dataclasses import replace
from typing import Literal

import torch
from torch import nn

from gradviz.errors import UserError
from gradviz.experiment import asking
from gradviz.experiment.batches import Batch, mapped
from gradviz.experiment.losses import LossFunction
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.replay import Plane, Problem, Scalar, network_landscape

REPLAY_VERSION = 1
"""Part of every key: raise it whenever replay gives different numbers for the same request."""

_MINIBATCH_SIZE = LandscapeRequest.model_fields["minibatch_size"].default
AnyNetwork = Literal["replay", "reference"]
"""Methods for any network."""


def study_key(run: StudyRun, request: LandscapeRequest) -> str:
    """The address of the answer; UserError if the checkpoint does not exist or the study is not loaded."""
    if request.minibatch_size != _MINIBATCH_SIZE:
        raise UserError(
            f"`minibatch_size` cannot be chosen for the run {run.name}: its minibatches were recorded with it."
        )
    return request.key(f"replay {REPLAY_VERSION} {run.address(request.epoch)}")


def study_landscape(
    run: StudyRun,
    request: LandscapeRequest,
    device: torch.device,
    *,
    method: AnyNetwork = "replay",
    dtype: torch.dtype = torch.float32,
) -> GradientField:
    """The field of one request, with the study's facts about the minibatch; UserError as `network_landscape`."""
    batch = mapped(run.minibatch(request.minibatch), lambda tensor: tensor.to(device))
    model = run.model(request.epoch).to(device)
    found = landscape_of(model, run.study.loss, batch, request, method=method, dtype=dtype)
    return replace(found, facts=asking.facts(run.study, model, batch))


def landscape_of(
    model: nn.Module,
    loss: LossFunction,
    batch: Batch,
    request: LandscapeRequest,
    *,
    method: AnyNetwork = "replay",
    dtype: torch.dtype = torch.float32,
) -> GradientField:
    """The field of one request, for its model and minibatch; UserError as `network_landscape`."""
    problem = Problem(
        model,
        loss,
        batch,
        mode=request.mode,
        masks=request.masks,
        num_masks=request.num_masks,
        seed=request.seed,
        dtype=dtype,
    )
    plane = Plane(Scalar.parse(request.x), Scalar.parse(request.y), request.half_width, request.points)
    found = network_landscape(problem, plane, method=method)
    return replace(found.field, method=found.method, passed_over=found.passed_over)
