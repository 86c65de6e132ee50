"""Explore: one regularizer, two layers, scrubbing, other parameters and minibatches; the numbers are the API's."""

import base64
import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import NUM_EPOCHS, Server, Visit, shoot, wait_until_drawn
from tests.browser.reading import (
    caption,
    epoch_shown,
    frame_shown,
    gradients,
    plotly,
    trace,
    wait_for_minibatches,
    wait_for_view,
)

pytestmark = pytest.mark.browser

LAST = NUM_EPOCHS - 1


def from_api(page: Page, server: Server, **asked: object) -> np.ndarray:
    """The field as the API has it, in the rows of `gradients`."""
    answer = page.request.get(
        f"{server.url}/api/v1/landscape", params={key: str(value) for key, value in asked.items()}
    )
    field: dict[str, Any] = answer.json()
    y_YX, x_YX = np.meshgrid(field["y"], field["x"], indexing="ij")
    u, v, loss = (np.array(field[name]).ravel() for name in ("u", "v", "loss"))
    return np.stack([x_YX.ravel(), y_YX.ravel(), u, v, np.hypot(u, v), loss], axis=1)


def api_requests(page: Page) -> list[str]:
    """Collects addresses of the API from now on."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url) if "/api/" in request.url else None)
    return seen


def test_the_first_page_shows_two_layers_at_the_newest_epoch(visit: Visit, server: Server) -> None:
    page = visit()
    expect(page.locator("#title-0 h2")).to_have_text("Hidden layer 1")
    expect(page.locator("#title-1 h2")).to_have_text("Hidden layer 2")
    assert epoch_shown(page) == LAST
    for slot in (0, 1):
        shown = plotly_names(page, slot)
        pair = {"x": shown[0], "y": shown[1]}
        expected = from_api(page, server, run="none", epoch=LAST, **pair)
        np.testing.assert_allclose(gradients(page, slot), expected, rtol=1e-6)
        layer, unit = slot + 1, pair["x"].split("[")[1].strip("]")
        subscript = "".join(chr(0x2080 + int(digit)) for digit in unit)
        assert plotly(page, slot)["xTitle"] == f"Δ b{subscript} of hidden layer {layer}"
    assert "rows" in caption(page)
    expect(page.locator("#loss-mark")).to_have_attribute("data-epoch", str(LAST))
    shoot(page, "explore-light-1280")


def plotly_names(page: Page, slot: int) -> tuple[str, str]:
    """The two parameters of a picture, as its title says them in full on hover."""
    x, y = (page.locator(f"#title-{slot}").get_attribute("title") or "").split("\n")
    return x.removeprefix("x₁: "), y.removeprefix("x₂: ")


def test_the_first_page_opens_on_live_biases_and_names_them(visit: Visit, server: Server) -> None:
    """Links that name anything open what they always did: the first two biases."""
    page = visit("/", stranger=True)
    expect(page.locator("#first-note")).to_contain_text("Each arrow is the gradient of the loss on these 64 rows")
    expect(page.locator("#first-note")).to_contain_text("Move the epoch slider below")
    middle = NUM_EPOCHS // 2
    for slot, layer in ((0, 1), (1, 2)):
        shares = [
            page.request.get(f"{server.url}/api/v1/activity/none/{epoch}").json()["layers"][layer]
            for epoch in (0, middle, LAST)
        ]
        alive = [unit for unit in range(len(shares[0])) if all(each[unit] >= 0.05 for each in shares)]
        expected = tuple(f"hidden.{layer}.linear.bias[{unit}]" for unit in (alive if len(alive) > 1 else [0, 1])[:2])
        assert plotly_names(page, slot) == expected
    x, y = plotly_names(page, 0)
    expect(page).to_have_url(re.compile(re.escape(f"x1={x}&y1={y}")))
    shoot(page, "first-picture-light-1280")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#first-note")).to_be_empty()  # the reader has acted
    page.goto(server.url)
    wait_until_drawn(page)
    expect(page.locator("#first-note")).to_be_empty()  # and is not asked again
    page.goto(f"{server.url}/?epoch={LAST}")
    wait_until_drawn(page)
    assert plotly_names(page, 0) == ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]")


def test_the_first_two_biases_are_one_click_away_and_stay_in_the_link(visit: Visit, server: Server) -> None:
    page = visit("/?x1=hidden.1.linear.bias[3]&y1=hidden.1.linear.bias[4]")
    field = page.get_by_label("Left picture: parameter or direction x₁", exact=True)
    expect(field).to_have_value("b₃ of hidden layer 1")
    field.focus()
    expect(field).to_have_value("hidden.1.linear.bias[3]")
    page.locator("#pair-line-a").get_by_role("button", name="first two biases").click()
    expect(field).to_have_value("b₀ of hidden layer 1")
    expect(page).to_have_url(re.compile(re.escape("x1=hidden.1.linear.bias[0]&y1=hidden.1.linear.bias[1]")))
    expect(page.locator("#pair-line-a").get_by_role("button", name="first two biases")).to_have_count(0)


def test_a_dead_unit_is_explained_and_a_button_leads_to_the_nearest_live_pair(visit: Visit, server: Server) -> None:
    """Where one of the two is dead, the button is under the names; where both are, it is on the picture."""
    page = visit()
    scene = page.request.get(f"{server.url}/api/v1/scenes/dead-unit").json()
    (panel,) = scene["panels"]
    run, x, y = panel["run"], panel["x"], panel["y"]
    layer, dead = int(x.split(".")[1]), int(x.split("[")[1].strip("]"))
    asked = f"{server.url}/api/v1/units/{run}/{LAST}/{layer}?minibatch_size=64&mode=eval"
    told = page.request.get(asked).json()
    largest = max(told["gradient_rms"])
    alive = [
        unit
        for unit, (size, share) in enumerate(zip(told["gradient_rms"], told["active"], strict=True))
        if size > 1e-5 * largest and share >= 0.05
    ]
    nearest = sorted(alive, key=lambda unit: (abs(unit - dead), unit))
    page.goto(f"{server.url}/?variant={run}&epoch={LAST}&x1={x}&y1={y}")
    wait_until_drawn(page)
    assert "all arrows are parallel to x₂" in caption(page)
    page.locator("#pair-line-a").get_by_role("button", name="nearest live pair").click()
    # The other one is the nearest of all: the next takes the dead one's place.
    wait_for_view(page, x_a=x.replace(f"[{dead}]", f"[{nearest[0]}]"), y_a=x.replace(f"[{dead}]", f"[{nearest[1]}]"))
    others = [unit for unit, share in enumerate(told["active"]) if share == 0 and unit != dead]
    pairs = ({"x": x, "y": x.replace(f"[{dead}]", f"[{unit}]")} for unit in others)
    both = next(pair for pair in pairs if not from_api(page, server, run=run, epoch=LAST, **pair)[:, 4].any())
    page.goto(f"{server.url}/?variant={run}&epoch={LAST}&x1={both['x']}&y1={both['y']}")
    wait_until_drawn(page)
    card = page.locator("#veil-0")
    expect(card).to_contain_text("inactive on every row")
    card.get_by_role("button", name="Show the nearest live pair").click()
    wait_until_drawn(page)
    expect(card).to_be_empty()
    page.wait_for_function(
        "() => document.querySelector('#graph-0 .js-plotly-plot')._fullData.some(({ type }) => type === 'quiver')"
    )


def test_a_live_pair_that_is_found_late_does_not_move_a_reader_who_has_gone_on(visit: Visit, server: Server) -> None:
    page = visit()
    (panel,) = page.request.get(f"{server.url}/api/v1/scenes/dead-unit").json()["panels"]
    run, x, y = panel["run"], panel["x"], panel["y"]
    page.goto(f"{server.url}/?variant={run}&epoch={LAST}&x1={x}&y1={y}")
    wait_until_drawn(page)
    held: list[Route] = []
    page.route("**/api/v1/units/**", lambda route: held.append(route))
    with page.expect_request("**/api/v1/units/**"):
        page.locator("#pair-line-a").get_by_role("button", name="nearest live pair").click()
    other = "none" if run != "none" else "dropout"
    page.locator("#variant").get_by_text(other.capitalize()).click()
    wait_for_view(page, run=other)
    with page.expect_event("requestfinished", lambda request: "/units/" in request.url):
        for route in held:
            route.continue_()
    page.wait_for_load_state("networkidle")
    wait_for_view(page, run=other, x_a=x, y_a=y)


def test_keys_scrub_without_asking_the_server(visit: Visit, server: Server) -> None:
    page = visit()
    asked = api_requests(page)
    slider = page.get_by_role("slider", name="Epoch")
    slider.focus()
    for key, epoch in (("ArrowLeft", LAST - 1), ("ArrowLeft", LAST - 2), ("Home", 0), ("ArrowRight", 1), ("End", LAST)):
        page.keyboard.press(key)
        assert (epoch_shown(page), frame_shown(page), frame_shown(page, 1)) == (epoch, epoch, epoch)
        expect(page.locator("#scrubber .gv-number")).to_have_text(f"epoch {epoch}")
    page.keyboard.press("ArrowLeft")
    wait_until_drawn(page)
    assert [address for address in asked if "frames" in address or "landscape" in address] == []
    x, y = plotly_names(page, 0)
    expected = from_api(page, server, run="none", epoch=LAST - 1, x=x, y=y)
    np.testing.assert_allclose(gradients(page), expected, rtol=1e-6)
    expect(page).to_have_url(re.compile(rf"epoch={LAST - 1}"))


def test_arrow_keys_work_where_nothing_has_the_focus(visit: Visit) -> None:
    page = visit()
    page.keyboard.press("ArrowLeft")
    assert frame_shown(page) == LAST - 1


def test_dragging_and_turning_the_wheel_scrub(visit: Visit) -> None:
    page = visit()
    asked = api_requests(page)
    slider = page.get_by_role("slider", name="Epoch")
    box = slider.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 8, middle)
    page.mouse.down()
    seen = set()
    for step in range(25):
        page.mouse.move(box["x"] + 8 + (box["width"] - 16) * (24 - step) / 24, middle)
        seen.add(frame_shown(page))
    assert page.evaluate("() => window.gradvizPage.panels[0].isCommitted") is False
    page.mouse.up()
    wait_until_drawn(page)
    assert seen == set(range(NUM_EPOCHS))
    page.mouse.wheel(0, 100)
    wait_for_view(page, epoch=1)
    page.mouse.wheel(0, -100)
    wait_for_view(page, epoch=0)
    wait_until_drawn(page)
    assert [address for address in asked if "frames" in address] == []


def test_the_canvas_shows_what_plotly_then_shows(visit: Visit) -> None:
    """Arrows are painted while a slider moves; let go, Plotly draws the same: fewer than 1 % of the pixels differ."""
    page = visit("/?epoch=3&under=none")
    picture = page.locator("#panel-0 .gv-picture")
    before = picture.screenshot()
    page.get_by_role("slider", name="Epoch").focus()
    page.keyboard.down("ArrowRight")  # the hand is on the slider until the key is let go
    assert page.evaluate("() => window.gradvizPage.panels[0].isCommitted") is False
    painted = picture.screenshot()
    page.keyboard.up("ArrowRight")
    wait_until_drawn(page)
    drawn = picture.screenshot()
    assert share_of_other_pixels(page, painted, drawn) < 0.01
    assert share_of_other_pixels(page, painted, before) > 0.01  # another epoch's picture is told apart


def share_of_other_pixels(page: Page, one: bytes, other: bytes) -> float:
    return page.evaluate(
        """async ([a, b]) => {
          const pixels = await Promise.all([a, b].map(async (text) => {
            const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
            const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
            const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
            context.drawImage(image, 0, 0);
            return context.getImageData(0, 0, image.width, image.height).data;
          }));
          let different = 0;
          for (let k = 0; k < pixels[0].length; k += 4) {
            const steps = [0, 1, 2].map((c) => Math.abs(pixels[0][k + c] - pixels[1][k + c]));
            if (Math.max(...steps) > 64) different++;
          }
          return different / (pixels[0].length / 4);
        }""",
        [_base64(one), _base64(other)],
    )


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_a_click_on_the_loss_curves_goes_to_that_epoch(visit: Visit) -> None:
    page = visit()
    page.locator("#loss-mark[data-epoch]").wait_for()
    place = page.evaluate(
        """() => {
          const graph = document.querySelector("#loss .js-plotly-plot");
          const { left, top } = graph.getBoundingClientRect();
          const { xaxis, yaxis } = graph._fullLayout;
          return [left + xaxis._offset + xaxis.d2p(2), top + yaxis._offset + yaxis._length / 2];
        }"""
    )
    page.mouse.click(*place)
    wait_for_view(page, epoch=2)
    wait_until_drawn(page)
    assert frame_shown(page) == 2


def test_play_goes_through_the_epochs_and_stops_at_the_last(visit: Visit) -> None:
    page = visit("/?epoch=0")
    page.get_by_label("Epochs a second").select_option("30")
    page.get_by_role("button", name="Play the epochs").click()
    wait_for_view(page, epoch=LAST)
    wait_until_drawn(page)
    expect(page.get_by_role("button", name="Play the epochs")).to_be_visible()


def test_any_two_parameters_can_be_paired(visit: Visit, server: Server) -> None:
    x, y = "hidden.1.linear.weight[3,17]", "output.bias[0]"
    page = visit("/?epoch=2")
    for label, name in (("Left picture: parameter or direction x₁", x), ("Left picture: parameter or direction x₂", y)):
        page.get_by_label(label, exact=True).fill(name)
        page.keyboard.press("Enter")
    wait_for_view(page, y_a=y)
    wait_until_drawn(page)
    expected = from_api(page, server, run="none", epoch=2, x=x, y=y)
    np.testing.assert_allclose(gradients(page), expected, rtol=1e-6)
    assert plotly(page)["xTitle"] == "Δ w₃,₁₇ of hidden layer 1"


def test_a_wrong_name_is_a_notice_and_the_picture_stays(visit: Visit) -> None:
    """What is said of other mistakes, node's tests of `pure/parameters.js` know."""
    page = visit("/?epoch=2")
    before = gradients(page)
    for name, word in (
        ("hidden.1.norm.weight[0]", "has no hidden.1.norm.weight"),
        ("hidden.1.linear.bias[1]", "other parameter already"),
    ):
        page.get_by_label("Left picture: parameter or direction x₁", exact=True).fill(name)
        page.keyboard.press("Enter")
        expect(page.locator(".gv-notice")).to_contain_text(word)
    np.testing.assert_array_equal(gradients(page), before)


