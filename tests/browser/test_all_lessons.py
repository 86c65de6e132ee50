"""All lessons, from their first step to their last, on runs that learn too little for some of them."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from gradviz.dashboard.lesson_file import Step
from gradviz.dashboard.lessons import lessons_at_hand
from tests.browser.boxes import PHONE, Window, axe_finds, faults, small_targets, wait_until_followed
from tests.browser.conftest import Visit, wait_until_drawn

pytestmark = pytest.mark.slow

LESSONS = lessons_at_hand(None).lessons

# Live numbers of the step on show that are not there: those of Paths wait for a hand that starts them.
_MISSING = """() => {
  const lesson = document.querySelector("#lesson");
  const missing = [...lesson.querySelectorAll(".gv-lesson-number")].filter(({ dataset, textContent }) =>
    textContent === "—" && !["ratio", "cosine"].includes(dataset.name)).map(({ dataset }) => dataset.name);
  return lesson.textContent.includes("on their way") ? [...missing, "what is revealed"] : missing;
}"""


@pytest.mark.parametrize("key", LESSONS)
def test_a_lesson_is_read_to_its_end(key: str, visit: Visit) -> None:
    """On a phone; where these runs do not show what a step tells, it says so, and goes on."""
    page = visit(f"/?lesson={key}", width=PHONE.width, height=PHONE.height, scheme="dark", drawn=False)
    window = Window(page)
    window.be(PHONE)
    told: dict[str, list[str]] = {}
    for number in _steps(page, key):
        told[f"step {number}"] = faults(page) + small_targets(page)
    told["axe"] = axe_finds(page)
    assert {where: found for where, found in told.items() if found} == {}
    page.locator("#lesson .gv-lesson-next").click()
    expect(page.locator(".gv-lesson-row")).to_have_count(len(LESSONS))


@pytest.mark.timeout(1200)  # 180 windows
@pytest.mark.parametrize("key", LESSONS)
def test_a_lesson_lies_well_on_every_screen(key: str, visit: Visit) -> None:
    page = visit(f"/?lesson={key}", drawn=False)
    window = Window(page)
    told = {number: window.faults("light", "dark") for number in _steps(page, key)}
    assert {number: found for number, found in told.items() if found} == {}


def _steps(page: Page, key: str) -> Iterator[int]:
    """From step to step: each is answered, and all its numbers are there."""
    for number, step in enumerate(LESSONS[key].steps, start=1):
        if number > 1:
            page.locator("#lesson").get_by_role("button", name="Next").click()
        _be_at(page, number, step)
        _answer(page, step)
        wait_for_numbers(page)
        wait_until_followed(page)
        yield number


def _be_at(page: Page, number: int, step: Step) -> None:
    title = page.locator(".gv-lesson-title")
    expect(title).to_have_text(step.title)
    page.wait_for_function(
        "(step) => window.gradvizPage.view?.step === step && document.getElementById('lesson').ariaBusy === 'false'",
        arg=number,
    )
    if step.view.fields.get("view") != "paths":
        wait_until_drawn(page)


def _answer(page: Page, step: Step) -> None:
    """The right choice, and what is to be done, which the page shows; without a picture there is nothing to be done."""
    lesson, question = page.locator("#lesson"), step.question
    if question and question.answer:
        lesson.get_by_role("radio").nth(question.answer - 1).check()
        lesson.get_by_role("button", name="Answer").click()
        expect(lesson.get_by_text("Yes.", exact=True)).to_be_visible()
    if question and question.done and lesson.locator(".gv-lesson-waits").is_hidden():
        lesson.get_by_role("button", name="Show me").click()


def wait_for_numbers(page: Page) -> None:
    """Until what is revealed is on show, with its numbers; a step whose picture is left out has none."""
    if page.locator(".gv-lesson-waits").is_hidden():
        page.wait_for_function(f"() => ({_MISSING})().length === 0")
    expect(page.locator("#lesson")).not_to_contain_text("on their way")


def test_the_last_lesson_tells_the_numbers_of_an_experiment_that_is_started(visit: Visit) -> None:
    page = visit("/?lesson=path&step=7", drawn=False)
    lesson = page.locator("#lesson")
    number = lesson.locator("[data-name=ratio][data-of=order]").first
    expect(number).to_have_text("—")
    page.locator("#main").get_by_role("button", name="Start").click()
    expect(number).not_to_have_text("—", timeout=60_000)
    expect(lesson.locator("[data-name=ratio][data-of=same]").first).to_have_text("0")
    others = lesson.locator("[data-name=ratio]:not([data-of=same])").all_inner_texts()
    assert all(0 < float(one.replace("−", "-")) < 3 for one in others)
