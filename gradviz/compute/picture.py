"""A landscape as a still picture, drawn by matplotlib alone: no browser, no display, no global state."""

import io
import textwrap
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from gradviz.landscape import GradientField, LandscapeRequest, ZeroReason, zero_message

_INK, _FAINT, _CENTRE = "#1f2933", "#7b8794", "#d6336c"
_LEAST_DECADES = 0.1  # a narrower scale would give round-off all the colours
_LENGTH_EXPONENT = 0.35  # raw gradients span decades: their lengths would read as one arrow and many dots
_LONGEST_IN_CELLS = 0.92
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "svg.hashsalt": "gradviz",
}


def picture_bytes(field: GradientField, request: LandscapeRequest, kind: str) -> bytes:
    """A png (1280 × 1120) or svg of the field; the same field gives the same bytes."""
    with matplotlib.rc_context(_STYLE):
        content = io.BytesIO()
        metadata = {"Title": request.canonical()} | ({"Date": None} if kind == "svg" else {"Software": None})
        draw(field, request).savefig(content, format=kind, dpi=160, metadata=metadata)
        return content.getvalue()


def draw(field: GradientField, request: LandscapeRequest) -> Figure:
    """The figure: arrows by length ∝ |g|^0.35 and colour = log10 |g|, zero arrows as circles, the centre marked."""
    figure = Figure(figsize=(8, 7), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    x_X, y_Y = field.x - field.x[len(field.x) // 2], field.y - field.y[len(field.y) // 2]
    x_YX, y_YX = np.meshgrid(x_X, y_Y)
    zero_YX = field.is_zero | (field.magnitude == 0)
    _draw_arrows(figure, axes, field, x_YX, y_YX, ~zero_YX)
    if zero_YX.any():
        label = f"gradient zero up to round-off ({zero_YX.sum()} of {zero_YX.size} points)"
        axes.scatter(
            x_YX[zero_YX], y_YX[zero_YX], s=11, facecolors="none", edgecolors=_FAINT, linewidths=0.8, label=label
        )
    axes.scatter(
        [0], [0], s=90, facecolors="none", edgecolors=_CENTRE, linewidths=1.6, label="the checkpoint itself", zorder=5
    )
    _dress(figure, axes, field, request, x_X, y_Y)
    return figure


def _draw_arrows(
    figure: Figure, axes: Axes, field: GradientField, x_YX: np.ndarray, y_YX: np.ndarray, there_YX: np.ndarray
) -> None:
    if not there_YX.any():
        return
    size = field.magnitude[there_YX].astype(np.float64)
    cell = x_YX[0, 1] - x_YX[0, 0]
    factor = _LONGEST_IN_CELLS * cell * (size / size.max()) ** _LENGTH_EXPONENT / size
    colours = np.log10(size)
    # The rarest small arrows would take most of the scale: it leaves out the smallest 2 %.
    low, high = np.quantile(colours, 0.02), colours.max()
    scale = Normalize(min(low, high - _LEAST_DECADES), high, clip=True)
    axes.quiver(
        x_YX[there_YX],
        y_YX[there_YX],
        field.u[there_YX] * factor,
        field.v[there_YX] * factor,
        colours,
        norm=scale,
        cmap=_colours(),
        angles="xy",
        scale_units="xy",
        scale=1,
        units="xy",
        width=0.07 * cell,
        pivot="tail",
    )
    bar = figure.colorbar(ScalarMappable(scale, _colours()), ax=axes, shrink=0.85, pad=0.02)
    bar.set_label("log10 |∇J|   (loss per unit of parameter)")
    bar.outline.set_visible(False)


def _dress(
    figure: Figure, axes: Axes, field: GradientField, request: LandscapeRequest, x_X: np.ndarray, y_Y: np.ndarray
) -> None:
    margin = 1.2 * (x_X[1] - x_X[0])
    axes.set(
        xlim=(x_X[0] - margin, x_X[-1] + margin),
        ylim=(y_Y[0] - margin, y_Y[-1] + margin),
        xlabel=f"change of {request.x}   (checkpoint: {field.x[len(field.x) // 2]:.5g})",
        ylabel=f"change of {request.y}   (checkpoint: {field.y[len(field.y) // 2]:.5g})",
        aspect="equal",
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.08), frameon=False, ncols=2, fontsize=8)
    mode = f"{request.mode} mode"
    if request.mode == "train" and request.variant == "dropout":
        mode += f", {request.masks} masks"
    axes.set_title(
        f"variant {request.variant}   epoch {request.epoch}   minibatch {request.minibatch}   {mode}\n",
        loc="left",
        fontsize=11,
        fontweight="bold",
    )
    facts = f"{field.num_rows} rows, {field.share_below:.0%} of them predicted below their target"
    axes.text(0, 1.015, facts, transform=axes.transAxes, color=_FAINT, fontsize=9)
    reasons = field.zero_reason[field.is_zero]
    if len(reasons) == field.is_zero.size and (reasons == reasons[0]).all():
        figure.supxlabel(textwrap.fill(zero_message(ZeroReason(int(reasons[0]))), 100), fontsize=8.5, color=_INK)


def _colours() -> Colormap:
    """Viridis from pale to dark, without the end that is lost on white: dark is strong."""
    return LinearSegmentedColormap.from_list("strength", matplotlib.colormaps["viridis_r"](np.linspace(0.1, 1, 256)))