def test_a_layer_button_shows_its_first_two_biases(visit: Visit) -> None:
    page = visit()
    page.locator("#layer-a").get_by_text("0", exact=True).click()
    expect(page.locator("#title-0 h2")).to_have_text("Hidden layer 0")
    wait_until_drawn(page)
    page.locator("#layer-b").get_by_text("output", exact=True).click()
    expect(page.locator("#title-1 h2")).to_have_text("Output layer")
    wait_until_drawn(page)
    assert plotly(page, 1)["yTitle"] == "Δ w₀,₀ of output layer"


def test_dead_units_are_labelled(visit: Visit) -> None:
    page = visit()
    activity = page.evaluate("async () => (await (await fetch('api/v1/activity/none/6')).json()).layers")
    layer, unit = next((k, n) for k, shares in enumerate(activity) for n, share in enumerate(shares) if share == 0)
    page.get_by_label("Left picture: parameter or direction x₁", exact=True).fill(f"hidden.{layer}.linear.bias[{unit}]")
    page.keyboard.press("Enter")
    expect(page.locator("#chooser-x_a .gv-note")).to_have_text("dead")


@pytest.mark.slow
def test_minibatches_are_scrubbed_and_chosen(visit: Visit, server: Server) -> None:
    page = visit("/?size=16&epoch=4")
    slider = page.get_by_role("slider", name="Minibatch")
    slider.focus()
    for slot in (0, 1):
        wait_for_minibatches(page, 50, slot)
    asked = api_requests(page)
    for minibatch in (1, 2, 3):
        page.keyboard.press("ArrowRight")
        assert frame_shown(page) == minibatch
    assert asked == []
    page.wait_for_url(re.compile("minibatch=3"))
    wait_until_drawn(page)
    pair = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]"}
    expected = from_api(page, server, run="none", epoch=4, minibatch=3, minibatch_size=16, **pair)
    np.testing.assert_allclose(gradients(page), expected, rtol=1e-6)
    page.get_by_role("slider", name="Epoch").focus()
    page.keyboard.press("ArrowRight")
    wait_until_drawn(page)
    expected = from_api(page, server, run="none", epoch=5, minibatch=3, minibatch_size=16, **pair)
    np.testing.assert_allclose(gradients(page), expected, rtol=1e-6)


