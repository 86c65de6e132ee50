"""A gradient that is zero, in two precisions: what the plain loop prints in float32 and in float64."""

import numpy as np

from gradviz.evidence.measurements import RoundOff
from gradviz.evidence.roughening import neighbour_angle
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.resolving import RESOLVED, ZERO_SHARE

POINTS = 11
"""Few, because the loop runs the whole model forward and backward for each point, twice."""


def round_off_of(view: LandscapeRequest, single: GradientField, double: GradientField) -> RoundOff:
    """What the plain loop's fields in float32 and float64 say of one plane."""
    unresolved, zero = thresholds(single, double)
    return RoundOff(
        view=view,
        largest_float32=_largest(single),
        largest_float64=_largest(double),
        threshold_float32=unresolved,
        threshold_float64=zero,
        angle_float32=neighbour_angle(unmarked(single)),
        angle_float64=neighbour_angle(unmarked(double)),
        cosine=mean_cosine(single, double),
        zero_share=float(single.is_zero.mean()),
    )


def thresholds(single: GradientField, double: GradientField) -> tuple[float, float]:
    """The sizes below which float32 does not resolve a component, and float64's number is zero: both are multiples of
    the largest difference between the two fields, the error of float32."""
    error = max(float(abs(a.astype(np.float64) - b).max()) for a, b in ((single.u, double.u), (single.v, double.v)))
    return RESOLVED * error, ZERO_SHARE * error


def unmarked(field: GradientField) -> GradientField:
    """The field with every arrow that is not exactly zero, as a picture that knows nothing of round-off draws it."""
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
        np.where(exactly, field.u_reason, 0).astype(np.uint8),
        np.where(exactly, field.v_reason, 0).astype(np.uint8),
    )


def mean_cosine(one: GradientField, other: GradientField) -> float | None:
    """Mean over the grid of the cosine between the arrows of two fields, where neither is exactly zero."""
    there = (one.magnitude > 0) & (other.magnitude > 0)
    if not there.any():
        return None
    a, b = (np.stack([field.u, field.v], -1)[there].astype(float) for field in (one, other))
    cosine = (a * b).sum(-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1))
    return float(cosine.mean())


def _largest(field: GradientField) -> float:
    return float(max(abs(field.u).max(), abs(field.v).max()))
