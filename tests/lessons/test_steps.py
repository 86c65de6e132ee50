"""Each step of the lessons that ship: its view is one that the page can show, and shows what its text says
on runs that learn."""

import json
import operator
import re
from pathlib import Path

import pytest

from gradviz.dashboard.lesson_file import Lesson, Step
from gradviz.dashboard.lessons import lessons_at_hand
from gradviz.dashboard.overview import runs_of
from gradviz.dashboard.permalink import read, settle, write
from gradviz.experiment.store import RunStore
from gradviz.publish.steps import units_meant
from tests.lessons.meant import done_view, view_of_step
from tests.lessons.told import numbers

LESSONS = lessons_at_hand(None).lessons
STEPS = {f"{key}-{k}": step for key, lesson in LESSONS.items() for k, step in enumerate(lesson.steps, start=1)}
_HOLDS = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

on_runs = pytest.mark.parametrize(
    "step", [pytest.param(step, id=name) for name, step in STEPS.items() if step.view.needs != "addition"]
)


def test_the_seven_lessons_are_whole_and_in_order():
    at_hand = lessons_at_hand(None)
    assert at_hand.broken == []
    assert list(at_hand.lessons) == ["arrow", "start", "later", "dropout", "batchnorm", "zero", "path"]


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_a_lesson_is_short_and_asks(lesson: Lesson):
    assert 8 <= len(lesson.steps) <= 12
    assert sum(step.question is not None for step in lesson.steps) >= len(lesson.steps) // 2
    for step in lesson.steps:
        for words in (_words(step.text), _words(step.reveal)):
            assert words <= 110, (step.title, words)
        assert _words(step.text) + _words(step.reveal) >= 25, step.title


def _words(html: str) -> int:
    return len(re.sub(r"<[^>]*>", " ", html).split())


def test_the_page_and_a_published_site_mean_the_same_units():
    """tests/javascript/lessons.test.js reads it as well."""
    told = json.loads((Path(__file__).parents[1] / "fixtures" / "units.json").read_text(encoding="utf-8"))
    assert [units_meant(told["active"], word) for word in ("live", "dead")] == [told["live"], told["dead"]]


@on_runs
def test_the_view_of_each_step_can_be_shown(step: Step, store: RunStore):
    view = view_of_step(store, step)
    again, notices = read(write(view))
    assert (again, notices) == (view, [])
    settled, notices = settle(view, runs_of(store))
    assert (settled.x_a, settled.y_a) == (view.x_a or settled.x_a, view.y_a or settled.y_a)
    assert (settled.run, settled.compared, settled.epoch) == (view.run, view.compared, view.epoch)
    assert notices == []


@pytest.mark.parametrize("step", [pytest.param(step, id=name) for name, step in STEPS.items() if step.shows])
def test_each_step_shows_what_it_says_on_runs_that_learn(step: Step, store: RunStore):
    view = done_view(store, view_of_step(store, step), step.question and step.question.done)
    for condition in step.shows:
        place = condition.place
        value = numbers(store, view, place.of, place.picture)[place.name]
        assert _HOLDS[condition.operator](value, condition.value), (condition.text, value)


@pytest.mark.parametrize(
    ("says", "elsewhere"),
    [("later-2", "start-3"), ("dropout-3", "dropout-1"), ("batchnorm-6", "batchnorm-1"), ("zero-1", "start-3")],
)
def test_a_condition_does_not_hold_in_any_view(says: str, elsewhere: str, store: RunStore):
    told = numbers(store, view_of_step(store, STEPS[elsewhere]))
    assert not all(_HOLDS[each.operator](told[each.place.name], each.value) for each in STEPS[says].shows)
