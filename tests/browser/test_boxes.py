"""Every view on every kind of screen: nothing is clipped, overlaps, lies outside or moves while it is scrubbed."""

import pytest
from playwright.sync_api import expect

from tests.browser.boxes import (
    LAPTOP,
    PHONE,
    SCREENS,
    TABLET,
    Screen,
    Window,
    axe_finds,
    faults,
    moved,
    plane_boxes,
    small_targets,
    watch,
)
from tests.browser.conftest import NUM_EPOCHS, Visit, wait_until_drawn
from tests.browser.reading import wait_for_view

pytestmark = pytest.mark.browser

ENLARGED = next(screen for screen in SCREENS if screen.zoom == 2)
DRAWN = {
    "explore": "/?epoch=3",
    "compare": "/?view=compare&epoch=3",
    "masked": "/?view=compare&epoch=3&mode=train",
    "minibatches": "/?view=minibatches&epoch=3&size=16",
    "rows": "/?epoch=3&size=16&panel=rows",
    "presented": "/?epoch=3&present=on",
    "lesson": "/?lesson=dropout&step=3",
}
_LIKE_OTHERS = ("masked", "presented", "minibatches", "training", "paths", "rows")  # for `make test-slow`
TOLD = {"paths": "/?view=paths", "evidence": "/?view=evidence", "training": "/?view=training"}


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        pytest.param(name, scheme, marks=[pytest.mark.slow] if scheme == "dark" or name in _LIKE_OTHERS else [])
        for name in DRAWN | TOLD
        for scheme in ("light", "dark")
    ],
)
def test_nothing_is_clipped_overlaps_or_lies_outside_on_any_screen(visit: Visit, name: str, scheme: str) -> None:
    page = visit((DRAWN | TOLD)[name], drawn=name in DRAWN)
    if name != "presented":  # it has no header
        expect(page.locator("#status")).to_contain_text("Trained")
    window = Window(page)
    assert window.faults(scheme) == {}
    page.emulate_media(color_scheme="dark")
    window.be(PHONE)
    assert axe_finds(page) == []


OPENED = {"export": "Export", "pick": "Left picture: pick two units", "directions": "Left picture: choose directions…"}


