"""The loss as a surface, and what lies in planes along directions: drawn, turned, taken along, and left again."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gradviz.drawing.camera import Camera
from tests.browser.conftest import NUM_EPOCHS, Server, Visit, shoot, wait_until_drawn
from tests.browser.reading import caption, numbers_of, wait_for_view
from tests.browser.test_exports import open_dialog, press

pytestmark = pytest.mark.browser

_SCENES = """() => [0, 1].map((slot) => {
  const { _fullLayout: layout, _fullData: traces } = document.querySelector(`#graph-${slot} .js-plotly-plot`);
  if (!layout.scene) return null;
  const sheet = traces.find(({ type }) => type === "surface");
  const arrows = traces.find(({ name }) => name === "gradient");
  return {
    eye: { ...layout.scene.camera.eye }, z: sheet.z.map((row) => [...row]), text: sheet.text[0][0],
    x: [...layout.scene.xaxis.range], y: [...layout.scene.yaxis.range], loss: layout.annotations[0].text,
    numVertices: arrows.x.length,
  };
})"""
_TURNED = """(before) => [0, 1].every((slot) => {
  const { eye } = document.querySelector(`#graph-${slot} .js-plotly-plot`)._fullLayout.scene.camera;
  return Math.hypot(eye.x - before.x, eye.y - before.y, eye.z - before.z) > 0.01;
})"""
_SEEN_FROM = """(eye) => [0, 1].every((slot) => {
  const { scene } = document.querySelector(`#graph-${slot} .js-plotly-plot`)._fullLayout;
  return scene && ["x", "y", "z"].every((axis) => Math.abs(scene.camera.eye[axis] - eye[axis]) < 1e-6);
})"""
_PLANES = "epoch=3&x1=pca:1&y1=pca:2&x2=random:1&y2=random:2&points=7&show=path,spread"


def scenes(page: Page) -> list[dict[str, Any]]:
    """What Plotly shows in space in both pictures."""
    return page.evaluate(_SCENES)


def sheet_of(scene: dict[str, Any]) -> list[float]:
    return [value for row in scene["z"] for value in row]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end)
    page.mouse.up()


@pytest.mark.slow
def test_a_surface_carries_the_arrows_and_is_turned_in_all_pictures_at_once(visit: Visit) -> None:
    page = visit("/?epoch=4&under=surface&points=11", lenient=True)  # the driver of the screen may warn
    shown = scenes(page)
    for slot, scene in enumerate(shown):
        numbers = numbers_of(page, slot)
        assert sheet_of(scene) == pytest.approx(numbers["loss"])
        assert scene["loss"].endswith("height: J (mean |error|)")
        assert scene["x"] == pytest.approx(scene["y"])
        assert scene["numVertices"] == 10 * (len(numbers["u"]) - sum(numbers["isZero"]))
        assert "J = " in scene["text"]
    for key in ("Shift+ArrowLeft", "Shift+ArrowUp", "+"):
        page.keyboard.press(key)
    page.wait_for_function(_TURNED, arg=shown[0]["eye"])
    box = page.locator("#panel-0 .gv-picture").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for move in (lambda: drag(page, (x, y), (x + 60, y + 20)), lambda: page.mouse.wheel(0, -120)):
        before = scenes(page)[0]["eye"]
        move()
        page.wait_for_function(_TURNED, arg=before)
    page.wait_for_function(_SEEN_FROM, arg=scenes(page)[0]["eye"])
    page.wait_for_url("**camera=*")
    page.locator("#zoomed-0").get_by_role("button", name="Reset view").click()
    expect(page.locator("#zoomed-0 button")).to_have_count(0)
    page.wait_for_function(_SEEN_FROM, arg=shown[0]["eye"])
    page.get_by_role("slider", name="Epoch").press("ArrowLeft")
    wait_until_drawn(page)
    assert sheet_of(scenes(page)[0]) == pytest.approx(numbers_of(page)["loss"])
    page.wait_for_url(lambda url: "camera=" not in url)
    page.locator(".gv-fold summary").first.click()
    page.get_by_role("radiogroup", name="Loss").get_by_text("heat").click()
    wait_for_view(page, under="heat")
    wait_until_drawn(page)
    expect(page.locator("#ground-0")).to_contain_text("J")
    page.go_back()
    wait_for_view(page, under="surface")
    wait_until_drawn(page)
    assert all(scenes(page))
    expect(page.locator("#ground-0")).to_have_text("")


@pytest.mark.slow
def test_a_link_says_from_where_a_surface_is_seen_and_back_and_forward_go_there_again(visit: Visit) -> None:
    page = visit("/?epoch=4&under=surface&points=5&camera=120,50,2.5", lenient=True)
    linked = _eye_of("120,50,2.5")
    assert scenes(page)[1]["eye"] == pytest.approx(linked)
    expect(page.locator("#zoomed-1").get_by_role("button", name="Reset view")).to_be_visible()
    open_dialog(page)
    surface = re.compile(r"--under surface --camera=120,50,2.5 --out \S+\.html\n")
    expect(page.get_by_role("textbox", name="Command line")).to_have_value(surface)
    page.keyboard.press("Escape")
    page.locator(".gv-fold summary").first.click()
    page.get_by_role("radiogroup", name="Direction").get_by_text("−∇J").click()
    wait_for_view(page, direction="descent")
    wait_until_drawn(page)
    page.locator("#title-0").click()  # away from the control, which has keys of its own
    for _ in range(2):
        page.keyboard.press("Shift+ArrowLeft")
    page.wait_for_url("**camera=105,50,2.5**")
    page.go_back()
    wait_for_view(page, direction="ascent")
    page.wait_for_function(_SEEN_FROM, arg=linked)
    page.go_forward()
    wait_for_view(page, direction="descent")
    page.wait_for_function(_SEEN_FROM, arg=_eye_of("105,50,2.5"))


def _eye_of(text: str) -> dict[str, float]:
    return Camera.parse(text).for_plotly()["eye"]


@pytest.mark.slow
def test_checkpoints_lie_in_a_plane_by_their_projections_and_what_is_outside_is_told(
    visit: Visit, server: Server, tmp_path: Path
) -> None:
    page = visit(f"/?{_PLANES}&under=contour", lenient=True)
    for slot, axes in enumerate(("x=pca:1&y=pca:2", "x=random:1&y=random:2")):
        expect(page.locator(f"#caption-{slot}")).to_contain_text(f"Dots: {NUM_EPOCHS} checkpoints, projected")
        query = f"run=none&epoch=3&minibatch=0&minibatch_size=64&{axes}"
        told = page.request.get(f"{server.url}/api/v1/plane?{query}").json()
        marks = next(stroke for stroke in numbers_of(page, slot)["strokes"] if stroke.get("sizes"))
        inside = [mark for mark in told["checkpoints"] if max(abs(mark["x"]), abs(mark["y"])) <= 1.1]
        assert marks["x"] == pytest.approx([mark["x"] for mark in inside])
        assert marks["y"] == pytest.approx([mark["y"] for mark in inside])
        assert [text.split(",")[0] for text in marks["texts"]] == [f"epoch {mark['epoch']}" for mark in inside]
    assert "holds 100 %" not in caption(page, 1)  # of a random plane
    open_dialog(page)
    svg = ET.parse(press(page, "SVG", tmp_path)).getroot()
    assert any(
        "checkpoints, projected" in "".join(text.itertext()) for text in svg.iter("{http://www.w3.org/2000/svg}text")
    )


@pytest.mark.slow  # a page of 5 MB, and surfaces without a graphics card
def test_a_surface_is_taken_along_as_it_is_seen(visit: Visit, tmp_path: Path) -> None:
    page = visit(f"/?{_PLANES}&under=surface&camera=100,20,2", lenient=True, scheme="dark")
    expect(page.locator("#caption-0")).to_contain_text("checkpoints, projected")
    wait_until_drawn(page)
    shoot(page, "surface-dark-1280")
    open_dialog(page)
    svg = ET.parse(press(page, "SVG", tmp_path)).getroot()
    images = [one for one in svg.iter("{http://www.w3.org/2000/svg}image") if float(one.attrib["width"]) > 100]
    assert len({image.attrib["x"] for image in images}) >= 1
    path = press(page, "HTML", tmp_path)
    page.goto(path.as_uri())
    page.wait_for_function("() => document.querySelector('#panel, .gv-panel')?.dataset.state === 'ready'")
    alone = scenes(page)
    assert alone[0]["eye"] == pytest.approx(_eye_of("100,20,2"))
    assert all(scene and scene["numVertices"] for scene in alone)
    expect(page.locator("#caption-0")).to_contain_text("checkpoints, projected")
