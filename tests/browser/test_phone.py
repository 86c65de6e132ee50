"""A phone of 390 × 844 pixels: everything is within reach, and a finger scrolls."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, shoot, wait_until_drawn

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}


def swipe(page: Page, selector: str) -> None:
    """A finger moves up over the middle of an element."""
    box = page.locator(selector).bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        point = {"x": x, "y": y - 25 * step}
        session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def is_within(page: Page, selector: str) -> bool:
    box = page.locator(selector).bounding_box()
    return box is not None and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]


def test_the_header_fits_and_a_swipe_scrolls(visit: Visit) -> None:
    page = visit("/?epoch=3&points=5", **PHONE)
    for selector in ("#export button", "#scheme", "#view", "#burger", "#status"):
        assert is_within(page, selector), selector
    assert page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]
    ranges = (
        "() => [0, 1].map((slot) => document.querySelector(`#graph-${slot} .js-plotly-plot`)._fullLayout.xaxis.range)"
    )
    before = page.evaluate(ranges)
    swipe(page, "#panel-0 .gv-picture")
    page.wait_for_function("() => window.scrollY > 100")
    assert page.evaluate(ranges) == before
    slider = page.get_by_role("slider", name="Epoch").bounding_box()
    assert slider is not None
    assert slider["y"] < PHONE["height"]  # at hand while the pictures scroll
    page.locator("#export button").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    shoot(page, "explore-light-390")


def test_no_slider_is_too_narrow_to_be_moved(visit: Visit) -> None:
    page = visit("/?view=minibatches&epoch=3&size=16&points=5", **PHONE)
    for host in ("#scrubber", "#minibatch-player"):
        box = page.locator(f"{host} .gv-range").bounding_box()
        assert box is not None
        assert box["width"] >= 100
        assert is_within(page, f"{host} .gv-range")
    shoot(page, "minibatches-light-390")
    page.locator("#burger").click()
    expect(page.locator("#minibatch-size")).to_be_visible()
    page.locator("#view").get_by_text("Explore").click()
    wait_until_drawn(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]
