"""The surface of the loss, and the arrows on it."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gradviz.drawing.figure import Picture
from gradviz.drawing.look import Look
from gradviz.drawing.scale import Scale
from gradviz.drawing.surface import Surface, arrows_on, tangent_along
from gradviz.drawing.surfacefigure import picture_figure
from tests.drawing.fields import field_of, random_field, turning_field
from tests.drawing.plain_surface import FIXTURE, content


def figure_of(*given: Any, **values: Any) -> Any:
    """plotly's figures have attributes that no type checker knows."""
    return picture_figure(Picture(*given, **values))


CASES = json.loads(FIXTURE.read_text(encoding="utf-8"))["surfaces"]
SURFACE = Look(under="surface")


def field_from(case: dict):
    numbers, points = case["fields"][0], case["points"]
    u, v, loss = (
        np.array([float(each) for each in numbers[name]]).reshape(points, points) for name in ("u", "v", "loss")
    )
    zero = np.array(numbers["is_zero"], bool).reshape(points, points)
    return field_of(u, v, loss, zero, half_width=case["half_width"], centre=(0.0, 0.0))


def test_the_fixture_is_what_the_plain_loop_writes() -> None:
    assert FIXTURE.read_text(encoding="utf-8") == content()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_arrows_lie_where_the_plain_loop_has_them(case: dict) -> None:
    field = field_from(case)
    surface = Surface.of(field)
    expected = case["surface"]
    if expected is None:
        assert surface is None
        return
    assert surface is not None
    np.testing.assert_allclose(surface.range, expected["range"], rtol=1e-9)
    np.testing.assert_allclose(surface.rise, expected["rise"], rtol=1e-9)
    arrows = arrows_on(field, surface, Scale.of([field]), length=case["length"], direction=case["direction"])
    assert arrows.point_A.tolist() == [point for point, *_ in expected["drawn"]]
    vertices_AV3 = np.concatenate([arrows.shaft_AV3, arrows.head_AV3], axis=1)
    wanted_AV3 = np.array([vertices for _, *vertices in expected["drawn"]])
    np.testing.assert_allclose(vertices_AV3, wanted_AV3.reshape(vertices_AV3.shape), rtol=1e-9, atol=1e-9)


def test_tangents_are_as_long_in_space_as_their_arrows_in_the_plane_and_climb_as_the_loss_does() -> None:
    numbers = np.random.default_rng(1)
    drawn_A2, gradient_A2 = numbers.normal(size=(2, 50, 2)) * np.array([[[1.0]], [[100.0]]])
    for rise in (1e-3, 1.0, 1e4):
        tangent_A3 = tangent_along(drawn_A2, gradient_A2, rise)
        along_A3 = tangent_along(gradient_A2, gradient_A2, rise)
        in_space_A = np.linalg.norm(along_A3 * [1, 1, rise], axis=1)
        np.testing.assert_allclose(in_space_A, np.linalg.norm(gradient_A2, axis=1), rtol=1e-12)
        climb_A = (tangent_A3[:, :2] * gradient_A2).sum(axis=1)
        np.testing.assert_allclose(tangent_A3[:, 2], climb_A, rtol=1e-9, atol=1e-9)


def test_between_the_points_the_surface_is_bilinear_and_through_them_it_goes() -> None:
    field = random_field(5)
    surface = Surface.of(field)
    assert surface is not None
    y_P, x_P = (0.05 * (np.indices((5, 5)) - 2)).reshape(2, -1)
    np.testing.assert_allclose(surface.at(x_P, y_P), field.loss.ravel(), rtol=1e-6)  # float32
    corners = field.loss[:2, :2].astype(float)
    np.testing.assert_allclose(surface.at(np.array([-0.075]), np.array([-0.075])), [corners.mean()], rtol=1e-6)


def test_a_gap_in_the_loss_is_a_gap_in_the_sheet() -> None:
    field = turning_field(7)
    loss = field.loss.copy()
    loss[2, 3] = np.inf
    figure = figure_of(replace(field, loss=loss), look=SURFACE)
    (sheet,) = figure.select_traces({"type": "surface"})
    assert np.isnan(sheet.z).sum() == 1
    assert np.isnan(sheet.z[2][3])
    (line,) = figure.select_traces({"type": "scatter3d", "mode": "lines"})
    assert len(line.x) == 10 * 48  # 48 arrows: five vertices, three, and a gap after each
    assert np.isfinite(np.array(line.z).reshape(48, 10)[:, :5]).all()


def test_axes_are_of_one_scale_and_the_loss_axis_has_its_name_and_range() -> None:
    field = turning_field(7)
    scene = figure_of(field, x_name="a", y_name="b", look=SURFACE).layout.scene
    assert scene.xaxis.range == scene.yaxis.range
    assert scene.aspectratio.x == scene.aspectratio.y
    assert scene.zaxis.title.text == "J (mean |error|)"
    low, high = float(field.loss.min()), float(field.loss.max())
    assert scene.zaxis.range[0] < low
    assert high < scene.zaxis.range[1]


def test_hover_tells_the_numbers_of_the_point() -> None:
    field = turning_field(5)
    (sheet,) = figure_of(field, look=SURFACE).select_traces({"type": "surface"})
    told = sheet.text[1][3]
    for value in (field.x[3], field.y[1]):
        assert f"{value:.5g}".replace("-", "−") in told
    assert f"J = {field.loss[1, 3]:.5g} (mean |error|)" in told
    assert f"∂J/∂x₁ = {field.u[1, 3]:.4g}".replace("-", "−") in told


@pytest.mark.parametrize("under", ["none", "heat", "contour"])
def test_a_flat_picture_is_that_of_the_flat_figure(under) -> None:
    figure = figure_of(turning_field(5), look=Look(under=under))
    assert {trace.type for trace in figure.data} <= {"quiver", "scatter", "heatmap", "contour"}
