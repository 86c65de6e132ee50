"""A landscape as a Plotly figure; the page's `figure.js` builds the same traces in the browser.

# Shape suffixes: P = grid points, A = arrows, Z = points whose arrow is zero.
"""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from gradviz.drawing import labels
from gradviz.drawing.arrows import ARROW_HEAD, ARROW_WIDTH, Arrows, arrows_of, reach_of
from gradviz.drawing.ground import Levels, level_digits, levels_of
from gradviz.drawing.hover import DESCENT, END, TEMPLATE, point_texts
from gradviz.drawing.inks import FONT, Palette, Stops
from gradviz.drawing.level_labels import level_labels
from gradviz.drawing.look import PLAIN, Look
from gradviz.drawing.scale import Scale
from gradviz.landscape import GradientField
from gradviz.numbers import number

PIXEL_PRECISION = 1e4
"""plotly.js rounds an arrow's pixels to whole numbers *before* it applies `lengthfactor`: components are handed over
this many times too long and `lengthfactor` takes it back, which leaves 1e-4 of a pixel."""


@dataclass(frozen=True)
class Picture:
    """A field with all that a figure of it needs; on its own scale if None."""

    field: GradientField
    x_name: str = "x₁"
    y_name: str = "x₂"
    title: str = ""
    scale: Scale | None = None
    look: Look = PLAIN

    @property
    def scale_used(self) -> Scale:
        return self.scale or Scale.of([self.field])


