"""The curves over the epochs: the numbers of the API under the losses, after the pictures, linked with the slider."""

import itertools
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.boxes import axe_finds
from tests.browser.conftest import NUM_EPOCHS, Server, Visit, shoot
from tests.browser.reading import epoch_shown

pytestmark = pytest.mark.browser

PAIR = {"x": "hidden.0.linear.bias[16]", "y": "hidden.1.linear.bias[5]"}
VIEW = f"/?size=16&epoch=4&x1={PAIR['x']}&y1={PAIR['y']}&curves=agreement"


def wait_until_measured(page: Page, num_lines: int) -> None:
    page.wait_for_function(
        """(lines) => {
          const words = document.querySelector(".gv-course-words")?.querySelectorAll("span") ?? [];
          return words.length === lines && document.querySelector(".gv-course-note").textContent === "";
        }""",
        arg=num_lines,
    )


def shown(value: float) -> str:
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def words(page: Page) -> list[str]:
    return page.locator(".gv-course-words").all_inner_texts()


def test_the_curves_are_the_numbers_of_the_api(visit: Visit, server: Server) -> None:
    page = visit(VIEW)
    wait_until_measured(page, 2)
    for epoch in (4, 0):
        page.locator("#scrubber .gv-range").fill(str(epoch))
        answer = page.request.get(
            f"{server.url}/api/v1/agreement",
            params={
                "variant": "none", "epoch": epoch, "minibatch_size": 16, "parts": "model",
                "pair": f"{PAIR['x']};{PAIR['y']}",
            },
        ).json()  # fmt: skip
        pair = answer["parts"][-1]
        for strip, name in ((0, "resultant"), (1, "cosine")):
            number = pair[name]
            told = f"left {shown(number['value'])} [{shown(number['low'])}, {shown(number['high'])}]"
            expect(page.locator(".gv-course-words").nth(strip)).to_contain_text(told)
        balance = abs(2 * answer["share_below"]["value"] - 1)
        expect(page.locator(".gv-course-words").nth(3)).to_contain_text(f"left {shown(balance)}")
    page.get_by_label("Numbers: left picture").click()
    expect(page.locator("#course-numbers tbody tr")).to_have_count(2 * NUM_EPOCHS)
    first = page.locator("#course-numbers tbody tr").first
    expect(first.locator("td").first).to_have_text(
        f"{shown(pair['resultant']['value'])} [{shown(pair['resultant']['low'])}, {shown(pair['resultant']['high'])}]"
    )
    shoot(page, "course-light")


def test_points_are_asked_for_after_the_pictures_once_and_not_while_the_slider_moves(visit: Visit) -> None:
    page = visit("/?size=16&epoch=4")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/course?" in request.url else None)
    assert page.locator("#course").is_hidden()
    page.locator("#scrubber .gv-range").focus()
    page.keyboard.down("ArrowLeft")  # the hand is on the slider until the key is let go
    page.wait_for_function("() => window.gradvizPage.isBusy")
    page.evaluate("() => window.dash_clientside.set_props('curves', { value: 'agreement' })")
    expect(page.locator(".gv-course-note")).to_have_text(f"measuring, 0 of {2 * NUM_EPOCHS}")
    page.evaluate("() => fetch('api/v1/runs').then(() => fetch('api/v1/runs'))")
    assert asked == []
    page.keyboard.up("ArrowLeft")
    wait_until_measured(page, 2)
    epochs = [(parse_qs(urlsplit(url).query)["x"][0], int(parse_qs(urlsplit(url).query)["epoch"][0])) for url in asked]
    assert len(epochs) == len(set(epochs)) == 2 * NUM_EPOCHS
    page.get_by_text("Drawing").click()
    curves = page.get_by_role("radiogroup", name="Curves over the epochs")
    curves.get_by_text("losses").click()
    expect(page.locator("#course")).to_be_hidden()
    curves.get_by_text("agreement").click()
    wait_until_measured(page, 2)
    assert len(asked) == 2 * NUM_EPOCHS


def test_curve_and_slider_are_linked_and_the_address_keeps_them_open(visit: Visit) -> None:
    page = visit("/?view=compare&size=16&epoch=4&curves=agreement", scheme="dark")
    wait_until_measured(page, 3)
    before = words(page)
    box = page.locator(".gv-course-strip").nth(1).bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 57, box["y"] + 30)
    assert epoch_shown(page) == 0
    assert words(page) != before
    mark = page.locator(".gv-course-mark").bounding_box()
    assert mark is not None
    assert mark["x"] + mark["width"] / 2 == pytest.approx(box["x"] + 56, abs=1.5)
    losses = page.locator("#loss-mark").bounding_box()
    assert losses is not None
    assert mark["x"] == pytest.approx(losses["x"], abs=1.5)
    assert "curves=agreement" in page.url
    assert axe_finds(page) == []
    shoot(page, "course-dark")


def test_each_curve_has_its_help_and_its_name_at_its_end(visit: Visit) -> None:
    page = visit("/?view=compare&size=16&epoch=4&curves=agreement", width=1280, height=900)
    wait_until_measured(page, 3)
    for strip in page.locator(".gv-course-strip:visible").all():
        button = strip.get_by_label("Help: ")
        button.click()
        card = strip.locator(".gv-help-card")
        expect(card).to_be_in_viewport(ratio=1)
        assert card.inner_text().startswith(strip.locator("b").inner_text())
        page.keyboard.press("Escape")
        expect(card).to_be_hidden()
        assert strip.locator("svg text").all_text_contents().count("Dropout") == 1
    losses = page.get_by_label("Help: Curves")
    losses.click()
    expect(page.locator(".gv-loss .gv-help-card")).to_be_in_viewport(ratio=1)
    names = page.locator("#loss-names span")
    expect(names).to_have_count(6)
    boxes = sorted((box for box in (name.bounding_box() for name in names.all()) if box), key=lambda box: box["y"])
    for above, below in itertools.pairwise(boxes):
        assert above["y"] + above["height"] <= below["y"] + 0.5
    expect(page.locator("#legend")).to_have_text("")
