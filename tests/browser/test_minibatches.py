"""Minibatches: rose, matrix and small multiples show the gradients that the API gives, linked with the picture."""

import json
import re
import struct
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from gradviz.drawing.inks import PALETTES
from tests.browser.conftest import Server, Visit, shoot, wait_until_drawn
from tests.browser.reading import frame_shown, gradients, spread_of, view_of, wait_for_minibatches, wait_for_view

pytestmark = pytest.mark.browser

MANY = 50
PAIR = {"x": "hidden.0.linear.bias[16]", "y": "hidden.1.linear.bias[5]"}  # arrows in all four quadrants
VIEW = f"/?view=minibatches&size=16&epoch=4&x1={PAIR['x']}&y1={PAIR['y']}"


def centres(page: Page, server: Server, **asked: object) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """u, v and the share below target of each minibatch, from one answer of the API of three points a side."""
    asked |= {"over": "minibatches", "points": 3}
    answer = page.request.get(f"{server.url}/api/v1/frames", params={key: str(value) for key, value in asked.items()})
    body, at, blocks = answer.body(), 0, []
    while at < len(body):
        (length,) = struct.unpack_from("<I", body, at)
        blocks.append(body[at + 4 : at + 4 + length])
        at += 4 + length
    rows = {}
    for block in blocks[1:]:
        (length,) = struct.unpack_from("<I", block)
        about = json.loads(block[4 : 4 + length])
        u, v = np.frombuffer(block, "<f4", 18, 4 + length).reshape(2, 9)[:, 4]
        rows[about["index"]] = (u, v, about["share_below"])
    columns = np.array([rows[k] for k in range(MANY)], float)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def test_rose_matrix_and_words_are_those_of_the_api(visit: Visit, server: Server) -> None:
    page = visit(VIEW)
    u, v, below = centres(page, server, run="none", epoch=4, minibatch_size=16, **PAIR)
    spread: Any = spread_of(page)
    assert [arrow["minibatch"] for arrow in spread["arrows"]] == list(range(MANY))
    np.testing.assert_array_equal([arrow["u"] for arrow in spread["arrows"]], u)
    np.testing.assert_array_equal([arrow["v"] for arrow in spread["arrows"]], v)
    live = np.array([not arrow["isZero"] for arrow in spread["arrows"]])
    assert live.sum() > 40
    assert min(np.ptp(u), np.ptp(v)) > 0
    angles = np.arctan2(v, u)
    unit = np.exp(1j * angles[live])
    resultant = unit.mean()
    assert spread["resultant"]["length"] == pytest.approx(abs(resultant), abs=1e-9)
    from_mean = np.angle(np.exp(1j * angles) / (resultant / abs(resultant)))
    order = spread["order"]
    assert set(order[: live.sum()]) == set(np.flatnonzero(live))
    assert set(order) == set(range(MANY))
    assert (np.diff(from_mean[order[: live.sum()]]) > -1e-9).all()
    within = int((np.abs(from_mean[live]) < np.pi / 2).sum())
    words = page.locator("#spread-words")
    expect(words).to_contain_text(f"{within} of {MANY} minibatches point within 90° of their mean")
    expect(words).to_contain_text(f"{round(100 * below.mean())} % of rows predicted below target (50 × 16 rows)")
    for canvas in ("#rose", "#matrix", "#minis-canvas"):
        expect(page.locator(canvas)).to_have_attribute("aria-label", re.compile("point within 90°"))
    tips = spread_of(page)["tips"]
    drawn = (np.array(tips) - spread_of(page)["centre"]) * [1, -1]
    np.testing.assert_allclose(
        (drawn / np.hypot(*drawn.T)[:, None])[live], np.array([np.cos(angles), np.sin(angles)]).T[live], atol=1e-6
    )
    lengths, sizes = np.hypot(*drawn.T)[live], np.hypot(u, v)[live]
    np.testing.assert_allclose(lengths / lengths.max(), (sizes / sizes.max()) ** 0.35, rtol=1e-4)
    pairs = [(order[1], order[1]), (order[2], order[-2]), (order[3], order[20]), (order[30], order[10])]
    expected = [colour(float(np.cos(angles[row] - angles[column]))) for row, column in pairs]
    np.testing.assert_allclose(cells(page, pairs), expected, atol=9)  # 48 shades
    assert len([address for address in frames_asked(page) if "frames" in address]) == 1
    shoot(page, "minibatches-light-1280")


