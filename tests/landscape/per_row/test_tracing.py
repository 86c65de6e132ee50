"""Marching squares: every edge whose ends lie on two sides is crossed, where the linear function is 0, and no other."""

import numpy as np
import pytest

from gradviz.landscape.per_row.tracing import CLEAR, trace
from tests.landscape.per_row.crossed import changing, crossed


def segments_of(values_YX: np.ndarray) -> np.ndarray:
    """In offsets, on a grid whose points are one apart."""
    which, ends = trace(values_YX[..., None])
    assert not which.any()
    return ends - (len(values_YX) - 1) / 2


def random_values(seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    values = generator.standard_normal((7, 7))
    values[generator.random((7, 7)) < 0.2] = 0.0
    return values


@pytest.mark.parametrize("seed", range(50))
def test_edges_that_change_side_are_crossed_and_no_others(seed: int):
    values = random_values(seed)
    assert crossed(segments_of(values), 3.0, 7) == changing(values)


def test_many_are_traced_at_once_as_each_alone():
    values = np.stack([random_values(seed) for seed in range(20)], 2)
    which, ends = trace(values)
    assert (np.diff(which) >= 0).all()
    for k in range(20):
        np.testing.assert_array_equal(ends[which == k], trace(values[..., k : k + 1])[1])


def test_a_line_is_where_the_linear_function_is_0():
    x, y = np.meshgrid(np.arange(5.0), np.arange(5.0))
    ends = trace((0.7 * x + 0.2 * y - 1.437)[..., None])[1]
    for column, row in ends.reshape(-1, 2):
        assert 0.7 * column + 0.2 * row == pytest.approx(1.437)
    assert len(ends)


@pytest.mark.parametrize("mean", [1.0, -1.0, 0.0])
def test_where_all_edges_are_crossed_the_mean_of_the_corners_decides(mean: float):
    """Low left and high right are above: the lines cut off these two, unless the mean is above as well."""
    values = np.array([[4.0 + mean, -4.0 + mean], [-4.0 + mean, 4.0 + mean]])
    middles = trace(values[..., None])[1].reshape(2, 2, 2).mean(1)
    corners = [[0, 1], [1, 0]] if mean > 0 else [[0, 0], [1, 1]]
    assert sorted(np.round(middles).tolist()) == corners


def test_a_value_of_0_is_below_and_its_line_passes_by_the_point():
    values = np.ones((3, 3))
    values[1, 1] = 0.0
    ends = trace(values[..., None])[1]
    assert crossed(ends - 1, 1.0, 3) == changing(values)
    assert len(changing(values)) == 4
    assert np.abs(ends - 1).max() == pytest.approx(CLEAR)
    assert len(trace(np.zeros((3, 3, 1)))[1]) == len(trace(-np.zeros((3, 3, 1)))[1]) == 0


def test_what_is_not_finite_is_crossed_in_the_middle():
    values = np.array([[1.0, np.nan], [np.inf, -np.inf]])
    ends = trace(values[..., None])[1]
    assert crossed(ends - 0.5, 0.5, 2) == changing(values)
    assert set(np.abs(ends - 0.5).ravel().tolist()) == {0.0, 0.5}
