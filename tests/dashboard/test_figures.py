"""Figures as data: what is drawn, and that it says what the arrays say."""

import json
from typing import Any

import numpy as np
import pytest

from gradviz.dashboard.figures import PIXEL_PRECISION, Scale, drawn_lengths, landscape_figure, loss_figure
from gradviz.dashboard.look import LENGTH_EXPONENT, LONGEST_IN_CELLS

# Shape suffixes: X/Y = grid columns/rows.

STEPS = np.linspace(-0.1, 0.1, 5)
X, Y = 0.5 + STEPS, -0.25 + STEPS


def field(scale: float = 1.0) -> dict[str, Any]:
    y_YX, x_YX = np.meshgrid(STEPS, STEPS, indexing="ij")
    u_YX, v_YX = scale * (1 + 3 * x_YX), scale * (0.5 - 2 * y_YX)
    return {"u": u_YX, "v": v_YX, "loss": 4 + x_YX - y_YX, "is_zero": np.zeros((5, 5), bool)}


def trace(figure: Any, kind: str, name: str | None = None) -> Any:
    (found,) = [one for one in figure.data if one.type == kind and (name is None or one.name == name)]
    return found


def test_hover_holds_the_true_numbers() -> None:
    arrays = field(1e-6)
    quiver = trace(landscape_figure(X, Y, **arrays), "quiver")
    columns = np.asarray(quiver.customdata)
    assert columns.shape == (25, 6)
    np.testing.assert_allclose(columns[:, 2], arrays["u"].ravel())
    np.testing.assert_allclose(columns[:, 3], arrays["v"].ravel())
    np.testing.assert_allclose(columns[:, 5], arrays["loss"].ravel())
    np.testing.assert_allclose(columns[[0, -1], 0], [X[0], X[-1]])
    np.testing.assert_allclose(quiver.marker.color, np.log10(columns[:, 4]))


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
def test_an_arrow_is_drawn_the_same_whatever_the_size_of_all_gradients(scale: float) -> None:
    quiver = trace(landscape_figure(X, Y, **field(scale)), "quiver")
    drawn = np.hypot(quiver.u, quiver.v) * quiver.lengthfactor
    magnitude = np.asarray(quiver.customdata)[:, 4]
    cell = X[1] - X[0]
    np.testing.assert_allclose(drawn, cell * LONGEST_IN_CELLS * (magnitude / magnitude.max()) ** LENGTH_EXPONENT)
    assert np.hypot(quiver.u, quiver.v).max() > 100  # plotly.js rounds pixels before it scales
    assert quiver.lengthmode == "raw"
    assert quiver.lengthfactor == 1 / PIXEL_PRECISION


def test_arrows_keep_their_direction() -> None:
    quiver = trace(landscape_figure(X, Y, **field()), "quiver")
    columns = np.asarray(quiver.customdata)
    np.testing.assert_allclose(np.arctan2(quiver.v, quiver.u), np.arctan2(columns[:, 3], columns[:, 2]))


def test_descent_turns_the_arrows_round_and_says_so_while_the_numbers_stay() -> None:
    up = trace(landscape_figure(X, Y, **field()), "quiver")
    down = trace(landscape_figure(X, Y, **field(), direction="descent"), "quiver")
    np.testing.assert_array_equal(np.stack([down.u, down.v]), -np.stack([up.u, up.v]))
    np.testing.assert_array_equal(down.customdata, up.customdata)
    assert "−∇J" in down.hovertemplate
    assert "−∇J" not in up.hovertemplate


def test_zero_arrows_are_hollow_markers_and_no_arrows() -> None:
    arrays = field()
    arrays["is_zero"][1, 2] = True
    figure = landscape_figure(X, Y, **arrays)
    zeros = trace(figure, "scatter", "zero up to round-off")
    assert len(trace(figure, "quiver").x) == 24
    np.testing.assert_allclose([*zeros.x, *zeros.y], [STEPS[2], STEPS[1]])
    assert zeros.marker.symbol == "circle-open"


def test_an_all_zero_field_is_drawn_without_arrows() -> None:
    arrays = field()
    arrays["is_zero"] = np.ones((5, 5), bool)
    figure = landscape_figure(X, Y, **arrays)
    assert len(trace(figure, "quiver").x) == 0
    assert len(trace(figure, "scatter", "zero up to round-off").x) == 25


def test_what_is_not_finite_is_left_out() -> None:
    arrays = field()
    arrays["u"][0, 0] = np.nan
    figure = landscape_figure(X, Y, **arrays)
    assert len(trace(figure, "quiver").x) == 24
    json.dumps(figure.to_plotly_json(), allow_nan=False, default=lambda value: value.tolist())


def test_axes_are_fixed_square_and_relative_to_the_checkpoint() -> None:
    layout = landscape_figure(X, Y, **field(), x_name="hidden.1.linear.bias[0]").layout
    assert layout.xaxis.range == pytest.approx((-0.11, 0.11))
    assert layout.yaxis.scaleanchor == "x"
    assert layout.xaxis.title.text == "hidden.1.linear.bias[0] − (0.5)"


@pytest.mark.parametrize("under", ["heat", "contour"])
def test_loss_lies_under_the_arrows(under) -> None:
    figure: Any = landscape_figure(X, Y, **field(), under=under)
    assert figure.data[0].type in ("heatmap", "contour")
    assert figure.data[0].zorder == -1


def test_a_loss_that_varies_by_round_off_is_not_drawn() -> None:
    arrays = field()
    arrays["loss"] = np.full((5, 5), 520.7) + 1e-5 * np.arange(25).reshape(5, 5)
    figure: Any = landscape_figure(X, Y, **arrays, under="heat")
    assert all(one.type != "heatmap" for one in figure.data)


def test_a_shared_scale_rules_colour_and_length() -> None:
    shared = Scale(low=-3, high=1, longest=10.0)
    quiver = trace(landscape_figure(X, Y, **field(), scale=shared), "quiver")
    assert (quiver.marker.cmin, quiver.marker.cmax) == (-3, 1)
    magnitude = np.asarray(quiver.customdata)[:, 4]
    drawn = np.hypot(quiver.u, quiver.v) * quiver.lengthfactor
    np.testing.assert_allclose(drawn, 0.05 * drawn_lengths(magnitude, 10.0))


def test_true_and_unit_lengths() -> None:
    magnitude = np.array([0.25, 1.0])
    np.testing.assert_allclose(drawn_lengths(magnitude, 1.0, "true"), LONGEST_IN_CELLS * magnitude)
    assert np.ptp(drawn_lengths(magnitude, 1.0, "unit")) == 0


def test_loss_curves_are_logarithms_on_a_linear_axis() -> None:
    figure: Any = loss_figure({"none": [(0, 100.0, 90.0), (1, 10.0, 9.0)]}, epoch=1)
    train, test = figure.data
    np.testing.assert_allclose(train.y, [2, 1])
    np.testing.assert_allclose(test.customdata, [90, 9])
    assert figure.layout.yaxis.type != "log"
    assert figure.layout.shapes[0].x0 == 1
