"""Panels in rows as one figure for print: as wide as a column, in letters and lines that are read at that size.

The sheet knows where panels lie and what stands around them; what is in one, the panel draws.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradviz.drawing.canvas import (
    Axes,
    Figure,
    LinearSegmentedColormap,
    MaxNLocator,
    Normalize,
    PathCollection,
    Quiver,
    ScalarMappable,
)
from gradviz.drawing.look import Look, still_style
from gradviz.drawing.sheetplan import (
    BAR,
    BAR_AT,
    LETTER_IN,
    LETTERS,
    MARGIN,
    MOST_BAR,
    MOST_UP,
    TICKS_ASIDE,
    TICKS_UP,
    Bar,
    Panel,
    Place,
    Plan,
    Sheet,
    letter_of,
    lines_of,
    plan_of,
    unit_apart,
)

DOTS_PER_INCH = 300
SMALL_LETTERS, PANEL_LETTERS = 6.5, 8.5
"""Points: of ticks, and of the bold a, b, …; nothing is smaller than what journals allow, 6 points."""

_THIN = 0.62
"""Of the widths of lines and marks on a screen's picture."""


def sheet_style(look: Look) -> dict[Any, Any]:
    """For `styled`."""
    thin = {"axes.linewidth": 0.5, "xtick.major.width": 0.5, "ytick.major.width": 0.5, "lines.linewidth": 0.8}
    small = {"xtick.labelsize": SMALL_LETTERS, "ytick.labelsize": SMALL_LETTERS, "axes.labelsize": LETTERS}
    near = {"xtick.major.size": 2.2, "ytick.major.size": 2.2, "xtick.major.pad": 1.8, "ytick.major.pad": 1.8}
    return still_style(look.palette, LETTERS) | thin | small | near


def sheet_figure(panels: Sequence[Panel], sheet: Sheet, look: Look) -> Figure:
    """The panels, read from the left, with one bar where all have the same. Within `styled(sheet_style(look))`."""
    plan = plan_of(panels, sheet)
    figure = Figure(figsize=(sheet.width, plan.height), facecolor=look.palette.paper)
    for k, panel in enumerate(panels):
        axes = _add(figure, plan.of(k), panel, plan)
        panel.draw(axes)
        _thin(axes)
        if not panel.is_space:
            _frame(figure, axes, plan, k, look)
        _head(figure, plan, k)
        if panel.bar is not None and plan.has_bars and not plan.has_one_bar:
            left, bottom, side, _ = plan.of(k)
            _draw_bar(figure, panel.bar, (left + side + BAR_AT, bottom, BAR, side))
    bar = panels[0].bar
    if plan.has_one_bar and bar is not None:
        _draw_bar(figure, bar, _place_of_bar(plan))
    if plan.is_shared and (panels[0].x_name or panels[0].y_name):
        _name_all(figure, plan)
    return figure


def _add(figure: Figure, place: Place, panel: Panel, plan: Plan) -> Axes:
    left, bottom, side, _ = place
    if not panel.is_space:
        return figure.add_axes(_shares(place, plan))
    # Axes in space have their own names and ticks within their place.
    more = plan.left_room + MARGIN, plan.below_room + MARGIN
    wide = (left - more[0], bottom - more[1], side + more[0] - 0.1, side + more[1])
    return figure.add_axes(_shares(wide, plan), projection="3d")


def _shares(place: Place, plan: Plan) -> Place:
    width, height = plan.sheet.width, plan.height
    return place[0] / width, place[1] / height, place[2] / width, place[3] / height


def _thin(axes: Axes) -> None:
    """Lines and marks of a picture for screens, at the size of print; arrows are as wide as their grid is fine."""
    for line in axes.lines:
        line.set_linewidth(_THIN * line.get_linewidth())
        line.set_markersize(_THIN * line.get_markersize())
    for drawn in axes.collections:
        if isinstance(drawn, PathCollection):
            drawn.set_sizes(drawn.get_sizes() * _THIN**2)
        if not isinstance(drawn, Quiver):
            drawn.set(linewidth=_THIN * np.asarray(drawn.get_linewidth()))
    for text in axes.texts:
        text.set_fontsize(min(float(text.get_fontsize()), SMALL_LETTERS))


