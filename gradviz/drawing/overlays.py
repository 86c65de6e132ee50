"""What is drawn over the arrows of a still picture when it is wanted: the path of the training, the spread.

As `path.js` and `fan.js` of the page draw them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradviz.drawing.canvas import Axes
from gradviz.drawing.crossings import crossings_of
from gradviz.drawing.inks import Palette
from gradviz.drawing.look import Look
from gradviz.drawing.marks import InPlane, draw_marks, live_rays
from gradviz.drawing.scale import LENGTH_EXPONENTS, drawn_sizes
from gradviz.landscape import GradientField

# Shape suffixes: E = epochs, K = minibatches.

FAN_IN_CELLS = 3.2
"""Radius in grid cells of the disc on which the minibatches' gradients at the centre are drawn; on a coarse grid, in
cells of one of 21 points a side."""


@dataclass(frozen=True)
class Over:
    """`path`: the two parameters' values by epoch; `spread`: the field of each minibatch, or its centre.

    In a plane along directions there are `marks` for the path, and `rays` for the spread.
    """

    path: Mapping[int, tuple[float, float]] | None = None
    spread: Sequence[GradientField] = ()
    marks: InPlane | None = None
    rays: InPlane | None = None


def draw_over(axes: Axes, over: Over, epoch: int, cell: float, reach: float, look: Look) -> None:
    """What there is, of a picture at this epoch, whose axes go as far as `reach` from the checkpoint."""
    cell = min(cell, reach / 10)  # for the fan alone
    if over.spread:
        draw_spread(axes, over.spread, cell, look)
    if over.rays is not None and len(over.rays.minibatches) > 1:
        rays = live_rays(over.rays.minibatches)
        _draw_fan(axes, np.array([(ray.u, ray.v) for ray in rays]), len(over.rays.minibatches), cell, look)
    if over.path is not None:
        draw_path(axes, over.path, epoch, reach, look.palette)
    if over.marks is not None:
        draw_marks(axes, over.marks, epoch, reach, look.palette)


def centre_of(field: GradientField) -> GradientField:
    """The field's middle alone, as a field of one point."""
    j, i = len(field.y) // 2, len(field.x) // 2
    on_grid = ("u", "v", "loss", "is_zero", "zero_reason", "u_reason", "v_reason")
    here = {name: getattr(field, name)[j : j + 1, i : i + 1] for name in on_grid}
    return replace(field, x=field.x[i : i + 1], y=field.y[j : j + 1], **here)


def draw_path(axes: Axes, path: Mapping[int, tuple[float, float]], epoch: int, reach: float, palette: Palette) -> None:
    """From the first epoch to `epoch` firmly, what comes after dashed; triangles where it leaves the plane."""
    epochs = sorted(path)
    if len(epochs) < 2 or epoch not in path:
        return
    way_E2 = np.array([path[each] for each in epochs]) - np.array(path[epoch])
    now, colour = epochs.index(epoch), palette.centre
    axes.plot(*way_E2.T, color=palette.paper, linewidth=3.5, alpha=0.7, zorder=4.5)
    axes.plot(*way_E2[now:].T, color=colour, linewidth=1.2, alpha=0.55, linestyle="--", zorder=4.5)
    axes.plot(*way_E2[: now + 1].T, color=colour, linewidth=1.5, zorder=4.5, label="the path of the training")
    axes.scatter(*way_E2.T, s=14, color=colour, zorder=4.5)
    for (x, y), angle in crossings_of(way_E2, reach):
        axes.plot(x, y, marker=(3, 0, angle), color=colour, markersize=9, clip_on=False, zorder=4.5)


def draw_spread(axes: Axes, spread: Sequence[GradientField], cell: float, look: Look) -> None:
    """Rays from the centre in the lengths of the picture's arrows; the strong one is the mean direction, R long."""
    centres = [centre_of(field) for field in spread]
    sizes_K = np.array([drawn_sizes(centre)[0, 0] for centre in centres])
    live = [centre.centre for centre, size in zip(centres, sizes_K, strict=True) if size > 0]
    _draw_fan(axes, np.array(live, float), len(spread), cell, look)


def _draw_fan(axes: Axes, gradients_K2: np.ndarray, num_minibatches: int, cell: float, look: Look) -> None:
    """Of those that are not zero."""
    if not len(gradients_K2):
        return
    sizes_K = np.hypot(*gradients_K2.T)
    sign = -1.0 if look.direction == "descent" else 1.0
    unit_K2 = sign * gradients_K2 / sizes_K[:, None]
    radius, ink, paper = FAN_IN_CELLS * cell, look.palette.ink, look.palette.paper
    tips_K2 = radius * unit_K2 * (sizes_K[:, None] / sizes_K.max()) ** LENGTH_EXPONENTS[look.length]
    turn, edge = np.linspace(0, 2 * np.pi, 73), 1.08 * radius
    axes.fill(edge * np.cos(turn), edge * np.sin(turn), color=paper, alpha=0.82, linewidth=0, zorder=4)
    for x, y in tips_K2:
        axes.plot([0, x], [0, y], color=ink, linewidth=0.8, alpha=0.35, zorder=4)
    axes.scatter(*tips_K2.T, s=5, color=ink, alpha=0.5, zorder=4)
    x, y = radius * unit_K2.mean(0)
    label = f"the {num_minibatches} minibatches at ○ and their mean direction"
    axes.plot([0, x], [0, y], color=ink, linewidth=2.2, zorder=4, label=label)
    axes.plot(x, y, marker=(3, 0, float(np.degrees(np.arctan2(-x, y)))), color=ink, markersize=9, zorder=4)
