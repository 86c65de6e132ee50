"""A landscape as a still picture, drawn by matplotlib alone: no browser, no display, no global state."""

import io
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any, Literal

import numpy as np

from gradviz.compute.canvas import (
    Axes,
    Colormap,
    Figure,
    LinearSegmentedColormap,
    Normalize,
    ScalarMappable,
    SubFigure,
    colormap,
    styled,
    to_hex,
)
from gradviz.compute.overlays import FAN_IN_CELLS, Over, draw_path, draw_spread
from gradviz.landscape import GradientField, LandscapeRequest, zero_message
from gradviz.landscape.request import masks_words

Length = Literal["compressed", "true", "unit"]
Under = Literal["none", "heat", "contour"]
Direction = Literal["ascent", "descent"]
Stops = tuple[tuple[float, str], ...]

_LEAST_DECADES, _MOST_DECADES = 0.1, 4.0  # narrower, round-off would get all the colours; wider, most arrows one
_EXPONENTS = {"compressed": 0.35, "true": 1.0, "unit": 0.0}  # raw gradients span decades, and drawn lengths cannot
_LONGEST_IN_CELLS = 0.92
_FLAT_SHARE = 1e-6  # of the loss: a smaller range is float32's round-off
_PANEL_INCHES = (8, 7)


# Viridis without the end that is lost on white: dark is strong.
_PALE_TO_DARK: Stops = tuple(
    (k / 255, to_hex(shade)) for k, shade in enumerate(colormap("viridis_r")(np.linspace(0.1, 1, 256)))
)


@dataclass(frozen=True)
class Inks:
    """The colours of a picture; `arrows` from weak to strong, `loss` from low to high."""

    paper: str = "#ffffff"
    ink: str = "#1f2933"
    faint: str = "#7b8794"
    centre: str = "#d6336c"
    contour: str = "#b4bbc7"
    arrows: Stops = _PALE_TO_DARK
    loss: Stops = ((0.0, "#ffffff"), (1.0, "#c9ced8"))


@dataclass(frozen=True)
class Strength:
    """What several pictures may share: `low`, `high` of log10 |g| for the colours, `longest` |g| for the lengths."""

    low: float
    high: float
    longest: float

    @classmethod
    def of(cls, fields: Iterable[GradientField]) -> "Strength":
        """Over all arrows of the fields; the rarest small ones, which would take most of the colours, are left out."""
        sizes = [size for size in (field.magnitude[_there(field)].astype(np.float64) for field in fields) if size.size]
        if not sizes:
            return cls(-1.0, 0.0, 1.0)
        longest = max(float(size.max()) for size in sizes)
        high = float(np.log10(longest))
        low = min(float(np.quantile(np.log10(size), 0.02)) for size in sizes)
        return cls(min(max(low, high - _MOST_DECADES), high - _LEAST_DECADES), high, longest)


@dataclass(frozen=True)
class Drawing:
    """How a field is drawn; `descent` turns the arrows round, to −∇J."""

    inks: Inks = Inks()
    length: Length = "compressed"
    under: Under = "none"
    direction: Direction = "ascent"
    strength: Strength | None = None

    def measured_by(self, strength: Strength) -> "Drawing":
        return replace(self, strength=strength)

    @property
    def style(self) -> dict[Any, Any]:
        """For `styled`."""
        return {
            "font.family": "DejaVu Sans",
            "font.size": 9,
            "axes.facecolor": self.inks.paper,
            "axes.edgecolor": self.inks.faint,
            "axes.labelcolor": self.inks.ink,
            "text.color": self.inks.ink,
            "xtick.color": self.inks.faint,
            "ytick.color": self.inks.faint,
            "svg.hashsalt": "gradviz",
        }


@dataclass(frozen=True)
class Shown:
    """One picture: a field, what was asked for, what lies over it, and the run whose field was subtracted."""

    field: GradientField
    request: LandscapeRequest
    over: Over = dataclass_field(default_factory=Over)
    minus: str = ""


