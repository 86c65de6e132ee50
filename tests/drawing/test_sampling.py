"""The sampling ellipse as it is drawn: tests/fixtures/sampling.json, which the page's code reads as well."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradviz.drawing.canvas import Axes, Figure, to_hex
from gradviz.drawing.inks import PALETTES
from gradviz.drawing.look import PLAIN, Look
from gradviz.drawing.overlays import Over, draw_over, over_sentences
from gradviz.drawing.sampling import largest_turn, longest_of, outline, sampling_sentence, tips_of
from gradviz.landscape.statistics.sampling import Sampling
from tests.drawing.fields import field_of

CASES = json.loads((Path(__file__).parents[1] / "fixtures" / "sampling.json").read_text())["cases"]
TOLD = Sampling(num_rows=64, of_rows=3200, u=0.5, v=0.25, uu=0.01, uv=0.004, vv=0.02)


@pytest.fixture
def axes() -> Axes:
    return Figure().add_subplot()


def points_of(line: Any) -> np.ndarray:
    return np.asarray(line.get_xydata())


@pytest.mark.parametrize("case", CASES)
def test_the_fixture_holds(case: dict[str, Any]) -> None:
    told, own = Sampling(**case["told"]), tuple(case["own"]) if case["own"] else None
    np.testing.assert_allclose(outline(told, 9), case["outline"], rtol=1e-12, atol=1e-12 * (case["longest"] or 1))
    assert longest_of(told, own) == pytest.approx(case["longest"], rel=1e-12)
    if case["longest"]:
        look = Look(length=case["length"], direction=case["direction"])
        tips = tips_of(np.array(case["outline"]), 1.6, case["longest"], look)
        np.testing.assert_allclose(tips, case["tips"], atol=1e-9)
    assert largest_turn(told) == (None if case["turn"] is None else pytest.approx(case["turn"], abs=1e-6))
    assert sampling_sentence(told) == case["sentence"]


@pytest.mark.parametrize("case", CASES[:2])
def test_the_outline_is_the_level_line_of_the_covariance(case: dict[str, Any]) -> None:
    told = Sampling(**case["told"])
    covariance = np.array([[told.uu, told.uv], [told.uv, told.vv]])
    away_T2 = outline(told) - (told.u, told.v)
    distances_T = (away_T2 * np.linalg.solve(covariance, away_T2.T).T).sum(1)
    np.testing.assert_allclose(distances_T, 5.991464547107982)  # the quantile of χ² with two degrees of freedom


def test_the_turn_is_that_of_the_tangents_from_0() -> None:
    """A circle of radius r around (d, 0) is seen from 0 under asin(r / d) to each side."""
    radius = 0.3
    told = Sampling(4, 10, 1.0, 0.0, radius**2 / 5.991464547107982, 0.0, radius**2 / 5.991464547107982)
    turn = largest_turn(told)
    assert turn == pytest.approx(
        np.degrees(np.arcsin(radius)), rel=1e-3
    )  # of 180 corners one lies next to the tangent's


def test_ellipse_mean_and_own_arrow_are_drawn_on_the_disc(axes: Axes) -> None:
    field = field_of(np.full((3, 3), 0.4), np.full((3, 3), 0.3))
    draw_over(axes, Over(sampling=TOLD), field, 0, 0.5, 5.0, Look(length="true"))
    border, arrow, _ = axes.lines
    longest = longest_of(TOLD, (0.4, 0.3))
    np.testing.assert_allclose(points_of(border), 1.6 * outline(TOLD) / longest)
    np.testing.assert_allclose(points_of(arrow), [[0, 0], [1.6 * 0.4 / longest, 1.6 * 0.3 / longest]], rtol=1e-6)
    assert to_hex(border.get_color()) == PALETTES["light"].centre
    assert len(axes.patches) == 2  # the disc and what the ellipse encloses
    [mean] = axes.collections
    np.testing.assert_allclose(np.asarray(mean.get_offsets(), float), [[0.8 / longest, 0.4 / longest]])


def test_with_the_minibatches_rays_both_have_one_scale(axes: Axes) -> None:
    field = field_of(np.full((3, 3), 0.4), np.full((3, 3), 0.3))
    far = field_of(np.full((3, 3), 2.0), np.full((3, 3), 0.0))
    draw_over(axes, Over(sampling=TOLD, spread=(field, far)), field, 0, 0.5, 5.0, Look(length="true"))
    np.testing.assert_allclose(points_of(axes.lines[0]), 1.6 * outline(TOLD) / 2)  # the longest ray is 2
    tips = [points_of(line)[-1] for line in axes.lines[3:5]]
    np.testing.assert_allclose(tips, [[1.6 * 0.2, 1.6 * 0.15], [1.6, 0]], rtol=1e-6)
    assert len(axes.patches) == 2  # one disc


def test_an_arrow_that_is_zero_is_not_drawn_and_a_dead_pair_has_nothing(axes: Axes) -> None:
    field = field_of(np.zeros((3, 3)), np.zeros((3, 3)), is_zero=np.ones((3, 3), bool))
    draw_over(axes, Over(sampling=TOLD), field, 0, 0.5, 5.0, PLAIN)
    assert len(axes.lines) == 1
    dead = Figure().add_subplot()
    draw_over(dead, Over(sampling=Sampling(8, 40, 0, 0, 0, 0, 0)), field, 0, 0.5, 5.0, PLAIN)
    assert not dead.lines


def test_a_picture_says_what_is_drawn_or_why_not() -> None:
    assert over_sentences(Over(sampling=TOLD), 1.0) == [sampling_sentence(TOLD)]
    assert over_sentences(Over(why_no_sampling="There is none."), 1.0) == ["There is none"]
