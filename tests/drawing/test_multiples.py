"""The report's small pictures: which minibatches they show, how these are named and measured."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.quiver import Quiver

from gradviz.drawing.canvas import styled
from gradviz.drawing.multiples import scene_figure, scene_frames
from gradviz.drawing.scale import Scale
from gradviz.landscape import GradientField
from tests.drawing.fields import field_of, turning_field

# Shape suffixes: A = arrows, 2 = (x, y).

NAMES = [("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"), ("output.bias[0]", "hidden.0.linear.bias[3]")]
FIRST = [turning_field(5, size) for size in (1.0, 0.1, 10.0, 2.0)]
ZERO = field_of(np.zeros((5, 5)), np.zeros((5, 5)), is_zero=np.ones((5, 5)))
SECOND = [replace(turning_field(5), share_below=0.5 + 0.1 * k, num_rows=60 + k) for k in range(3)] + [ZERO]


@pytest.fixture(autouse=True)
def _style() -> Iterator[None]:
    with styled({}):
        yield


def quiver_of(axes: Any) -> Any:
    [quiver] = [each for each in axes.collections if isinstance(each, Quiver)]
    return quiver


def longest_of(axes: Any, field: GradientField) -> float:
    """In cells of the grid."""
    quiver = quiver_of(axes)
    return float(np.hypot(quiver.U, quiver.V).max() / (field.x[1] - field.x[0]))


def test_a_row_shows_the_first_three_minibatches_and_the_centres_of_all():
    figure: Any = scene_figure([FIRST, SECOND], NAMES)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == 2 * ["minibatch 0", "minibatch 1", "minibatch 2", "all 4 at the centre"]
    named = [(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes]
    assert [named[0], named[4]] == [(f"Δ {x}", f"Δ {y}") for x, y in NAMES]
    assert set(named[1:4] + named[5:]) == {("", "")}
    assert figure.get_size_inches().tolist() == pytest.approx([8.8, 5.0])


def test_pictures_of_one_minibatch_stand_side_by_side():
    figure: Any = scene_figure([FIRST[:1], SECOND[:1]], NAMES)
    assert [axes.get_title() for axes in figure.axes] == ["", ""]
    assert [axes.get_xlabel() for axes in figure.axes] == [f"Δ {x}" for x, _ in NAMES]
    assert figure.get_size_inches().tolist() == pytest.approx([7.8, 4.0])


def test_colours_are_measured_over_all_minibatches_and_lengths_within_each():
    axes: Any = scene_figure([FIRST], NAMES[:1]).axes
    scale = Scale.of(FIRST)
    for own, field in zip(axes[:3], FIRST, strict=False):
        assert (quiver_of(own).norm.vmin, quiver_of(own).norm.vmax) == (scale.low, scale.high)
        assert longest_of(own, field) == pytest.approx(0.92)


@pytest.mark.parametrize(("points", "num_drawn", "cells"), [(15, 225, 1), (17, 81, 2), (21, 121, 2)])
def test_of_a_fine_grid_every_second_arrow_is_drawn_twice_as_long(points: int, num_drawn: int, cells: int):
    field = turning_field(points)
    axes: Any = scene_figure([[field]], NAMES[:1]).axes[0]
    assert len(quiver_of(axes).U) == num_drawn
    assert longest_of(axes, field) == pytest.approx(0.92 * cells, rel=0.02)
    places = np.asarray(quiver_of(axes).get_offsets(), float)
    drawn_A2 = np.stack([quiver_of(axes).U, quiver_of(axes).V], 1)
    outermost = np.abs(np.concatenate([places - drawn_A2 / 2, places + drawn_A2 / 2])).max()
    assert outermost <= axes.get_xlim()[1] == -axes.get_xlim()[0] == axes.get_ylim()[1]


def test_centre_arrows_are_unit_vectors_and_zeros_are_counted():
    axes: Any = scene_figure([SECOND], NAMES[:1]).axes[-1]
    quiver = quiver_of(axes)
    live = [np.array(field.centre) / np.hypot(*field.centre) for field in SECOND[:3]]
    np.testing.assert_allclose(np.stack([quiver.U, quiver.V], 1), live, rtol=1e-6)
    assert (quiver.scale, quiver.angles, quiver.scale_units) == (1, "xy", "xy")
    assert [text.get_text() for text in axes.texts] == ["1 of 4 are zero"]
    assert not scene_figure([FIRST], NAMES[:1]).axes[-1].texts
    lower, upper = axes.get_ylim()
    assert lower < axes.texts[0].get_position()[1] < -1 < 1 < upper


def test_zero_arrows_are_rings_and_the_checkpoint_is_marked_in_every_frame():
    shown = []
    for figure in scene_frames([FIRST, SECOND], NAMES):
        assert figure.get_size_inches().tolist() == pytest.approx([6.6, 3.5])
        rings = [[each for each in axes.collections if isinstance(each, PathCollection)] for axes in figure.axes]
        shown.append(([axes.get_title() for axes in figure.axes], [len(own) for own in rings]))
        assert [axes.get_xlabel() for axes in figure.axes] == [f"Δ {x}" for x, _ in NAMES]
    assert [titles[1] for titles, _ in shown] == [
        "minibatch 0: 50 % of 60 rows below target",
        "minibatch 1: 60 % of 61 rows below target",
        "minibatch 2: 70 % of 62 rows below target",
        "minibatch 3: 25 % of 64 rows below target",
    ]
    assert [rings for _, rings in shown] == [[1, 1], [1, 1], [1, 1], [1, 2]]