def _frame(figure: Figure, axes: Axes, plan: Plan, k: int, look: Look) -> None:
    panel = plan.panels[k]
    if not panel.x_name and not panel.y_name:
        return
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(look.palette.grid if plan.is_dense else look.palette.faint)
    if plan.is_dense:
        axes.set(xticks=[], yticks=[])
        return
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(4 if plan.side < 1.6 else 5, symmetric=True, steps=[1, 2, 5, 10]))
    if plan.is_shared:
        is_left, is_below = plan.is_outer(k)
        axes.tick_params(labelleft=is_left, labelbottom=is_below)
    else:
        _name(figure, plan, plan.of(k), panel)


def _head(figure: Figure, plan: Plan, k: int) -> None:
    left, bottom, side, _ = plan.of(k)
    panel, at = plan.panels[k], bottom + side + 0.055
    if plan.has_letters:
        _write(figure, plan, left, at, letter_of(k), fontsize=PANEL_LETTERS, fontweight="bold")
        left += 0.17
    if plan.sheet.titles:
        room = int((plan.of(k)[0] + side + (0 if plan.columns > 1 else plan.bar_room) - left) / LETTER_IN)
        title = _fitting(panel.title, room)
        _write(figure, plan, left, at, title, fontsize=LETTERS)


def _name(figure: Figure, plan: Plan, place: Place, panel: Panel, across: float = 0.0, up: float = 0.0) -> None:
    """The names of the axes of a place, which is so much wider and taller than the square."""
    left, bottom, side, _ = place
    under = "\n".join(lines_of(panel.x_name, side + across))
    ticks_up, ticks_aside = (0.0, 0.0) if plan.is_dense else (TICKS_UP, TICKS_ASIDE)
    _write(figure, plan, left + (side + across) / 2, bottom - ticks_up - 0.01, under, ha="center", va="top")
    beside = "\n".join(lines_of(panel.y_name, MOST_UP))
    at = left - ticks_aside - 0.01
    _write(figure, plan, at, bottom + (side + up) / 2, beside, ha="right", va="center", rotation=90)


def _name_all(figure: Figure, plan: Plan) -> None:
    """One name below all columns, and one beside all rows."""
    left, _, side, _ = plan.of(0)
    last_column = plan.of(plan.columns - 1)[0]
    _, bottom, _, _ = plan.of(len(plan.panels) - 1)
    top = plan.of(0)[1] + side
    place = (left, bottom, side, side)
    _name(figure, plan, place, plan.panels[0], last_column - left, top - bottom - side)


def _place_of_bar(plan: Plan) -> Place:
    left = plan.of(plan.columns - 1)[0] + plan.side + BAR_AT
    top, bottom = plan.of(0)[1] + plan.side, plan.of(len(plan.panels) - 1)[1]
    height = min(top - bottom, MOST_BAR)
    return left, (top + bottom - height) / 2, BAR, height


def _draw_bar(figure: Figure, bar: Bar, place: Place) -> None:
    width, height = figure.get_size_inches()
    axes = figure.add_axes((place[0] / width, place[1] / height, place[2] / width, place[3] / height))
    shades = LinearSegmentedColormap.from_list("bar", bar.stops)
    drawn = figure.colorbar(ScalarMappable(Normalize(bar.low, bar.high), shades), cax=axes)
    drawn.outline.set_visible(False)
    assert drawn.solids is not None
    drawn.solids.set(rasterized=False, edgecolor="face", linewidth=0.2)  # matplotlib would make pixels of it
    axes.yaxis.set_major_locator(MaxNLocator(5))
    drawn.set_label("\n".join(unit_apart(bar.name)), labelpad=2)


def _write(figure: Figure, plan: Plan, x: float, y: float, text: str, **style: Any) -> None:
    figure.text(x / plan.sheet.width, y / plan.height, text, fontsize=style.pop("fontsize", LETTERS), **style)


def _fitting(title: str, most: int) -> str:
    """Cut; of one that ends in a number, such as `minibatch 29`, the number is left."""
    if len(title) <= most:
        return title
    last = title.rpartition(" ")[2]
    return last if last.isdecimal() else title[: max(1, most - 1)] + "…"
