"""A phone of 390 × 844 pixels: everything is within reach, and fingers scroll, scrub, enlarge and tell."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.boxes import PHONE as SCREEN
from tests.browser.boxes import Window, plane_boxes
from tests.browser.conftest import NUM_EPOCHS, Visit, shoot, wait_until_drawn
from tests.browser.fingers import Fingers, middle_of
from tests.browser.reading import epoch_shown, wait_for_view

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844}
RANGES = "() => [0, 1].map((slot) => document.querySelector(`#graph-${slot} .js-plotly-plot`)._fullLayout.xaxis.range)"


def is_within(page: Page, selector: str) -> bool:
    box = page.locator(selector).bounding_box()
    return box is not None and box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]


def test_the_header_fits_and_a_swipe_scrolls(visit: Visit) -> None:
    page = visit("/?epoch=3&points=5", **PHONE)
    for selector in ("#export button", "#scheme", "#view", "#burger", "#status"):
        assert is_within(page, selector), selector
    assert page.evaluate("() => document.documentElement.scrollWidth") == PHONE["width"]
    before = page.evaluate(RANGES)
    x, y = middle_of(page, "#panel-0 .gv-picture")
    Fingers(page).drag((x, y), (x, y - 250))
    page.wait_for_function("() => window.scrollY > 100")
    assert epoch_shown(page) == 3
    assert page.evaluate(RANGES) == before
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


def test_a_finger_across_a_picture_goes_through_the_epochs(visit: Visit) -> None:
    page = visit("/?epoch=3&points=5", **PHONE)
    x, y = middle_of(page, "#panel-0 .gv-picture")
    ranges = page.evaluate(RANGES)
    fingers = Fingers(page)
    fingers.drag((x, y), (x + 115, y + 6))  # a picture is 390 pixels wide for 7 epochs
    wait_for_view(page, epoch=5)
    fingers.drag((x, y), (x - 360, y))
    wait_for_view(page, epoch=0)
    fingers.drag((20, y), (380, y))
    wait_for_view(page, epoch=NUM_EPOCHS - 1)
    wait_until_drawn(page)
    assert page.evaluate("() => window.scrollY") == 0
    assert page.evaluate(RANGES) == ranges


def test_two_fingers_enlarge_the_planes_and_two_taps_show_them_whole(visit: Visit) -> None:
    """What lay between the fingers stays between them, to the round-off of pixels."""
    page = visit("/?epoch=3&points=5", **PHONE)
    whole = page.evaluate(RANGES)
    plane = plane_boxes(page)[0]
    x, y = plane["left"] + plane["width"] / 4, plane["top"] + plane["height"] / 2
    fingers = Fingers(page)
    fingers.move([((x - 30, y), (x - 60, y)), ((x + 30, y), (x + 60, y))])
    page.wait_for_function(
        f"([[from, to]]) => Math.abs(({RANGES})()[0][1] - ({RANGES})()[0][0] - (to - from) / 2) < 1e-6", arg=whole
    )
    left, right = page.evaluate(RANGES)[0]
    at = whole[0][0] + (whole[0][1] - whole[0][0]) / 4  # between the fingers
    assert left + (right - left) / 4 == pytest.approx(at, abs=1e-6)
    assert page.evaluate(RANGES)[1] == [left, right]  # the other picture shows the same part
    assert epoch_shown(page) == 3
    for _ in range(2):
        fingers.tap((x, y))
    page.wait_for_function(f"(whole) => JSON.stringify(({RANGES})()) === JSON.stringify(whole)", arg=whole)


def test_the_controls_are_a_sheet_under_which_the_picture_follows(visit: Visit) -> None:
    page = visit("/?epoch=3&points=5", **PHONE)
    Window(page).be(SCREEN)
    expect(page.locator("#sidebar")).to_be_hidden()  # and out of the order of Tab
    page.locator("#burger").click()
    expect(page.get_by_role("button", name="Close the controls")).to_be_focused()
    sheet, slider = (
        page.locator(place).bounding_box() for place in (".mantine-AppShell-navbar", "#scrubber .gv-range")
    )
    assert sheet is not None
    assert slider is not None
    assert 0.45 * PHONE["height"] < sheet["height"] < 0.55 * PHONE["height"]
    assert slider["y"] + slider["height"] <= sheet["y"]
    page.locator("#variant").get_by_text("Dropout").click()
    wait_for_view(page, run="dropout")
    shoot(page, "sheet-light-390")
    x, y = middle_of(page, "#sheet-handle")
    Fingers(page).drag((x, y), (x, y + 120))
    expect(page.locator("#sidebar")).to_be_hidden()
    page.locator("#burger").click()
    expect(page.get_by_role("button", name="Close the controls")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#burger")).to_be_focused()
    expect(page.locator("#sidebar")).to_be_hidden()


def test_the_epoch_is_at_hand_beside_a_lesson_and_the_rows(visit: Visit) -> None:
    page = visit("/?lesson=arrow&step=3&panel=rows", width=768, height=1024)
    page.locator(".gv-rowlist li").first.wait_for()
    assert page.get_by_role("slider", name="Epoch").evaluate(
        """(slider) => {
          const { right, top, height } = slider.getBoundingClientRect();
          return document.elementFromPoint(right - 8, top + height / 2) === slider;
        }"""
    )


def test_a_tap_tells_what_a_mouse_is_told_by_hovering(visit: Visit) -> None:
    page = visit("/?epoch=3&points=5", **PHONE)
    Fingers(page).tap(middle_of(page, "#status"))
    expect(page.locator("#tip")).to_contain_text("Trained")


@pytest.mark.parametrize("view", ["explore", "compare"])
def test_the_epoch_is_at_hand_where_the_page_is_enlarged(visit: Visit, view: str) -> None:
    """At 200 % a window of 1280 × 720 has 640 × 360 pixels."""
    page = visit(f"/?view={view}&epoch=3&points=5", width=640, height=360)
    for place in ("0", "document.body.scrollHeight / 2", "document.body.scrollHeight"):
        page.evaluate(f"() => window.scrollTo(0, {place})")
        slider = page.locator("#scrubber .gv-range").bounding_box()
        assert slider is not None
        assert 0 <= slider["y"] <= 360 - slider["height"]