def test_batch_statistics_make_bias_arrows_zero_and_the_page_says_why(visit: Visit) -> None:
    page = visit("/?variant=batchnorm&mode=train&epoch=3")
    assert trace(page, "quiver") is None
    zeros = trace(page, "scatter", name="zero up to round-off")
    assert zeros is not None
    assert len(zeros["x"]) == 441
    expect(page.locator("#veil-0")).to_contain_text("minibatch mean")
    assert "zero up to round-off" in caption(page)
    shoot(page, "zero-arrows-light-1280")
    page.locator("#veil-0").get_by_role("button", name="Show β").click()
    wait_for_view(page, x_a="hidden.1.norm.bias[0]")
    wait_until_drawn(page)
    assert trace(page, "quiver") is not None
    page.locator("#veil-1").get_by_role("button", name="Use eval mode").click()
    wait_for_view(page, mode="eval")
    wait_until_drawn(page)
    expect(page.locator("#veil-1")).to_be_empty()


def test_random_masks_are_named_where_they_are(visit: Visit) -> None:
    page = visit("/?variant=dropout&epoch=3")
    expect(page.locator("#masks")).to_be_hidden()
    page.locator("#mode").get_by_text("train mode").click()
    expect(page.locator("#title-0")).to_contain_text("random masks (fresh)")
    wait_until_drawn(page)
    page.locator("#masks").get_by_text("frozen").click()
    expect(page.locator("#title-0")).to_contain_text("random masks (frozen)")
    wait_until_drawn(page)
    shoot(page, "random-masks-light-1280")


