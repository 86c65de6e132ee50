"""What a hand meets on the way: back, keys, notices, links, and pictures that keep their size and place."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Server, Visit, shoot, wait_until_drawn
from tests.browser.reading import epoch_shown, percent_text, view_of, wait_for_view

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("runs_come", ["soon", "late"])
def test_back_leaves_a_page_whose_link_spells_out_defaults(visit: Visit, server: Server, runs_come: str) -> None:
    page = visit("/healthz", drawn=False)
    held: list[Route] = []
    if runs_come == "late":
        page.route("**/api/v1/runs", lambda route: held.append(route), times=1)
    page.goto(f"{server.url}/?view=explore&variant=none&length=compressed&mode=eval&epoch=3&size=64")
    if runs_come == "late":
        page.wait_for_function("() => window.gradvizPage?.view")
        held[0].continue_()
    wait_until_drawn(page)
    expect(page).to_have_url(f"{server.url}/?epoch=3")  # shortened in its place
    page.go_back()
    expect(page).to_have_url(f"{server.url}/healthz")


def activity(page: Page, server: Server, epoch: int) -> list[str]:
    """What the badges say of the four parameters that are shown at first."""
    layers = page.request.get(f"{server.url}/api/v1/activity/none/{epoch}").json()["layers"]
    shares = [layers[layer][unit] for layer in (1, 2) for unit in (0, 1)]
    return ["dead" if share == 0 else percent_text(share) for share in shares]


def test_badges_are_of_the_epoch_on_show_and_the_space_bar_plays_after_the_slider_was_touched(
    visit: Visit, server: Server
) -> None:
    page = visit("/?epoch=0")
    badges = page.locator(".gv-chooser .gv-note")
    expect(badges).to_have_text(activity(page, server, 0))
    slider = page.get_by_role("slider", name="Epoch")
    box = slider.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    assert epoch_shown(page) == 6
    expect(badges).to_have_text([""] * 4)  # not those of epoch 0
    page.mouse.up()
    assert activity(page, server, 0) != activity(page, server, 6)
    expect(badges).to_have_text(activity(page, server, 6))
    page.keyboard.press(" ")  # the slider has the focus
    expect(page.get_by_role("button", name="Pause at this epoch")).to_be_visible()
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Play the epochs")).to_be_visible()


def test_a_notice_goes_when_the_mistake_is_mended(visit: Visit) -> None:
    page = visit("/?epoch=3")
    name = page.get_by_label("Left picture: parameter or direction x₁", exact=True)
    for wrong in ("hidden.9.linear.bias[0]", "nonsense"):
        name.fill(wrong)
        page.keyboard.press("Enter")
        expect(page.locator(".gv-notice")).to_have_count(1)
        expect(page.locator(".gv-notice")).to_contain_text(wrong.split("[")[0])
        expect(name).to_have_class(re.compile("gv-mistake"))
    name.fill("hidden.1.linear.bias[3]")
    page.keyboard.press("Enter")
    expect(page.locator(".gv-notice")).to_have_count(0)
    assert view_of(page)["x_a"] == "hidden.1.linear.bias[3]"


_CANVAS = """() => {
  const canvas = document.getElementById("minis-canvas");
  const { width, height } = canvas.getBoundingClientRect();
  return [canvas.width, canvas.height].map((each, k) => Math.abs(each - devicePixelRatio * [width, height][k]));
}"""


@pytest.mark.slow
def test_all_fields_are_drawn_where_they_are_clicked(visit: Visit, server: Server) -> None:
    page = visit("/?view=minibatches&epoch=3&size=16&points=5")
    for width, height in ((1440, 900), (1280, 720)):
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{server.url}/?view=minibatches&epoch=3&size=16&points=5")
        wait_until_drawn(page)
        page.wait_for_function("() => document.getElementById('minis').childElementCount === 50")
        assert max(page.evaluate(_CANVAS)) <= 1
        # The last picture's lowest line of pixels that are not empty lies in its own button.
        lowest = page.evaluate(
            """() => {
              const canvas = document.getElementById("minis-canvas");
              const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              let last = 0;
              for (let k = 3; k < data.length; k += 4) if (data[k]) last = Math.floor(k / 4 / width);
              return canvas.getBoundingClientRect().top + (last / height) * canvas.getBoundingClientRect().height;
            }"""
        )
        box = page.locator(".gv-mini").last.bounding_box()
        assert box is not None
        assert abs(lowest - (box["y"] + box["height"])) <= 2
        page.mouse.click(box["x"] + box["width"] / 2, lowest - 2)
        wait_for_view(page, minibatch=49)


def planes(page: Page, many: int) -> list[list[float]]:
    return page.evaluate(
        "(many) => [...Array(many).keys()].map((slot) => window.gradvizPage.sizeOfPlane(slot).map(Math.round))", many
    )


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900), (768, 1024)])
def test_planes_are_of_one_size_and_beta_is_shown_where_there_is_one(visit: Visit, width: int, height: int) -> None:
    """Side by side, with a title for dropout that is longer than the others'."""
    page = visit("/?view=compare&mode=train&masks=averaged&epoch=3", width=width, height=height)
    sizes = planes(page, 3)
    assert max(sizes) == min(sizes)
    card = page.locator("#veil-2")
    expect(card.get_by_role("button")).to_have_text(["Show β in Explore", "Show γ in Explore", "Use eval mode"])
    shoot(page, f"compare-train-light-{width}")
    if width != 1280:
        return
    card.get_by_role("button", name="Show β").click()
    wait_for_view(page, x_a="hidden.1.norm.bias[0]")
    wait_until_drawn(page)
    assert (view_of(page)["view"], view_of(page)["run"]) == ("explore", "batchnorm")
    # A model without β says so, and leads on.
    page.locator("#variant").get_by_text("Dropout").click()
    expect(page.locator("#veil-0")).to_contain_text("This model has no hidden.1.norm.bias")
    page.locator("#veil-0").get_by_role("button", name="Show biases").click()
    wait_until_drawn(page)
    assert view_of(page)["x_a"] == "hidden.1.linear.bias[0]"
    for _ in range(3):
        page.go_back()
    wait_for_view(page, view="compare")
    wait_until_drawn(page)


