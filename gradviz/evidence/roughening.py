"""Roughness: how much neighbouring arrows of a landscape differ, and whether the field is the gradient of its loss."""

# Shape suffixes: Y/X = grid rows/columns, K = minibatches.

from collections.abc import Iterator, Sequence

import numpy as np

from gradviz.evidence.agreeing import bootstrap, estimate_of
from gradviz.evidence.measurements import Roughness
from gradviz.evidence.values import Estimate
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.statistics import estimate
from gradviz.landscape.statistics.bootstrap import mean_of

_Arrows = tuple[np.ndarray, np.ndarray]


def roughness_of(fields: Sequence[GradientField], request: LandscapeRequest) -> Roughness:
    """Means over the fields of one picture, each with its interval."""
    return Roughness(
        num_minibatches=len(fields),
        points=request.points,
        half_width=request.half_width,
        angle=_mean([neighbour_angle(field) for field in fields]),
        difference=_mean([relative_difference(field) for field in fields]),
        distinct=_mean([distinct_share(field) for field in fields]),
        curl=_mean([relative_curl(field) for field in fields]),
    )


def neighbour_angle(field: GradientField) -> float | None:
    """Mean angle in degrees between arrows next to each other in a row or column; None without two of them.

    Zero arrows have no direction and are left out.
    """
    angles = []
    for (a_u, a_v), (b_u, b_v) in _neighbours(field):
        there = (np.hypot(a_u, a_v) > 0) & (np.hypot(b_u, b_v) > 0)
        turn = np.arctan2(a_u * b_v - a_v * b_u, a_u * b_u + a_v * b_v)[there]
        angles.append(np.degrees(np.abs(turn)))
    together = np.concatenate(angles)
    return float(together.mean()) if together.size else None


def relative_difference(field: GradientField) -> float | None:
    """Mean of |a - b| / ((|a| + |b|) / 2) over neighbours, zero arrows counting as such; None if all are zero."""
    differences = []
    for (a_u, a_v), (b_u, b_v) in _neighbours(field):
        size = (np.hypot(a_u, a_v) + np.hypot(b_u, b_v)) / 2
        there = size > 0
        differences.append(np.hypot(a_u - b_u, a_v - b_v)[there] / size[there])
    together = np.concatenate(differences)
    return float(together.mean()) if together.size else None


def distinct_share(field: GradientField) -> float:
    """Distinct vectors over grid points: 1 / points for a constant field, 1 where no two are alike."""
    u_YX, v_YX = _components(field)
    scale = max(abs(u_YX).max(), abs(v_YX).max()) or 1.0
    # To six digits of the largest component, which is what float32 holds.
    rounded = np.rint(np.stack([u_YX, v_YX], -1).reshape(-1, 2) / scale * 1e6)
    return len(np.unique(rounded, axis=0)) / len(rounded)


def relative_curl(field: GradientField) -> float | None:
    """Root mean square of ∂u/∂x₂ - ∂v/∂x₁ over that of the two derivatives; None where both are zero.

    Differences of neighbours. 0 for the gradient of one smooth loss, about 1 where each arrow is of another loss.
    """
    u_YX, v_YX = _components(field)
    du_YX = np.diff(u_YX, axis=0)[:, :-1] / np.diff(field.y)[:, None]
    dv_YX = np.diff(v_YX, axis=1)[:-1] / np.diff(field.x)
    size = np.sqrt((du_YX**2).mean() + (dv_YX**2).mean())
    return float(np.sqrt(((du_YX - dv_YX) ** 2).mean()) / size) if size > 0 else None


def _components(field: GradientField) -> tuple[np.ndarray, np.ndarray]:
    u_YX, v_YX = (np.where(field.is_zero, 0.0, array.astype(np.float64)) for array in (field.u, field.v))
    return u_YX, v_YX


def _neighbours(field: GradientField) -> Iterator[tuple[_Arrows, _Arrows]]:
    """((a_u, a_v), (b_u, b_v)) of all pairs side by side, and of all pairs one above the other."""
    u_YX, v_YX = _components(field)
    yield (u_YX[:, :-1], v_YX[:, :-1]), (u_YX[:, 1:], v_YX[:, 1:])
    yield (u_YX[:-1], v_YX[:-1]), (u_YX[1:], v_YX[1:])


def _mean(values: Sequence[float | None]) -> Estimate:
    there_K = np.array([value for value in values if value is not None], float)
    return estimate_of(estimate(mean_of(there_K), len(there_K), bootstrap()) if len(there_K) else None)
