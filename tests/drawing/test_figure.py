"""The Plotly figure as data: what is drawn, and that it says what the arrays say."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gradviz.drawing.arrows import arrows_of
from gradviz.drawing.figure import PIXEL_PRECISION, Picture, landscape_figure
from gradviz.drawing.inks import PALETTES
from gradviz.drawing.labels import PER_PARAMETER
from gradviz.drawing.look import PLAIN, Look
from gradviz.drawing.scale import Scale
from gradviz.landscape import GradientField
from tests.drawing.fields import field_of, turning_field

# Shape suffixes: X/Y = grid columns/rows, A = arrows, 2 = (x, y).

FIELD = turning_field(5)
CELL = 0.05


def trace(figure: Any, kind: str, name: str | None = None) -> Any:
    (found,) = [one for one in figure.data if one.type == kind and (name is None or one.name == name)]
    return found


def ends(quiver: Any) -> np.ndarray:
    """Tail and tip (A, 4) of the arrows as plotly.js draws them, in cells from the checkpoint."""
    middle_A2 = np.stack([quiver.x, quiver.y], 1) / CELL
    drawn_A2 = np.stack([quiver.u, quiver.v], 1) * quiver.lengthfactor / CELL
    assert (quiver.anchor, quiver.lengthmode, quiver.arrowref) == ("center", "raw", "data")
    return np.concatenate([middle_A2 - drawn_A2 / 2, middle_A2 + drawn_A2 / 2], 1)


def test_hover_holds_the_true_numbers():
    field = turning_field(5, 1e-6)
    quiver = trace(landscape_figure(Picture(field)), "quiver")
    columns_A6 = np.asarray(quiver.customdata)
    assert columns_A6.shape == (25, 6)
    np.testing.assert_array_equal(columns_A6[:, [2, 3, 5]].T, [a.ravel() for a in (field.u, field.v, field.loss)])
    np.testing.assert_allclose(columns_A6[[0, 1, 5], 0], [0.4, 0.45, 0.4])
    np.testing.assert_allclose(columns_A6[[0, 1, 5], 1], [-0.35, -0.35, -0.3])
    np.testing.assert_allclose(10**quiver.marker.color, columns_A6[:, 4])


@pytest.mark.parametrize("look", [PLAIN, Look(length="true"), Look(length="unit"), Look(direction="descent")])
@pytest.mark.parametrize("size", [1e-9, 1.0, 1e6])
def test_arrows_lie_where_this_room_says(look: Look, size: float):
    field = turning_field(5, size)
    quiver = trace(landscape_figure(Picture(field, look=look)), "quiver")
    arrows = arrows_of(field, Scale.of([field]), length=look.length, direction=look.direction)
    np.testing.assert_allclose(ends(quiver), np.concatenate([arrows.tail_A2, arrows.tip_A2], 1), rtol=1e-9, atol=1e-9)
    assert np.hypot(quiver.u, quiver.v).max() > 100  # plotly.js rounds pixels before it scales
    assert quiver.lengthfactor == 1 / PIXEL_PRECISION


UNIT = " (mean |error|)"
"""Of the loss, where the study has targets."""


def test_hover_tells_each_points_numbers_in_words():
    is_zero = np.zeros((5, 5), bool)
    is_zero[1, 2] = True
    figure: Any = landscape_figure(Picture(replace(FIELD, is_zero=is_zero), look=Look(direction="descent")))
    arrows, zeros = trace(figure, "quiver"), trace(figure, "scatter", "zero up to round-off")
    assert zeros.hovertemplate == "%{text}<extra></extra>"
    assert arrows.text is None  # it would be drawn
    for told, (x, y, u, v, size, loss) in zip(arrows.hovertemplate, arrows.customdata, strict=True):
        text = told.removesuffix("<extra></extra>")
        lines = [f"x₁ = {x:.5g}, x₂ = {y:.5g}", f"∂J/∂x₁ = {u:.4g}", f"∂J/∂x₂ = {v:.4g}"]
        lines += [f"|∇J| = {size:.4g} {PER_PARAMETER}", f"J = {loss:.5g}{UNIT}"]
        assert text.split("<br>") == [*(line.replace("-", "−") for line in lines), "the arrow is −∇J (descent)"]
    [(x, y, *_, loss)] = zeros.customdata
    lines = [f"x₁ = {x:.5g}, x₂ = {y:.5g}", "∇J is zero up to round", f"J = {loss:.5g}{UNIT}"]
    assert zeros.text[0].replace("round-off", "round").split("<br>") == [line.replace("-", "−") for line in lines]
    assert not any(one.showlegend for one in figure.data)


def test_descent_is_said_while_the_numbers_stay():
    up, down = (
        trace(landscape_figure(Picture(FIELD, look=Look(direction=way))), "quiver") for way in ("ascent", "descent")
    )
    np.testing.assert_array_equal(down.customdata, up.customdata)
    assert all("−∇J" in text for text in down.hovertemplate)
    assert not any("−∇J" in text for text in up.hovertemplate)


def test_zero_arrows_are_hollow_markers_and_no_arrows():
    is_zero = np.zeros((5, 5), bool)
    is_zero[1, 2] = True
    figure = landscape_figure(Picture(replace(FIELD, is_zero=is_zero)))
    zeros = trace(figure, "scatter", "zero up to round-off")
    assert len(trace(figure, "quiver").x) == 24
    np.testing.assert_allclose([*zeros.x, *zeros.y], [0, -CELL], atol=1e-12)
    assert zeros.marker.symbol == "circle-open"


def test_an_all_zero_field_is_drawn_without_arrows_and_their_colour_bar():
    figure: Any = landscape_figure(Picture(field_of(np.zeros((5, 5)), np.zeros((5, 5)))))
    assert all(one.type != "quiver" for one in figure.data)
    assert len(trace(figure, "scatter", "zero up to round-off").x) == 25


def test_what_is_not_finite_is_left_out():
    u = FIELD.u.copy()
    u[0, 0] = np.nan
    figure = landscape_figure(Picture(replace(FIELD, u=u)))
    assert len(trace(figure, "quiver").x) == 24
    json.dumps(figure.to_plotly_json(), allow_nan=False, default=lambda value: value.tolist())


def test_axes_are_fixed_square_and_relative_to_the_checkpoint():
    layout: Any = landscape_figure(Picture(turning_field(11), x_name="hidden.1.linear.bias[0]")).layout
    assert layout.xaxis.range == layout.yaxis.range == pytest.approx((-0.11, 0.11))
    assert layout.yaxis.scaleanchor == "x"
    assert layout.xaxis.title.text == "Δ hidden.1.linear.bias[0]   (checkpoint: 0.5)"


def flattened(field: GradientField) -> GradientField:
    return replace(field, loss=(520.7 + 1e-4 * field.loss).astype(np.float32))


@pytest.mark.parametrize("under", ["heat", "contour"])
def test_loss_lies_under_the_arrows_unless_it_is_flat_but_for_round_off(under: Any):
    look = Look(under=under)
    lowest: Any = landscape_figure(Picture(FIELD, look=look)).data[0]
    assert lowest.type == ("heatmap" if under == "heat" else "contour")
    assert lowest.zorder == -1
    np.testing.assert_array_equal(lowest.z, FIELD.loss)
    np.testing.assert_allclose([lowest.x, lowest.y], [CELL * np.arange(-2, 3)] * 2, atol=1e-12)
    if under == "contour":
        low, high = float(FIELD.loss.min()), float(FIELD.loss.max())
        step = (high - low) / 10
        lines = lowest.contours
        assert (lines.start, lines.end, lines.size) == pytest.approx((low + step / 2, high, step))
    flat: Any = landscape_figure(Picture(flattened(FIELD), look=look))
    assert all(one.type not in ("heatmap", "contour") for one in flat.data)


def test_a_shared_scale_rules_colour_and_length():
    shared = Scale(low=-3, high=1, longest=10.0)
    quiver = trace(landscape_figure(Picture(FIELD, scale=shared, look=Look(PALETTES["dark"], "true"))), "quiver")
    assert (quiver.marker.cmin, quiver.marker.cmax) == (-3, 1)
    assert quiver.marker.colorscale == PALETTES["dark"].arrows
    places = ends(quiver)
    drawn_A = np.hypot(*(places[:, 2:] - places[:, :2]).T)
    np.testing.assert_allclose(drawn_A, 0.092 * np.asarray(quiver.customdata)[:, 4], rtol=1e-6)
