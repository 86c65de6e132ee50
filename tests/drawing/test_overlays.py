"""What lies over the arrows, as the lines that matplotlib is given: places, directions and lengths."""

from typing import Any

import numpy as np
import pytest

from gradviz.drawing.canvas import Axes, Figure, to_hex
from gradviz.drawing.crossings import crossings_of
from gradviz.drawing.inks import PALETTES
from gradviz.drawing.look import PLAIN, Look
from gradviz.drawing.overlays import Over, centre_of, draw_over, draw_path
from gradviz.landscape import GradientField
from tests.drawing.fields import field_of

PALETTE = PALETTES["light"]


@pytest.fixture
def axes() -> Axes:
    return Figure().add_subplot()


def points_of(line: Any) -> np.ndarray:
    return np.asarray(line.get_xydata())


def ends_of(axes: Axes) -> list[list[float]]:
    """The last points of the lines, in the order of drawing."""
    return [points_of(line)[-1].tolist() for line in axes.lines if line.get_marker() == "None"]


def heads_of(axes: Axes) -> list[tuple[list[float], float]]:
    """Where the triangles are, and where they point to: degrees from upwards, turning left."""
    triangles: Any = [line for line in axes.lines if line.get_marker() != "None"]
    return [(points_of(line)[0].tolist(), line.get_marker()[2]) for line in triangles]


def test_the_path_goes_from_epoch_to_epoch_relative_to_the_one_shown(axes: Axes):
    draw_path(axes, {0: (1.0, 1.0), 1: (1.5, 1.25), 2: (1.5, 3.0)}, 1, 1.0, PALETTE)
    below, after, before, head = axes.lines
    np.testing.assert_allclose(points_of(below), [[-0.5, -0.25], [0, 0], [0, 1.75]])
    np.testing.assert_allclose(points_of(before), [[-0.5, -0.25], [0, 0]])
    np.testing.assert_allclose(points_of(after), [[0, 0], [0, 1.75]])
    assert (before.get_linestyle(), after.get_linestyle()) == ("-", "--")
    assert to_hex(before.get_color()) == PALETTE.centre
    [(place, angle)] = heads_of(axes)
    assert place == pytest.approx([0, 1])
    assert angle == 0
    assert head.get_marker() == (3, 0, 0.0)


@pytest.mark.parametrize(
    ("to", "place", "angle"), [((3, 0), (1, 0), -90), ((-2, 2), (-1, 1), 45), ((0, -9), (0, -1), 180)]
)
def test_a_triangle_points_to_where_the_path_leaves_the_plane(axes: Axes, to: Any, place: Any, angle: float):
    draw_path(axes, {0: (0.0, 0.0), 1: to}, 0, 1.0, PALETTE)
    [(there, turn)] = heads_of(axes)
    assert there == pytest.approx(place)
    assert abs(turn) == pytest.approx(180) if angle == 180 else turn == pytest.approx(angle)


@pytest.mark.parametrize(("path", "epoch"), [({0: (0.0, 0.0)}, 0), ({0: (0.0, 0.0), 1: (1.0, 1.0)}, 2)])
def test_no_path_of_one_epoch_or_around_none(axes: Axes, path: dict[int, tuple[float, float]], epoch: int):
    draw_path(axes, path, epoch, 1.0, PALETTE)
    assert not axes.lines


def spread(*gradients: tuple[float, float], zeros: tuple[int, ...] = ()) -> list[GradientField]:
    return [
        field_of(np.full((3, 3), u), np.full((3, 3), v), is_zero=np.full((3, 3), k in zeros))
        for k, (u, v) in enumerate(gradients)
    ]


@pytest.mark.parametrize(
    ("look", "ends"),
    [
        (PLAIN, [[0.25**0.35, 0], [0, 1]]),
        (Look(length="true"), [[0.25, 0], [0, 1]]),
        (Look(length="unit"), [[1, 0], [0, 1]]),
        (Look(direction="descent"), [[-(0.25**0.35), 0], [0, -1]]),
    ],
)
def test_rays_have_the_lengths_of_the_pictures_arrows_and_the_mean_is_r_long(axes: Axes, look: Look, ends: Any):
    fields = spread((1.0, 0.0), (0.0, 4.0), (7.0, 7.0), (0.0, 0.0), (np.nan, 1.0), zeros=(2,))
    draw_over(axes, Over(spread=fields), fields[0], 0, 0.5, 5.0, look)
    radius = 1.6  # 3.2 cells
    *rays, mean = ends_of(axes)
    np.testing.assert_allclose(rays, radius * np.array(ends), atol=1e-12)
    sign = -1 if look.direction == "descent" else 1
    [dots] = axes.collections
    np.testing.assert_allclose(np.asarray(dots.get_offsets(), float), rays)
    np.testing.assert_allclose(mean, [sign * radius / 2, sign * radius / 2])
    [(place, angle)] = heads_of(axes)
    assert place == mean
    assert angle == pytest.approx(-45 if sign > 0 else 135)


def test_no_fan_where_all_are_zero(axes: Axes):
    fields = spread((0.0, 0.0), (1.0, 1.0), zeros=(1,))
    draw_over(axes, Over(spread=fields), fields[0], 0, 0.5, 5.0, PLAIN)
    assert not axes.lines
    assert not axes.patches


def test_the_centre_alone_is_a_field():
    field = field_of(np.arange(9).reshape(3, 3), np.ones((3, 3)))
    centre = centre_of(field)
    assert centre.centre == field.centre == (4, 1)
    assert (centre.x.tolist(), centre.y.tolist(), centre.loss.shape) == ([0.5], [-0.25], (1, 1))


def test_a_way_crosses_the_border_where_it_leaves_and_where_it_comes_back():
    way = np.array([[0, 0], [2, 1], [2, -2], [-2, -2], [-2, 0], [2, 0], [0.5, 0.5], [0.5, 0.9]], float)
    found = [(place.tolist(), angle) for place, angle in crossings_of(way, 1.0)]
    right = [
        ([1, 0.5], np.degrees(np.arctan2(-2, 1))),
        ([-1, 0], -90),
        ([1, 0], -90),
        ([1, 1 / 3], np.degrees(np.arctan2(1.5, 0.5))),
    ]
    for (place, angle), (wanted, direction) in zip(found, right, strict=True):
        assert place == pytest.approx(wanted)
        assert angle == pytest.approx(direction)
