"""Every export, downloaded, opened and held against the numbers of the command line."""

import json
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from gradviz.cli import main
from tests.browser.boxes import axe_finds
from tests.browser.conftest import NUM_EPOCHS, Server, Visit, shoot, wait_until_drawn
from tests.browser.reading import gradients, view_of

pytestmark = pytest.mark.browser

PAIRS = {slot: (f"hidden.{slot + 1}.linear.bias[0]", f"hidden.{slot + 1}.linear.bias[1]") for slot in (0, 1)}
SCRIPTS = Path(sys.executable).parent


def open_dialog(page: Page) -> None:
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("dialog", name="Export")).to_be_visible()


def press(page: Page, name: str, tmp_path: Path) -> Path:
    """The file that a button of the dialog brings."""
    with page.expect_download(timeout=120_000) as coming:
        page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()
    path = tmp_path / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


def by_command(runs: Path, tmp_path: Path, **values: object) -> dict[str, np.ndarray]:
    """The numbers of the command line."""
    path = tmp_path / "by-command.npz"
    options = [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    assert main(["landscape", *options, "--runs", str(runs), "--out", str(path)]) == 0
    return dict(np.load(path))


def rows_of(field: dict[str, np.ndarray]) -> np.ndarray:
    """(points, 6) as the page's hover tells them: x1, x2, u, v, |g|, J."""
    y, x = np.meshgrid(field["y"], field["x"], indexing="ij")
    u, v = field["u"].astype(float), field["v"].astype(float)
    return np.stack([each.ravel() for each in (x, y, u, v, np.hypot(u, v), field["loss"])], axis=1)


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.slow), "dark"])
def test_png_and_svg_are_what_is_on_the_page(visit: Visit, tmp_path: Path, scheme: str) -> None:
    page = visit("/?epoch=4", scheme=scheme)
    page.evaluate(_ZOOM)
    wait_until_drawn(page)
    page.locator("#numbers-0 summary").click()  # what is open lies over the picture, and is none of it
    expect(page.locator("#numbers-0 table")).to_be_visible()
    ticks = page.evaluate(_TICKS)
    open_dialog(page)
    size = page.get_by_text("pixels").inner_text()
    with Image.open(press(page, "PNG", tmp_path)) as opened:
        png = opened.convert("RGB")
    assert f"{png.width} × {png.height} pixels" == size
    assert png.getpixel((0, 0)) == ((255, 255, 255) if scheme == "light" else (0x14, 0x18, 0x1F))
    pixels = np.asarray(png).reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 100
    svg = ET.parse(press(page, "SVG", tmp_path)).getroot()
    assert [2 * float(svg.attrib[side]) for side in ("width", "height")] == [png.width, png.height]
    texts = ["".join(each.itertext()) for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    for words in ("Hidden layer 1", "Hidden layer 2", "None"):
        assert any(words in text for text in texts), words
    assert any("epoch 4" in text for text in texts)
    assert not any(words in text for text in texts for words in ("Whole plane", "Numbers", "zero?"))
    groups = [one for one in svg.iter("{http://www.w3.org/2000/svg}g") if one.attrib.get("class") in ("xtick", "ytick")]
    assert ["".join(one.itertext()) for one in groups] == ticks
    shoot(page, f"export-{scheme}")


_ZOOM = """async () => {
  const graph = document.querySelector("#graph-0 .js-plotly-plot");
  await window.Plotly.relayout(graph, {
    "xaxis.range[0]": -0.03, "xaxis.range[1]": 0.02, "yaxis.range[0]": -0.03, "yaxis.range[1]": 0.02,
  });
}"""
_TICKS = """() => [...document.querySelectorAll(".gv-panel:not([hidden]) :is(.xtick, .ytick) text")]
  .map((tick) => tick.textContent)"""


@pytest.mark.slow
def test_npz_and_csv_are_the_numbers_of_the_command_line(visit: Visit, trained: Path, tmp_path: Path) -> None:
    page = visit("/?variant=dropout&epoch=5&mode=train&masks=frozen&seed=3&size=16&minibatch=2")
    open_dialog(page)
    for slot, (x, y) in list(PAIRS.items())[:1]:
        given = {"variant": "dropout", "epoch": 5, "mode": "train", "masks": "frozen", "seed": 3, "minibatch_size": 16}
        exact = by_command(trained, tmp_path, x=x, y=y, minibatch=2, **given)
        with np.load(press(page, f"NPZ of Hidden layer {slot + 1}", tmp_path)) as got:
            for name in ("x", "y", "u", "v", "loss", "is_zero"):
                np.testing.assert_array_equal(got[name], exact[name])
            assert json.loads(str(got["request"])) == json.loads(str(exact["request"]))
        table = np.genfromtxt(
            press(page, f"CSV of Hidden layer {slot + 1}", tmp_path), delimiter=",", names=True, dtype=None
        )
        for name in ("u", "v", "loss"):
            np.testing.assert_allclose(table[name], exact[name].ravel(), rtol=1e-6)


@pytest.mark.parametrize("over", ["epochs", "minibatches", pytest.param("difference", marks=pytest.mark.slow)])
def test_the_page_that_stands_alone_works_from_disk_without_network(
    visit: Visit, browser: Browser, trained: Path, tmp_path: Path, over: str
) -> None:
    address = {
        "epochs": "/?view=compare&epoch=4&show=path,spread",
        "minibatches": "/?epoch=4&minibatch=1&size=256&direction=descent&show=path,spread",
        "difference": "/?view=compare&epoch=4&minus=none",
    }
    page = visit(address[over])
    open_dialog(page)
    steps = "minibatches" if over == "minibatches" else "epochs"
    page.get_by_label("Over", exact=True).select_option(steps)
    said = page.get_by_text("opens without server").inner_text()
    path = press(page, "HTML", tmp_path)
    assert float(said.split()[1]) == pytest.approx(path.stat().st_size / 1e6, abs=0.11)
    alone = browser.new_context(offline=True)
    try:
        complaints: list[str] = []
        opened = alone.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("console", lambda message: complaints.append(message.text))
        requests: list[str] = []
        opened.on("request", lambda request: requests.append(request.url))
        opened.goto(path.as_uri())
        shown(opened, 1 if over == "minibatches" else 4)
        for slot in page_slots(over):
            assert traces(opened, slot) == traces(page, slot)
        assert titles(opened, over) == titles(page, over)
        opened.get_by_role("slider").focus()
        opened.keyboard.press("Home")
        shown(opened, 0)
        for index in (1, 2):
            opened.keyboard.press("ArrowRight")
            shown(opened, index)
        at = {"epoch": 2} if over != "minibatches" else {"epoch": 4, "minibatch": 2, "minibatch_size": 256}
        for slot in page_slots(over):
            variant = ("none", "dropout", "batchnorm")[slot] if over != "minibatches" else "none"
            x, y = PAIRS[slot if over == "minibatches" else 0]
            exact = by_command(trained, tmp_path, run=variant, x=x, y=y, **at)
            seen = gradients(opened, slot)
            if over == "difference" and slot:
                reference = by_command(trained, tmp_path, run="none", x=x, y=y, **at)
                expected = rows_of(exact)[:, [2, 3, 5]] - rows_of(reference)[:, [2, 3, 5]]
                both = ~(exact["is_zero"] | reference["is_zero"]).ravel()[: len(expected)]
                np.testing.assert_allclose(seen[both][:, [2, 3, 5]], expected[both], rtol=1e-4, atol=1e-5)
            else:
                np.testing.assert_allclose(seen, rows_of(exact), rtol=1e-6, atol=1e-9)
        assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
        assert complaints == []
    finally:
        alone.close()


def page_slots(over: str) -> range:
    return range(2 if over == "minibatches" else 3)


def traces(page: Page, slot: int) -> list[Any]:
    """The kinds and sizes of what is drawn on a picture, under and over its arrows."""
    data = "(slot) => document.querySelector(`#graph-${slot} .js-plotly-plot`).data"
    return page.evaluate(f"{data}.map((trace) => [trace.type, trace.mode, trace.x.length])", slot)


def titles(page: Page, over: str) -> list[str]:
    return [page.locator(f"#title-{slot} h2").inner_text() for slot in page_slots(over)]


def shown(page: Page, index: int) -> None:
    page.wait_for_function(
        "(index) => { const panels = [...document.querySelectorAll('.gv-panel')];"
        " return panels.length > 0 && panels.every((panel) => panel.dataset.index === String(index)); }",
        arg=index,
    )


def test_a_gif_has_a_frame_for_each_epoch_and_its_progress_is_shown(visit: Visit, tmp_path: Path) -> None:
    page = visit("/?view=compare&compared=none,batchnorm&epoch=4&points=11&minus=batchnorm&show=path")
    open_dialog(page)
    expect(page.get_by_text("its own field, not the difference")).to_have_count(1)  # so the numbers of None are told
    page.evaluate(_REMEMBER_PROGRESS)
    path = press(page, "GIF", tmp_path)
    assert path.name == "none-batchnorm-minus-batchnorm-minibatch-0-over-epochs.gif"
    with Image.open(path) as opened:
        gif: Any = opened
        assert gif.n_frames == NUM_EPOCHS
        assert gif.size == (1600, 700)
    steps = page.evaluate("() => window.steps")
    assert steps == sorted(set(steps))
    assert len(steps) > NUM_EPOCHS


_REMEMBER_PROGRESS = """() => {
  window.steps = [];
  new MutationObserver(() => {
    const value = document.querySelector(".gv-making progress")?.value;
    if (value && value !== window.steps.at(-1)) window.steps.push(value);
  }).observe(document.querySelector(".gv-making"), { subtree: true, childList: true, characterData: true });
}"""


def test_the_making_of_a_file_is_cancelled_and_another_one_is_made(visit: Visit, tmp_path: Path) -> None:
    page = visit("/?epoch=4")
    open_dialog(page)
    downloads: list[str] = []
    page.on("download", lambda one: downloads.append(one.suggested_filename))
    for _ in range(3):  # more than a server makes at a time
        page.get_by_role("button", name="GIF").click()
        expect(page.locator(".gv-making")).to_contain_text("step")
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator(".gv-making")).to_have_text("Cancelled.")
    assert downloads == []
    assert press(page, "HTML", tmp_path).stat().st_size > 4e6
    assert len(downloads) == 1


