"""A landscape as a still picture, drawn by matplotlib alone: no browser, no display, no global state."""

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from gradviz.drawing import labels
from gradviz.drawing.canvas import Axes, Axes3D, Figure, MaxNLocator, ScalarMappable, SubFigure, styled
from gradviz.drawing.look import PLAIN, Look, still_style
from gradviz.drawing.overlays import Over, draw_over, over_sentences
from gradviz.drawing.plot import cell_of, field_reach, norm_of, plot_centre, plot_field, shades_of
from gradviz.drawing.relief import OnSurface, plot_surface
from gradviz.drawing.scale import Scale, drawn_sizes
from gradviz.drawing.surface import Surface
from gradviz.landscape import GradientField, LandscapeRequest

_PANEL_INCHES = (8, 7)
_LETTERS = 9
_MOST_LETTERS = 95
"""In a line of this size over the picture."""


@dataclass(frozen=True)
class Shown:
    """One picture: a field, what was asked for, what lies over it, and the run whose field was subtracted.

    `draws_masks`: whether the field, or the one subtracted, depends on dropout masks.
    """

    field: GradientField
    request: LandscapeRequest
    over: Over = dataclass_field(default_factory=Over)
    minus: str = ""
    draws_masks: bool = False


def picture_bytes(shown: Shown, kind: str, look: Look = PLAIN) -> bytes:
    """A png (1280 × 1120) or svg; the same field gives the same bytes."""
    with styled(picture_style(look)):
        content = io.BytesIO()
        metadata = {"Title": shown.request.canonical()} | ({"Date": None} if kind == "svg" else {"Software": None})
        figure = figure_of(1, look)
        draw(figure, shown, look)
        figure.savefig(content, format=kind, dpi=160, metadata=metadata)
        return content.getvalue()


def picture_style(look: Look) -> dict[Any, Any]:
    """For `styled`."""
    return still_style(look.palette, _LETTERS)


def figure_of(num_panels: int, look: Look) -> Figure:
    """An empty figure with room for this many pictures side by side."""
    width, height = _PANEL_INCHES
    return Figure(figsize=(width * num_panels, height), layout="constrained", facecolor=look.palette.paper)


def draw_side_by_side(figure: Figure, row: Sequence[Shown], look: Look, scales: Sequence[Scale]) -> list[SubFigure]:
    """The pictures from left to right, each in a part of the figure. Within `styled(picture_style(look))`."""
    parts = list(figure.subfigures(1, len(row), squeeze=False)[0])
    for part, shown, scale in zip(parts, row, scales, strict=True):
        part.set_facecolor(look.palette.paper)
        draw(part, shown, look, scale)
    return parts


def draw(figure: Figure | SubFigure, shown: Shown, look: Look, scale: Scale | None = None) -> None:
    """The field with its colour bar, the centre marked, and what there is to say of it; `scale`: its own if None.

    Within `styled(picture_style(look))`.
    """
    if look.under == "surface":
        draw_surface(figure, shown, look, scale)
        return
    axes, field = figure.add_subplot(), shown.field
    rings = plot_field(axes, field, scale or Scale.of([field]), look)
    if rings is not None:
        num_zeros = int((drawn_sizes(field) == 0).sum())
        rings.set_label(labels.zeros_name(num_zeros, field.is_zero.size, bool(shown.minus)))
    draw_over(axes, shown.over, field, shown.request.epoch, cell_of(field), field_reach(field), look)
    plot_centre(axes, look).set_label(labels.CENTRE_WORDS)
    if scale is not None or (drawn_sizes(field) > 0).any():
        _draw_scale(figure, axes, scale or Scale.of([field]), look, shown)
    _dress(figure, axes, shown, look)


def draw_surface(figure: Figure | SubFigure, shown: Shown, look: Look, scale: Scale | None = None) -> None:
    """The same as a surface of the loss in space, with the arrows on it."""
    axes, field = figure.add_subplot(projection="3d"), shown.field
    assert isinstance(axes, Axes3D)
    scale_used = scale or Scale.of([field])
    plot_surface(axes, field, scale_used, look)
    surface = Surface.of(field)
    if surface is not None:
        laid: Any = OnSurface(axes, surface)
        draw_over(laid, shown.over, field, shown.request.epoch, cell_of(field), surface.half_width, look)
        ring = {"marker": "o", "markersize": 9, "markerfacecolor": "none", "linestyle": "none", "zorder": 5}
        laid.plot([0.0], [0.0], color=look.palette.centre, label=labels.CENTRE_WORDS, **ring)
    if scale is not None or (drawn_sizes(field) > 0).any():
        _draw_scale(figure, axes, scale_used, look, shown)
    _dress(figure, axes, shown, look)
    axes.set_zlabel(labels.loss_name(field, bool(shown.minus)))
    for axis, room in ((axes.xaxis, 8), (axes.yaxis, 12), (axes.zaxis, 8)):
        axis.labelpad = room
        axis.set_major_locator(MaxNLocator(5))


def _draw_scale(figure: Figure | SubFigure, axes: Axes, scale: Scale, look: Look, shown: Shown) -> None:
    pad = 0.1 if isinstance(axes, Axes3D) else 0.02
    bar = figure.colorbar(ScalarMappable(norm_of(scale), shades_of(look)), ax=axes, shrink=0.85, pad=pad)
    name = labels.strength_name(bool(shown.minus))
    bar.set_label(f"{name}   (loss {labels.per_unit(has_directions=shown.request.has_directions)})")
    bar.outline.set_visible(False)


def _dress(figure: Figure | SubFigure, axes: Axes, shown: Shown, look: Look) -> None:
    field, request, minus = shown.field, shown.request, shown.minus
    centres = [None if minus else float(values[len(values) // 2]) for values in (field.x, field.y)]
    axes.set_xlabel(labels.axis_name(request.x, centres[0]))
    axes.set_ylabel(labels.axis_name(request.y, centres[1]))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.08), frameon=False, ncols=2, fontsize=8)
    arrows = labels.arrow_name(bool(minus), look.direction == "descent")
    facts = labels.facts_of(field, request, draws_masks=shown.draws_masks, is_difference=bool(minus))
    facts += [arrows] if arrows else []
    sentences = [] if minus else labels.sentences_of(field)
    sentences += over_sentences(shown.over, field_reach(field))
    ground = labels.ground_name(field.loss, look.under, bool(minus))
    sentences += [ground] if ground else []
    told = textwrap.wrap(" · ".join(sentences), _MOST_LETTERS)
    lines = [" · ".join(facts), *told]
    title = labels.title_of(request, minus) + "\n" * len(lines)
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    write = axes.text2D if isinstance(axes, Axes3D) else axes.text
    write(0, 1.015, "\n".join(lines), transform=axes.transAxes, color=look.palette.faint, fontsize=9)
    why = "" if minus else labels.why_all_zero(field)
    if why:
        figure.supxlabel(textwrap.fill(why, 100), fontsize=8.5, color=look.palette.ink)