def landscape_figure(picture: Picture) -> go.Figure:
    """The field as arrows over the plane of two parameters, in offsets from the checkpoint.

    Colour is log10 |g|; arrows that are zero are small hollow markers; hover tells true values, also of arrows that
    `look.direction` turns round.
    """
    field, look, scale = picture.field, picture.look, picture.scale_used
    palette = look.palette
    half_width, points = float(field.x[-1] - field.x[0]) / 2, len(field.x)
    cell = 2 * half_width / (points - 1)
    arrows = arrows_of(field, scale, length=look.length, direction=look.direction)
    columns_P6 = _columns(field)
    figure = go.Figure(layout=_layout(palette, reach_of(half_width, points), picture.title))
    texts_P = point_texts(field).ravel()
    levels = levels_of(field.loss)
    if look.under != "none" and levels is not None:
        figure.add_trace(_loss_trace(field, levels, look))
        if look.under == "contour":
            figure.update_layout(annotations=_level_names(field, levels, look))
    if arrows.point_A.size:
        texts_A = texts_P[arrows.point_A] + (DESCENT if look.direction == "descent" else "")
        figure.add_trace(_arrows_trace(arrows, cell, columns_P6[arrows.point_A], texts_A, scale, palette))
    told = {"text": texts_P[arrows.zero_Z], "hovertemplate": TEMPLATE}
    zeros = {"customdata": columns_P6[arrows.zero_Z], "name": labels.ZERO_WORDS} | told
    figure.add_trace(_rings(*(cell * arrows.ring_Z2.T), size=4, width=1, colour=palette.zero, **zeros))
    centre = {"hoverinfo": "skip", "name": labels.CENTRE_WORDS}
    figure.add_trace(_rings([0.0], [0.0], size=18, width=2, colour=palette.centre, **centre))
    figure.update_xaxes(title_text=labels.axis_name(picture.x_name, float(field.x[points // 2])))
    figure.update_yaxes(title_text=labels.axis_name(picture.y_name, float(field.y[points // 2])))
    return figure


def _columns(field: GradientField) -> np.ndarray:
    """x, y, u, v, |g|, J of each point (P, 6) in float64, x running fastest."""
    y_YX, x_YX = np.meshgrid(field.y, field.x, indexing="ij")
    u_P, v_P, loss_P = (np.asarray(array, float).ravel() for array in (*labels.parts_of(field), field.loss))
    return np.stack([x_YX.ravel(), y_YX.ravel(), u_P, v_P, np.hypot(u_P, v_P), loss_P], axis=1)


def _arrows_trace(
    arrows: Arrows, cell: float, columns_A6: np.ndarray, texts_A: np.ndarray, scale: Scale, palette: Palette
) -> go.Quiver:
    (x_A, y_A), (u_A, v_A) = cell * arrows.middle_A2.T, PIXEL_PRECISION * cell * arrows.drawn_A2.T
    return go.Quiver(
        x=x_A,
        y=y_A,
        u=u_A,
        v=v_A,
        customdata=columns_A6,
        arrowref="data",
        anchor="center",
        lengthmode="raw",
        lengthfactor=1 / PIXEL_PRECISION,
        hovertemplate=texts_A + END,  # plotly.js would draw a text on each arrow
        marker={
            "color": arrows.strength_A,
            "cmin": scale.low,
            "cmax": scale.high,
            "colorscale": colorscale(palette.arrows),
            "showscale": True,
            "arrowsize": ARROW_HEAD,
            "line": {"width": ARROW_WIDTH},
            "colorbar": {
                "title": {"text": labels.strength_name(), "side": "right"},
                "thickness": 8,
                "outlinewidth": 0,
                "xpad": 6,
                "nticks": 6,
            },
        },
        showlegend=False,
    )


def _rings(x: object, y: object, *, size: float, width: float, colour: str, **rest: object) -> go.Scatter:
    marker = {"symbol": "circle-open", "size": size, "color": colour, "line": {"width": width}}
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, showlegend=False, **rest)


def _loss_trace(field: GradientField, levels: Levels, look: Look) -> go.Heatmap | go.Contour:
    x, y = field.x - field.x[len(field.x) // 2], field.y - field.y[len(field.y) // 2]
    # plotly.js draws a heat map over quiver arrows, unless its zorder is lower.
    shared = {"x": x, "y": y, "z": field.loss, "showscale": False, "hoverinfo": "skip", "zorder": -1}
    if look.under == "heat":
        return go.Heatmap(colorscale=colorscale(look.palette.loss), **shared)
    return go.Contour(
        autocontour=False,
        contours={"coloring": "none", "start": levels.start, "end": levels.high, "size": levels.step},
        line={"color": look.palette.contour, "width": 1, "smoothing": 0},
        **shared,
    )


def _level_names(field: GradientField, levels: Levels, look: Look) -> list[dict[str, object]]:
    """The values of level lines, each on a little paper of its own along its line."""
    width, last = float(field.x[-1] - field.x[0]), len(field.x) - 1
    font = {"size": 10, "color": look.palette.faint}
    paper = {"bgcolor": look.palette.paper, "opacity": 0.85, "borderpad": 0}
    return [
        {
            "x": width * (label.column / last - 0.5),
            "y": width * (label.row / last - 0.5),
            "text": number(label.level, level_digits(levels)),
            "textangle": -label.angle,
            "showarrow": False,
            "font": font,
            **paper,
        }
        for label in level_labels(field.loss, levels)
    ]


def colorscale(stops: Stops) -> list[list[float | str]]:
    return [list(stop) for stop in stops]


def _layout(palette: Palette, reach: float, title: str) -> dict[str, object]:
    axis = {"showgrid": False, "zeroline": False, "nticks": 5, "ticks": "", "constrain": "domain"}
    return {
        "paper_bgcolor": palette.paper,
        "plot_bgcolor": palette.paper,
        "font": {"family": FONT, "size": 12, "color": palette.faint},
        "margin": {"l": 56, "r": 12, "t": 36 if title else 12, "b": 44},
        "title": {"text": title, "font": {"size": 15, "color": palette.ink}},
        "hovermode": "closest",
        "xaxis": axis | {"range": [-reach, reach]},
        "yaxis": axis | {"range": [-reach, reach], "scaleanchor": "x"},
    }