def test_a_refusal_is_one_sentence(visit: Visit) -> None:
    page = visit("/?epoch=4", lenient=True)
    refusal = json.dumps({"error": "2 exports are already running: wait until one is done."})
    page.route(
        "**/api/v1/exports", lambda route: route.fulfill(status=429, body=refusal, content_type="application/json")
    )
    open_dialog(page)
    page.get_by_role("button", name="GIF").click()
    expect(page.locator("#notices")).to_contain_text("2 exports are already running: wait until one is done.")
    page.unroute("**/api/v1/exports")
    page.route("**/api/v1/landscape*", lambda route: route.abort())
    page.get_by_role("button", name="CSV of Hidden layer 1").click()
    expect(page.locator("#notices")).to_contain_text("The server cannot be reached")


def test_copied_lines_reproduce_the_numbers(
    visit: Visit, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / server.runs.name).symlink_to(server.runs)  # the lines name the runs as who keeps them knows them
    page = visit("/?variant=batchnorm&epoch=3&mode=train&width=0.05&x1=hidden.1.norm.bias[2]")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    expected = [gradients(page, slot) for slot in PAIRS]
    open_dialog(page)
    copied = {form: copy(page, form) for form in ("Command line", "Python")}
    lines = copied["Command line"].splitlines()
    assert len(lines) == len(expected)
    # as a shell reads it
    subprocess.run(f'PATH="{SCRIPTS}:$PATH"; {lines[0]}', shell=True, check=True, cwd=tmp_path, timeout=120)
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(lines[1])[1:]) == 0
    scope: dict[str, Any] = {}
    exec(copied["Python"], scope)
    for line, field, seen in zip(lines, scope["fields"], expected, strict=True):
        with np.load(tmp_path / shlex.split(line)[-1]) as got:
            np.testing.assert_allclose(rows_of(dict(got)), seen, rtol=1e-6, atol=1e-9)
            for name in ("x", "y", "u", "v", "loss"):
                np.testing.assert_array_equal(getattr(field, name), got[name])


