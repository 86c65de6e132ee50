"""What is drawn and said of checkpoints that lie in a plane along directions, or outside it."""

from typing import Any

import numpy as np
import pytest

from gradviz.drawing.canvas import Axes, Figure
from gradviz.drawing.inks import PALETTES
from gradviz.drawing.look import PLAIN
from gradviz.drawing.marks import InPlane, draw_marks, live_rays, mark_sentences
from gradviz.drawing.overlays import Over, draw_over
from gradviz.landscape.directions.marks import Mark, Ray
from tests.drawing.fields import field_of

PALETTE = PALETTES["light"]
TOLD = InPlane(
    (Mark(0, -0.6, 0.8, 0.0), Mark(1, 0.0, 0.0, 0.0), Mark(2, 0.3, 0.4, 6.0), Mark(3, 4.0, 0.0, 2.0)),
    0.25,
    (Ray(0, 1.0, 0.0, 0.5), Ray(1, 0.0, 2.0, 0.1), Ray(2, 0.0, 0.0, None), Ray(3, 0.0, 0.0, 0.0)),
    2.0,
)


@pytest.fixture
def axes() -> Axes:
    return Figure().add_subplot()


def test_distances_are_told_in_units_of_the_axes_and_shares_are_of_the_way_to_the_mark() -> None:
    assert [TOLD.outside(mark) for mark in TOLD.checkpoints] == [0, 0, 3, 1]
    shares = [TOLD.held(mark) for mark in TOLD.checkpoints]
    assert shares == pytest.approx([1, 1, 0.5 / np.hypot(0.5, 3), 4 / np.hypot(4, 1)])


def test_marks_are_the_fainter_and_smaller_the_less_of_their_way_lies_in_the_plane(axes: Axes) -> None:
    draw_marks(axes, TOLD, 1, 1.1, PALETTE)
    dots: Any = axes.collections[0]
    np.testing.assert_allclose(dots.get_offsets(), [[-0.6, 0.8], [0, 0], [0.3, 0.4], [4, 0]])
    colours, sizes = dots.get_facecolor(), dots.get_sizes()
    assert colours[2, 3] < colours[3, 3] < colours[0, 3] == colours[1, 3] == 1
    assert sizes[2] < sizes[3] < sizes[0] == sizes[1]


def test_a_triangle_says_where_the_projected_path_leaves_the_drawn_part(axes: Axes) -> None:
    draw_marks(axes, TOLD, 1, 1.0, PALETTE)
    triangles: Any = [line for line in axes.lines if line.get_marker() != "None"]
    [(x, y)] = triangles[0].get_xydata()
    assert len(triangles) == 1
    assert (x, y) == pytest.approx((1, 0.4 - 0.4 * 0.7 / 3.7))


def test_the_sentence_tells_what_the_plane_holds_and_misses() -> None:
    first, second = mark_sentences(TOLD, 1.1)
    assert first == "the plane holds 25 % of the path's variance and misses epoch 2 by 3 units of the axes"
    assert second == "1 of its 4 checkpoints lie beyond the drawn part"
    alone = InPlane(TOLD.checkpoints[:1], None, (), 2.0)
    assert mark_sentences(alone, 1.1) == []


def test_one_checkpoint_is_no_path(axes: Axes) -> None:
    draw_marks(axes, InPlane(TOLD.checkpoints[:1], None, (), 2.0), 0, 1.1, PALETTE)
    assert not axes.lines
    assert not axes.collections


def test_rays_without_direction_in_the_plane_are_left_out(axes: Axes) -> None:
    assert [ray.minibatch for ray in live_rays(TOLD.minibatches)] == [0, 1]
    draw_over(axes, Over(rays=TOLD), field_of(np.ones((3, 3)), np.ones((3, 3))), 1, 0.1, 1.1, PLAIN)
    lines: Any = axes.lines
    ends = [line.get_xydata()[-1].tolist() for line in lines if line.get_marker() == "None"]
    assert ends[1] == pytest.approx([0, 0.32])  # the longest: 3.2 cells
    assert ends[0] == pytest.approx([0.32 * 0.5**0.35, 0])
    assert ends[2] == pytest.approx([0.16, 0.16])  # the mean of both unit vectors


def test_json_for_the_browser_is_read_again() -> None:
    assert InPlane.from_answer(TOLD.for_browser()) == TOLD
