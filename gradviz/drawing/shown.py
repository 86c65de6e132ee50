"""One picture, and all of it in the axes of a still picture: the loss, the arrows, and what lies over them."""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from gradviz.drawing import labels
from gradviz.drawing.canvas import Axes, Axes3D, MaxNLocator
from gradviz.drawing.level_labels import APART
from gradviz.drawing.look import Look
from gradviz.drawing.overlays import Over, draw_over
from gradviz.drawing.plot import LARGE_RINGS, Rings, cell_of, field_reach, plot_centre, plot_field
from gradviz.drawing.relief import OnSurface, plot_surface
from gradviz.drawing.scale import Scale, drawn_sizes
from gradviz.drawing.surface import Surface
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.directions.axis import is_direction


@dataclass(frozen=True)
class Shown:
    """One picture: a field, what was asked for, what lies over it, and the run whose field was subtracted.

    `draws_masks`: whether the field, or the one subtracted, depends on dropout masks; `names`: short ones of the axes,
    where these are parameters of a run that is at hand.
    """

    field: GradientField
    request: LandscapeRequest
    over: Over = dataclass_field(default_factory=Over)
    minus: str = ""
    draws_masks: bool = False
    names: tuple[str, str] | None = None

    @property
    def axes(self) -> tuple[str, str]:
        """What stands beside the picture: short names of parameters, and directions as they are written."""
        full = (self.request.x, self.request.y)
        short = self.names or full
        return tuple(a if is_direction(a) else b for a, b in zip(full, short, strict=True))  # type: ignore[return-value]

    @property
    def has_arrows(self) -> bool:
        return bool((drawn_sizes(self.field) > 0).any())


Row = Sequence[Shown]
"""Pictures side by side."""


def plot_shown(
    axes: Axes,
    shown: Shown,
    look: Look,
    scale: Scale,
    rings: Rings = LARGE_RINGS,
    every: int = 1,
    apart: float | None = APART,
) -> None:
    """Flat, as `plot_field`. What is drawn has its name, for a legend. Within `styled`."""
    field = shown.field
    zeros = plot_field(axes, field, scale, look, rings=rings, every=every, apart=apart)
    if zeros is not None:
        num_zeros = int((drawn_sizes(field) == 0).sum())
        zeros.set_label(labels.zeros_name(num_zeros, field.is_zero.size, bool(shown.minus)))
    draw_over(axes, shown.over, field, shown.request.epoch, cell_of(field), field_reach(field), look)
    plot_centre(axes, look, rings=rings).set_label(labels.CENTRE_WORDS)


def plot_in_space(axes: Axes3D, shown: Shown, look: Look, scale: Scale, rooms: tuple[float, float, float]) -> None:
    """The same as a surface of the loss in space, with the arrows on it; `rooms`: points between an axis and its
    name. Within `styled`."""
    field = shown.field
    plot_surface(axes, field, scale, look)
    surface = Surface.of(field)
    if surface is not None:
        laid: Any = OnSurface(axes, surface)
        draw_over(laid, shown.over, field, shown.request.epoch, cell_of(field), surface.half_width, look)
        ring = {"marker": "o", "markersize": 9, "markerfacecolor": "none", "linestyle": "none", "zorder": 5}
        laid.plot([0.0], [0.0], color=look.palette.centre, label=labels.CENTRE_WORDS, **ring)
    axes.set_zlabel(labels.loss_name(field, bool(shown.minus)))
    for axis, room in zip((axes.xaxis, axes.yaxis, axes.zaxis), rooms, strict=True):
        axis.labelpad = room
        axis.set_major_locator(MaxNLocator(5))