def picture_bytes(field: GradientField, request: LandscapeRequest, kind: str, drawing: Drawing = Drawing()) -> bytes:
    """A png (1280 × 1120) or svg of the field; the same field gives the same bytes."""
    with styled(drawing.style):
        content = io.BytesIO()
        metadata = {"Title": request.canonical()} | ({"Date": None} if kind == "svg" else {"Software": None})
        figure = figure_of(1, drawing)
        draw(figure, Shown(field, request), drawing)
        figure.savefig(content, format=kind, dpi=160, metadata=metadata)
        return content.getvalue()


def figure_of(num_panels: int, drawing: Drawing) -> Figure:
    """An empty figure with room for this many pictures side by side."""
    width, height = _PANEL_INCHES
    return Figure(figsize=(width * num_panels, height), layout="constrained", facecolor=drawing.inks.paper)


def draw(figure: Figure | SubFigure, shown: Shown, drawing: Drawing) -> None:
    """Arrows by length ∝ |g|^0.35 and colour = log10 |g|, zero arrows as circles, the centre marked.

    Within `styled(drawing.style)`.
    """
    axes = figure.add_subplot()
    field = shown.field
    x_X, y_Y = field.x - field.x[len(field.x) // 2], field.y - field.y[len(field.y) // 2]
    x_YX, y_YX = np.meshgrid(x_X, y_Y)
    zero_YX = ~_there(field)
    _draw_loss(axes, field, x_X, y_Y, drawing)
    _draw_arrows(figure, axes, shown, x_YX, y_YX, drawing)
    faint, centre = drawing.inks.faint, drawing.inks.centre
    if zero_YX.any():
        what = "equal" if shown.minus else "gradient zero"
        label = f"{what} up to round-off ({zero_YX.sum()} of {zero_YX.size} points)"
        axes.scatter(
            x_YX[zero_YX], y_YX[zero_YX], s=11, facecolors="none", edgecolors=faint, linewidths=0.8, label=label
        )
    _draw_over(axes, shown, x_X, drawing)
    axes.scatter(
        [0], [0], s=90, facecolors="none", edgecolors=centre, linewidths=1.6, label="the checkpoint itself", zorder=5
    )
    _dress(figure, axes, shown, x_X, y_Y, drawing)


def _there(field: GradientField) -> np.ndarray:
    """(Y, X): where there is an arrow."""
    return ~(field.is_zero | (field.magnitude == 0))


def _draw_loss(axes: Axes, field: GradientField, x_X: np.ndarray, y_Y: np.ndarray, drawing: Drawing) -> None:
    low, high = float(field.loss.min()), float(field.loss.max())
    if drawing.under == "none" or high - low <= _FLAT_SHARE * max(abs(low), abs(high)):
        return
    if drawing.under == "heat":
        colours = LinearSegmentedColormap.from_list("loss", drawing.inks.loss)
        axes.pcolormesh(x_X, y_Y, field.loss, cmap=colours, shading="nearest", zorder=0)
    else:
        levels = low + (high - low) * (np.arange(10) + 0.5) / 10
        axes.contour(x_X, y_Y, field.loss, levels=levels, colors=drawing.inks.contour, linewidths=0.8, zorder=0)


def _draw_over(axes: Axes, shown: Shown, x_X: np.ndarray, drawing: Drawing) -> None:
    inks, over = drawing.inks, shown.over
    if over.spread:
        radius = FAN_IN_CELLS * (x_X[1] - x_X[0])
        exponent, sign = _EXPONENTS[drawing.length], -1.0 if drawing.direction == "descent" else 1.0
        draw_spread(axes, over.spread, radius=radius, exponent=exponent, sign=sign, ink=inks.ink, paper=inks.paper)
    if over.path is not None:
        reach = x_X[-1] + _margin(x_X)
        draw_path(axes, over.path, shown.request.epoch, reach=reach, colour=inks.centre, paper=inks.paper)


def _margin(x_X: np.ndarray) -> float:
    """What the axes reach beyond the grid."""
    return 1.2 * (x_X[1] - x_X[0])


def _draw_arrows(
    figure: Figure | SubFigure,
    axes: Axes,
    shown: Shown,
    x_YX: np.ndarray,
    y_YX: np.ndarray,
    drawing: Drawing,
) -> None:
    field = shown.field
    there_YX = _there(field)
    strength = drawing.strength or Strength.of([field])
    scale = Normalize(strength.low, strength.high, clip=True)
    colours = LinearSegmentedColormap.from_list("strength", drawing.inks.arrows)
    if there_YX.any():
        size = field.magnitude[there_YX].astype(np.float64)
        cell = x_YX[0, 1] - x_YX[0, 0]
        share = np.clip(size / strength.longest, 0, 1) ** _EXPONENTS[drawing.length]
        sign = -1.0 if drawing.direction == "descent" else 1.0
        factor = sign * _LONGEST_IN_CELLS * cell * share * (0.8 if drawing.length == "unit" else 1.0) / size
        axes.quiver(
            x_YX[there_YX],
            y_YX[there_YX],
            field.u[there_YX] * factor,
            field.v[there_YX] * factor,
            np.log10(size),
            norm=scale,
            cmap=colours,
            angles="xy",
            scale_units="xy",
            scale=1,
            units="xy",
            width=0.07 * cell,
            pivot="middle",
        )
    elif drawing.strength is None:
        return
    _draw_scale(figure, axes, scale, colours, "|Δ∇J|" if shown.minus else "|∇J|")


def _draw_scale(figure: Figure | SubFigure, axes: Axes, scale: Normalize, colours: Colormap, what: str) -> None:
    bar = figure.colorbar(ScalarMappable(scale, colours), ax=axes, shrink=0.85, pad=0.02)
    bar.set_label(f"log10 {what}   (loss per unit of parameter)")
    bar.outline.set_visible(False)


def _dress(
    figure: Figure | SubFigure,
    axes: Axes,
    shown: Shown,
    x_X: np.ndarray,
    y_Y: np.ndarray,
    drawing: Drawing,
) -> None:
    field, request = shown.field, shown.request
    margin = _margin(x_X)
    axes.set(
        xlim=(x_X[0] - margin, x_X[-1] + margin),
        ylim=(y_Y[0] - margin, y_Y[-1] + margin),
        xlabel=_axis_name(request.x, field.x, shown.minus),
        ylabel=_axis_name(request.y, field.y, shown.minus),
        aspect="equal",
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", bbox_to_anchor=(0, -0.08), frameon=False, ncols=2, fontsize=8)
    runs = f"{request.run} − {shown.minus}" if shown.minus else request.run
    axes.set_title(f"{layers_of(request)}: {runs}\n", loc="left", fontsize=11, fontweight="bold")
    rows = f"{field.num_rows} rows" + ("" if shown.minus else f", {field.share_below:.0%} of them below target")
    if not shown.minus and request.mode == "train" and request.run == "dropout":
        rows += f" {masks_words(request)}"
    facts = [f"epoch {request.epoch}", f"minibatch {request.minibatch} ({rows})", _mode(request, shown.minus)]
    if shown.minus or drawing.direction == "descent":
        facts.append(("−" if drawing.direction == "descent" else "") + ("Δ∇J" if shown.minus else "∇J"))
    axes.text(0, 1.015, " · ".join(facts), transform=axes.transAxes, color=drawing.inks.faint, fontsize=9)
    reasons = np.stack([field.u_reason, field.v_reason], -1)[field.is_zero]
    if not shown.minus and len(reasons) == field.is_zero.size and (reasons == reasons[0]).all():
        figure.supxlabel(
            textwrap.fill(zero_message(int(reasons[0, 0]), int(reasons[0, 1])), 100),
            fontsize=8.5,
            color=drawing.inks.ink,
        )


def layers_of(request: LandscapeRequest) -> str:
    """ "Hidden layer 1", or both where the two parameters are of different layers."""
    names = [f"hidden layer {ref.layer}" if ref.layer is not None else "output layer" for ref in request.spec().refs]
    return " × ".join(dict.fromkeys(names)).capitalize()


def _axis_name(parameter: str, values: np.ndarray, minus: str) -> str:
    where = "of each checkpoint" if minus else f"(checkpoint: {values[len(values) // 2]:.5g})"
    return f"change of {parameter}   {where}"


def _mode(request: LandscapeRequest, minus: str) -> str:
    draws_masks = request.mode == "train" and "dropout" in (request.run, minus)
    return f"{request.mode} mode" + (f", {request.masks} masks" if draws_masks else "")
