"""The probe: a point is dragged, dropped, and the paths from there are the API's, wherever pictures are."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from tests.browser.boxes import axe_finds
from tests.browser.conftest import Server, Visit, shoot, wait_until_drawn
from tests.browser.reading import numbers_of, view_of, wait_for_view

pytestmark = pytest.mark.browser

PAIR = {"x": "hidden.1.norm.weight[0]", "y": "hidden.1.norm.bias[1]"}
LINK = "/?size=16&epoch=4&show=probe"
HANDLE = ".gv-probe-handle"


def wait_for_paths(page: Page, start: str | None = None) -> list[dict[str, Any]]:
    """Until all pictures have the paths from this start (in half widths), fully drawn; these are returned."""
    page.wait_for_function(
        """(start) => {
          const { view, probe } = window.gradvizPage ?? {};
          if (!probe || probe.isPlaying || (start && view.start !== start)) return false;
          return probe.pictures.every((told) => told?.paths);
        }""",
        arg=start,
    )
    wait_until_drawn(page)
    return page.evaluate("() => window.gradvizPage.probe.pictures")


def lines_of(page: Page, slot: int = 0) -> dict[str, list[list[float]]]:
    """The drawn paths by their inks, without the paper under them."""
    palette = page.evaluate("() => window.gradvizPage.probe.inks")
    drawn = {one["colour"]: [one["x"], one["y"]] for one in numbers_of(page, slot)["strokes"] if one["kind"] == "line"}
    return {schedule: drawn[colour] for schedule, colour in palette.items()}


def asked_for(page: Page) -> list[dict[str, list[str]]]:
    """Collects the questions about paths from now on."""
    seen: list[dict[str, list[str]]] = []
    page.on("request", lambda one: seen.append(parse_qs(urlsplit(one.url).query)) if "/probe?" in one.url else None)
    return seen


def middle_of(page: Page, slot: int = 0) -> tuple[float, float]:
    box = page.locator(f"#probe-{slot} {HANDLE}").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_the_paths_are_those_of_the_api_and_say_what_moves(visit: Visit, server: Server) -> None:
    page = visit(f"{LINK}&variant=batchnorm&x1={PAIR['x']}&y1={PAIR['y']}&start=-0.4,0.2&minibatch=2&steps=10")
    wait_for_paths(page)
    asked = {"run": "batchnorm", "epoch": 4, "minibatch": 2, "minibatch_size": 16, "start": "-0.04,0.02", "steps": 10}
    told = page.request.get(f"{server.url}/api/v1/probe", params={**asked, **PAIR}).json()
    drawn = lines_of(page)
    assert list(drawn) == [path["schedule"] for path in told["paths"]]
    for path in told["paths"]:
        np.testing.assert_allclose(drawn[path["schedule"]], [path["x"], path["y"]], rtol=1e-12)
    legend = page.locator("#probe-legend-0 p")
    expect(legend).to_have_text([f"{path['name']} {path['line']}" for path in told["paths"]])
    caption = page.locator("#caption-0")
    expect(caption).to_contain_text("Only these two parameters move: 10 steps of SGD")
    for sentence in told["sentences"]:
        expect(caption).to_contain_text(sentence)
    looks = {
        tuple(key.evaluate("(one) => [getComputedStyle(one).borderTopStyle, getComputedStyle(one).borderTopWidth]"))
        for key in page.locator("#probe-legend-0 .gv-line").all()
    }
    assert len(looks) == 4  # without colours too
    shoot(page, "probe-light-1280")


def test_a_point_is_dragged_and_dropped_and_the_paths_are_drawn_step_by_step(visit: Visit) -> None:
    page = visit(LINK)
    before = wait_for_paths(page)
    questions = asked_for(page)
    page.evaluate(
        """() => {
          window.stages = new Set();
          const look = () => {
            const told = window.gradvizPage.probe;
            if (told?.isPlaying) window.stages.add(told.pictures[0]?.drawn ?? -1);
            requestAnimationFrame(look);
          };
          look();
        }"""
    )
    address = page.url
    page.mouse.move(*middle_of(page))
    page.mouse.down()
    for share in (0.3, 0.0, -0.35):
        page.mouse.move(*page.evaluate("(x) => window.gradvizPage.place(0, x, 0.02)", 0.1 * share), steps=3)
        expect(page.locator(f"#probe-0 {HANDLE}")).to_have_attribute("aria-label", re.compile(r"Δx₂ 0\.0[12]"))
        assert page.evaluate("() => window.gradvizPage.probe.start[0]") == pytest.approx(share, abs=0.01)
        across, _ = page.evaluate("(x) => window.gradvizPage.place(1, x, 0)", 0.1 * share)
        assert middle_of(page, 1)[0] == pytest.approx(across, abs=2)  # the other picture's follows
    assert (questions, page.url) == ([], address)  # nothing is asked for under the hand
    page.mouse.up()
    page.wait_for_function("() => window.gradvizPage.view.start !== '0.5,0.5'")
    start = view_of(page)["start"]
    assert parse_qs(urlsplit(page.url).query)["start"] == [start]
    after = wait_for_paths(page, start)
    assert len(questions) == 2
    assert after[0]["start"] == pytest.approx([0.1 * float(share) for share in start.split(",")])
    assert after[0]["paths"][0]["x"] != before[0]["paths"][0]["x"]
    stages = page.evaluate("() => [...window.stages]")
    assert len(stages) > 3
    assert max(stages) < 30
    page.go_back()
    wait_for_view(page, start="0.5,0.5")
    assert wait_for_paths(page) == before


def test_who_wants_less_motion_sees_all_steps_at_once(visit: Visit) -> None:
    page = visit("/?size=16&epoch=4", reduced_motion="reduce")
    page.evaluate(
        """() => {
          window.played = false;
          const look = () => {
            window.played ||= Boolean(window.gradvizPage.probe?.isPlaying);
            requestAnimationFrame(look);
          };
          look();
        }"""
    )
    page.get_by_text("Drawing", exact=True).click()
    page.get_by_role("group", name="Drawn over the arrows").get_by_text("probe", exact=True).click()
    wait_for_paths(page)
    page.get_by_role("button", name="Draw again").click()
    wait_for_paths(page)
    assert not page.evaluate("() => window.played")


@pytest.mark.slow
def test_keys_move_the_point_and_nothing_else(visit: Visit) -> None:
    page = visit(f"{LINK}&start=0.2,-0.1")
    wait_for_paths(page)
    page.locator(f"#probe-1 {HANDLE}").focus()
    for key in ("ArrowLeft", "ArrowLeft", "Shift+ArrowUp"):
        page.keyboard.press(key)
    wait_for_view(page, start="0,-0.08", epoch=4)
    told = wait_for_paths(page, "0,-0.08")
    for picture in told:
        expect(page.locator("#spoken")).to_contain_text(picture["paths"][0]["line"])
    page.keyboard.press("Home")
    wait_for_view(page, start="0,0")
    page.get_by_role("button", name="Start at ○").click()
    assert view_of(page)["start"] == "0,0"


def test_paths_follow_the_epoch_once_the_hand_has_let_go(visit: Visit) -> None:
    page = visit(LINK)
    before = wait_for_paths(page)
    questions = asked_for(page)
    slider = page.get_by_role("slider", name="Epoch")
    slider.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    wait_for_view(page, epoch=2)
    after = wait_for_paths(page)
    assert after[0]["request"]["epoch"] == 2
    assert {question["epoch"][0] for question in questions} <= {"2", "3"}
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    wait_for_view(page, epoch=4)
    assert wait_for_paths(page) == before  # kept


@pytest.mark.slow
def test_the_rate_is_a_slider_and_the_steps_a_choice(visit: Visit) -> None:
    page = visit(f"{LINK}&start=0.1,0.1")
    own = wait_for_paths(page)
    rate = page.get_by_role("slider", name="Rate of the steps")
    expect(rate).to_have_value("0")
    expect(page.locator(".gv-probe-rate")).to_have_text("each picture's own")
    rate.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("() => window.gradvizPage.view.rate !== null")
    chosen = wait_for_paths(page)
    assert {told["rate"] for told in chosen} == {view_of(page)["rate"]}
    assert chosen[0]["rate"] == pytest.approx(own[0]["rate"] * 10**0.1, rel=0.01)
    assert chosen[0]["default_rate"] == own[0]["rate"]
    page.get_by_label("Steps of the paths").select_option("10")
    wait_for_view(page, steps=10)
    fewer = wait_for_paths(page)
    assert {len(path["x"]) for path in fewer[0]["paths"]} == {11}
    assert parse_qs(urlsplit(page.url).query)["steps"] == ["10"]
    rate.fill("0")
    wait_for_view(page, rate=None)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark"), (1920, "light")])
def test_compare_has_the_point_in_every_picture_and_nothing_overflows(visit: Visit, width: int, scheme: str) -> None:
    page = visit("/?view=compare&size=16&epoch=3&show=probe", width=width, height=1000, scheme=scheme)
    told = wait_for_paths(page)
    assert len(told) == 3
    for slot in range(3):
        expect(page.locator(f"#probe-legend-{slot} p")).to_have_count(4)
        place = page.evaluate("(slot) => window.gradvizPage.place(slot, 0.05, 0.05)", slot)
        assert middle_of(page, slot) == pytest.approx(place, abs=1)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    shoot(page, f"probe-compare-{scheme}-{width}")
    page.locator("#probe").scroll_into_view_if_needed()
    expect(page.get_by_role("slider", name="Rate of the steps")).to_be_in_viewport()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1440, 900), (1920, 1080)])
def test_the_plane_stays_large_and_the_strip_is_whole(visit: Visit, width: int, height: int) -> None:
    page = visit(f"{LINK}&steps=200&start=1,0.4", width=width, height=height, reduced_motion="reduce")
    wait_for_paths(page)
    left, right = (page.evaluate("(x) => window.gradvizPage.place(0, x, 0)[0]", x) for x in (-0.1, 0.1))
    assert right - left >= 0.28 * height
    dock, panels = (page.locator(one).bounding_box() for one in (".gv-dock", ".gv-panels"))
    control = page.get_by_role("button", name="Draw again").bounding_box()
    assert dock
    assert panels
    assert control
    assert panels["y"] + panels["height"] <= control["y"]
    assert control["y"] + control["height"] <= dock["y"]
    legend = page.locator("#probe-legend-0").bounding_box()
    assert legend
    for line in page.locator("#probe-legend-0 p").all():
        box = line.bounding_box()
        assert box
        assert box["y"] + box["height"] <= legend["y"] + legend["height"] + 0.5  # all four are in sight
        assert re.sub(": ", " ", line.get_attribute("title") or "", count=1) == line.text_content()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_to_mend(visit: Visit, scheme: str) -> None:
    page = visit(LINK, scheme=scheme, reduced_motion="reduce")
    wait_for_paths(page)
    assert axe_finds(page) == []


def test_a_finger_drags_the_point(visit: Visit) -> None:
    page = visit(LINK, width=390, height=844)
    wait_for_paths(page)
    size = page.locator(f"#probe-0 {HANDLE}").bounding_box()
    assert size is not None
    assert min(size["width"], size["height"]) >= 40
    page.evaluate(
        """([x, y]) => {
          const handle = document.querySelector("#probe-0 .gv-probe-handle");
          const send = (name, at, buttons) => handle.dispatchEvent(new PointerEvent(name, {
            pointerId: 7, pointerType: "touch", isPrimary: true, bubbles: true, cancelable: true, buttons,
            clientX: at[0], clientY: at[1],
          }));
          send("pointerdown", [x, y], 1);
          send("pointermove", window.gradvizPage.place(0, -0.03, 0.04), 1);
          send("pointerup", window.gradvizPage.place(0, -0.03, 0.04), 0);
        }""",
        list(middle_of(page)),
    )
    page.wait_for_function("() => window.gradvizPage.view.start !== '0.5,0.5'")
    start = [float(share) for share in view_of(page)["start"].split(",")]
    assert start == pytest.approx([-0.3, 0.4], abs=0.02)


def test_the_picture_that_is_taken_along_has_paths_and_words(visit: Visit) -> None:
    page = visit(f"{LINK}&variant=batchnorm&start=0.3,0.3", reduced_motion="reduce")
    told = wait_for_paths(page)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG", exact=True).click()
    svg = download.value.path().read_text()
    words = re.sub(r"\s+", " ", " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg)))
    for path in told[0]["paths"]:
        assert path["name"] in words
        assert path["line"].split(" · ")[0] in words
    inks = page.evaluate("() => window.gradvizPage.probe.inks")
    lines = re.findall(r"<line [^>]*>", svg)
    for schedule, dash in (("next", 'stroke-dasharray="4 3"'), ("alternating", 'stroke-dasharray="2 2"')):
        assert any(inks[schedule] in line.lower() or dash in line for line in lines)
    assert "Drag the ring" not in svg


def test_the_page_that_stands_alone_draws_the_paths(visit: Visit, server: Server, tmp_path: Any) -> None:
    page = visit(f"{LINK}&variant=batchnorm&start=0.3,0.3")
    told = wait_for_paths(page)
    panel = {"run": "batchnorm", "epoch": 4, "minibatch_size": 16, "x": "hidden.1.linear.bias[0]"}
    panel |= {"y": "hidden.1.linear.bias[1]"}
    asked = {"kind": "html", "panels": [panel], "show": ["probe"], "start": "0.3,0.3"}
    answer = page.request.post(
        f"{server.url}/api/v1/exports", data=json.dumps(asked), headers={"Content-Type": "application/json"}
    )
    assert answer.ok
    (tmp_path / "alone.html").write_bytes(answer.body())
    alone = page.context.new_page()
    try:
        alone.goto((tmp_path / "alone.html").as_uri())
        expect(alone.locator("#probe-legend-0 p")).to_have_count(4)
        first = told[0]["paths"][0]
        expect(alone.locator("#probe-legend-0 p").first).to_have_text(f"{first['name']} {first['line']}")
        expect(alone.locator("#caption-0")).to_contain_text("Only these two parameters move")
        alone.wait_for_function(
            """() => document.querySelector("#graph-0 .js-plotly-plot")?._fullData
              .some(({ line }) => line?.dash === "9px,6px")"""
        )
    finally:
        alone.close()
