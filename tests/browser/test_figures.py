"""Figures for print from the page: the recipe gives the page's own arrows, colours and words; everything is vectors."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from gradviz.cli import main
from gradviz.drawing.canvas import to_rgb
from gradviz.drawing.look import Look
from gradviz.drawing.plot import shades_of
from tests.browser.conftest import NUM_EPOCHS, Server, Visit
from tests.browser.test_exports import open_dialog, press

pytestmark = pytest.mark.browser

SVG = "{http://www.w3.org/2000/svg}"
_DRAWN = """(slot) => {
  const trace = document.querySelector(`#graph-${slot} .js-plotly-plot`).data.find(({ type }) => type === "quiver");
  const { cmin, cmax, color } = trace.marker;
  return { x: [...trace.x], y: [...trace.y], u: [...trace.u], v: [...trace.v], strength: [...color], cmin, cmax };
}"""


def drawn(page: Page, slot: int) -> dict[str, np.ndarray]:
    """The arrows that the page draws, as Plotly holds them."""
    return {name: np.array(value, float) for name, value in page.evaluate(_DRAWN, slot).items()}


def figure(recipe: Path, server: Server, out: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """Makes it as a visitor would, and returns what is printed."""
    capsys.readouterr()
    status = main(["figure", str(recipe), "--runs", str(server.runs), "--out", str(out), *options])
    said = capsys.readouterr()
    assert status == 0, said.err
    return said.out


def arrows_in(svg: ET.Element) -> list[list[tuple[np.ndarray, tuple[float, ...]]]]:
    """Of each panel its arrows: the corners of each in points, and its colour."""
    found = []
    for group in svg.iter(f"{SVG}g"):
        if group.attrib.get("id", "").startswith("Quiver"):
            found.append([(corners(each), colour(each)) for each in group.iter(f"{SVG}path") if "style" in each.attrib])
    return found


def corners(path: ET.Element) -> np.ndarray:
    return np.array(re.findall(r"[ML] (-?[\d.]+) (-?[\d.]+)", path.attrib["d"]), float)


def colour(path: ET.Element) -> tuple[float, ...]:
    [found] = re.findall(r"fill: (#[0-9a-f]{6})", path.attrib["style"])
    return to_rgb(found)


@pytest.mark.parametrize(
    ("address", "slots"),
    [
        ("/?view=compare&epoch=4&direction=descent&length=true&under=none", 3),
        ("/?epoch=3&minibatch=2&size=16&range=frame&under=none", 2),
        ("/?view=compare&compared=none,batchnorm&epoch=4&minus=batchnorm&under=none", 2),
    ],
)
def test_the_recipe_of_a_view_gives_the_arrows_colours_and_words_of_the_page(
    visit: Visit, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str, slots: int
) -> None:
    page = visit(address)
    seen = [drawn(page, slot) for slot in range(slots)]
    epoch = re.findall(r"epoch=(\d)", address)[0]
    open_dialog(page)
    recipe = press(page, "Recipe", tmp_path)
    told = figure(recipe, server, tmp_path / "f.svg", capsys)
    svg = ET.parse(tmp_path / "f.svg").getroot()
    panels = arrows_in(svg)
    assert len(panels) == slots
    for arrows, expected in zip(panels, seen, strict=True):
        assert len(arrows) == len(expected["x"])
        shades = shades_of(Look())
        place = (expected["strength"] - expected["cmin"]) / (expected["cmax"] - expected["cmin"])
        wanted = shades(np.clip(place, 0, 1))[:, :3]
        np.testing.assert_allclose([colour for _, colour in arrows], wanted, atol=2 / 255)
        # Middles and directions: an arrow's corners, from the smallest box around them, in the units of the page.
        middle = np.array([(each.max(0) + each.min(0)) / 2 for each, _ in arrows]) * (1, -1)
        scale = np.ptp(middle[:, 0]) / np.ptp(expected["x"])
        page_middle = np.stack([expected["x"], expected["y"]], 1) * scale
        apart = middle - page_middle
        np.testing.assert_allclose(apart, np.broadcast_to(np.median(apart, 0), apart.shape), atol=1.6)
    assert f"epoch {epoch}" in told
    assert ("−∇J" in told) == ("descent" in address)
    assert ("minus run batchnorm" in told) == ("minus" in address)
    texts = {"".join(each.itertext()) for each in svg.iter(f"{SVG}text")}
    assert any("∇J|" in text for text in texts)
    assert json.loads(recipe.read_text())["panels"][0]["epoch"] == int(epoch)


def test_a_figure_from_the_dialog_is_as_wide_as_a_column_and_has_its_caption(visit: Visit, tmp_path: Path) -> None:
    page = visit("/?view=compare&epoch=4")
    open_dialog(page)
    page.get_by_label("Width of the figure").select_option("3.25")
    page.get_by_label("Colours of the figure").select_option("okabe-ito")
    pdf = press(page, "PDF", tmp_path).read_bytes()
    [width] = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+)", pdf)
    assert float(width) == pytest.approx(72 * 3.25)
    caption = page.get_by_label("Caption", exact=True)
    expect(caption).to_have_value(re.compile(r"3 gradient landscapes: \(a\) run none.*epoch 4.*Made by gradviz"))
    page.get_by_label("Panels of the figure").select_option("epochs")
    svg = ET.parse(press(page, "SVG for print", tmp_path)).getroot()
    assert len(arrows_in(svg)) >= 9  # three runs at four epochs; a picture without arrows has none
    assert float(svg.attrib["width"].removesuffix("pt")) == pytest.approx(72 * 3.25)
    expect(caption).to_have_value(re.compile(f"epoch {NUM_EPOCHS - 1}"))
    page.get_by_label("Width of the figure").scroll_into_view_if_needed()


@pytest.mark.parametrize("content", ["rose", "matrix", "multiples"])
def test_what_the_view_of_all_minibatches_shows_is_a_figure_too(
    visit: Visit, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    page = visit("/?view=minibatches&epoch=4&size=64&points=5")
    open_dialog(page)
    page.get_by_label("Panels of the figure").select_option(content)
    from_page = press(page, "SVG for print", tmp_path)
    recipe = press(page, "Recipe", tmp_path)
    figure(recipe, server, tmp_path / "again.svg", capsys)
    assert (tmp_path / "again.svg").read_bytes() == from_page.read_bytes()
    svg = ET.parse(from_page).getroot()
    assert list(svg.iter(f"{SVG}image")) == []
    many = {"rose": 2, "matrix": 0, "multiples": 10}[content]
    assert len(arrows_in(svg)) >= min(many, 2)


def test_a_film_is_a_webp_or_an_mp4_too(visit: Visit, tmp_path: Path) -> None:
    page = visit("/?epoch=4&points=5")
    open_dialog(page)
    webp = press(page, "WebP", tmp_path).read_bytes()
    assert (webp[:4], webp[8:12]) == (b"RIFF", b"WEBP")
    assert webp.count(b"ANMF") == NUM_EPOCHS
