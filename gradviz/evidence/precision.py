"""A gradient that is zero, in two precisions: what the plain loop prints in float32, beside the same in float64."""

import numpy as np
import torch

from gradviz.experiment.store import Run
from gradviz.landscape import GradientField, LandscapeRequest, Minibatch, gradient_landscape, network_of
from gradviz.landscape.zero import round_off

POINTS = 11
"""The loop makes a forward and a backward pass of the whole model for each point, twice."""


def loop_field(run: Run, request: LandscapeRequest, dtype: torch.dtype, device: torch.device) -> GradientField:
    """The field as the source computed it: autograd at every grid point, round-off and all."""
    rows = run.minibatch(request.minibatch, request.minibatch_size)
    return gradient_landscape(
        run.model(request.epoch).to(device),
        rows.inputs_BI,
        rows.targets_B,
        request.spec(),
        method="reference",
        dtype=dtype,
        device=device,
    )


def threshold(run: Run, request: LandscapeRequest, dtype: torch.dtype, device: torch.device) -> float:
    """The larger of the sizes below which a component of the two gradients is round-off in `dtype`."""
    rows = run.minibatch(request.minibatch, request.minibatch_size)
    minibatch = Minibatch(network_of(run.model(request.epoch), dtype=dtype, device=device), *_tensors(rows))
    with torch.inference_mode():
        clean = minibatch.clean(request.spec())
        return max(round_off(clean, ref) for ref in request.refs)


def unmarked(field: GradientField) -> GradientField:
    """The field with every arrow drawn that is not exactly zero, as a picture without knowledge of round-off has it."""
    exactly = field.magnitude == 0
    return GradientField(
        field.x,
        field.y,
        field.u,
        field.v,
        field.loss,
        exactly,
        np.where(exactly, field.zero_reason, 0).astype(np.uint8),
        field.share_below,
        field.num_rows,
        field.x_active,
        field.y_active,
    )


def mean_cosine(one: GradientField, other: GradientField) -> float | None:
    """Mean over the grid of the cosine between the arrows of two fields, where neither is exactly zero."""
    there = (one.magnitude > 0) & (other.magnitude > 0)
    if not there.any():
        return None
    a, b = (np.stack([field.u, field.v], -1)[there].astype(float) for field in (one, other))
    cosine = (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))
    return float(cosine.mean())


def _tensors(rows) -> tuple[torch.Tensor, torch.Tensor]:
    return rows.inputs_BI, rows.targets_B
