"""Lessons 4 and 5 as a newcomer goes through them; every number of their sentences is held to the picture's data."""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page

from gradviz.dashboard.permalink import View
from gradviz.experiment.store import RunStore
from tests.browser.conftest import Server, served, wait_until_drawn
from tests.browser.reading import wait_for_view
from tests.lessons.learners import learners
from tests.lessons.told import numbers


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("learners")
    with served(learners(path / "runs"), path / "cache") as running:
        yield running


_WORDS = """() => {
  const lesson = document.getElementById("lesson");
  const places = [...lesson.querySelectorAll(".gv-lesson-number")];
  const isThere = lesson.ariaBusy === "false" && !lesson.textContent.includes("on their way");
  if (!isThere || places.some(({ textContent }) => textContent === "—")) return null;
  const numbers = places.filter(({ dataset }) => !("kept" in dataset));
  const { view } = window.gradvizPage;
  return { view, numbers: numbers.map(({ dataset, innerText }) => [dataset.name, dataset.of ?? null, innerText]) };
}"""


class Reader:
    """Somebody at a lesson: reads, answers, moves what is asked for."""

    def __init__(self, page: Page, runs: Path) -> None:
        self.page, self.store = page, RunStore(runs)
        self.lesson = page.locator("#lesson")

    def be_at(self, number: int) -> None:
        """Until this step is on show with its own picture."""
        self.lesson.get_by_text(f"{number} of", exact=False).last.wait_for()
        self.page.wait_for_function(
            """(step) => window.gradvizPage?.view?.step === step
              && document.getElementById("lesson").ariaBusy === "false" """,
            arg=number,
        )
        wait_until_drawn(self.page)

    def next(self, number: int) -> None:
        self.lesson.get_by_role("button", name="Next").click()
        self.be_at(number)

    def answer(self, words: str) -> None:
        self.lesson.get_by_label(words, exact=False).check()
        self.lesson.get_by_role("button", name="Answer").click()

    def reads(self, *, right: bool | None = None) -> str:
        """The step's words once all their numbers are there; each number is that of the picture's data."""
        wait_until_drawn(self.page)
        told = self.page.wait_for_function(_WORDS).json_value()
        assert self.lesson.locator(".gv-lesson-unmet").all_inner_texts() == []
        if right is not None:
            assert self.lesson.locator(".gv-lesson-right").count() == int(right)
        view = View.model_validate({**told["view"], "lesson": "", "step": 1})
        for name, of, text in told["numbers"]:
            assert _is_written(text, numbers(self.store, view, of)[name]), (name, of, text)
        return self.lesson.inner_text()


def _is_written(text: str, value: float) -> bool:
    """Whether a number as the page prints it, in percent, degrees or plain, is this value, to its digits."""
    found = re.fullmatch(r"([<>])?([−-]?[\d.,]+(?:e[+−-]?\d+)?)\s?(%|°)?", text)
    assert found, text
    digits = Decimal(found[2].replace("−", "-").replace(",", ""))
    number, half = float(digits), float(Decimal(5).scaleb(int(digits.as_tuple().exponent) - 1))
    told = 100 * value if found[3] == "%" else value
    if found[1]:
        return told < number if found[1] == "<" else told > number
    return told == pytest.approx(number, rel=0.005, abs=1.01 * half)  # three digits at least, or all that are printed


@pytest.fixture
def reader(visit: Callable[..., Page], learned: Server) -> Callable[[str], Reader]:
    def at(lesson: str) -> Reader:
        page = visit(f"/?lesson={lesson}", at=learned)
        made = Reader(page, learned.runs)
        made.be_at(1)
        return made

    return at


def choose(page: Page, group: str, name: str) -> None:
    """As a hand chooses in a segmented control of the sidebar."""
    page.locator(f"#{group}").get_by_text(name, exact=True).click()


