"""The difference between two fields at the same offsets from each checkpoint, as Compare draws it."""

from dataclasses import replace

import numpy as np

from gradviz.landscape import GradientField

ROUND_OFF = 1e-5
"""Differences below this share of the larger arrow count as zero: float32 fields are exact to about 1e-6."""


def difference_of(field: GradientField, reference: GradientField) -> GradientField:
    """`field` − `reference`, over offsets from the checkpoint; `is_zero` marks points at which the two are equal."""
    (u, v), (other_u, other_v) = (
        [np.where(each.is_zero, np.float32(0), part) for part in (each.u, each.v)] for each in (field, reference)
    )
    larger = np.maximum(np.hypot(u, v), np.hypot(other_u, other_v))
    u, v = u - other_u, v - other_v
    none = np.zeros_like(field.zero_reason)
    return replace(
        field,
        x=field.x - field.x[len(field.x) // 2],
        y=field.y - field.y[len(field.y) // 2],
        u=u,
        v=v,
        loss=field.loss - reference.loss,
        is_zero=np.hypot(u, v) <= ROUND_OFF * larger,
        zero_reason=none,
        u_reason=none,
        v_reason=none,
        num_unresolved=0,
    )