def frames_asked(page: Page) -> list[str]:
    """All that the page has asked of the API for pictures."""
    names = page.evaluate("() => performance.getEntriesByType('resource').map(({ name }) => name)")
    return [name for name in names if re.search("/api/v1/(frames|landscape)", name)]


def cells(page: Page, pairs: list[tuple[int, int]]) -> list[list[int]]:
    """The colours in the middle of cells of the matrix."""
    return page.evaluate(
        """(pairs) => {
          const canvas = document.getElementById("matrix");
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
          copy.drawImage(canvas, 0, 0);
          return pairs.map(([row, column]) => {
            const [x, y] = window.gradvizPage.cell(row, column);
            const ratio = canvas.width / canvas.clientWidth;
            return [...copy.getImageData(x * ratio, y * ratio, 1, 1).data].slice(0, 3);
          });
        }""",
        pairs,
    )


def colour(cosine: float) -> np.ndarray:
    """The colour of a cosine on the light scheme's scale."""
    stops = PALETTES["light"].cosine
    channels = np.array([[int(text[at : at + 2], 16) for at in (1, 3, 5)] for _, text in stops])
    return np.array([np.interp((cosine + 1) / 2, [at for at, _ in stops], channels[:, c]) for c in range(3)])


def test_what_is_pointed_at_or_chosen_is_marked_everywhere(visit: Visit) -> None:
    page = visit(VIEW)
    spread: Any = spread_of(page)
    longest = max(spread["live"], key=lambda arrow: arrow["size"])["minibatch"]
    page.locator("#rose").hover(position=point(page, f"window.gradvizPage.spread.tips[{longest}]"))
    meant = spread_of(page)["hovered"]
    expect(page.locator(".gv-mini.gv-hovered")).to_have_text(str(meant))
    expect(page.locator("#tip")).to_contain_text(f"minibatch {meant}")
    expect(page.locator("#tip")).to_contain_text("of 16 rows predicted below target")
    page.locator("#rose").click(position=point(page, f"window.gradvizPage.spread.tips[{longest}]"))
    chosen_everywhere(page, meant)
    row, column = spread["order"][5], spread["order"][11]
    page.locator("#matrix").hover(position=point(page, f"window.gradvizPage.cell({row}, {column})"))
    expect(page.locator("#tip")).to_contain_text(f"minibatches {row} and {column}")
    expect(page.locator("#tip")).to_contain_text("cosine")
    page.locator("#matrix").click(position=point(page, f"window.gradvizPage.cell({row}, {column})"))
    chosen_everywhere(page, row)
    page.locator(".gv-mini").nth(33).click()
    chosen_everywhere(page, 33)
    page.go_back()
    wait_for_view(page, minibatch=row)


def point(page: Page, place: str) -> Any:
    x, y = page.evaluate(f"() => {place}")
    return {"x": x, "y": y}


def chosen_everywhere(page: Page, minibatch: int) -> None:
    wait_for_view(page, minibatch=minibatch)
    wait_until_drawn(page)
    expect(page.locator(".gv-mini[aria-pressed=true]")).to_have_text(str(minibatch))
    expect(page.get_by_role("slider", name="Minibatch")).to_have_value(str(minibatch))
    expect(page.locator("#title-0 h2")).to_have_text(f"Minibatch {minibatch}")
    assert frame_shown(page) == minibatch
    middle = gradients(page)[220]
    arrow = spread_of(page)["arrows"][minibatch]
    np.testing.assert_allclose(middle[2:4], [arrow["u"], arrow["v"]], rtol=1e-6)