@pytest.mark.parametrize("screen", [PHONE, TABLET, LAPTOP, ENLARGED], ids=lambda screen: screen.name)
def test_no_dialog_is_clipped_or_lies_outside(visit: Visit, screen: Screen) -> None:
    page = visit("/?epoch=3")
    window = Window(page)
    window.be(screen)
    found = {}
    page.get_by_role("button", name="Scenes", exact=True).click()
    expect(page.locator(".gv-scenes-body")).to_have_attribute("aria-busy", "false")
    found["scenes"] = faults(page) + (small_targets(page) if screen.touch else [])
    page.keyboard.press("Escape")
    for name, opener in OPENED.items():
        if name != "export" and page.locator("#burger").is_visible():
            page.locator("#burger").click()
            expect(page.locator("#sidebar")).to_be_visible()
            found["controls"] = faults(page)
        page.get_by_role("button", name=opener, exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        found[name] = faults(page) + (small_targets(page) if screen.touch else [])
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
        if page.locator("#sheet-handle").is_visible():
            page.keyboard.press("Escape")
            expect(page.locator("#sidebar")).to_be_hidden()
    assert {where: told for where, told in found.items() if told} == {}


@pytest.mark.parametrize(
    ("name", "screen"),
    [
        ("explore", PHONE),
        ("masked", LAPTOP),
        pytest.param("explore", LAPTOP, marks=pytest.mark.slow),
        pytest.param("masked", TABLET, marks=pytest.mark.slow),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_nothing_moves_while_the_epochs_are_scrubbed_or_play(visit: Visit, name: str, screen: Screen) -> None:
    page = visit(DRAWN[name].replace("epoch=3", "epoch=0"))
    Window(page).be(screen)
    slider = page.get_by_role("slider", name="Epoch")
    slider.focus()
    watch(page)
    for epoch in range(1, NUM_EPOCHS):
        page.keyboard.press("ArrowRight")
        wait_for_view(page, epoch=epoch)
    wait_until_drawn(page)
    page.keyboard.press("Home")
    page.get_by_label("Epochs a second").select_option("20")
    page.get_by_role("button", name="Play the epochs").click()
    wait_for_view(page, epoch=NUM_EPOCHS - 1)
    wait_until_drawn(page)
    assert moved(page) == {}


def test_planes_side_by_side_are_one_square_at_one_height(visit: Visit) -> None:
    """Whatever their titles say and whatever is drawn: all arrows of the third are zero, the second has masks."""
    page = visit(DRAWN["masked"])
    first, *others = plane_boxes(page)
    assert len(others) == 2
    for one in others:
        assert [one[side] for side in ("top", "width", "height")] == pytest.approx(
            [first[side] for side in ("top", "width", "height")], abs=0.01
        )


HEADER = """() => [...document.querySelectorAll(".gv-header > *, .gv-header > * > *")].flatMap((one) => {
  if (!one.checkVisibility()) return [];
  const { left, top, right, bottom, width } = one.getBoundingClientRect();
  const page = document.querySelector(".mantine-AppShell-header").getBoundingClientRect();
  const host = one.parentElement.getBoundingClientRect();
  const isScrolled = getComputedStyle(one.parentElement).overflowX === "auto";
  const isBetween = top >= page.top - 1 && bottom <= page.bottom + 1;
  const isIn = isBetween && left >= host.left - 1 && (isScrolled || right <= host.right + 1);
  return !width || isIn ? [] : `${one.className || one.id}: ${left}, ${top} to ${right}, ${bottom}`;
})"""


def test_what_the_header_holds_lies_within_it_on_every_screen(visit: Visit) -> None:
    """Also beside each other: each of several parts brings a button of its own."""
    page = visit(DRAWN["compare"])
    window = Window(page)
    found: dict[str, list[str]] = {}
    for screen in SCREENS:
        window.be(screen)
        found[screen.name] = page.evaluate(HEADER)
    assert {where: told for where, told in found.items() if told} == {}


@pytest.mark.parametrize("name", ["explore", "compare", "masked", "lesson"])
def test_a_title_says_all_its_conditions_on_every_screen(visit: Visit, name: str) -> None:
    """None is cut off below: mode and masks come last."""
    page = visit(DRAWN[name])
    window = Window(page)
    cut: dict[str, list[str]] = {}
    for screen in SCREENS:
        window.be(screen)
        cut[screen.name] = page.evaluate(
            """() => [...document.querySelectorAll(".gv-panel .gv-title")].filter((one) => one.checkVisibility()
              && one.scrollHeight > one.clientHeight + 1).map((one) => one.textContent)"""
        )
    assert {where: told for where, told in cut.items() if told} == {}


def test_the_epoch_can_be_moved_while_a_lesson_lies_below_the_pictures(visit: Visit) -> None:
    page = visit(DRAWN["lesson"])
    window = Window(page)
    for screen in SCREENS:
        window.be(screen)
        page.get_by_role("slider", name="Epoch").click(trial=True, timeout=5000)
        box = page.get_by_role("slider", name="Epoch").bounding_box()
        lesson = page.locator("#lesson").bounding_box()
        assert box
        assert lesson
        assert box["y"] + box["height"] <= screen.height // screen.zoom, screen
        is_beside = lesson["x"] >= box["x"] + box["width"] - 1
        assert is_beside or box["y"] + box["height"] <= lesson["y"] + 1, screen


def test_the_names_of_curves_keep_their_room_when_the_window_changes(visit: Visit) -> None:
    page = visit(DRAWN["compare"])
    window = Window(page)
    for screen in (PHONE, LAPTOP, TABLET):
        window.be(screen)
        page.wait_for_function(
            """() => { const names = [...document.querySelectorAll("#loss-names span")];
              return names.length > 0 && names.every((one) => one.scrollWidth <= one.clientWidth + 1); }"""
        )
