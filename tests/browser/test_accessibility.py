"""The page without eyes or without a mouse: axe-core finds nothing serious, and everything can be done with keys."""

import re

import pytest
from playwright.sync_api import Page, expect

from gradviz.dashboard.layout import VIEWS
from tests.browser.boxes import axe_finds
from tests.browser.conftest import NUM_EPOCHS, Visit, wait_until_drawn
from tests.browser.reading import epoch_shown, wait_for_view

pytestmark = pytest.mark.browser

LAST = NUM_EPOCHS - 1
_MOST_STOPS = 80


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_to_mend(visit: Visit, view: str, scheme: str) -> None:
    page = visit(f"/?view={view}&epoch=3", scheme=scheme, drawn=view in ("explore", "compare"))
    expect(page.locator("#status")).to_contain_text("Trained")
    assert axe_finds(page) == []


def focused(page: Page) -> str:
    """What a screen reader says of the element that has the focus; empty if none has."""
    return page.evaluate(
        """() => {
          const element = document.activeElement;
          if (!element || element === document.body) return "";
          const group = element.closest("[role=radiogroup], [role=group]");
          const labelled = element.labels && element.labels[0]?.innerText;
          const name = element.getAttribute("aria-label") || labelled || element.innerText;
          return [group?.getAttribute("aria-label"), name].filter(Boolean).join(": ");
        }"""
    )


def tab_to(page: Page, name: str, *, back: bool = False) -> None:
    """Goes with Tab to the control that says `name` of itself, at most once around the page."""
    seen = []
    for _ in range(_MOST_STOPS):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        seen.append(focused(page))
        if re.search(name, seen[-1]):
            return
    raise AssertionError(f"{name} is not reached with Tab: {seen}")


# Of the element that has the focus and of what stands for it: the label of a radio button or chip.
_PLACE = """() => {
  const element = document.activeElement;
  const rects = [element, ...(element.labels ?? [])].map((one) => one.getBoundingClientRect());
  const [left, top] = ["left", "top"].map((side) => Math.max(0, Math.min(...rects.map((rect) => rect[side])) - 6));
  const [right, bottom] = ["right", "bottom"].map((side) => Math.max(...rects.map((rect) => rect[side])) + 6);
  return { x: left, y: top, width: right - left, height: bottom - top };
}"""


def test_explore_is_walked_through_with_keys_alone(visit: Visit) -> None:
    page = visit(stranger=True)
    tab_to(page, "^View")
    tab_to(page, "^Run: ")
    page.keyboard.press("ArrowRight")
    wait_for_view(page, run="dropout")
    wait_until_drawn(page)
    tab_to(page, "^Left picture: first two biases of layer")
    page.keyboard.press("ArrowLeft")
    wait_for_view(page, x_a="hidden.0.linear.bias[0]")
    wait_until_drawn(page)
    tab_to(page, "^Left picture: parameter or direction x₁")
    page.keyboard.press("Control+A")
    page.keyboard.type("hidden.0.linear.bias[4]")
    page.keyboard.press("Enter")
    wait_for_view(page, x_a="hidden.0.linear.bias[4]")
    wait_until_drawn(page)
    tab_to(page, "^Minibatch, counted from 0")
    page.keyboard.press("ArrowRight")
    wait_for_view(page, minibatch=1)
    tab_to(page, "^Rows of a minibatch")
    page.keyboard.press("ArrowLeft")
    wait_for_view(page, minibatch_size=16)
    tab_to(page, "^Mode of the model")
    page.keyboard.press("ArrowRight")
    wait_for_view(page, mode="train")
    tab_to(page, "^Dropout masks")
    page.keyboard.press("ArrowRight")
    wait_for_view(page, masks="frozen")
    wait_until_drawn(page)
    tab_to(page, "^Epoch")
    page.keyboard.press("Home")
    assert epoch_shown(page) == 0
    page.keyboard.press("ArrowRight")
    assert epoch_shown(page) == 1
    page.keyboard.press("End")
    assert epoch_shown(page) == LAST
    wait_until_drawn(page)
    tab_to(page, "^Play the epochs")
    tab_to(page, "^View", back=True)
    page.keyboard.press("ArrowRight")
    wait_for_view(page, view="compare")


def test_compare_is_walked_through_with_keys_alone(visit: Visit) -> None:
    page = visit("/?view=compare", stranger=True)
    tab_to(page, "^Runs side by side: Dropout")
    page.keyboard.press("Space")
    page.wait_for_function("() => window.gradvizPage.view.compared.length === 2")
    wait_until_drawn(page)
    tab_to(page, "^Left picture: first two biases of layer")
    page.keyboard.press("ArrowRight")
    wait_for_view(page, x_a="hidden.2.linear.bias[0]")
    wait_until_drawn(page)
    tab_to(page, "^Epoch")
    page.keyboard.press("ArrowLeft")
    assert epoch_shown(page) == LAST - 1
    wait_until_drawn(page)
    expect(page).to_have_url(re.compile(f"epoch={LAST - 1}"))


def test_where_the_focus_is_can_be_seen(visit: Visit) -> None:
    """With the focus, each control looks other than without."""
    page = visit(reduced_motion="reduce")
    seen = []
    for _ in range(_MOST_STOPS):
        page.keyboard.press("Tab")
        name = focused(page)
        if not name:
            break
        seen.append(name)
        place = page.evaluate(_PLACE)
        with_focus = page.screenshot(clip=place)
        # The next Tab goes on from here all the same.
        page.evaluate("() => document.activeElement.blur()")
        assert page.screenshot(clip=place) != with_focus, f"the focus on {name} cannot be seen"
    assert any("Epoch" in name for name in seen)
