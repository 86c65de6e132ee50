"""Paths of SGD over a still picture: each its own line, and the same constants as the page draws with."""

from typing import Any, get_args

import numpy as np
import pytest

from gradviz.drawing import probe
from gradviz.drawing.canvas import Axes, Figure, to_hex
from gradviz.drawing.inks import PALETTES
from gradviz.drawing.look import PLAIN
from gradviz.drawing.overlays import Over, draw_over, over_sentences
from gradviz.drawing.probe import LINES, Paths, draw_probe
from gradviz.landscape.probe import Schedule
from tests.drawing.fields import field_of

PALETTE = PALETTES["light"]


def told(*schedules: str, steps: int = 3) -> dict[str, Any]:
    paths = [
        {
            "schedule": schedule,
            "x": [0.1 * k for k in range(steps + 1)],
            "y": [0.1 * n * k for k in range(steps + 1)],
            "loss": [1.0] * (steps + 1),
            "name": f"name of {schedule}",
            "line": "J 2 → 1",
        }
        for n, schedule in enumerate(schedules)
    ]
    return {"paths": paths, "sentences": ["Only these two parameters move.", "All rows: one."], "rate": 0.1}


@pytest.fixture
def axes() -> Axes:
    return Figure().add_subplot()


def test_each_path_is_told_by_ink_and_by_dashes_or_width(axes: Axes):
    paths = Paths.from_answer(told(*get_args(Schedule)))
    draw_probe(axes, paths, PALETTE)
    lines = [line for line in axes.lines if not str(line.get_label()).startswith("_")]
    assert [line.get_label() for line in lines] == [f"name of {schedule}: J 2 → 1" for schedule in LINES]
    assert [to_hex(line.get_color()) for line in lines] == [PALETTE.probe[schedule] for schedule in LINES]
    looks = {
        (line.get_linestyle(), line.get_linewidth(), str(LINES[s].dash)) for s, line in zip(LINES, lines, strict=True)
    }
    assert len(looks) == len({to_hex(line.get_color()) for line in lines}) == 4
    np.testing.assert_allclose(np.asarray(lines[1].get_xydata()), [[0.1 * k, 0] for k in range(4)])


def test_many_steps_have_no_dots(axes: Axes):
    draw_probe(axes, Paths.from_answer(told("this")), PALETTE)
    few = len(axes.collections)
    draw_probe(axes, Paths.from_answer(told("this", steps=probe.MOST_DOTS + 1)), PALETTE)
    assert (few, len(axes.collections)) == (3, 5)


@pytest.mark.parametrize("scheme", PALETTES)
def test_no_two_paths_have_one_ink(scheme: str):
    palette = PALETTES[scheme]  # pyright: ignore[reportArgumentType]
    assert len(set(palette.probe.values())) == 4
    assert set(palette.probe) == set(LINES) == set(get_args(Schedule))


def test_a_picture_has_the_paths_and_their_sentences(axes: Axes):
    over = Over(probe=Paths.from_answer(told("this", "all")))
    field = field_of(np.ones((3, 3)), np.ones((3, 3)))
    draw_over(axes, over, field, 0, 0.1, 0.11, PLAIN)
    assert len(axes.lines) == 4
    assert over_sentences(over, 0.11) == ["Only these two parameters move", "All rows: one"]
    assert over_sentences(Over(), 0.11) == []


def test_what_a_browser_is_told_has_as_many_digits_as_are_seen():
    paths = Paths.from_answer(told("this"))
    for_browser: Any = paths.for_browser()
    assert for_browser["paths"][0]["x"] == pytest.approx(list(paths.paths[0].x), rel=1e-5)
    assert max(len(f"{value}") for value in for_browser["paths"][0]["x"]) <= 8
    assert Paths.from_answer(for_browser).sentences == paths.sentences
