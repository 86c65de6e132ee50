"""A chart as a plain value, drawn twice: by Plotly for the page and by matplotlib for the still picture."""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gradviz.drawing.canvas import Artist, Axes, Figure, styled
from gradviz.drawing.inks import FONT, PALETTES

_PALETTE = PALETTES["light"]
_INCHES_A_ROW = 1.9
_PIXELS_A_ROW = 190
_STYLE: dict[Any, Any] = {"font.family": "DejaVu Sans", "font.size": 8.5, "axes.edgecolor": _PALETTE.faint}


@dataclass(frozen=True)
class Series:
    """Points (x, y), each with an interval if `low` and `high` are given. Points whose y is None are left out."""

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    colour: str
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    line: bool = True
    dashed: bool = False
    markers: bool = True
    labels: tuple[str, ...] = ()
    """What the page says about each point."""


@dataclass(frozen=True)
class Plot:
    """One row of a chart: its axis and its series."""

    y_title: str
    series: tuple[Series, ...]
    y_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Chart:
    """Rows that share the x axis. Ticks of x may have names."""

    x_title: str
    plots: tuple[Plot, ...]
    x_ticks: tuple[tuple[float, str], ...] = ()
    row_scale: float = 1.0


def plotly_figure(chart: Chart) -> go.Figure:
    """The chart for the page."""
    figure = make_subplots(rows=len(chart.plots), cols=1, shared_xaxes=True, vertical_spacing=0.1 / len(chart.plots))
    named: set[str] = set()
    for row, plot in enumerate(chart.plots, start=1):
        for series in plot.series:
            figure.add_trace(_trace(series, series.name not in named), row=row, col=1)
            named.add(series.name)
        figure.update_yaxes(title_text=plot.y_title, range=plot.y_range, row=row, col=1)
    figure.update_xaxes(title_text=chart.x_title, row=len(chart.plots), col=1)
    if chart.x_ticks:
        figure.update_xaxes(tickvals=[at for at, _ in chart.x_ticks], ticktext=[text for _, text in chart.x_ticks])
    figure.update_xaxes(gridcolor=_PALETTE.grid, zeroline=False)
    figure.update_yaxes(gridcolor=_PALETTE.grid, zeroline=False)
    return figure.update_layout(
        template=None,
        paper_bgcolor=_PALETTE.paper,
        plot_bgcolor=_PALETTE.paper,
        font={"family": FONT, "size": 12, "color": _PALETTE.faint},
        margin={"l": 64, "r": 16, "t": 48, "b": 46},
        legend={"orientation": "h", "y": 1.0, "yref": "container", "yanchor": "top", "x": 0},
        height=round(_PIXELS_A_ROW * chart.row_scale * len(chart.plots)) + 90,
        hovermode="closest",
    )


def still(chart: Chart) -> bytes:
    """The chart as a png; the same chart gives the same bytes."""
    with styled(_STYLE):
        height = _INCHES_A_ROW * chart.row_scale * len(chart.plots) + 0.5
        figure = Figure(figsize=(8, height), layout="constrained", facecolor="white")
        rows = figure.subplots(len(chart.plots), 1, sharex=True, squeeze=False)[:, 0]
        for axes, plot in zip(rows, chart.plots, strict=True):
            for series in plot.series:
                _draw(axes, series)
            axes.set_ylabel(plot.y_title)
            if plot.y_range is not None:
                axes.set_ylim(*plot.y_range)
            axes.grid(color=_PALETTE.grid, linewidth=0.7)
            axes.set_axisbelow(True)
            axes.spines[["top", "right"]].set_visible(False)
        rows[-1].set_xlabel(chart.x_title)
        if chart.x_ticks:
            rows[-1].set_xticks([at for at, _ in chart.x_ticks], [text for _, text in chart.x_ticks])
        handles: dict[str, Artist] = {}
        for axes in rows:
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        figure.legend(list(handles.values()), list(handles), loc="outside upper left", ncols=4, frameon=False)
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=110, metadata={"Software": None})
        return content.getvalue()


def _there(series: Series) -> list[int]:
    return [k for k, y in enumerate(series.y) if y is not None]


def _trace(series: Series, shows_name: bool) -> go.Scatter:
    kept = _there(series)
    error = None
    if series.low and series.high:
        error = {
            "type": "data",
            "symmetric": False,
            "array": [_gap(series.high[k], series.y[k]) for k in kept],
            "arrayminus": [_gap(series.y[k], series.low[k]) for k in kept],
            "thickness": 1,
            "width": 3,
        }
    return go.Scatter(
        x=[series.x[k] for k in kept],
        y=[series.y[k] for k in kept],
        text=[series.labels[k] for k in kept] if series.labels else None,
        hovertemplate=("%{text}<br>" if series.labels else "") + "%{x:.3g}: %{y:.3g}",
        error_y=error,
        mode="+".join(["lines"] * series.line + ["markers"] * series.markers),
        line={"color": series.colour, "width": 1.6, "dash": "dot" if series.dashed else "solid"},
        marker={"color": series.colour, "size": 4 if series.line else 6},
        opacity=1.0 if series.line else 0.75,
        name=series.name,
        legendgroup=series.name,
        showlegend=shows_name,
    )


def _draw(axes: Axes, series: Series) -> None:
    kept = _there(series)
    x = np.array([series.x[k] for k in kept], float)
    y = np.array([series.y[k] for k in kept], float)
    style = {"color": series.colour, "label": series.name, "markersize": 2.5 if series.line else 4}
    line = (":" if series.dashed else "-") if series.line else "none"
    if series.low and series.high:
        low = np.array([_gap(series.y[k], series.low[k]) for k in kept])
        high = np.array([_gap(series.high[k], series.y[k]) for k in kept])
        axes.errorbar(x, y, yerr=[low, high], linestyle=line, marker="o", linewidth=1.3, elinewidth=0.9, capsize=2,
                      **style)  # fmt: skip
        return
    axes.plot(
        x,
        y,
        linestyle=line,
        marker="o" if series.markers else "",
        linewidth=1.3,
        alpha=1.0 if series.line else 0.7,
        **style,
    )


def _gap(upper: float | None, lower: float | None) -> float:
    return 0.0 if upper is None or lower is None else max(0.0, upper - lower)
