"""What lies in a plane along directions, over the arrows of a still picture, as `marks.js` of the page draws it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from gradviz.drawing.canvas import Axes, to_hex, to_rgb
from gradviz.drawing.crossings import crossings_of
from gradviz.drawing.inks import Palette
from gradviz.landscape.directions.marks import Mark, Ray
from gradviz.numbers import number, percent_of

# Shape suffix: E = recorded epochs.

_FAINTEST, _FIRMEST = 0.22, 1.0
_SMALLEST, _LARGEST = 6.0, 22.0  # areas, in points


@dataclass(frozen=True)
class InPlane:
    """The run's recorded checkpoints and its minibatches' gradients in a plane; `length`: of 1 along its axes."""

    checkpoints: tuple[Mark, ...]
    variance_share: float | None
    minibatches: tuple[Ray, ...]
    length: float

    @classmethod
    def from_answer(cls, told: Mapping[str, Any]) -> "InPlane":
        """From the JSON of `gradviz.compute.plane`."""
        return cls(
            tuple(Mark(**each) for each in told["checkpoints"]),
            told["variance_share"],
            tuple(Ray(**each) for each in told["minibatches"]),
            told["x"]["length"],
        )

    def for_browser(self) -> dict[str, object]:
        """The same JSON again."""
        marks, rays = ([asdict(each) for each in these] for these in (self.checkpoints, self.minibatches))
        return {
            "x": {"length": self.length},
            "variance_share": self.variance_share,
            "checkpoints": marks,
            "minibatches": rays,
        }

    def outside(self, mark: Mark) -> float:
        """The mark's distance from the plane, in units of its axes."""
        return mark.distance / self.length

    def held(self, mark: Mark) -> float:
        """The share of the way to a mark that lies in the plane; 1 for the checkpoint on show."""
        within = math.hypot(mark.x, mark.y)
        whole = math.hypot(within, self.outside(mark))
        return within / whole if whole else 1.0


def draw_marks(axes: Axes, told: InPlane, epoch: int, reach: float, palette: Palette) -> None:
    """The recorded checkpoints, the smaller and fainter the less of their way lies in the plane; triangles where their
    projected path leaves the drawn part."""
    marks = told.checkpoints
    if len(marks) < 2:
        return
    way_E2 = np.array([(mark.x, mark.y) for mark in marks])
    now, colour = next((k for k, mark in enumerate(marks) if mark.epoch == epoch), -1), palette.centre
    axes.plot(*way_E2.T, color=palette.paper, linewidth=2.6, alpha=0.6, zorder=4.5)
    axes.plot(*way_E2[max(0, now) :].T, color=colour, linewidth=0.8, alpha=0.4, linestyle="--", zorder=4.5)
    axes.plot(*way_E2[: now + 1].T, color=colour, linewidth=0.8, alpha=0.5, zorder=4.5)
    held_E = np.array([told.held(mark) for mark in marks])
    inks = [(*to_rgb(to_hex(colour)), _FAINTEST + share * (_FIRMEST - _FAINTEST)) for share in held_E]
    sizes_E = _SMALLEST + held_E * (_LARGEST - _SMALLEST)
    label = "recorded checkpoints, projected; fainter: farther outside"
    axes.scatter(*way_E2.T, s=sizes_E, c=inks, linewidths=0, zorder=4.5, label=label)
    for (x, y), angle in crossings_of(way_E2, reach):
        axes.plot(x, y, marker=(3, 0, angle), color=colour, alpha=0.7, markersize=9, clip_on=False, zorder=4.5)


def mark_sentences(told: InPlane, reach: float) -> list[str]:
    """How much of the path the plane holds, and what lies elsewhere; without full stops."""
    marks = told.checkpoints
    if len(marks) < 2:
        return []
    held = "" if told.variance_share is None else f" holds {percent_of(told.variance_share)} of the path's variance and"
    farthest = max(marks, key=told.outside)
    beyond = sum(max(abs(mark.x), abs(mark.y)) > reach for mark in marks)
    rest = [f"{beyond} of its {len(marks)} checkpoints lie beyond the drawn part"] if beyond else []
    return [
        f"the plane{held} misses epoch {farthest.epoch} by {number(told.outside(farthest), 3)} units of the axes",
        *rest,
    ]


def live_rays(rays: Sequence[Ray]) -> list[Ray]:
    """Those that have a direction in the plane."""
    return [ray for ray in rays if ray.share is not None and (ray.u or ray.v)]
