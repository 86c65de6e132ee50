"""The presentation mode: larger words and arrows, nothing beside the pictures, keys for the next step."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, shoot, wait_until_drawn
from tests.browser.reading import wait_for_view

pytestmark = pytest.mark.browser

_KINDS = ".gv-title h2, .gv-sub, .gv-caption p, .gv-dock .gv-number, .gv-picture svg text"
_WORDS = f"""() => [...document.querySelectorAll("{_KINDS}")]
  .filter((one) => one.checkVisibility() && one.textContent.trim() && one.getBoundingClientRect().width > 1)
  .map((one) => Math.round(parseFloat(getComputedStyle(one).fontSize)))"""
_CUT = """() => [...document.querySelectorAll(".gv-title, .gv-caption")]
  .filter((one) => one.scrollHeight > one.clientHeight).map((one) => one.innerText)"""
_ARROWS = """() => document.querySelector("#graph-0 .js-plotly-plot")._fullData
  .find(({ type }) => type === "quiver").marker.line.width"""


def smallest_words(page: Page) -> int:
    return min(page.evaluate(_WORDS))


@pytest.mark.parametrize(("width", "height", "least"), [(1280, 720, 17), (1920, 1080, 26)])
@pytest.mark.parametrize("view", ["explore", "compare"])
def test_words_and_arrows_are_read_from_the_last_row(
    visit: Visit, view: str, width: int, height: int, least: int
) -> None:
    """No words are lower than a fortieth of the picture's height, and nothing scrolls."""
    page = visit(f"/?view={view}&epoch=3", width=width, height=height)
    thin = page.evaluate(_ARROWS)
    page.keyboard.press("p")
    wait_for_view(page, present="on")
    wait_until_drawn(page)
    page.wait_for_function(f"(thin) => ({_ARROWS})() > 1.5 * thin", arg=thin)
    assert smallest_words(page) >= least
    for gone in (".gv-header", "#sidebar"):
        expect(page.locator(gone)).to_be_hidden()
    assert page.evaluate("() => document.documentElement.scrollHeight") == height
    assert page.evaluate(_CUT) == []
    shoot(page, f"presented-{view}-{width}")


def test_a_lesson_leaves_room_for_titles_words_and_half_of_a_plane_that_is_zero(visit: Visit) -> None:
    page = visit("/?lesson=batchnorm&step=5&present=on")
    expect(page.locator("#veil-0 .gv-card")).to_be_visible()
    assert page.evaluate(_CUT) == []
    top, bottom, card = page.evaluate(
        """() => {
          const box = (one) => document.querySelector(one).getBoundingClientRect();
          return [box("#graph-0 .nsewdrag").top, box("#graph-0 .nsewdrag").bottom, box("#veil-0 .gv-card").bottom];
        }"""
    )
    assert card <= (top + bottom) / 2


def test_keys_lead_through_it_and_out_of_it(visit: Visit) -> None:
    page = visit("/?epoch=3&present=on&size=16")
    for key, there in [
        ("PageDown", {"epoch": 4}),
        ("PageUp", {"epoch": 3}),
        ("ArrowRight", {"epoch": 4}),
        ("ArrowDown", {"minibatch": 1}),
        ("ArrowUp", {"minibatch": 0}),
    ]:
        page.keyboard.press(key)
        wait_for_view(page, **there)
    page.keyboard.press("Escape")
    wait_for_view(page, present="off")
    expect(page.locator(".gv-header")).to_be_visible()
    expect(page).not_to_have_url(re.compile("present"))
    page.keyboard.press("PageDown")  # the browser's again
    wait_for_view(page, epoch=4)


def test_whoever_answers_a_step_takes_it(visit: Visit) -> None:
    """As a lesson that is open does."""
    page = visit("/?epoch=3&present=on")
    page.evaluate("""() => {
      window.steps = [];
      document.addEventListener("gv-step", (event) => { window.steps.push(event.detail.by); event.preventDefault(); });
    }""")
    page.keyboard.press("PageDown")
    page.keyboard.press("PageUp")
    assert page.evaluate("() => window.steps") == [1, -1]
    wait_for_view(page, epoch=3)


def test_the_button_presents_and_the_address_keeps_it(visit: Visit) -> None:
    page = visit("/?view=minibatches&epoch=3&size=16")
    page.get_by_role("button", name="Present").click()
    wait_for_view(page, present="on")
    expect(page).to_have_url(re.compile("present=on"))
    page.keyboard.press("PageDown")
    wait_for_view(page, minibatch=1, epoch=3)
    page.get_by_role("button", name="Leave").click()
    wait_for_view(page, present="off")
    page.go_back()
    wait_for_view(page, present="on")
