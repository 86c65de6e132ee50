"""Arrows, level lines and axes as tests/fixtures/arrows.json expects them: the tests of JavaScript read it as well."""

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gradviz.drawing.arrows import Arrows, arrows_of, reach_of
from gradviz.drawing.ground import levels_of
from gradviz.drawing.level_labels import level_labels
from gradviz.drawing.scale import Scale
from gradviz.landscape import GradientField
from tests.drawing import plain
from tests.drawing.fields import field_of

FIXTURE: dict[str, Any] = json.loads(plain.FIXTURE.read_text(encoding="utf-8"))
CASES = {case["name"]: case for case in FIXTURE["arrows"]}
LEVELS = {case["name"]: case for case in FIXTURE["levels"]}


def as_field(numbers: Mapping[str, list[Any]], points: int) -> GradientField:
    """A field from the fixture's lists."""
    columns = ([float(number) for number in numbers[name]] for name in ("u", "v", "loss", "is_zero"))
    return field_of(*(np.reshape(column, (points, points)) for column in columns))


def fields_of(case: Mapping[str, Any]) -> list[GradientField]:
    return [as_field(numbers, case["points"]) for numbers in case["fields"]]


def scale_of(case: Mapping[str, Any]) -> Scale:
    fields = fields_of(case)
    colours = Scale.of(fields[k] for k in case["colours_over"])
    return colours.measuring(fields[k] for k in case["lengths_over"])


def drawn(case: Mapping[str, Any], *, every: int = 1) -> Arrows:
    return arrows_of(
        fields_of(case)[0], scale_of(case), length=case["length"], direction=case["direction"], every=every
    )


def test_the_fixture_is_what_the_plain_loop_says():
    assert plain.FIXTURE.read_text(encoding="utf-8") == plain.written(), "run python -m tests.drawing.plain"


@pytest.mark.parametrize("name", CASES)
def test_the_scale_of_a_case(name: str):
    scale, expected = scale_of(CASES[name]), CASES[name]["scale"]
    for part in ("low", "high", "longest"):
        assert getattr(scale, part) == pytest.approx(expected[part], rel=1e-9, abs=0 if part == "longest" else 1e-9)


@pytest.mark.parametrize("name", CASES)
def test_arrows_and_rings_of_a_case(name: str):
    case = CASES[name]
    arrows = drawn(case)
    expected_A6 = np.array(case["drawn"]).reshape(-1, 6)
    np.testing.assert_array_equal(arrows.point_A, expected_A6[:, 0])
    np.testing.assert_array_equal(arrows.zero_Z, case["zeros"])
    places_A4 = np.concatenate([arrows.tail_A2, arrows.tip_A2], axis=1)
    np.testing.assert_allclose(places_A4, expected_A6[:, 1:5], rtol=0, atol=1e-9)
    colours_A = scale_of(case).positions(10**arrows.strength_A)
    np.testing.assert_allclose(colours_A, expected_A6[:, 5], rtol=0, atol=1e-9)
    middle = case["points"] // 2
    rings_Z2 = [[k % case["points"] - middle, k // case["points"] - middle] for k in case["zeros"]]
    np.testing.assert_array_equal(arrows.ring_Z2, np.array(rings_Z2).reshape(-1, 2))


def test_of_every_second_arrow_the_centre_stays_and_all_are_twice_as_long():
    case = CASES["the smallest 2 % of 49 lie between the first two"]
    all_of_them, some = drawn(case), drawn(case, every=2)
    middle = case["points"] // 2
    kept = [k for k in range(49) if (k % 7 - middle) % 2 == 0 and (k // 7 - middle) % 2 == 0]
    np.testing.assert_array_equal(some.point_A, kept)
    np.testing.assert_array_equal(some.middle_A2, all_of_them.middle_A2[kept])
    np.testing.assert_allclose(some.drawn_A2, 2 * all_of_them.drawn_A2[kept], rtol=1e-12)


def test_a_field_of_other_distances_is_drawn_by_the_same_places():
    case = CASES["all directions, compressed"]
    field = fields_of(case)[0]
    elsewhere = replace(field, x=5 + 1e-3 * field.x, y=-2 + 1e-3 * field.y)
    moved = arrows_of(elsewhere, Scale.of([elsewhere]))
    np.testing.assert_array_equal(moved.tip_A2, drawn(case).tip_A2)


@pytest.mark.parametrize("name", LEVELS)
def test_level_lines_of_a_case(name: str):
    levels = levels_of(np.array([float(value) for value in LEVELS[name]["loss"]], np.float32))
    expected = LEVELS[name]["levels"]
    assert (levels is None) == (expected is None)
    if levels is not None:
        for part, value in expected.items():
            assert getattr(levels, part) == pytest.approx(value, rel=1e-9)
        np.testing.assert_allclose(levels.values, expected["start"] + expected["step"] * np.arange(10))
        assert levels.values[-1] < levels.high


@pytest.mark.parametrize("name", LEVELS)
def test_labels_lie_where_both_languages_put_them(name: str):
    points = math.isqrt(len(LEVELS[name]["loss"]))
    loss_YX = np.array([float(value) for value in LEVELS[name]["loss"]], np.float32).reshape(points, points)
    levels = levels_of(loss_YX)
    found = [] if levels is None else level_labels(loss_YX, levels)
    told = [(each.column, each.row, each.angle, each.level) for each in found]
    np.testing.assert_allclose(told, LEVELS[name]["labels"] or [], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("case", FIXTURE["reaches"], ids=lambda case: f"{case['half_width']}-{case['points']}")
def test_axes_reach_beyond_the_arrows_at_the_border(case: dict[str, Any]):
    reach = reach_of(case["half_width"], case["points"])
    assert reach == pytest.approx(case["reach"], rel=1e-9)
    assert reach >= case["half_width"] * (1 + 0.92 / (case["points"] - 1))