def copy(page: Page, form: str) -> str:
    page.get_by_role("button", name=form).click()
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(".gv-said")).to_have_text("Copied.")
    return page.evaluate("() => navigator.clipboard.readText()")


def test_without_a_clipboard_the_text_is_selected(visit: Visit) -> None:
    page = visit("/?epoch=4")
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('refused')); }")
    open_dialog(page)
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator(".gv-said")).to_contain_text("Ctrl+C")
    selected = "() => { const t = document.activeElement; return t.value.slice(t.selectionStart, t.selectionEnd); }"
    assert page.evaluate(selected).startswith("gradviz landscape --run none --epoch 4")


def test_the_dialog_is_used_with_keys_and_is_clear_to_assistive_technology(visit: Visit, tmp_path: Path) -> None:
    page = visit("/?epoch=4")
    page.get_by_role("button", name="Export").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Export")).to_be_visible()
    expect(page.get_by_role("button", name="Copy", exact=True)).to_be_enabled()
    assert axe_finds(page) == []
    page.get_by_role("button", name="PNG", exact=True).focus()
    with page.expect_download() as coming:
        page.keyboard.press("Enter")
    assert coming.value.suggested_filename == "gradviz-explore-epoch-4-minibatch-0.png"
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="Export")).to_be_focused()
    assert view_of(page)["epoch"] == 4


def test_the_view_of_all_minibatches_is_one_picture_too(visit: Visit, tmp_path: Path) -> None:
    page = visit("/?view=minibatches&epoch=4&size=16")
    open_dialog(page)
    svg = ET.parse(press(page, "SVG", tmp_path)).getroot()
    assert svg.findall("{http://www.w3.org/2000/svg}image") == []
    drawings = [one for one in svg.findall("{http://www.w3.org/2000/svg}g") if "translate" in one.get("transform", "")]
    assert len(drawings) == 3  # rose, cosines, small multiples
    for one in drawings:
        paths = [each.get("d", "") for each in one.iter("{http://www.w3.org/2000/svg}path")]
        assert sum(map(len, paths)) > 1000
        assert not any("NaN" in path for path in paths)
    texts = ["".join(each.itertext()) for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert not {"pair", "biases", "layer", "model"} & set(texts)
    assert not any("click" in text for text in texts)
    bars = {each.attrib["id"].rsplit("-", 1)[0] for each in svg.iter("{http://www.w3.org/2000/svg}linearGradient")}
    assert {"gv-scale-bar", "gv-cosine-bar"} <= bars
    with Image.open(press(page, "PNG", tmp_path)) as png:
        assert png.width >= 1900
