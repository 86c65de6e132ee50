"""Twelve runs in one directory, trained by the command line: listed, side by side, and their seeds grouped."""

import csv
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from gradviz.cli import main
from gradviz.experiment.store import RunStore
from tests.browser.boxes import axe_finds
from tests.browser.conftest import ARTEFACTS, Server, Visit, served, shoot, wait_until_drawn
from tests.browser.reading import wait_for_view
from tests.browser.test_exports import open_dialog, press

pytestmark = pytest.mark.browser

OPTIMIZERS = {"adam": "0.003", "sgd": "0.0003"}
SEEDS = (0, 1, 2)
SMALL = ["--variants", "none,dropout", "--hidden", "12,8", "--rows", "400", "--epochs", "2", "--device", "cpu"]
NAMES = [
    f"{optimizer}-{seed}-{regularizer}"
    for regularizer, optimizer, seed in product(("none", "dropout"), OPTIMIZERS, SEEDS)
]
GROUPS = ["None, Adam", "None, SGD", "Dropout, Adam", "Dropout, SGD"]
ALL = f"/?view=compare&epoch=2&x1=hidden.1.linear.bias[0]&y1=hidden.1.linear.bias[1]&compared={','.join(NAMES)}"


@pytest.fixture(scope="module")
def twelve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seeds of two regularizers with two optimizers: six commands, in this process, take less than a second."""
    runs = tmp_path_factory.mktemp("twelve") / "runs"
    for (optimizer, rate), seed in product(OPTIMIZERS.items(), SEEDS):
        named = ["--name", f"{optimizer}-{seed}", "--optimizer", optimizer, "--lr", rate, "--seed", f"{seed}"]
        assert main(["train", *named, *SMALL, "--runs", str(runs)]) == 0
    return runs


@pytest.fixture(scope="module")
def at(twelve: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(twelve, tmp_path_factory.mktemp("cache")) as running:
        yield running


def wait_for_grid(page: Page, many: int, epoch: int = 2) -> list[dict[str, Any]]:
    """The pictures, once all are drawn."""
    page.wait_for_function(
        "([many, epoch]) => window.gradvizPage?.grid?.length === many"
        " && window.gradvizPage.grid.every(({ index, isLoading }) => index === epoch && !isLoading)",
        arg=[many, epoch],
    )
    return page.evaluate("() => window.gradvizPage.grid")


# The mean colour in each of 5 × 5 parts of a picture.
_MEANS = """(cells) => {
  const canvas = document.getElementById("grid-canvas");
  const ratio = canvas.width / canvas.clientWidth;
  return cells.map(({ left, top, side }) => {
    const small = new OffscreenCanvas(5, 5).getContext("2d");
    small.imageSmoothingQuality = "high";
    small.drawImage(canvas, left * ratio, top * ratio, side * ratio, side * ratio, 0, 0, 5, 5);
    return [...small.getImageData(0, 0, 5, 5).data];
  });
}"""


def means(page: Page, cells: list[dict[str, Any]]) -> np.ndarray:
    return np.array(page.evaluate(_MEANS, cells), float).reshape(len(cells), 25, 4)[..., :3]


def field_of(page: Page, run: str, epoch: int = 2) -> dict[str, Any]:
    """The field of a run as the API gives it, in the plane of `ALL`."""
    asked = f"run={run}&epoch={epoch}&x=hidden.1.linear.bias[0]&y=hidden.1.linear.bias[1]&half_width=0.1&points=21"
    return page.evaluate("async (asked) => (await fetch(`api/v1/landscape?${asked}&format=json`)).json()", asked)


def told(number: str) -> float:
    return float(number.replace("−", "-"))


def test_all_are_listed_and_up_to_three_are_panels(visit: Visit, at: Server) -> None:
    page = visit(ALL.replace(",".join(NAMES), ",".join(NAMES[:2])), at=at)
    expect(page.locator(".gv-panel:visible")).to_have_count(2)
    choices = page.locator("#compared")
    expect(choices.locator(".gv-run-group")).to_have_text(GROUPS)
    assert [label for label in choices.locator(".gv-run").all_inner_texts() if label in NAMES] == NAMES
    choices.get_by_text(NAMES[3], exact=True).click()
    wait_until_drawn(page)
    expect(page.locator(".gv-panel:visible h2")).to_have_text([NAMES[0], NAMES[1], NAMES[3]])
    assert page.evaluate("() => window.gradvizPage.grid") is None
    choices.get_by_text(NAMES[6], exact=True).click()
    wait_for_grid(page, 4)
    expect(page.locator(".gv-panel:visible")).to_have_count(0)
    expect(page.locator(".gv-grid-name")).to_have_text([NAMES[0], NAMES[1], NAMES[3], NAMES[6]])
    expect(page.locator("#grid-title")).to_contain_text("4 runs · Hidden layer 1")


def test_twelve_move_with_the_epoch_and_each_can_be_opened_alone(visit: Visit, at: Server) -> None:
    page = visit(ALL, at=at, drawn=False)
    cells = wait_for_grid(page, 12)
    before = means(page, cells)
    assert np.abs(before[0] - before[-1]).max() > 3  # other runs, other pictures
    page.get_by_role("slider", name="Epoch").focus()
    page.keyboard.press("ArrowLeft")
    wait_for_grid(page, 12, epoch=1)
    assert np.abs(means(page, cells) - before).max() > 3
    expect(page).to_have_url(re.compile("epoch=1"))
    page.get_by_role("button", name=re.compile("^sgd-1-dropout: ")).click()
    wait_for_view(page, view="explore", run="sgd-1-dropout")
    expect(page.locator("#grid")).to_be_hidden()
    wait_until_drawn(page)
    page.go_back()
    wait_for_grid(page, 12, epoch=1)
    page.mouse.click(*page.evaluate("() => window.gradvizPage.gridPlace(4, 0.05, 0.05)"))
    wait_for_view(page, view="explore", run=cells[4]["run"])


def test_a_point_is_read_in_all_of_them_with_its_numbers(visit: Visit, at: Server) -> None:
    page = visit(ALL, at=at, drawn=False)
    wait_for_grid(page, 12)
    number = NAMES.index("sgd-0-none")
    field = field_of(page, "sgd-0-none")
    j, i = 10 + 4, 10 - 3  # row and column of the point at Δ −0.03, 0.04
    page.mouse.move(*page.evaluate("(k) => window.gradvizPage.gridPlace(k, -0.031, 0.041)", number))
    expect(page.locator(".gv-grid-cell .gv-cross:visible")).to_have_count(12)
    tip = page.locator("#tip")
    expect(tip).to_contain_text("sgd-0-none")
    expect(tip).to_contain_text("per unit of parameter")
    expect(tip).to_contain_text("(mean |error|)")
    u, loss = field["u"][j][i], field["loss"][j][i]
    line = page.locator("#grid-reading")
    facts = dict(fact.split(" ", 1) for fact in line.locator(".gv-fact:not(.gv-grid-read)").all_inner_texts())
    assert [told(offset) for offset in facts["Δ"].split(", ")] == pytest.approx([-0.03, 0.04])
    assert told(facts["∂J/∂x₁"]) == pytest.approx(u, rel=5e-3)  # three digits are told
    assert told(facts["J"]) == pytest.approx(loss, rel=5e-4)
    page.mouse.move(5, 5)
    expect(page.locator(".gv-grid-cell .gv-cross:visible")).to_have_count(0)
    expect(tip).to_be_hidden()


def test_keys_read_points_and_go_from_run_to_run(visit: Visit, at: Server) -> None:
    page = visit(ALL, at=at, drawn=False)
    wait_for_grid(page, 12)
    line = page.locator("#grid-reading")
    line.focus()
    expect(line).to_contain_text(NAMES[0])
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "PageDown"):
        page.keyboard.press(key)
    expect(line).to_contain_text(NAMES[1])
    expect(line).to_contain_text("Δ 0.0200, −0.0100")
    expect(page.locator("#spoken")).to_contain_text(NAMES[1])
    assert page.evaluate("() => window.gradvizPage.view.epoch") == 2  # the arrows were the point's
    page.locator("#grid-numbers summary").click()
    table = page.locator("#grid-numbers table")
    expect(table.locator("caption")).to_be_visible()
    rows = [row.split("\t") for row in table.locator("tbody tr").all_inner_texts()]
    assert [row[0] for row in rows] == NAMES
    for name in (NAMES[1], NAMES[-1]):
        centre = field_of(page, name)  # clicking the table has taken the focus: the checkpoint is read
        assert told(rows[NAMES.index(name)][4]) == pytest.approx(centre["loss"][10][10], rel=5e-4)
    page.keyboard.press("Escape")
    page.locator(".gv-grid-name[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".gv-grid-name:focus")).to_have_count(1)
    reached = page.locator(".gv-grid-name:focus").inner_text()
    expect(line).to_contain_text(reached)
    page.keyboard.press("Enter")
    wait_for_view(page, view="explore", run=reached)


def test_a_part_is_drawn_out_in_one_and_shown_by_all(visit: Visit, at: Server) -> None:
    page = visit(ALL, at=at, drawn=False)
    cells = wait_for_grid(page, 12)
    before = means(page, cells)
    for k, (x, y) in enumerate([(-0.05, 0.05), (0.0, 0.0)]):
        page.mouse.move(*page.evaluate("([x, y]) => window.gradvizPage.gridPlace(5, x, y)", [x, y]), steps=4)
        if k == 0:
            page.mouse.down()
    page.mouse.up()
    whole = page.locator("#zoomed-grid").get_by_role("button", name="Whole plane")
    expect(whole).to_be_visible()
    assert page.evaluate("() => window.gradvizPage.view.view") == "compare"  # drawing out opens nothing
    left, top = page.evaluate("() => window.gradvizPage.gridPlace(0, -0.05, 0.05)")
    right, bottom = page.evaluate("() => window.gradvizPage.gridPlace(0, 0, 0)")
    side = cells[0]["side"]
    assert right - left == pytest.approx(side, abs=side / 20)  # from pixel to pixel
    assert bottom - top == pytest.approx(side, abs=side / 20)
    assert np.abs(means(page, cells) - before).max() > 3
    page.keyboard.press("0")
    expect(whole).to_have_count(0)
    np.testing.assert_allclose(means(page, cells), before, atol=1)
    page.locator("#grid-reading").focus()
    page.keyboard.press("+")
    expect(whole).to_be_visible()
    whole.click()
    expect(whole).to_have_count(0)


def test_differences_are_named_and_none_is_said(visit: Visit, at: Server) -> None:
    """Before the first step none and dropout have the same weights, and in eval mode the same gradients."""
    page = visit(f"{ALL.replace('epoch=2', 'epoch=0')}&minus=adam-0-none", at=at, drawn=False)
    wait_for_grid(page, 12, epoch=0)
    cells = page.locator(".gv-grid-cell")
    expect(cells.nth(0)).to_contain_text("adam-0-none")
    expect(page.locator("#grid-title")).to_contain_text("differences Δ∇J from adam-0-none")
    same = cells.filter(has_text="adam-0-dropout − adam-0-none")
    expect(same.locator(".gv-grid-note")).to_have_text(re.compile("no difference|equal up to round-off"))
    expect(cells.filter(has_text="adam-1-none − adam-0-none").locator(".gv-grid-note")).to_have_text("")


def test_what_is_seen_is_exported_with_the_names_of_the_runs(visit: Visit, at: Server, tmp_path: Path) -> None:
    page = visit(ALL, at=at, drawn=False)
    wait_for_grid(page, 12)
    open_dialog(page)
    with Image.open(press(page, "PNG", tmp_path)) as png:
        assert len(np.unique(np.asarray(png.convert("RGB")).reshape(-1, 3), axis=0)) > 100
    svg = ET.parse(press(page, "SVG", tmp_path)).getroot()
    texts = ["".join(each.itertext()) for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text in NAMES] == [*NAMES, NAMES[0]]  # and the one whose numbers are told
    assert not list(svg.iter("{http://www.w3.org/2000/svg}image"))
    clips = list(svg.iter("{http://www.w3.org/2000/svg}clipPath"))
    assert len(clips) == 12  # of each picture its square: all are vectors
    pdf = press(page, "PDF", tmp_path)
    assert pdf.name == "12-runs-epoch-2-minibatch-0.pdf"
    assert pdf.read_bytes().startswith(b"%PDF-")
    gif = press(page, "GIF", tmp_path)
    with Image.open(gif) as animated:
        assert animated.n_frames == 3  # pyright: ignore[reportAttributeAccessIssue]  (GIF files have it)
    lines = page.locator(".gv-recipe").input_value().splitlines()
    assert [line.split("--run ")[1].split()[0] for line in lines] == NAMES
    shoot(page, "grid-export-light-1280")


def test_the_page_that_stands_alone_has_all_twelve(visit: Visit, at: Server, browser: Browser, tmp_path: Path) -> None:
    page = visit(ALL, at=at, drawn=False)
    wait_for_grid(page, 12)
    before = {name: field_of(page, name)["loss"][10][10] for name in NAMES}
    open_dialog(page)
    path = press(page, "HTML", tmp_path)
    assert path.stat().st_size < 2_000_000  # plotly.js has no part in it
    alone = browser.new_page(viewport={"width": 1280, "height": 720})
    complaints: list[str] = []
    alone.on("console", lambda message: complaints.append(message.text))
    alone.on("pageerror", lambda error: complaints.append(f"{error}"))
    requests: list[str] = []
    alone.on("request", lambda request: requests.append(request.url))
    alone.goto(path.as_uri())
    expect(alone.locator(".gv-grid-name")).to_have_text(NAMES)
    line = alone.locator("#grid-reading")
    line.focus()
    for name in NAMES:
        expect(line).to_contain_text(name)
        assert told(line.inner_text().split("J ")[-1]) == pytest.approx(before[name], rel=5e-4)
        alone.keyboard.press("PageDown")
    alone.get_by_role("slider", name="Epoch").focus()
    alone.keyboard.press("ArrowLeft")
    expect(alone.locator("#grid-title")).to_contain_text("epoch 1")
    alone.locator(".gv-grid-plane").nth(1).hover()
    expect(alone.locator("#tip")).to_contain_text("per unit of parameter")
    alone.screenshot(path=ARTEFACTS / "grid-alone-light-1280.png")
    assert axe_finds(alone) == []
    assert complaints == []
    assert {urlsplit(url).scheme for url in requests} <= {"file", "data", "blob"}
    alone.close()


def test_seeds_are_drawn_as_their_mean_with_their_spread(
    visit: Visit, at: Server, twelve: Path, tmp_path: Path
) -> None:
    page = visit(f"{ALL}&curves=agreement", at=at, drawn=False)
    wait_for_grid(page, 12)
    assert len(traces(page)) == 24
    page.get_by_role("button", name="group seeds").click()
    wait_for_view(page, seeds="grouped")
    expect(page).to_have_url(re.compile("seeds=grouped"))
    page.wait_for_function("() => document.querySelector('#loss .js-plotly-plot').data.length === 16")
    found = {trace["name"]: trace for trace in traces(page)}
    store = RunStore(twelve)
    for group, names in zip(GROUPS, np.array(NAMES).reshape(4, 3), strict=True):
        mean, band = (found[f"{group}, n = 3 test{end}"] for end in ("", ", smallest to largest"))
        losses = np.array([[line.test_loss for line in store.run(name).metrics()] for name in names])
        np.testing.assert_allclose(mean["customdata"], losses.mean(0), rtol=1e-12)
        np.testing.assert_allclose(band["customdata"], [*losses.max(0), *losses.min(0)[::-1]], rtol=1e-12)
    expect(page.locator("#loss-names")).to_contain_text("None, Adam, n = 3")
    expect(page.locator("#legend")).to_contain_text("mean, smallest to largest of n seeds")
    expect(page.locator(".gv-course-words").first.locator("span")).to_have_count(4)
    expect(page.locator(".gv-course-note")).to_have_text("")
    page.locator("#course-numbers summary").click()
    expect(page.locator("#course-numbers tbody tr")).to_have_count(12)
    rows = [row.split("\t") for row in page.locator("#course-numbers tbody tr").all_inner_texts()]
    assert [row[:2] for row in rows] == [[f"{epoch}", f"{group}, n = 3"] for group in GROUPS for epoch in range(3)]
    balance = [course_of(page, name)["balance"] for name in NAMES[:3]]
    expected = f"{np.mean(balance):.2f} [{min(balance):.2f}, {max(balance):.2f}], n = 3"
    assert rows[2][5] == expected
    shoot(page, "grouped-light-1280")
    page.keyboard.press("Escape")
    open_dialog(page)
    losses = table_of(press(page, "CSV of the losses", tmp_path))
    assert [(row["of"], row["epoch"], row["seeds"]) for row in losses] == [
        (f"{group}, n = 3", f"{epoch}", "3") for group in GROUPS for epoch in range(3)
    ]
    last = [store.run(name).metrics()[-1].train_loss for name in NAMES[:3]]
    told_last = [float(losses[2][f"train_loss{end}"]) for end in ("", "_smallest", "_largest")]
    assert told_last == pytest.approx([np.mean(last), min(last), max(last)], rel=1e-12)
    agreement = table_of(press(page, "CSV of the agreement", tmp_path))
    told_balance = [float(agreement[2][f"sign_balance{end}"]) for end in ("", "_low", "_high")]
    assert told_balance == pytest.approx([np.mean(balance), min(balance), max(balance)], rel=1e-12)
    assert agreement[2]["low_high"] == "smallest, largest"
    svg = ET.parse(press(page, "SVG of the curves", tmp_path)).getroot()
    texts = ["".join(each.itertext()) for each in svg.iter("{http://www.w3.org/2000/svg}text")]
    for words in ("None, Adam, n = 3", "mean, smallest to largest of n seeds", "agreement R", "loss J"):
        assert any(words in text for text in texts), words
    assert not any("group seeds" in text or "Export" in text for text in texts)
    with Image.open(press(page, "PNG of the curves", tmp_path)) as png:
        assert [float(svg.attrib[side]) * 2 for side in ("width", "height")] == [png.width, png.height]
        png.save(ARTEFACTS / "grouped-curves.png")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="group seeds").click()
    page.wait_for_function("() => document.querySelector('#loss .js-plotly-plot').data.length === 24")


def table_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def traces(page: Page) -> list[dict[str, Any]]:
    page.wait_for_function("() => document.querySelector('#loss .js-plotly-plot')?.data?.length")
    return json.loads(page.evaluate("() => JSON.stringify(document.querySelector('#loss .js-plotly-plot').data)"))


def course_of(page: Page, run: str) -> dict[str, Any]:
    asked = f"run={run}&epoch=2&x=hidden.1.linear.bias[0]&y=hidden.1.linear.bias[1]&half_width=0.1&points=21"
    return page.evaluate("async (asked) => (await fetch(`api/v1/course?${asked}`)).json()", asked)


_SETTLED = "() => document.getAnimations().every((fade) => fade.playState !== 'running')"
"""Colours that fade from one scheme to the other have too little contrast on their way."""


def test_axe_finds_nothing_to_mend_and_nothing_is_cut_off(visit: Visit, at: Server) -> None:
    page = visit(f"{ALL}&seeds=grouped&curves=agreement", at=at, drawn=False)
    wait_for_grid(page, 12)
    page.mouse.move(*page.evaluate("() => window.gradvizPage.gridPlace(1, 0, 0)"))
    page.locator("#grid-numbers summary").click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType]  (a literal)
        expect(page.locator("html")).to_have_attribute("data-mantine-color-scheme", scheme)
        page.wait_for_function(_SETTLED)
        assert axe_finds(page) == []
    page.locator("#grid-numbers summary").click()
    page.evaluate("() => (document.querySelector('.gv-status-text').textContent = 'Training · 1234 of 3600 epochs')")
    for width in (768, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("() => window.gradvizPage.grid.every(({ side }) => side >= 150)")
        page.wait_for_function("(width) => document.documentElement.scrollWidth <= width", arg=width)
        tabs = page.locator(".gv-header nav")
        assert tabs.evaluate("(nav) => nav.scrollWidth <= nav.clientWidth")
        place, beside = tabs.bounding_box(), page.locator("#status").bounding_box()
        assert place is not None
        assert beside is not None
        assert place["x"] + place["width"] <= (beside["x"] if width == 768 else width)
        transport = page.locator("#scrubber .gv-transport")
        assert transport.evaluate("(row) => row.clientHeight") < 40 or width > 640  # one line
