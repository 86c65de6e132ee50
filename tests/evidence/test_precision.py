"""What two precisions of one field say, on fields whose numbers are known."""

import math

import numpy as np
import pytest

from gradviz.evidence.precision import mean_cosine, round_off_of, thresholds, unmarked
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.resolving import RESOLVED, ZERO_SHARE

VIEW = LandscapeRequest(run="batchnorm", epoch=2, x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", points=3)


def field_of(u: list[list[float]], v: list[list[float]], zero: list[list[int]] | None = None) -> GradientField:
    steps = np.array([-0.1, 0.0, 0.1])
    marked = np.array(zero or np.zeros((3, 3)), bool)
    arrays = np.array(u, float), np.array(v, float)
    return GradientField(steps, steps, *arrays, arrays[0], marked, marked.astype(np.uint8), 0.5, 8, 1.0, 1.0)


RIGHT = field_of([[1.0] * 3] * 3, [[0.0] * 3] * 3)


def changed(field: GradientField, at: tuple[int, int], u: float, v: float) -> GradientField:
    us, vs = field.u.copy(), field.v.copy()
    us[at], vs[at] = u, v
    return field_of(us.tolist(), vs.tolist())


@pytest.mark.parametrize(("u", "v"), [(1.5, 0.0), (0.5, 0.0), (1.0, 0.5), (1.0, -0.5)])
def test_the_thresholds_are_multiples_of_the_largest_difference_of_a_component(u: float, v: float):
    found = thresholds(changed(RIGHT, (0, 2), u, v), RIGHT)
    assert found == pytest.approx((RESOLVED * 0.5, ZERO_SHARE * 0.5))
    assert found == thresholds(RIGHT, changed(RIGHT, (0, 2), u, v))


def test_only_what_is_exactly_zero_stays_marked():
    marks = [[1, 0, 0], [0, 1, 0], [0, 0, 0]]
    field = field_of([[0.0, 1e-9, 1.0], [1.0, 1e-12, 1.0], [1.0, 1.0, 1.0]], [[0.0] * 3] * 3, marks)
    assert unmarked(field).is_zero.tolist() == [[True, False, False], [False] * 3, [False] * 3]


def test_the_cosine_is_the_mean_over_arrows_that_both_fields_have():
    turned = changed(changed(RIGHT, (0, 0), 0.0, 2.0), (1, 1), -3.0, 0.0)
    assert mean_cosine(RIGHT, turned) == pytest.approx((7 * 1 + 0 - 1) / 9)
    assert mean_cosine(RIGHT, changed(turned, (2, 2), 0.0, 0.0)) == pytest.approx((6 * 1 + 0 - 1) / 8)
    assert mean_cosine(RIGHT, field_of([[0.0] * 3] * 3, [[0.0] * 3] * 3)) is None


def test_the_round_off_of_a_plane_tells_the_numbers_of_both():
    single = field_of([[2.0, -4.0, 2.0]] * 3, [[0.0, 0.0, 1.0]] * 3, [[0, 1, 0]] * 3)
    double = field_of([[2.0, 2.0, 2.0]] * 3, [[0.0, 0.0, -3.0]] * 3)
    found = round_off_of(VIEW, single, double)
    assert (found.view, found.largest_float32, found.largest_float64) == (VIEW, 4.0, 3.0)
    assert (found.threshold_float32, found.threshold_float64) == pytest.approx((RESOLVED * 6, ZERO_SHARE * 6))
    assert found.zero_share == pytest.approx(1 / 3)
    turn = math.degrees(math.atan2(1, 2))  # half of the neighbours stand above each other and agree
    assert found.angle_float32 == pytest.approx((180 + (180 - turn)) / 4)
    assert found.angle_float64 == pytest.approx((0 + math.degrees(math.atan2(3, 2))) / 4)
    last = (2 * 2 - 1 * 3) / math.sqrt(5 * 13)
    assert found.cosine == pytest.approx((1 - 1 + last) / 3)
