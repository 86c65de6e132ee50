"""Fields by hand."""

from typing import Any

import numpy as np

from gradviz.landscape import GradientField

# Shape suffixes: X/Y = grid columns/rows.


def field_of(
    u: Any,
    v: Any,
    loss: Any = None,
    is_zero: Any = None,
    *,
    half_width: float = 0.1,
    centre: tuple[float, float] = (0.5, -0.25),
) -> GradientField:
    """A square field of these (Y, X) arrays; its loss is a slope, and no arrow is zero, unless they are given."""
    u_YX, v_YX = (np.asarray(array, np.float32) for array in (u, v))
    points = len(u_YX)
    steps_X = half_width * np.linspace(-1, 1, points)
    loss_YX = steps_X + np.full(u_YX.shape, 4) if loss is None else np.asarray(loss)
    zero_YX = np.zeros(u_YX.shape, bool) if is_zero is None else np.asarray(is_zero, bool)
    return GradientField(
        x=centre[0] + steps_X,
        y=centre[1] + steps_X,
        u=u_YX,
        v=v_YX,
        loss=loss_YX.astype(np.float32),
        is_zero=zero_YX,
        zero_reason=zero_YX.astype(np.uint8) * 3,
        share_below=0.25,
        num_rows=64,
        x_active=0.5,
        y_active=0.0,
    )


def turning_field(points: int = 7, size: float = 1.0) -> GradientField:
    """Strong arrows in all directions, over a plane without symmetry: none of its mirror images looks like it.

    They are weaker at the border, so that none touches the frame of a picture.
    """
    turn_YX = 0.3 + 2.399963 * np.arange(points**2).reshape(points, points)
    strength_YX = size * (1 + 0.5 * np.sin(turn_YX**2))
    strength_YX[[0, -1]] *= 0.7
    strength_YX[1:-1, [0, -1]] *= 0.7
    return field_of(strength_YX * np.cos(turn_YX), strength_YX * np.sin(turn_YX))


def random_field(points: int = 5) -> GradientField:
    """Numbers without any order, zero along the diagonal."""
    u, v, loss = np.random.default_rng(0).normal(size=(3, points, points))
    return field_of(u, v, loss, np.eye(points, dtype=bool), centre=(0.5, 0.0))
