"""Lessons and scenes in a published site: each step has its picture and its numbers, or says kindly what is missing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gradviz.cli import main
from gradviz.dashboard.lessons import lessons_at_hand
from tests.browser.boxes import Window, faults, wait_until_followed
from tests.browser.conftest import Visit, shoot, wait_until_drawn
from tests.browser.sites import hosted
from tests.publish.made import PAIR

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LESSONS = lessons_at_hand(None).lessons


@pytest.fixture(scope="module")
def host(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A site of three runs and one pair, with all that their lessons need."""
    place = tmp_path_factory.mktemp("host")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADVIZ_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        arguments = ["publish", "--runs", str(trained), "--out", str(place / "site"), "--pair", *PAIR]
        arguments += ["--run", "none,dropout,batchnorm", "--minibatches", "5", "--with", "lessons,scenes"]
        assert main(arguments) == 0
    with hosted(place) as one:
        yield one


def settled(page: Page) -> None:
    """Until nothing of the step is waited for: every picture is there, or says why it is not."""
    page.wait_for_function(
        """() => !document.querySelector("#lesson .gv-lesson-title, #lesson") ? false
          : document.querySelector("#lesson").ariaBusy !== "true"
            && window.gradvizPage.panels.every(({ state, isLoading }) => !isLoading && state !== "loading")
            && !/on their way|Looking for units|Loading/.test(document.querySelector("#lesson").innerText)"""
    )


@pytest.mark.parametrize("key", LESSONS)
def test_a_lesson_is_walked_in_a_site(key: str, visit: Visit, host: Any) -> None:
    page = visit(f"/site/?lesson={key}", at=host, drawn=False)
    lacking = []
    for number in _steps(page, key):
        said = page.locator("#lesson .gv-lesson-waits").inner_text()
        if said:
            lacking.append((number, said))
        else:
            veils = page.locator("[id^=veil-]").all_inner_texts()
            assert not [veil for veil in veils if "Not in this site" in veil], (number, veils)
            assert "—" not in page.locator("#lesson [data-name]").all_inner_texts(), number
    for number, said in lacking:
        assert "not in this site" in said or "No such unit here" in said, (number, said)
    absent = {"path": 4, "zero": 6}.get(key, 0)
    assert len(lacking) <= absent, lacking


@pytest.mark.timeout(1200)  # 180 windows
@pytest.mark.parametrize("key", LESSONS)
def test_a_lesson_of_a_site_lies_well_on_every_screen(key: str, visit: Visit, host: Any) -> None:
    page = visit(f"/site/?lesson={key}", at=host, drawn=False)
    window = Window(page)
    told = {number: window.faults("light", "dark") for number in _steps(page, key)}
    assert {number: found for number, found in told.items() if found} == {}


def _steps(page: Page, key: str) -> Iterator[int]:
    """From step to step, each answered and settled."""
    lesson, many = page.locator("#lesson"), len(LESSONS[key].steps)
    for number, step in enumerate(LESSONS[key].steps, start=1):
        page.wait_for_function("(step) => window.gradvizPage?.view?.step === step", arg=number)
        expect(lesson.locator(".gv-lesson-title")).to_have_text(step.title)
        settled(page)
        if step.question and step.question.ask:
            lesson.locator("input[type=radio]").first.check()
            lesson.get_by_role("button", name="Answer").click()
        shown = lesson.get_by_role("button", name="Show me")
        if step.question and step.question.done and shown.is_visible():
            shown.click()
        settled(page)
        yield number
        if number < many:
            lesson.get_by_role("button", name="Next").click()


def test_scenes_are_there_and_open_their_views(visit: Visit, host: Any) -> None:
    page = visit("/site/?epoch=6", at=host, drawn=False)
    page.get_by_role("button", name="Scenes").click()
    body = page.locator(".gv-scenes-body")
    expect(body).to_have_attribute("aria-busy", "false")
    assert "Not in this site" not in body.inner_text()
    links = body.locator("a.gv-scene").evaluate_all("(all) => all.map((one) => one.getAttribute('href'))")
    assert links
    shoot(page, "site-scenes")
    for link in links:
        page.goto(f"{host.url}/site/{link}")
        wait_until_drawn(page)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
def test_a_lecturer_goes_through_a_lesson_by_page_down_alone(visit: Visit, host: Any, width: int, height: int) -> None:
    page = visit("/site/?lesson=batchnorm&present=on", at=host, width=width, height=height, drawn=False)
    many = len(LESSONS["batchnorm"].steps)
    seen = []
    for number in range(1, many + 1):
        page.wait_for_function("(step) => window.gradvizPage?.view?.step === step", arg=number)
        settled(page)
        wait_until_drawn(page)
        wait_until_followed(page)
        assert page.evaluate("document.body.dataset.present") == "on", number
        panels = "[...document.querySelectorAll('.gv-panel:not([hidden])')]"
        beside = f"{panels}.map((one) => one.getBoundingClientRect().right)"
        edge = page.evaluate("document.getElementById('lesson').getBoundingClientRect().left")
        assert max(page.evaluate(beside)) <= edge + 1, number  # the lesson lies beside the pictures
        told = faults(page)
        if told:
            seen.append((number, told))
        shoot(page, f"lecture-{width}-{number}")
        presses = 0
        while number < many and page.evaluate("window.gradvizPage.view.step") == number and presses < 9:
            page.keyboard.press("PageDown")  # a text that is longer than its place scrolls first
            presses += 1
            page.wait_for_timeout(50)
    assert seen == []
    assert page.evaluate("document.documentElement.scrollHeight") == height
