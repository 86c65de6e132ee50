"""Picking two units on their map, with the mouse, with keys and from the suggestions."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.boxes import axe_finds
from tests.browser.conftest import Visit, shoot, wait_until_drawn
from tests.browser.reading import plotly

pytestmark = pytest.mark.browser

_UNITS = "async (layer) => (await (await fetch(`api/v1/units/none/4/${layer}?minibatch_size=16&mode=eval`)).json())"
_PLACES = "() => window.gradvizPage.units.map(({ unit, x, y, isDead }) => ({ unit, x, y, isDead }))"


def picker(page: Page, side: str = "Left") -> Locator:
    """The dialog, with the map and the suggestions in it."""
    page.get_by_role("button", name=f"{side} picture: pick two units").click()
    dialog = page.get_by_role("dialog", name="Two units")
    expect(dialog.locator(".gv-suggestions")).to_have_attribute("aria-busy", "false")
    return dialog


def test_two_units_are_picked_with_the_mouse(visit: Visit) -> None:
    page = visit("/?epoch=4&size=16")
    dialog = picker(page)
    canvas = dialog.locator("canvas")
    box = canvas.bounding_box()
    assert box is not None
    places = page.evaluate(_PLACES)
    alone = [one for one in places if all(one is other or _distance(one, other) > 3 for other in places)]
    for one in alone[-2:]:
        canvas.click(position={"x": one["x"], "y": one["y"]})
    expect(dialog).to_be_hidden()
    wait_until_drawn(page)
    first, second = (f"hidden.1.linear.bias[{one['unit']}]" for one in alone[-2:])
    expect(page.locator("#title-0")).to_have_attribute("title", f"x₁: {first}\nx₂: {second}")
    assert plotly(page, 1)["xTitle"] == "Δ b₀ of hidden layer 2"
    expect(page).to_have_url(re.compile(re.escape(f"x1={first}&y1={second}")))


def _distance(one: dict, other: dict) -> float:
    return ((one["x"] - other["x"]) ** 2 + (one["y"] - other["y"]) ** 2) ** 0.5


def test_two_units_of_two_layers_are_picked_with_keys(visit: Visit) -> None:
    page = visit("/?epoch=4&size=16")
    opener = page.get_by_role("button", name="Right picture: pick two units")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Two units for the right picture")
    told = dialog.get_by_role("status")
    expect(told).to_contain_text("Pick x₁")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    map_of_units = dialog.get_by_role("application")
    expect(told).to_contain_text("Pick x₁")
    map_of_units.focus()
    page.keyboard.press("ArrowRight")
    expect(told).to_contain_text("unit 0: ")
    page.keyboard.press("Enter")
    expect(told).to_contain_text("x₁ is b₀ of hidden layer 2")
    page.keyboard.press("Enter")
    expect(told).to_contain_text("a plane needs two")
    dialog.get_by_label("Layer").select_option("0")
    unit_list = dialog.get_by_label("Units as a list")
    expect(unit_list.locator("option")).to_have_count(21)
    expect(told).to_contain_text("x₁ is b₀ of hidden layer 2")
    unit_list.select_option("7")
    expect(told).to_contain_text("unit 7: ")
    dialog.get_by_role("button", name="Pick as x₂").press("Enter")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    wait_until_drawn(page)
    assert plotly(page, 1)["xTitle"] == "Δ b₀ of hidden layer 2"
    assert plotly(page, 1)["yTitle"] == "Δ b₇ of hidden layer 0"


def test_a_suggested_pair_of_a_layer_is_shown(visit: Visit) -> None:
    page = visit("/?epoch=4&size=16&view=compare")
    dialog = picker(page)
    dialog.get_by_label("Layer").select_option("0")
    expect(dialog.locator(".gv-suggestion").first).to_be_visible()
    expect(dialog.locator(".gv-suggestions")).to_have_attribute("aria-busy", "false")
    asked = page.evaluate("async () => (await fetch('api/v1/pairs/none/4/0?minibatch_size=16&mode=eval')).json()")
    best = asked["pairs"][0]
    dialog.locator(".gv-suggestion").first.click()
    wait_until_drawn(page)
    for slot in range(3):
        expect(page.locator(f"#title-{slot}")).to_have_attribute("title", f"x₁: {best['x']}\nx₂: {best['y']}")


def test_where_the_batch_statistics_cancel_the_biases_beta_is_picked(visit: Visit) -> None:
    page = visit("/?epoch=4&size=16&variant=batchnorm&mode=train", drawn=False)
    dialog = picker(page)
    expect(dialog.get_by_role("status")).to_contain_text("Gradients are of β")
    dialog.locator(".gv-suggestion").first.click()
    page.wait_for_function("() => window.gradvizPage.view.x_a.startsWith('hidden.1.norm.bias[')")


@pytest.mark.parametrize(("button", "name"), [("pick two units", "Two units"), ("choose directions…", "Directions")])
def test_what_is_pressed_before_the_runs_are_known_opens_then(visit: Visit, button: str, name: str) -> None:
    page = visit("/healthz", drawn=False)
    held: list[Route] = []
    page.route("**/api/v1/runs", lambda route: held.append(route) or page.evaluate("window.areRunsAsked = true"))
    page.goto(page.url.replace("/healthz", "/?epoch=4&size=16"))
    page.wait_for_function("() => window.gradvizPage?.view")
    page.get_by_role("button", name=f"Left picture: {button}").click()
    assert not page.evaluate("window.gradvizPage.knowsRuns")
    for route in held:
        route.continue_()
    expect(page.get_by_role("dialog", name=name)).to_be_visible()
    expect(page.locator(".gv-notice")).to_have_count(0)


def test_an_answer_for_a_layer_that_was_left_comes_to_nothing(visit: Visit) -> None:
    page = visit("/?epoch=4&size=16", lenient=True)
    held: list[Route] = []
    page.route("**/api/v1/units/none/4/0?*", lambda route: held.append(route))
    dialog = picker(page)
    with page.expect_request("**/api/v1/units/none/4/0?*"):
        dialog.get_by_label("Layer").select_option("0")
    expect(dialog.get_by_role("status")).to_contain_text("Computing")
    dialog.get_by_label("Layer").select_option("2")
    expect(dialog.get_by_label("Units as a list").locator("option")).to_have_count(6)
    for route in held:
        route.abort()
    expect(dialog.get_by_role("status")).to_contain_text("of 5 units are dead")


def test_what_the_server_refuses_is_said(visit: Visit) -> None:
    page = visit("/?epoch=4&size=16", lenient=True)
    page.route("**/api/v1/units/**", lambda route: route.fulfill(status=503, json={"error": "Too busy."}))
    page.get_by_role("button", name="Left picture: pick two units").click()
    dialog = page.get_by_role("dialog", name="Two units")
    expect(dialog.get_by_role("status")).to_have_text("Too busy.")
    expect(dialog.get_by_role("button", name="Pick", exact=True)).to_be_disabled()


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), pytest.param("light", 768, marks=pytest.mark.slow)])
def test_axe_finds_nothing_to_mend_in_the_dialog(visit: Visit, scheme: str, width: int) -> None:
    page = visit("/?epoch=4&size=16", scheme=scheme, width=width)
    if width < 992:
        page.get_by_label("Controls").click()
    dialog = picker(page)
    assert axe_finds(page) == []
    box = dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    shoot(page, f"picker-{scheme}-{width}")