def test_everything_is_reached_by_keyboard(visit: Visit) -> None:
    page = visit(VIEW + "&minibatch=7")
    order = spread_of(page)["order"]
    for key, minibatch in (("ArrowRight", 8), ("ArrowLeft", 7), ("Home", 0), ("End", MANY - 1)):
        page.keyboard.press(key)
        assert (view_of(page)["minibatch"], frame_shown(page)) == (minibatch, minibatch)
    page.get_by_role("group", name="Rose").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert spread_of(page)["hovered"] == order[1]
    expect(page.locator("#tip")).to_contain_text(f"minibatch {order[1]}")
    page.keyboard.press("Enter")
    chosen_everywhere(page, order[1])
    page.get_by_role("group", name="Matrix").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tip")).to_contain_text(f"minibatch {order[2]}")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tip")).to_contain_text(f"minibatches {order[2]} and {order[3]}")
    page.keyboard.press("Escape")
    expect(page.locator("#tip")).to_be_hidden()
    page.locator(".gv-mini[aria-pressed=true]").focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowDown")
    columns = int(page.locator("#minis").get_attribute("data-columns") or 0)
    expect(page.locator(".gv-mini:focus")).to_have_text(str(columns))
    page.keyboard.press("Enter")
    chosen_everywhere(page, columns)


def test_play_goes_through_the_minibatches_without_asking(visit: Visit) -> None:
    page = visit(VIEW)
    asked = len(frames_asked(page))
    player = page.locator("#minibatch-player")
    player.get_by_label("Minibatches a second").select_option("30")
    player.get_by_role("button", name="Play the minibatches").click()
    wait_for_view(page, minibatch=MANY - 1)
    wait_until_drawn(page)
    assert frame_shown(page) == MANY - 1
    assert len(frames_asked(page)) == asked
    expect(page).to_have_url(re.compile(f"minibatch={MANY - 1}"))


def test_another_epoch_is_one_picture_at_once_and_then_the_others_and_a_link_opens_it(visit: Visit) -> None:
    page = visit(VIEW)
    before = spread_of(page)["arrows"][3]
    page.get_by_role("slider", name="Epoch").focus()
    page.keyboard.press("ArrowLeft")
    wait_for_minibatches(page, 50)
    wait_until_drawn(page)
    after = spread_of(page)["arrows"][3]
    assert after != before
    assert len(frames_asked(page)) == 3
    expect(page).to_have_url(re.compile("view=minibatches.*epoch=3"))
    other = visit(page.url.removeprefix(page.evaluate("() => window.location.origin")), stranger=True)
    assert spread_of(other)["arrows"][3] == after
    expect(other.locator("#spread-words")).to_have_text(page.locator("#spread-words").inner_text(), use_inner_text=True)
    other.locator("#view").get_by_text("Explore").click()
    other.wait_for_function("() => Number.isInteger(window.gradvizPage.panels[1]?.index)")
    wait_until_drawn(other)
    assert frame_shown(other, 1) == 3


def test_the_matrix_can_be_of_larger_parts_of_the_model(visit: Visit, server: Server) -> None:
    page = visit(VIEW)
    for choice, part in (("biases", "hidden.0.linear.bias"), ("layer", "hidden.0"), ("model", "model")):
        page.locator("#part").get_by_text(choice, exact=True).click()
        expect(page.locator("#matrix-note")).to_contain_text(re.compile(r"R [=>] \d"))
        asked: dict[str, Any] = {"part": part, "minibatch_size": 16}
        answer = page.request.get(f"{server.url}/api/v1/cosines/none/4", params=asked).json()
        expected = np.array(answer["cosine"], float)
        strength = np.sqrt(np.nanmean(expected))
        expect(page.locator("#matrix-note")).to_contain_text("0.99" if strength > 0.995 else f"R = {strength:.2f}")
        pairs = [(0, 0), (3, 40), (49, 7)]
        colours = [colour(expected[row, column]) for row, column in pairs]
        np.testing.assert_allclose(cells(page, pairs), colours, atol=9)
    expect(page).to_have_url(re.compile("part=model"))
    shoot(page, "minibatches-model-light-1280")
    page.locator("#matrix").click(position=point(page, "window.gradvizPage.cell(11, 5)"))
    chosen_everywhere(page, 11)


