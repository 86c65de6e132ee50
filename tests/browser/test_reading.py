"""Reading a picture: what the arrows are, what is said of them, and help where it is wanted."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit, shoot, wait_until_drawn
from tests.browser.reading import gradients, trace

pytestmark = pytest.mark.browser


def test_descent_turns_the_arrows_round_and_the_page_says_so(visit: Visit) -> None:
    page = visit("/?epoch=3")
    up, numbers = trace(page, "quiver"), gradients(page)
    page.get_by_text("Drawing", exact=True).click()
    page.locator("#direction").get_by_text("descent").click()
    expect(page.locator("#title-0")).to_contain_text("−∇J")
    wait_until_drawn(page)
    down = trace(page, "quiver")
    assert up is not None
    assert down is not None
    np.testing.assert_array_equal([*down["u"], *down["v"]], [-value for value in [*up["u"], *up["v"]]])
    np.testing.assert_array_equal(gradients(page), numbers)
    expect(page).to_have_url(re.compile("direction=descent"))
    shoot(page, "descent-light-1280")


def test_help_opens_by_keyboard_and_closes_with_escape_or_a_click_elsewhere(visit: Visit) -> None:
    page = visit("/?epoch=3")
    button = page.get_by_label("Help: Grid")
    button.focus()
    page.keyboard.press("Enter")
    card = page.locator(".gv-help[open] .gv-help-card")
    expect(card).to_contain_text("How far the two parameters are moved")
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)
    expect(button).to_be_focused()
    button.click()
    expect(card).to_be_visible()
    page.get_by_label("Help: Minibatch").click()
    expect(card).to_have_count(1)
    expect(card).to_contain_text("J(θ; a)")
    page.locator("#title-0").click()
    expect(card).to_have_count(0)