_OVERLAPS = """(slot) => {
  const bar = document.querySelector(`#graph-${slot} .colorbar`).getBoundingClientRect();
  const picture = document.querySelector(`#panel-${slot} .gv-picture`).getBoundingClientRect();
  return Math.max(picture.top - bar.top, bar.bottom - picture.bottom);
}"""


def test_the_colour_bar_fits_its_picture_when_curves_are_opened_under_it(visit: Visit) -> None:
    page = visit("/?epoch=3&points=5", width=1280, height=720)
    page.locator(".gv-fold > summary").click()
    page.locator("#curves").get_by_text("agreement").click()
    expect(page.locator("#course")).to_be_visible()
    page.wait_for_function(f"() => [0, 1].every((slot) => ({_OVERLAPS})(slot) <= 1)")
    wait_until_drawn(page)
    assert [page.evaluate(_OVERLAPS, slot) <= 1 for slot in (0, 1)] == [True, True]


def test_the_marker_stays_in_its_picture_when_zoomed(visit: Visit) -> None:
    page = visit("/?epoch=3&points=5")
    page.keyboard.press("+")
    page.wait_for_function("() => document.querySelector('#zoomed-0 button')")
    wait_until_drawn(page)
    line = page.locator("#reading-0")
    line.focus()
    cross = page.locator("#cross-0")
    page.keyboard.press("ArrowRight")
    expect(cross).to_be_visible()  # half way to the border: still on the part on show
    page.keyboard.press("ArrowRight")
    expect(line).to_contain_text("Δ 0.1")
    expect(cross).to_be_hidden()  # the outermost point is not
    page.keyboard.press("Home")
    page.locator("#zoomed-0 button").click()
    wait_until_drawn(page)
