"""Gradient predictiveness and effective smoothness along the gradient, in the plane of two parameters.

After Santurkar, Tsipras, Ilyas & Mądry, "How does batch normalization help optimization?", NeurIPS 2018, section 3.1:
from the checkpoint, steps of several lengths along the negative gradient; how far the gradient there is from that at
the start, |g(p) - g(c)| (predictiveness, l2), and the largest such change per length of step (effective β-smoothness).
The paper moves all parameters; here only the two of the plane move: the gradient has two components, and a step goes
to the grid point nearest to the line, divided by that point's own distance.
"""

from dataclasses import dataclass

import numpy as np

from gradviz.landscape.field import GradientField

# Shape suffixes: L = steps along the line, outwards.


@dataclass(frozen=True)
class PlaneSmoothness:
    """`distances` (L,) in units of the parameter, `changes` (L,) of the gradient in units of the loss per it.

    `effective_smoothness` = max changes / distances.
    """

    distances: np.ndarray
    changes: np.ndarray
    effective_smoothness: float


def plane_smoothness(field: GradientField) -> PlaneSmoothness | None:
    """Along the negative gradient from the centre to the edge of the grid; None if the centre arrow is zero."""
    j0, i0 = len(field.y) // 2, len(field.x) // 2
    if field.is_zero[j0, i0]:
        return None
    u0, v0 = field.centre
    slope = np.array([-v0, -u0]) / max(abs(u0), abs(v0))  # (rows, columns) a step of one grid line
    u_YX, v_YX = (np.where(field.is_zero, 0.0, part.astype(np.float64)) for part in (field.u, field.v))
    distances, changes = [], []
    for step in range(1, min(j0, i0) + 1):
        j, i = np.array([j0, i0]) + np.rint(step * slope).astype(int)
        distances.append(np.hypot(field.x[i] - field.x[i0], field.y[j] - field.y[j0]))
        changes.append(np.hypot(u_YX[j, i] - u0, v_YX[j, i] - v0))
    distances_L, changes_L = np.array(distances), np.array(changes)
    return PlaneSmoothness(distances_L, changes_L, float((changes_L / distances_L).max()))
