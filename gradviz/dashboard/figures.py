"""Figures as pure functions from arrays to `go.Figure`; the page's `figure.js` builds the same traces in the browser.

# Shape suffixes: X/Y = grid columns/rows, P = grid points in one row, N = epochs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from gradviz.dashboard.look import (
    ARROW_HEAD,
    ARROW_WIDTH,
    FLAT_SHARE,
    FONT,
    LENGTH_EXPONENT,
    LONGEST_IN_CELLS,
    PALETTES,
    VARIANT_LABELS,
    ZERO_WORDS,
    Direction,
    Length,
    Palette,
    Scheme,
    Under,
)

PIXEL_PRECISION = 1e4
"""plotly.js rounds an arrow's pixels to whole numbers *before* it applies `lengthfactor`: components are handed over
this many times too long and `lengthfactor` takes it back, which leaves 1e-4 of a pixel."""

_HOVER = (
    "x₁ = %{customdata[0]:.5g}, x₂ = %{customdata[1]:.5g}<br>"
    "∂J/∂x₁ = %{customdata[2]:.4g}<br>∂J/∂x₂ = %{customdata[3]:.4g}<br>"
    "|∇J| = %{customdata[4]:.4g} per unit of parameter<br>J = %{customdata[5]:.5g} (mean |error|)"
)
_HOVER_DESCENT = "<br>the arrow is −∇J (descent)"
_HOVER_ZERO = (
    "x₁ = %{customdata[0]:.5g}, x₂ = %{customdata[1]:.5g}<br>"
    "gradient: " + ZERO_WORDS + "<br>J = %{customdata[5]:.5g} (mean |error|)<extra></extra>"
)


@dataclass(frozen=True)
class Scale:
    """What several pictures may share: `low`, `high` of log10 |g| for the colours, `longest` |g| for the lengths."""

    low: float
    high: float
    longest: float

    @classmethod
    def of(cls, magnitudes: np.ndarray) -> "Scale":
        """The scale of all non-zero `magnitudes`: colours leave out the smallest 2 %, which may lie decades below."""
        nonzero = magnitudes[magnitudes > 0]
        if nonzero.size == 0:
            return cls(-1.0, 0.0, 1.0)
        low, high = float(np.log10(np.quantile(nonzero, 0.02))), float(np.log10(nonzero.max()))
        return cls(min(low, high - 0.1), high, float(nonzero.max()))


def drawn_lengths(magnitude: np.ndarray, longest: float, length: Length = "compressed") -> np.ndarray:
    """Lengths in grid cells of arrows with these positive magnitudes; `longest` is drawn LONGEST_IN_CELLS long."""
    share = np.clip(magnitude / longest, 0, 1)
    exponent = {"compressed": LENGTH_EXPONENT, "true": 1.0, "unit": 0.0}[length]
    return LONGEST_IN_CELLS * share**exponent * (0.8 if length == "unit" else 1.0)


def landscape_figure(
    x: np.ndarray,
    y: np.ndarray,
    u: np.ndarray,
    v: np.ndarray,
    loss: np.ndarray,
    is_zero: np.ndarray,
    *,
    x_name: str = "x₁",
    y_name: str = "x₂",
    title: str = "",
    scale: Scale | None = None,
    length: Length = "compressed",
    under: Under = "none",
    direction: Direction = "ascent",
    scheme: Scheme = "light",
) -> go.Figure:
    """The gradient landscape as arrows over the plane of two parameters, drawn relative to the checkpoint.

    `x` (X,), `y` (Y,) are values of the parameters; `u`, `v`, `loss`, `is_zero` are (Y, X). Colour is log10 |g|, length
    grows with |g|^0.35 (`length="compressed"`); arrows that are zero are small hollow markers; hover tells true values.
    `direction="descent"` turns the arrows round, to −∇J; the numbers stay those of the gradient.
    """
    palette = PALETTES[scheme]
    x_P, y_P, columns_P6 = _points(x, y, u, v, loss)
    x_P, y_P = x_P - x[len(x) // 2], y_P - y[len(y) // 2]
    magnitude_P = columns_P6[:, 4]
    finite_P = np.isfinite(columns_P6).all(axis=1)
    zero_P = finite_P & (np.asarray(is_zero, bool).ravel() | (magnitude_P == 0))
    arrow_P = finite_P & ~zero_P
    scale = scale or Scale.of(magnitude_P[arrow_P])
    cell = float(x[1] - x[0])
    sign = -1.0 if direction == "descent" else 1.0
    drawn_P = sign * cell * drawn_lengths(magnitude_P[arrow_P], scale.longest, length) / magnitude_P[arrow_P]
    figure = go.Figure(layout=_layout(palette, float(x[-1] - x[0]) / 2, float(y[-1] - y[0]) / 2, title))
    if under != "none" and np.ptp(loss) > FLAT_SHARE * np.abs(loss).max():
        figure.add_trace(_loss_trace(x - x[len(x) // 2], y - y[len(y) // 2], loss, under, palette))
    figure.add_trace(
        go.Quiver(
            x=x_P[arrow_P],
            y=y_P[arrow_P],
            u=PIXEL_PRECISION * drawn_P * columns_P6[arrow_P, 2],
            v=PIXEL_PRECISION * drawn_P * columns_P6[arrow_P, 3],
            customdata=columns_P6[arrow_P],
            arrowref="data",
            anchor="center",
            lengthmode="raw",
            lengthfactor=1 / PIXEL_PRECISION,
            hovertemplate=_HOVER + (_HOVER_DESCENT if sign < 0 else "") + "<extra></extra>",
            marker=_arrow_marker(np.log10(magnitude_P[arrow_P]), scale, palette),
            showlegend=False,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=x_P[zero_P],
            y=y_P[zero_P],
            customdata=columns_P6[zero_P],
            mode="markers",
            marker={"symbol": "circle-open", "size": 4, "color": palette.zero, "line": {"width": 1}},
            hovertemplate=_HOVER_ZERO,
            name=ZERO_WORDS,
            showlegend=False,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[0.0],
            y=[0.0],
            mode="markers",
            marker={"symbol": "circle-open", "size": 18, "color": palette.centre, "line": {"width": 2}},
            hoverinfo="skip",
            name="the checkpoint itself",
            showlegend=False,
        )
    )
    figure.update_xaxes(title_text=_axis_title(x_name, float(x[len(x) // 2])))
    figure.update_yaxes(title_text=_axis_title(y_name, float(y[len(y) // 2])))
    return figure


def loss_figure(
    curves: Mapping[str, Sequence[tuple[int, float, float]]],
    *,
    epoch: int | None = None,
    scheme: Scheme = "light",
) -> go.Figure:
    """Loss curves of the variants on a log10 scale: `curves[variant]` is a list of (epoch, train loss, test loss)."""
    palette = PALETTES[scheme]
    figure = go.Figure(
        layout={
            "paper_bgcolor": palette.paper,
            "plot_bgcolor": palette.paper,
            "font": {"family": FONT, "size": 12, "color": palette.faint},
            "margin": {"l": 56, "r": 16, "t": 24, "b": 40},
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
            "xaxis": {"title": {"text": "epoch"}, "gridcolor": palette.grid, "zeroline": False},
            "yaxis": {"title": {"text": "log10 loss"}, "gridcolor": palette.grid, "zeroline": False},
        }
    )
    for variant, rows in curves.items():
        columns_N3 = np.array(rows, float).reshape(-1, 3)
        for column, name, dash in ((1, "train", "dot"), (2, "test", "solid")):
            # Log axes place arrows and shapes wrongly in plotly.js: the logarithm is drawn on a linear axis.
            positive = columns_N3[:, column] > 0
            figure.add_trace(
                go.Scatter(
                    x=columns_N3[positive, 0],
                    y=np.log10(columns_N3[positive, column]),
                    customdata=columns_N3[positive, column],
                    mode="lines",
                    line={"color": palette.variants.get(variant, palette.ink), "dash": dash, "width": 1.5},
                    name=f"{VARIANT_LABELS.get(variant, variant)}, {name}",
                    hovertemplate="epoch %{x}: %{customdata:.4g}",
                )
            )
    if epoch is not None:
        figure.add_vline(x=epoch, line={"color": palette.centre, "width": 1.5})
    return figure


def _points(x: np.ndarray, y: np.ndarray, u: np.ndarray, v: np.ndarray, loss: np.ndarray) -> tuple[np.ndarray, ...]:
    """The grid as rows of points: x (P,), y (P,) and the columns x, y, u, v, |g|, J (P, 6) in float64."""
    y_YX, x_YX = np.meshgrid(np.asarray(y, float), np.asarray(x, float), indexing="ij")
    u_P, v_P, loss_P = (np.asarray(array, float).ravel() for array in (u, v, loss))
    x_P, y_P = x_YX.ravel(), y_YX.ravel()
    return x_P, y_P, np.stack([x_P, y_P, u_P, v_P, np.hypot(u_P, v_P), loss_P], axis=1)


def _arrow_marker(log10_magnitude: np.ndarray, scale: Scale, palette: Palette) -> dict[str, object]:
    return {
        "color": log10_magnitude,
        "cmin": scale.low,
        "cmax": scale.high,
        "colorscale": [list(stop) for stop in palette.arrows],
        "showscale": True,
        "arrowsize": ARROW_HEAD,
        "line": {"width": ARROW_WIDTH},
        "colorbar": {
            "title": {"text": "log10 |∇J|", "side": "right"},
            "thickness": 8,
            "outlinewidth": 0,
            "xpad": 6,
            "nticks": 6,
        },
    }


def _loss_trace(
    x: np.ndarray, y: np.ndarray, loss: np.ndarray, under: Under, palette: Palette
) -> go.Heatmap | go.Contour:
    if under == "heat":
        return go.Heatmap(
            x=x,
            y=y,
            z=loss,
            colorscale=[list(stop) for stop in palette.loss],
            showscale=False,
            hoverinfo="skip",
            zorder=-1,  # plotly.js draws a heat map over quiver arrows otherwise
        )
    low, high = float(np.min(loss)), float(np.max(loss))
    step = (high - low) / 10 or 1.0
    return go.Contour(
        x=x,
        y=y,
        z=loss,
        autocontour=False,
        contours={"coloring": "none", "start": low + step / 2, "end": high, "size": step},
        line={"color": palette.contour, "width": 1, "smoothing": 0},
        showscale=False,
        hoverinfo="skip",
        zorder=-1,
    )


def _layout(palette: Palette, half_width_x: float, half_width_y: float, title: str) -> dict[str, object]:
    axis = {"gridcolor": palette.grid, "zeroline": False, "nticks": 5, "ticks": "", "showgrid": True}
    return {
        "paper_bgcolor": palette.paper,
        "plot_bgcolor": palette.paper,
        "font": {"family": FONT, "size": 12, "color": palette.faint},
        "margin": {"l": 56, "r": 12, "t": 36 if title else 12, "b": 44},
        "title": {"text": title, "font": {"size": 15, "color": palette.ink}},
        "hovermode": "closest",
        "xaxis": axis | {"range": [-1.1 * half_width_x, 1.1 * half_width_x], "constrain": "domain"},
        "yaxis": axis
        | {
            "range": [-1.1 * half_width_y, 1.1 * half_width_y],
            "constrain": "domain",
            "scaleanchor": "x",
        },
    }


def _axis_title(name: str, centre: float) -> str:
    return f"{name} − ({centre:.4g})"
