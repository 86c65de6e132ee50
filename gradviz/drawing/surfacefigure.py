"""A landscape as a Plotly figure, flat or as a surface of the loss with the arrows on it; the page's `surfacefigure.js`
builds the same traces in the browser.

# Shape suffixes: A = arrows, V = vertices of an arrow, Z = points whose arrow is zero, 3 = (x, y, J).
"""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from gradviz.drawing import labels
from gradviz.drawing.figure import Picture, colorscale, landscape_figure
from gradviz.drawing.hover import point_texts
from gradviz.drawing.inks import FONT, Palette
from gradviz.drawing.look import Look
from gradviz.drawing.scale import Scale
from gradviz.drawing.surface import RISE, Surface, SurfaceArrows, arrows_on
from gradviz.landscape import GradientField

_FACE = {"ambient": 0.72, "diffuse": 0.5, "specular": 0.04, "roughness": 0.9, "fresnel": 0.02}


def picture_figure(picture: Picture) -> go.Figure:
    """The figure that `look` chooses; see `landscape_figure`."""
    field, look = picture.field, picture.look
    if look.under != "surface":
        return landscape_figure(picture)
    surface = Surface.of(field)
    figure = go.Figure(layout=_layout(picture, surface))
    if surface is None:
        return figure
    scale = picture.scale_used
    arrows = arrows_on(field, surface, scale, length=look.length, direction=look.direction)
    figure.add_trace(_sheet(field, surface, look))
    if arrows.point_A.size:
        figure.add_trace(_arrows_trace(arrows, scale, look.palette))
    figure.add_trace(_rings(arrows.ring_Z3, 3, look.palette.zero, labels.ZERO_WORDS))
    zero = np.zeros(1)
    centre_13 = np.stack([zero, zero, surface.at(zero, zero) + surface.lift], axis=1)
    figure.add_trace(_rings(centre_13, 9, look.palette.centre, labels.CENTRE_WORDS))
    return figure


def _sheet(field: GradientField, surface: Surface, look: Look) -> go.Surface:
    levels: dict[str, Any] = {"show": False}
    if surface.levels:
        start, end, step = surface.levels.start, surface.levels.high, surface.levels.step
        levels = {"show": True, "start": start, "end": end, "size": step, "color": look.palette.zero, "width": 1}
    none = {"highlight": False}
    return go.Surface(
        x=field.x - field.x[len(field.x) // 2],
        y=field.y - field.y[len(field.y) // 2],
        z=surface.loss_YX,
        cmin=surface.low,
        cmax=surface.high,
        colorscale=colorscale(look.palette.sheet),
        showscale=False,
        lighting=_FACE,
        lightposition={"x": -1000, "y": -2000, "z": 4000},
        contours={"x": none, "y": none, "z": levels | none},
        text=point_texts(field),
        hoverinfo="text",
        name="loss",
    )


def _arrows_trace(arrows: SurfaceArrows, scale: Scale, palette: Palette) -> go.Scatter3d:
    """Shafts and heads as one line, with a gap after each."""
    gap_A13 = np.full((len(arrows.point_A), 1, 3), np.nan)
    lines_AV3 = np.concatenate([arrows.shaft_AV3, gap_A13, arrows.head_AV3, gap_A13], axis=1)
    x, y, z = lines_AV3.reshape(-1, 3).T
    return go.Scatter3d(
        x=x,
        y=y,
        z=z,
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        name="gradient",
        line={
            "color": np.repeat(arrows.strength_A, lines_AV3.shape[1]),
            "colorscale": colorscale(palette.arrows),
            "cmin": scale.low,
            "cmax": scale.high,
            "width": 3,
            "showscale": True,
            "colorbar": {
                "title": {"text": labels.strength_name(), "side": "right"},
                "thickness": 8,
                "outlinewidth": 0,
                "xpad": 6,
                "nticks": 6,
                "len": 0.7,
            },
        },
    )


def _rings(at_Z3: np.ndarray, size: float, colour: str, name: str) -> go.Scatter3d:
    x, y, z = at_Z3.T
    marker = {"symbol": "circle-open", "size": size, "color": colour, "line": {"width": 2, "color": colour}}
    return go.Scatter3d(x=x, y=y, z=z, mode="markers", marker=marker, hoverinfo="skip", showlegend=False, name=name)


def _layout(picture: Picture, surface: Surface | None) -> dict[str, object]:
    field, title, palette = picture.field, picture.title, picture.look.palette
    axis = {"gridcolor": palette.grid, "linecolor": palette.grid, "color": palette.faint, "nticks": 5}
    axis |= {"zeroline": False, "showbackground": False, "showspikes": False}
    plane = {} if surface is None else {"range": [-surface.reach, surface.reach]}
    centres = (float(field.x[len(field.x) // 2]), float(field.y[len(field.y) // 2]))
    x, y = (
        axis | plane | {"title": {"text": labels.axis_name(name, centre)}}
        for name, centre in zip((picture.x_name, picture.y_name), centres, strict=True)
    )
    loss = {"title": {"text": labels.loss_name(field)}, "exponentformat": "e"} | (
        {} if surface is None else {"range": surface.range}
    )
    return {
        "paper_bgcolor": palette.paper,
        "font": {"family": FONT, "size": 12, "color": palette.faint},
        "margin": {"l": 12, "r": 12, "t": 36 if title else 12, "b": 12},
        "title": {"text": title, "font": {"size": 15, "color": palette.ink}},
        "scene": {
            "xaxis": x,
            "yaxis": y,
            "zaxis": axis | loss,
            "aspectmode": "manual",
            "aspectratio": {"x": 1, "y": 1, "z": RISE},
            "dragmode": "turntable",
            "camera": picture.look.camera.for_plotly(),
        },
    }
