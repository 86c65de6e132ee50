"""Reading a picture: what the arrows are, what is said of them, and help where it is wanted."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NUM_EPOCHS, Server, Visit, shoot, wait_until_drawn
from tests.browser.reading import caption, frame_shown, gradients, number_text, numbers_of, place_of, reading, trace

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
    expect(card).to_contain_text("How far the two parameters move")
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


def test_the_point_at_the_pointer_is_marked_and_told_in_all_pictures(visit: Visit) -> None:
    page = visit("/?epoch=3&points=11")
    rows = gradients(page, 1)
    at_rest = reading(page, 1)
    page.mouse.move(*place_of(page, 0.04, -0.06))
    expect(page.locator("#reading-1")).to_contain_text("Δ 0.0400, −0.0600")
    u, loss = rows[2 * 11 + 7][[2, 5]]
    expect(page.locator("#reading-1")).to_contain_text(f"∂J/∂x₁ {number_text(u)}")
    expect(page.locator("#reading-1")).to_contain_text(f"J {number_text(loss, 4)}")
    marks = [page.locator(f"#cross-{slot}").bounding_box() for slot in (0, 1)]
    for slot, box in enumerate(marks):
        assert box is not None
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        np.testing.assert_allclose(middle, place_of(page, 0.04, -0.06, slot), atol=1)
    page.mouse.move(5, 5)
    expect(page.locator("#cross-0")).to_be_hidden()
    assert reading(page, 1) == at_rest


def test_the_point_is_moved_by_keys_and_spoken_while_the_epoch_stays(visit: Visit) -> None:
    page = visit("/?epoch=3&points=11")
    page.locator("#reading-0").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    expect(page.locator("#reading-1")).to_contain_text("Δ 0.0400, 0.0200")
    expect(page.locator("#spoken")).to_contain_text("Δ 0.0400, 0.0200")
    assert frame_shown(page) == 3
    page.keyboard.press("Escape")
    expect(page.locator("#cross-0")).to_be_hidden()


def test_words_say_where_the_gradient_points_and_what_is_dead(visit: Visit) -> None:
    page = visit("/?epoch=3")
    shown = numbers_of(page, 1)
    frame = [shown["u"][220], shown["v"][220], shown["share_below"], shown["num_rows"]]
    words = caption(page, 1)
    largest = max(abs(frame[0]), abs(frame[1]))
    for name, part in (("x₁", frame[0]), ("x₂", frame[1])):
        if abs(part) > 0.1 * largest:
            assert f"{'larger' if part > 0 else 'smaller'} {name}" in words
    assert f"of {frame[3]} rows are predicted below target" in words
    page.goto(page.url.replace("epoch=3", "epoch=3&direction=descent"))
    wait_until_drawn(page)
    assert "descent goes to" in caption(page, 1)


def test_numbers_open_by_keyboard_as_a_table_that_follows_the_picture(visit: Visit) -> None:
    page = visit("/?epoch=3&points=11")
    assert page.locator(".gv-number-table").count() == 0
    page.locator("#numbers-0 summary").focus()
    page.keyboard.press("Enter")
    table = page.locator("#numbers-0 table")
    expect(table.locator("thead th")).to_have_text(["Δx₁", "Δx₂", "∂J/∂x₁", "∂J/∂x₂", "|∇J|", "J", "zero?"])
    expect(table.locator("caption")).to_contain_text("epoch 3 · minibatch 0")
    assert table.locator("tbody tr").count() == 121
    last = table.locator("tbody tr").last.locator("th, td").all_inner_texts()
    row = gradients(page)[-1]
    assert last[:3] == ["0.1000", "0.1000", number_text(row[2], 4)]
    assert row[2] != 0
    assert last[5:] == [number_text(row[5], 4), "no" if row[3] else "∂J/∂x₂"]
    shoot(page, "numbers-light-1280")
    page.locator("#scrubber .gv-range").focus()
    page.keyboard.press("ArrowRight")
    expect(table.locator("caption")).to_contain_text("epoch 4")
    wait_until_drawn(page)
    assert table.locator("tbody tr").last.locator("td").first.inner_text() == number_text(gradients(page)[-1][2], 4)
    page.locator("#numbers-0 summary").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".gv-number-table")).to_have_count(0)


@pytest.mark.slow
def test_the_path_goes_through_the_checkpoints_and_says_what_lies_outside(visit: Visit, server: Server) -> None:
    page = visit("/?epoch=3&show=path&width=0.001")
    pair = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]"}
    places = []
    for epoch in range(NUM_EPOCHS):
        asked = {"variant": "none", "epoch": epoch, "points": 3, "half_width": 0.001, **pair}
        field = page.request.get(f"{server.url}/api/v1/landscape", params=asked).json()
        places.append((field["x"][1], field["y"][1]))
    way = np.array(places) - places[3]
    strokes = numbers_of(page)["strokes"]
    past = [one for one in strokes if one["kind"] == "line" and not one["dashed"] and one["width"] < 4]
    np.testing.assert_allclose(np.stack([past[0]["x"], past[0]["y"]], 1), way[:4], atol=1e-7)
    (later,) = [one for one in strokes if one.get("dashed")]
    np.testing.assert_allclose(np.stack([later["x"], later["y"]], 1), way[3:], atol=1e-7)
    inside = (np.abs(way) <= 0.0011).all(axis=1)
    assert 0 < inside.sum() < NUM_EPOCHS
    assert f"{inside.sum()} of {NUM_EPOCHS} epochs lie on this plane" in caption(page)
    (heads,) = [one for one in strokes if one["kind"] == "heads"]
    border = np.maximum(np.abs(heads["x"]), np.abs(heads["y"]))
    np.testing.assert_allclose(border, 0.0011, rtol=1e-9)
    shoot(page, "path-light-1280")
    page.goto(page.url.replace("width=0.001", "width=5"))
    wait_until_drawn(page)
    assert f"All {NUM_EPOCHS} epochs lie on this plane" in caption(page)


def test_the_spread_of_the_minibatches_is_drawn_and_told(visit: Visit) -> None:
    page = visit("/?size=16&epoch=3")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.get_by_text("Drawing", exact=True).click()
    page.locator(".gv-fold .gv-chips").get_by_text("minibatches").click()
    expect(page.locator("#caption-0")).to_contain_text("within 90° of their mean direction")
    centres = [(one["u"][220], one["v"][220], one["isZero"][220]) for one in numbers_of(page)["minibatches"]["frames"]]
    arrows = np.array([[u, v] for u, v, is_zero in centres if not is_zero])
    units = arrows / np.hypot(*arrows.T)[:, None]
    within = int((units @ units.mean(0) > 0).sum())
    words = caption(page)
    assert f"{within} of {len(arrows)} minibatches point" in words
    assert f"R = {np.hypot(*units.mean(0)):.2f}" in words
    assert len([address for address in requests if "over=minibatches" in address]) == 2
    # At another epoch it is another spread: drawn once the hand has let go.
    page.locator("#scrubber .gv-range").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "() => window.gradvizPage.panels[0].minibatchesAt === 4 && window.gradvizPage.numbers(0).strokes.length > 0"
    )
    wait_until_drawn(page)
    shoot(page, "spread-light-1280")


def test_zoom_is_one_for_all_pictures_and_a_double_click_resets_it(visit: Visit) -> None:
    page = visit("/?epoch=3")
    (left, bottom), (right, top) = place_of(page, -0.05, -0.05), place_of(page, 0.05, 0.05)
    page.mouse.move(left, bottom)
    page.mouse.down()
    page.mouse.move(right, top, steps=4)
    page.mouse.up()
    ranges = (
        "() => [0, 1].map((slot) => document.querySelector(`#graph-${slot} .js-plotly-plot`)._fullLayout.xaxis.range)"
    )
    page.wait_for_function(f"() => (({ranges})()).every(([from, to]) => to - from < 0.12)")
    wait_until_drawn(page)
    first, second = page.evaluate(ranges)
    np.testing.assert_allclose(first, second)
    page.keyboard.press("ArrowLeft")
    wait_until_drawn(page)
    np.testing.assert_allclose(page.evaluate(ranges), [first, first])
    page.mouse.dblclick(*place_of(page, 0, 0, 1))
    page.wait_for_function(f"() => (({ranges})()).every(([from, to]) => Math.abs(to - from - 0.22) < 1e-6)")
    page.keyboard.press("+")
    page.wait_for_function(f"() => (({ranges})()).every(([from, to]) => Math.abs(to - from - 0.11) < 1e-6)")
    page.get_by_role("button", name="Whole plane").first.click()
    page.wait_for_function(f"() => (({ranges})()).every(([from, to]) => Math.abs(to - from - 0.22) < 1e-6)")
