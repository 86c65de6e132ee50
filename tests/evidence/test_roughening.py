"""Roughness against loops over the grid, and fields whose roughness is known."""

import math

import numpy as np
import pytest

from gradviz.evidence.roughening import distinct_share, neighbour_angle, relative_curl, relative_difference
from gradviz.landscape import GradientField


def field_of(u: np.ndarray, v: np.ndarray, is_zero: np.ndarray | None = None, step: float = 0.01) -> GradientField:
    rows, columns = u.shape
    zero = np.zeros(u.shape, bool) if is_zero is None else is_zero
    steps = [step * (np.arange(n) - n // 2) for n in (columns, rows)]
    return GradientField(steps[0], steps[1], u, v, u, zero, zero.astype(np.uint8), 0.5, 8, 1.0, 1.0)


def neighbours(field: GradientField):
    for j in range(len(field.y)):
        for i in range(len(field.x)):
            for dj, di in ((0, 1), (1, 0)):
                if j + dj < len(field.y) and i + di < len(field.x):
                    pair = [(j, i), (j + dj, i + di)]
                    yield [(0.0, 0.0) if field.is_zero[at] else (float(field.u[at]), float(field.v[at])) for at in pair]


@pytest.fixture
def random_field() -> GradientField:
    generator = np.random.default_rng(3)
    u, v = generator.normal(size=(2, 5, 7))
    return field_of(u, v, generator.random((5, 7)) < 0.2)


def test_the_angle_is_that_of_a_loop_over_neighbours(random_field: GradientField):
    angles = []
    for (a, b), (c, d) in neighbours(random_field):
        if (a, b) != (0, 0) and (c, d) != (0, 0):
            cosine = (a * c + b * d) / (math.hypot(a, b) * math.hypot(c, d))
            angles.append(math.degrees(math.acos(max(-1.0, min(1.0, cosine)))))
    # acos loses half of the digits near 1.
    assert neighbour_angle(random_field) == pytest.approx(sum(angles) / len(angles), rel=1e-7)


def test_the_difference_is_that_of_a_loop_over_neighbours(random_field: GradientField):
    shares = []
    for (a, b), (c, d) in neighbours(random_field):
        size = (math.hypot(a, b) + math.hypot(c, d)) / 2
        if size > 0:
            shares.append(math.hypot(a - c, b - d) / size)
    assert relative_difference(random_field) == pytest.approx(sum(shares) / len(shares), rel=1e-12)


def test_the_share_of_distinct_vectors_is_that_of_a_set():
    generator = np.random.default_rng(5)
    u, v = generator.integers(-2, 3, size=(2, 6, 6)).astype(float)
    field = field_of(u, v, generator.random((6, 6)) < 0.2)
    seen = {(0.0, 0.0) if field.is_zero[at] else (float(u[at]), float(v[at])) for at in np.ndindex(6, 6)}
    assert 1 < len(seen) < 36
    assert distinct_share(field) == len(seen) / 36


def test_the_curl_is_that_of_a_loop_over_the_cells(random_field: GradientField):
    u, v = (np.where(random_field.is_zero, 0, each).tolist() for each in (random_field.u, random_field.v))
    curls, sizes = [], []
    for j in range(4):
        for i in range(6):
            du = (u[j + 1][i] - u[j][i]) / 0.01
            dv = (v[j][i + 1] - v[j][i]) / 0.01
            curls.append((du - dv) ** 2)
            sizes.append(du**2 + dv**2)
    assert relative_curl(random_field) == pytest.approx(math.sqrt(sum(curls) / sum(sizes)), rel=1e-9)


def test_a_quarter_turn_from_column_to_column_is_90_degrees():
    columns = np.arange(5)
    u, v = (np.tile(row, (5, 1)) for row in (np.cos(columns * np.pi / 2), np.sin(columns * np.pi / 2)))
    # As many neighbours above each other, which agree, as side by side.
    assert neighbour_angle(field_of(u, v)) == pytest.approx(45)


def test_a_gradient_has_no_curl_and_noise_has():
    y, x = np.meshgrid(0.01 * np.arange(9), 0.01 * np.arange(9), indexing="ij")
    smooth = field_of(2 * x + 3 * y, 3 * x - y)
    assert relative_curl(smooth) == pytest.approx(0, abs=1e-9)
    noise = np.random.default_rng(0).normal(size=(2, 41, 41))
    assert relative_curl(field_of(*noise)) == pytest.approx(1, abs=0.1)


def test_a_constant_field_has_one_vector_and_nothing_to_differ():
    one = field_of(np.ones((5, 5)), np.ones((5, 5)))
    assert (distinct_share(one), neighbour_angle(one), relative_curl(one)) == (1 / 25, 0.0, None)


def test_a_field_of_zeros_has_no_angle_and_no_difference():
    nothing = field_of(np.ones((3, 3)), np.ones((3, 3)), np.ones((3, 3), bool))
    assert (neighbour_angle(nothing), relative_difference(nothing)) == (None, None)
