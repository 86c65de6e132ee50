"""A landscape as a still picture, drawn by matplotlib alone: no browser, no display, no global state."""

import textwrap
from collections.abc import Sequence
from typing import Any

from gradviz.drawing import labels
from gradviz.drawing.canvas import Axes, Axes3D, Figure, ScalarMappable, SubFigure, styled
from gradviz.drawing.caption import caption_of
from gradviz.drawing.choices import Still
from gradviz.drawing.look import PLAIN, Look, still_style
from gradviz.drawing.overlays import over_sentences
from gradviz.drawing.plot import field_reach, norm_of, shades_of
from gradviz.drawing.scale import Scale
from gradviz.drawing.shown import Row, Shown, plot_in_space, plot_shown
from gradviz.drawing.written import figure_bytes

_PANEL_INCHES = (8, 7)
_LETTERS = 9
_MOST_LETTERS = 95
"""In a line of this size over the picture."""


def picture_bytes(shown: Shown, kind: Still, look: Look = PLAIN, scale: Scale | None = None) -> bytes:
    """A png (1280 × 1120), svg or pdf; the same field gives the same bytes."""
    with styled(picture_style(look)):
        figure = figure_of(1, look)
        draw(figure, shown, look, scale)
        caption = caption_of([shown], look, [scale] if scale else [])
        return figure_bytes(figure, kind, shown.request.canonical(), caption)


def picture_style(look: Look) -> dict[Any, Any]:
    """For `styled`."""
    return still_style(look.palette, _LETTERS)


def figure_of(num_panels: int, look: Look) -> Figure:
    """An empty figure with room for this many pictures side by side."""
    width, height = _PANEL_INCHES
    return Figure(figsize=(width * num_panels, height), layout="constrained", facecolor=look.palette.paper)


def draw_side_by_side(figure: Figure, row: Row, look: Look, scales: Sequence[Scale]) -> list[SubFigure]:
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
    axes, scale_used = figure.add_subplot(), scale or Scale.of([shown.field])
    plot_shown(axes, shown, look, scale_used)
    _finish(figure, axes, shown, look, scale_used, is_shared=scale is not None)


def draw_surface(figure: Figure | SubFigure, shown: Shown, look: Look, scale: Scale | None = None) -> None:
    """The same as a surface of the loss in space, with the arrows on it."""
    axes, scale_used = figure.add_subplot(projection="3d"), scale or Scale.of([shown.field])
    assert isinstance(axes, Axes3D)
    plot_in_space(axes, shown, look, scale_used, (8, 12, 8))
    _finish(figure, axes, shown, look, scale_used, is_shared=scale is not None)


def _finish(figure: Figure | SubFigure, axes: Axes, shown: Shown, look: Look, scale: Scale, *, is_shared: bool) -> None:
    if is_shared or shown.has_arrows:
        _draw_scale(figure, axes, scale, look, shown)
    _dress(figure, axes, shown, look)


def _draw_scale(figure: Figure | SubFigure, axes: Axes, scale: Scale, look: Look, shown: Shown) -> None:
    pad = 0.1 if isinstance(axes, Axes3D) else 0.02
    bar = figure.colorbar(ScalarMappable(norm_of(scale), shades_of(look)), ax=axes, shrink=0.85, pad=pad)
    name = labels.strength_name(bool(shown.minus))
    bar.set_label(f"{name}   (loss {labels.per_unit(has_directions=shown.request.has_directions)})")
    bar.outline.set_visible(False)


def _dress(figure: Figure | SubFigure, axes: Axes, shown: Shown, look: Look) -> None:
    field, request, minus = shown.field, shown.request, shown.minus
    centres = [None if minus else float(values[len(values) // 2]) for values in (field.x, field.y)]
    axes.set_xlabel(labels.axis_name(shown.axes[0], centres[0]))
    axes.set_ylabel(labels.axis_name(shown.axes[1], centres[1]))
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