def test_a_newcomer_learns_why_dropout_looks_rough(reader: Callable[[str], Reader]):
    one = reader("dropout")
    page = one.page
    assert "switches units off" in one.reads()
    one.next(2)
    one.answer("quite different directions")
    choose(page, "mode", "train mode")
    wait_for_view(page, mode="train")
    assert "one arrow says nothing about the next" in one.reads(right=True)
    one.next(3)
    one.answer("The new masks")  # which is what it will be, but nothing has shown it yet
    assert "Not quite: You cannot tell" in one.reads(right=False)
    one.next(4)
    one.answer("smooth")
    choose(page, "masks", "frozen")
    wait_for_view(page, masks="frozen")
    assert "It was the dice" in one.reads(right=True)
    one.next(5)
    one.lesson.get_by_role("button", name="Show me").click()
    page.wait_for_function("() => window.gradvizPage.view.seed !== 0")
    assert "another landscape" in one.reads()
    one.next(6)
    one.answer("smooth")
    choose(page, "masks", "averaged")
    wait_for_view(page, masks="averaged")
    assert "eight smooth landscapes" in one.reads(right=True)
    one.next(7)
    assert "knows no dice" in one.reads()
    one.next(8)
    one.answer("No, both are smooth")
    assert "Both are smooth" in one.reads(right=True)
    one.next(9)
    one.answer("Whatever the masks do")
    assert "no mask can turn one" in one.reads(right=True)
    one.next(10)
    one.answer("Each step of training meets masks of its own")
    assert "all of it new masks" in one.reads(right=True)


def test_a_newcomer_learns_why_arrows_vanish_under_batch_normalization(reader: Callable[[str], Reader]):
    one = reader("batchnorm")
    page = one.page
    assert "takes their mean away" in one.reads()
    one.next(2)
    one.answer("−2, 0 and 2")
    assert "their mean is 15" in one.reads(right=True)
    one.next(3)
    one.answer("Exactly zero")
    choose(page, "mode", "train mode")
    wait_for_view(page, mode="train")
    assert "100 % of the arrows are circles" in one.reads(right=True)
    assert page.evaluate("() => window.gradvizPage.panels.map(({ state }) => state)") == ["zero", "zero"]
    one.next(4)
    one.answer("Not at all")
    assert "about seven digits" in one.reads(right=True)
    one.next(5)
    one.answer("No")
    one.lesson.get_by_role("button", name="Show me").click()
    page.wait_for_function("() => window.gradvizPage.view.minibatch !== 0")
    assert "A proof does not depend on the data" in one.reads(right=True)
    one.next(6)
    one.answer("A rough landscape")
    assert "Not quite: Rounding errors, drawn large" in one.reads(right=False)
    one.next(7)
    one.answer("No, nothing takes it away again")
    assert "β does the work" in one.reads(right=True)
    one.next(8)
    one.answer("different amounts")
    assert "what they have in common" in one.reads(right=True)
    one.next(9)
    one.answer("Neither shows")
    assert "neither is a rough landscape" in one.reads(right=True)
    one.next(10)
    one.answer("contains the bias")
    assert "The mean that is taken away contains the bias" in one.reads(right=True)


def test_what_a_step_said_of_its_picture_stays_when_the_minibatch_has_moved(reader: Callable[[str], Reader]):
    one = reader("arrow")
    for number in range(2, 10):
        one.next(number)
    one.reads()
    said = one.lesson.locator(".gv-lesson-text:not(.gv-lesson-reveal *) .gv-lesson-number")
    before = said.all_inner_texts()
    assert len(before) == 3  # of rows, the length of the gradient, J
    one.answer("They change")
    one.lesson.get_by_role("button", name="Show me").click()
    one.page.wait_for_function("() => window.gradvizPage.view.minibatch > 0")
    assert "They change. The network is the same" in one.reads()
    assert said.all_inner_texts() == before
    loss, length = one.lesson.locator(".gv-lesson-reveal .gv-lesson-number").all_inner_texts()
    assert (loss, length) != (before[2], before[1])
