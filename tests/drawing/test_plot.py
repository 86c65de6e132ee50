"""A field in matplotlib's axes: what else is drawn than arrows, and where."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.contour import QuadContourSet

from gradviz.drawing.canvas import Figure, to_hex
from gradviz.drawing.inks import PALETTES
from gradviz.drawing.look import PLAIN, Look
from gradviz.drawing.plot import plot_centre, plot_field
from gradviz.drawing.scale import Scale
from gradviz.landscape import GradientField
from tests.drawing.fields import field_of, random_field, turning_field

# Shape suffixes: X/Y = grid columns/rows.

PALETTE = PALETTES["light"]


def axes_of(field: GradientField, look: Look = PLAIN, **values: Any) -> Any:
    axes = Figure().add_subplot()
    plot_field(axes, field, Scale.of([field]), look, **values)
    return axes


def kept(axes: Any, kind: type) -> list[Any]:
    return [each for each in axes.collections if isinstance(each, kind)]


def test_rings_mark_the_zero_arrows():
    is_zero = np.zeros((5, 5), bool)
    is_zero[1, 4] = is_zero[3, 0] = True
    [rings] = kept(axes_of(replace(turning_field(5), is_zero=is_zero)), PathCollection)
    np.testing.assert_allclose(rings.get_offsets(), [[0.1, -0.05], [-0.1, 0.05]])
    assert to_hex(rings.get_edgecolor()[0]) == PALETTE.zero
    assert not len(rings.get_facecolor())
    assert not kept(axes_of(turning_field(5)), PathCollection)


def test_the_centre_is_marked_over_all_else():
    axes: Any = Figure().add_subplot()
    plot_centre(axes, PLAIN)
    [ring] = kept(axes, PathCollection)
    np.testing.assert_array_equal(ring.get_offsets(), [[0, 0]])
    assert to_hex(ring.get_edgecolor()[0]) == PALETTE.centre
    assert ring.get_zorder() > 4.5  # the path's


@pytest.mark.parametrize(("points", "every", "reach"), [(21, 1, 0.11), (5, 1, 0.125), (17, 2, 0.1125)])
def test_axes_are_square_and_reach_a_little_beyond_the_grid(points: int, every: int, reach: float):
    axes = axes_of(turning_field(points), every=every)
    assert (*axes.get_xlim(), *axes.get_ylim()) == pytest.approx((-reach, reach, -reach, reach))
    assert axes.get_aspect() == 1


def test_heat_has_a_tile_for_each_point_where_it_lies_but_not_where_the_loss_is_not_finite():
    loss = np.arange(25, dtype=np.float32).reshape(5, 5)
    loss[0, 1], loss[2, 2] = np.nan, np.inf
    axes = axes_of(replace(random_field(5), loss=loss), Look(under="heat"))
    [tiles] = kept(axes, QuadMesh)
    drawn = tiles.get_array()
    assert drawn.mask.nonzero()[0].tolist() == [0, 2]
    np.testing.assert_array_equal(drawn.compressed(), loss[np.isfinite(loss)])
    assert (tiles.norm.vmin, tiles.norm.vmax) == (0, 24)
    corners = tiles.get_coordinates()
    assert (*corners[0, 0], *corners[-1, -1]) == pytest.approx((-0.125, -0.125, 0.125, 0.125))
    assert [to_hex(tiles.cmap(at)) for at in (0.0, 1.0)] == [PALETTE.loss[0][1], PALETTE.loss[-1][1]]
    assert tiles.get_zorder() < kept(axes, PathCollection)[0].get_zorder()


def test_ten_level_lines_lie_where_the_loss_has_their_values():
    slope_X = np.linspace(4, 5, 5)
    axes = axes_of(field_of(np.ones((5, 5)), np.ones((5, 5)), np.tile(slope_X, (5, 1))), Look(under="contour"))
    [lines] = kept(axes, QuadContourSet)
    np.testing.assert_allclose(lines.levels, 4.05 + 0.1 * np.arange(10))
    places = [np.unique(path.vertices[:, 0].round(6)) for path in lines.get_paths()]
    np.testing.assert_allclose(np.concatenate(places), 0.2 * (lines.levels - 4.5), atol=1e-6)
    assert to_hex(lines.get_edgecolor()[0]) == PALETTE.contour


@pytest.mark.parametrize("under", ["none", "heat", "contour"])
def test_a_loss_that_is_flat_but_for_round_off_is_not_drawn(under: Any):
    field = turning_field(5)
    flat = replace(field, loss=np.full((5, 5), 520, np.float32))
    num = 0 if under == "none" else 1
    assert len(kept(axes_of(field, Look(under=under)), QuadMesh | QuadContourSet)) == num  # pyright: ignore
    assert not kept(axes_of(flat, Look(under=under)), QuadMesh | QuadContourSet)  # pyright: ignore
