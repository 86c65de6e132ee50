"""The sampling ellipse at the checkpoint: where 95 % of other minibatches' arrows would end.

`assets/pure/sampling.js` says the same, and tests/fixtures/sampling.json holds both.
"""

import math

import numpy as np

from gradviz.drawing.canvas import Axes
from gradviz.drawing.look import Look
from gradviz.drawing.scale import LENGTH_EXPONENTS
from gradviz.landscape.statistics.sampling import Sampling
from gradviz.numbers import percent

# Shape suffixes: T = corners of the outline, A = arrows, 2 = (u, v).

LEVEL = 0.95
_WITHIN = -2 * math.log(1 - LEVEL)
"""(g - mean)' C⁻¹ (g - mean) of two normal numbers is no larger in this share of the cases."""
_CORNERS = 181
_ROUNDING = 1e-12


def outline(told: Sampling, corners: int = _CORNERS) -> np.ndarray:
    """(T, 2): gradients on the ellipse's border, from the end of its longer axis round to there again."""
    radii, axes_22 = _axes(told)
    turn_T = np.linspace(0, 2 * np.pi, corners)
    around_T2 = np.stack([radii[0] * np.cos(turn_T), radii[1] * np.sin(turn_T)], 1)
    return np.array([told.u, told.v]) + around_T2 @ axes_22


def largest_turn(told: Sampling) -> float | None:
    """Degrees by which a gradient in the ellipse differs from the mean of all rows at most; None if it holds 0."""
    if _holds_zero(told):
        return None
    border_T2 = outline(told)
    across_T = told.u * border_T2[:, 1] - told.v * border_T2[:, 0]
    return float(np.degrees(np.abs(np.arctan2(across_T, border_T2 @ np.array([told.u, told.v]))).max()))


def sampling_sentence(told: Sampling) -> str:
    """What the ellipse says; without full stop."""
    if not (told.u or told.v or told.uu or told.vv):
        return f"the gradient of each of {told.of_rows} rows is zero at ○, and that of any minibatch of them"
    turn = largest_turn(told)
    how = ", which holds 0: any direction" if turn is None else f": up to {_whole(turn)}° from their mean"
    rows = f"{told.num_rows} of {told.of_rows} rows, drawn without replacement,"
    return f"{percent(LEVEL)} of minibatches of {rows} lie in the ellipse{how}"


def longest_of(told: Sampling, own: tuple[float, float] | None) -> float:
    """The largest gradient that is drawn: on the border, the mean, or the picture's own."""
    others_A2 = np.array([(told.u, told.v), own or (0.0, 0.0)])
    return float(np.hypot(*np.concatenate([outline(told), others_A2]).T).max())


def tips_of(gradients_A2: np.ndarray, radius: float, longest: float, look: Look) -> np.ndarray:
    """(A, 2): where arrows of these gradients from the checkpoint end, the longest as far as `radius`."""
    sizes_A = np.hypot(*gradients_A2.T)
    sign = -1.0 if look.direction == "descent" else 1.0
    share_A = (sizes_A / longest) ** LENGTH_EXPONENTS[look.length]
    return (
        gradients_A2
        * np.divide(sign * radius * share_A, sizes_A, out=np.zeros_like(sizes_A), where=sizes_A > 0)[:, None]
    )


def draw_sampling(
    axes: Axes, told: Sampling, own: tuple[float, float] | None, radius: float, longest: float, look: Look
) -> None:
    """The ellipse, the mean of all rows as a dot, and the picture's own arrow, on a disc of this `radius`, as far as
    which an arrow of the size `longest` goes."""
    if longest == 0:
        return
    turn, edge, colour = np.linspace(0, 2 * np.pi, 73), 1.08 * radius, look.palette.centre
    axes.fill(edge * np.cos(turn), edge * np.sin(turn), color=look.palette.paper, alpha=0.82, linewidth=0, zorder=4)
    border_T2 = tips_of(outline(told), radius, longest, look)
    if look.length != "unit":  # where all are as long, the border is an arc
        axes.fill(*border_T2.T, color=colour, alpha=0.16, linewidth=0, zorder=4)
    label = f"where {percent(LEVEL)} of minibatches of {told.num_rows} of {told.of_rows} rows end"
    axes.plot(*border_T2.T, color=colour, linewidth=1.4, zorder=4, label=label)
    axes.scatter(*tips_of(np.array([(told.u, told.v)]), radius, longest, look).T, s=16, color=colour, zorder=4)
    if own is not None:
        [(x, y)] = tips_of(np.array([own]), radius, longest, look)
        axes.plot([0, x], [0, y], color=look.palette.chosen, linewidth=2.0, zorder=4)
        head = (3, 0, float(np.degrees(np.arctan2(-x, y))))
        axes.plot(x, y, marker=head, color=look.palette.chosen, markersize=8, zorder=4)


def _axes(told: Sampling) -> tuple[tuple[float, float], np.ndarray]:
    """The ellipse's radii along its axes, and these as rows, the longer one first."""
    middle, half = (told.uu + told.vv) / 2, (told.uu - told.vv) / 2
    apart, angle = math.hypot(half, told.uv), math.atan2(told.uv, half) / 2
    radii = math.sqrt(_WITHIN * (middle + apart)), math.sqrt(_WITHIN * max(0.0, middle - apart))
    return radii, np.array([(math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))])


def _holds_zero(told: Sampling) -> bool:
    radii, axes_22 = _axes(told)
    along = axes_22 @ np.array([told.u, told.v])
    least = _ROUNDING * math.hypot(told.u, told.v, *radii)
    return sum((abs(a) / max(r, least) if abs(a) > least else 0.0) ** 2 for a, r in zip(along, radii, strict=True)) <= 1


def _whole(value: float) -> int:
    return math.floor(value + 0.5)