def test_arrows_that_are_zero_are_rings_and_said_to_be(visit: Visit) -> None:
    page = visit("/?view=minibatches&size=16&epoch=3&variant=batchnorm&mode=train")
    expect(page.locator("#spread-words")).to_contain_text("All 50 gradients are zero up to round-off")
    expect(page.locator("#veil-0")).to_contain_text("minibatch mean")
    spread: Any = spread_of(page)
    assert spread["live"] == []
    places = spread_of(page)["tips"]
    assert len({tuple(place) for place in places}) == MANY
    page.locator("#matrix").hover()
    expect(page.locator("#tip")).to_contain_text(re.compile("no angle: a gradient is zero|zero up to round-off"))
    page.locator(".gv-spread-numbers summary").click()
    expect(page.locator("#spread-table tbody tr")).to_have_count(MANY)
    expect(page.locator("#spread-table tbody tr").first).to_contain_text("zero up to round-off")
    shoot(page, "minibatches-zero-light-1280")


def test_the_table_has_the_numbers_and_masks_are_named(visit: Visit) -> None:
    page = visit(VIEW.replace("epoch=4", "epoch=2") + "&variant=dropout&mode=train&points=11")
    expect(page.locator("#spread-words")).to_contain_text("The masks are random (fresh, seed 0)")
    page.locator(".gv-spread-numbers summary").click()
    expect(page.locator("#spread-table tbody tr")).to_have_count(MANY)
    cells = page.locator("#spread-table tbody tr").nth(5).locator("th, td").all_inner_texts()
    arrow = spread_of(page)["arrows"][5]
    numbers = [float(text.replace("−", "-")) for text in cells[:3]]
    np.testing.assert_allclose(numbers, [5, arrow["u"], arrow["v"]], rtol=1e-4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_view_fits_the_usual_widths(visit: Visit, scheme: str) -> None:
    page = visit(VIEW, scheme=scheme, reduced_motion="reduce")
    for width, height in ((1280, 720), (1920, 1080), (768, 1024)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(_FITTED)
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
        for part in ("#rose", "#matrix", "#minis-canvas"):
            box = page.locator(part).bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            assert min(box["width"], box["height"]) > 150
            assert width == 768 or box["y"] + box["height"] <= height
        shoot(page, f"minibatches-{scheme}-{width}")


_FITTED = """() => {
  const canvas = document.getElementById("minis-canvas");
  const last = document.querySelector("#minis").lastElementChild.getBoundingClientRect();
  const box = canvas.getBoundingClientRect();
  if (canvas.width !== canvas.clientWidth) return false;
  return last.bottom <= box.bottom + 1 && last.right <= box.right + 1;
}"""


def test_measures_are_those_of_the_api(visit: Visit, server: Server) -> None:
    page = visit(VIEW)
    page.locator("#spread-measures > summary").click()
    table = page.locator("#measures-table")
    expect(table).to_contain_text("batch sharpness")
    told = page.request.get(f"{server.url}/api/v1/measures/none/4?minibatch_size=16&which=gradients").json()["measures"]
    for measure in told:
        row = table.locator("tr", has=page.get_by_text(measure["name"], exact=True))
        expect(row).to_contain_text(measure["paper"])
        expect(row).to_contain_text(measure["reason"] or f"{measure['value']:.3g}".replace("-", "−"))
    page.get_by_text("layer", exact=True).last.click()
    expect(table).to_contain_text("piecewise linear along its gradient")
    shoot(page, "measures-light-1280")