def test_grid_and_drawing_controls_do_what_they_say(visit: Visit) -> None:
    page = visit("/?epoch=3")
    page.get_by_role("textbox", name="Half width").fill("0.5")
    page.keyboard.press("Enter")
    wait_for_view(page, half_width=0.5)
    wait_until_drawn(page)
    assert np.ptp(gradients(page)[:, 0]) == pytest.approx(1.0)
    page.get_by_text("Drawing", exact=True).click()
    page.locator("#under").get_by_text("lines").click()
    wait_for_view(page, under="contour")
    wait_until_drawn(page)
    assert trace(page, "contour") is not None
    page.locator("#length").get_by_text("unit").click()
    wait_for_view(page, length="unit")
    wait_until_drawn(page)
    quiver = trace(page, "quiver")
    assert quiver is not None
    lengths = np.hypot(quiver["u"], quiver["v"])
    assert np.ptp(lengths) < 1e-6 * lengths.max()


def test_the_sampling_ellipse_is_that_of_the_api_or_says_why_there_is_none(visit: Visit, server: Server) -> None:
    pair = {"x": "hidden.1.linear.bias[5]", "y": "hidden.0.linear.bias[16]"}
    page = visit(f"/?size=16&epoch=4&x1={pair['x']}&y1={pair['y']}&show=sampling")
    told = page.request.get(
        f"{server.url}/api/v1/sampling", params={"run": "none", "epoch": 4, "minibatch_size": 16, **pair}
    ).json()["sampling"]
    words = page.locator("#caption-0")
    expect(words).to_contain_text(
        f"95 % of minibatches of 16 of {told['of_rows']} rows, drawn without replacement, lie in the ellipse"
    )
    page.get_by_text("train mode", exact=True).click()
    page.get_by_role("radiogroup", name="Run").locator("label", has_text="BatchNorm").click()
    expect(words).to_contain_text("Under batch statistics a row has no gradient of its own")
