"""The surface in a still picture: what is hidden, where it has gaps, and what lies on it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gradviz.drawing.camera import Camera
from gradviz.drawing.canvas import Axes3D, Figure, Line3DCollection, Poly3DCollection, styled
from gradviz.drawing.gif import colours_of
from gradviz.drawing.inks import PALETTES
from gradviz.drawing.look import Look, still_style
from gradviz.drawing.relief import OnSurface, is_seen, plot_surface
from gradviz.drawing.scale import Scale
from gradviz.drawing.surface import Surface
from gradviz.landscape import GradientField
from tests.drawing.fields import field_of, turning_field

LOOK = Look(under="surface")


def axes_of(field: GradientField, look: Look = LOOK) -> Axes3D:
    with styled(still_style(look.palette, 9)):
        axes = Figure().add_subplot(projection="3d")
        assert isinstance(axes, Axes3D)
        plot_surface(axes, field, Scale.of([field]), look)
    return axes


def ridge() -> GradientField:
    """A wall across the plane, before the middle as it is seen."""
    loss = np.ones((11, 11))
    loss[3] = 9
    return field_of(np.ones((11, 11)), np.zeros((11, 11)), loss, half_width=1.0)


def surface_of(field: GradientField) -> Surface:
    surface = Surface.of(field)
    assert surface is not None
    return surface


def test_what_lies_behind_a_ridge_is_not_seen() -> None:
    surface = surface_of(ridge())
    lift = surface.lift
    before, behind, on_top, far = is_seen(
        surface, np.array([[0, -0.9, 1 + lift], [0, -0.2, 1 + lift], [0, -0.4, 9 + lift], [0, 1, 1 + lift]])
    )
    assert (before, behind, on_top, far) == (True, False, True, True)


def test_from_the_other_side_other_points_are_hidden_and_from_below_all_that_lies_on_the_surface() -> None:
    surface = surface_of(ridge())
    lift = surface.lift
    points = np.array([[0, -0.9, 1 + lift], [0, -0.2, 1 + lift], [0, 1, 1 + lift]])
    assert is_seen(surface, points, Camera(90, 20)).tolist() == [False, True, True]
    assert is_seen(surface, points, Camera(0, 0)).tolist() == [True, True, True]  # along the ridge
    assert is_seen(surface, points[1:], Camera(-90, -40)).tolist() == [False, False]


def test_the_surface_is_seen_from_where_the_look_says() -> None:
    axes = axes_of(ridge(), replace(LOOK, camera=Camera(30, -12)))
    assert (axes.azim, axes.elev) == (30, -12)


def test_hidden_arrows_are_left_out() -> None:
    drawn = [
        next(one for one in axes_of(field).collections if isinstance(one, Line3DCollection) and one.get_zorder() == 2)
        for field in (replace(ridge(), loss=np.ones((11, 11), np.float32)), ridge())
    ]
    flat, hidden = (len(lines.get_colors()) for lines in drawn)
    assert flat == 121 * 6
    assert hidden < flat


def test_a_cell_with_a_corner_that_is_not_finite_is_a_gap() -> None:
    loss = turning_field(5).loss.copy()
    loss[2, 2] = np.nan
    (sheet,) = [
        one for one in axes_of(replace(turning_field(5), loss=loss)).collections if isinstance(one, Poly3DCollection)
    ]
    assert len(sheet.get_facecolor()) == 16 - 4


@pytest.mark.parametrize("scheme", PALETTES)
def test_a_gif_has_the_greys_of_the_sheet(scheme: Any) -> None:
    palette = PALETTES[scheme]
    axes = axes_of(turning_field(7), Look(palette, under="surface"))
    (sheet,) = [one for one in axes.collections if isinstance(one, Poly3DCollection)]
    drawn: Any = sheet.get_facecolor()
    told = np.reshape(colours_of(palette, "surface").getpalette("RGB") or [], (-1, 3)) / 255
    nearest = np.abs(drawn[:, None, :3] - told[None]).sum(axis=2).min(axis=1)
    assert nearest.max() < 0.09  # of 3: one step between two greys


def test_without_any_finite_loss_there_are_axes_alone() -> None:
    assert not axes_of(replace(turning_field(5), loss=np.full((5, 5), np.inf, np.float32))).collections


def test_lines_bend_with_the_surface_and_end_where_it_ends() -> None:
    field = ridge()
    axes, surface = axes_of(field), surface_of(field)
    OnSurface(axes, surface).plot([0.0, 0.0], [-2.0, 0.0])
    line: Any = axes.lines[-1]
    x, y, z = (np.asarray(part, float) for part in line.get_data_3d())
    is_drawn = np.isfinite(z)
    assert y[is_drawn].min() >= -1
    assert x[is_drawn] == pytest.approx(0)
    np.testing.assert_allclose(z[is_drawn], surface.at(x[is_drawn], y[is_drawn]) + surface.lift)
    assert z[is_drawn].max() > 8  # over the ridge
    OnSurface(axes, surface).plot([0.0, 0.0], [-0.9, 0.0])
    line = axes.lines[-1]
    _, y, _ = line.get_data_3d()
    np.testing.assert_allclose(np.diff(y), np.diff(y)[0])  # from the first point on it bends wherever the surface does
