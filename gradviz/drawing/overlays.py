"""What is drawn over the arrows of a still picture when it is wanted: path, spread, sampling ellipse, and probe.

As `path.js` and `fan.js` of the page draw them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradviz.drawing.canvas import Axes
from gradviz.drawing.crossings import crossings_of
from gradviz.drawing.inks import Palette
from gradviz.drawing.look import Look
from gradviz.drawing.marks import InPlane, draw_marks, live_rays, mark_sentences
from gradviz.drawing.probe import Paths, draw_probe, probe_sentences
from gradviz.drawing.sampling import draw_sampling, longest_of, sampling_sentence, tips_of
from gradviz.drawing.scale import drawn_sizes
from gradviz.landscape import GradientField
from gradviz.landscape.statistics.sampling import Sampling

# Shape suffixes: E = epochs, K = minibatches.

FAN_IN_CELLS = 3.2
"""Radius in grid cells of the disc on which the minibatches' gradients at the centre are drawn; on a coarse grid, in
cells of one of 21 points a side."""


@dataclass(frozen=True)
class Over:
    """`path`: the two parameters' values by epoch; `spread`: the field of each minibatch, or its centre.

    In a plane along directions there are `marks` for the path, and `rays` for the spread. `sampling` is drawn on the
    same disc as the spread, or `why_no_sampling` says why it is not there. `probe`: paths from a point of the plane.
    """

    path: Mapping[int, tuple[float, float]] | None = None
    spread: Sequence[GradientField] = ()
    marks: InPlane | None = None
    rays: InPlane | None = None
    sampling: Sampling | None = None
    why_no_sampling: str | None = None
    probe: Paths | None = None


def draw_over(axes: Axes, over: Over, shown: GradientField, epoch: int, cell: float, reach: float, look: Look) -> None:
    """What there is, of a picture at this epoch that shows a field, whose axes go as far as `reach`."""
    radius = FAN_IN_CELLS * min(cell, reach / 10)
    gradients_K2, num_minibatches = _spread_of(over)
    longest = float(np.hypot(*gradients_K2.T).max()) if len(gradients_K2) else 0.0
    if over.sampling is not None:
        own = shown.centre if drawn_sizes(centre_of(shown))[0, 0] > 0 else None
        longest = max(longest, longest_of(over.sampling, own))
        draw_sampling(axes, over.sampling, own, radius, longest, look)
    if len(gradients_K2):
        draw_fan(axes, gradients_K2, num_minibatches, radius, longest, look, on_disc=over.sampling is None)
    if over.path is not None:
        draw_path(axes, over.path, epoch, reach, look.palette)
    if over.marks is not None:
        draw_marks(axes, over.marks, epoch, reach, look.palette)
    if over.probe is not None:
        draw_probe(axes, over.probe, look.palette)


def over_sentences(over: Over, reach: float) -> list[str]:
    """What a still picture says of what is drawn over it; without full stops."""
    sentences = [] if over.marks is None else mark_sentences(over.marks, reach)
    if over.sampling is not None:
        sentences.append(sampling_sentence(over.sampling))
    sentences += [over.why_no_sampling.rstrip(".")] if over.why_no_sampling else []
    return sentences + probe_sentences(over.probe)


def _spread_of(over: Over) -> tuple[np.ndarray, int]:
    """(K, 2): the gradients that are not zero, of so many minibatches."""
    if over.spread:
        centres = [centre_of(field) for field in over.spread]
        live = [centre.centre for centre in centres if drawn_sizes(centre)[0, 0] > 0]
        return np.array(live, float).reshape(-1, 2), len(centres)
    if over.rays is not None and len(over.rays.minibatches) > 1:
        rays = live_rays(over.rays.minibatches)
        return np.array([(ray.u, ray.v) for ray in rays], float).reshape(-1, 2), len(over.rays.minibatches)
    return np.empty((0, 2)), 0


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


def draw_fan(
    axes: Axes,
    gradients_K2: np.ndarray,
    num_minibatches: int,
    radius: float,
    longest: float,
    look: Look,
    *,
    on_disc: bool = True,
) -> None:
    """Rays from the centre in the lengths of the picture's arrows; the strong one is the mean direction, R long.

    `gradients_K2` are those that are not zero; one of the size `longest` is `radius` long.
    """
    sign = -1.0 if look.direction == "descent" else 1.0
    unit_K2 = sign * gradients_K2 / np.hypot(*gradients_K2.T)[:, None]
    ink, paper = look.palette.ink, look.palette.paper
    tips_K2 = tips_of(gradients_K2, radius, longest, look)
    if on_disc:
        turn, edge = np.linspace(0, 2 * np.pi, 73), 1.08 * radius
        axes.fill(edge * np.cos(turn), edge * np.sin(turn), color=paper, alpha=0.82, linewidth=0, zorder=4)
    for x, y in tips_K2:
        axes.plot([0, x], [0, y], color=ink, linewidth=0.8, alpha=0.35, zorder=4)
    axes.scatter(*tips_K2.T, s=5, color=ink, alpha=0.5, zorder=4)
    x, y = radius * unit_K2.mean(0)
    label = f"the {num_minibatches} minibatches at ○ and their mean direction"
    axes.plot([0, x], [0, y], color=ink, linewidth=2.2, zorder=4, label=label)
    axes.plot(x, y, marker=(3, 0, float(np.degrees(np.arctan2(-x, y)))), color=ink, markersize=9, zorder=4)
