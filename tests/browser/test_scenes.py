"""Scenes are found in the runs when their gallery opens, and drawn from their numbers; fresh beside frozen masks."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, Visit, shoot, wait_until_drawn
from tests.browser.reading import gradients, view_of, wait_for_view

pytestmark = pytest.mark.browser

_DRAWN = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let k = 0; k < data.length; k += 4) if (data[k + 3]) colours.add(data[k] << 16 | data[k + 1] << 8 | data[k + 2]);
  return colours.size;
}"""


def gallery(page: Page):
    page.get_by_role("button", name="Scenes", exact=True).click()
    dialog = page.get_by_role("dialog", name="Scenes")
    expect(dialog.locator(".gv-scenes-body")).to_have_attribute("aria-busy", "false")
    return dialog


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 720, "light"), (390, 844, "dark")])
def test_scenes_are_drawn_from_the_runs_and_each_opens_its_view(
    visit: Visit, server: Server, width: int, height: int, scheme: str
) -> None:
    page = visit("/?epoch=3", width=width, height=height, scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    assert not any("/scenes" in url for url in asked)
    dialog = gallery(page)
    told = {
        key: page.request.get(f"{server.url}/api/v1/scenes/{key}").json()
        for key in ("relu-corner", "minibatches-quarrel", "dead-unit", "dropout-storm", "batchnorm-silence")
    }
    for scene in told.values():
        card = dialog.locator(".gv-scene", has_text=scene["name"])
        if scene["reason"]:
            expect(card).to_contain_text(f"Not found: {scene['reason']}")
            continue
        expect(card).to_contain_text(scene["caption"])
        assert card.locator("canvas").evaluate(_DRAWN) > 5
    shoot(page, f"scenes-{scheme}-{width}")
    silence = dialog.locator("a.gv-scene", has_text="Batch normalization’s silence")
    assert silence.get_attribute("href") == told["batchnorm-silence"]["link"]
    silence.click()
    wait_for_view(page, run="batchnorm", mode="train")
    wait_until_drawn(page)
    expect(page.locator("#veil-0")).to_contain_text("subtracts the minibatch mean")


def test_fresh_and_frozen_masks_of_one_run_stand_side_by_side_in_a_link(visit: Visit, server: Server) -> None:
    page = visit("/?epoch=3&variant=dropout&compared=dropout")
    page.locator("#view").get_by_text("Compare").click()
    wait_for_view(page, mode="train")  # as it was trained
    page.locator("#compared").get_by_text("with frozen masks").click()
    expect(page).to_have_url(re.compile("compared=dropout,dropout~frozen"))
    for slot, masks in enumerate(("fresh", "frozen")):
        expect(page.locator(f"#title-{slot} h2")).to_have_text(f"Dropout, {masks} masks")
        expect(page.locator(f"#title-{slot}")).to_contain_text(f"random masks ({masks})")
    wait_until_drawn(page)
    again = visit(page.url.removeprefix(server.url))
    for slot, masks in enumerate(("fresh", "frozen")):
        x, y = view_of(again)["x_a"], view_of(again)["y_a"]
        asked = {"run": "dropout", "epoch": 3, "x": x, "y": y, "mode": "train", "masks": masks}
        field = again.request.get(f"{server.url}/api/v1/landscape", params=asked).json()
        centre = field["u"][len(field["u"]) // 2][len(field["u"]) // 2]
        assert gradients(again, slot)[len(gradients(again, slot)) // 2][2] == pytest.approx(centre, rel=1e-5)
    again.locator("#mode").get_by_text("eval mode").click()
    expect(again.locator("#panel-1")).to_be_hidden()  # without masks there is one picture of the run


@pytest.mark.parametrize(("address", "mode"), [("/?view=compare", "train"), ("/?view=compare&mode=eval", "eval")])
def test_compare_opens_as_the_runs_were_trained_unless_the_address_names_a_mode(
    visit: Visit, address: str, mode: str
) -> None:
    assert view_of(visit(address))["mode"] == mode


def test_compare_keeps_a_mode_that_was_chosen(visit: Visit) -> None:
    page = visit("/?epoch=3")
    page.locator("#mode").get_by_text("train mode").click()
    wait_for_view(page, mode="train")
    page.locator("#mode").get_by_text("eval mode").click()
    wait_for_view(page, mode="eval")
    page.locator("#view").get_by_text("Compare").click()
    wait_for_view(page, view="compare")
    assert view_of(page)["mode"] == "eval"
