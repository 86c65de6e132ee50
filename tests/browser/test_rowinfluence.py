"""What each row does, and the scatter of all rows, in the panel of rows: by mouse and keyboard, as the API tells it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.boxes import axe_finds
from tests.browser.conftest import Server, Visit, shoot

pytestmark = pytest.mark.browser

PAIR = {"x": "hidden.0.linear.bias[5]", "y": "hidden.0.linear.bias[16]"}
ADDRESS = f"/?run=none&size=16&epoch=4&x1={PAIR['x']}&y1={PAIR['y']}&panel=rows"
ASKED = {"run": "none", "epoch": 4, "minibatch_size": 16, **PAIR}
Told = Callable[..., Any]


@pytest.fixture
def told(server: Server) -> Told:
    """The API's answer to the page's own question."""

    def ask(page: Page, kind: str, **more: object) -> Any:
        answer = page.request.get(f"{server.url}/api/v1/rows/{kind}", params={**ASKED, **more})  # pyright: ignore[reportArgumentType]
        assert answer.ok, answer.text()
        return answer.json()

    return ask


def opened(page: Page, title: str) -> None:
    page.locator(".gv-influence summary", has_text=title).click()


def rows_of_the_table(page: Page) -> list[int]:
    return [int(text) for text in page.locator(".gv-influence tbody th").all_inner_texts()]


def test_rows_are_listed_by_what_they_do_and_a_click_selects_one(visit: Visit, told: Told) -> None:
    page = visit(ADDRESS)
    opened(page, "What each row does")
    table = page.locator(".gv-influence table")
    expect(table.locator("tbody tr")).to_have_count(16)
    answer = told(page, "influence")
    by_resultant = sorted(answer["rows"], key=lambda row: (-abs(row["resultant_change"]), row["row"]))
    assert rows_of_the_table(page) == [row["row"] for row in by_resultant]
    table.get_by_role("button", name="share", exact=True).click()
    expect(table.get_by_role("columnheader", name="share")).to_have_attribute("aria-sort", "descending")
    by_share = sorted(answer["rows"], key=lambda row: (-abs(row["share"]), row["row"]))
    assert rows_of_the_table(page) == [row["row"] for row in by_share]
    first = by_share[0]["row"]
    table.get_by_role("button", name=f"row {first}: show it in the list").click()
    expect(page.locator(f"#rows li[data-row='{first}'] [aria-pressed]")).to_have_attribute("aria-pressed", "true")


def test_the_part_is_chosen_and_pairs_that_oppose_each_other_are_named(visit: Visit, told: Told) -> None:
    page = visit(ADDRESS.replace("run=none", "run=batchnorm"))
    opened(page, "What each row does")
    page.get_by_label("Gradients of the rows by which parameters").select_option("model")
    answer = told(page, "influence", run="batchnorm", part="model")
    expect(page.locator(".gv-influence")).to_contain_text(f"R of {answer['num_minibatches']} minibatches")
    expect(page.locator(".gv-influence tbody tr")).to_have_count(16)
    assert rows_of_the_table(page)[0] == max(answer["rows"], key=lambda row: abs(row["resultant_change"]))["row"]
    assert page.locator(".gv-influence-pairs li").count() == len(answer["opposing"])


def test_all_rows_are_walked_through_by_keyboard_and_one_of_the_minibatch_is_selected(visit: Visit, told: Told) -> None:
    page = visit(ADDRESS)
    opened(page, "All training rows")
    words = page.locator(".gv-scatter-told")
    answer = told(page, "all")
    expect(words).to_have_text(f"{len(answer['row'])} training rows; those of this minibatch are marked.")
    page.locator(".gv-scatter").focus()
    page.keyboard.press("ArrowRight")  # to the first of the minibatch's rows
    expect(words).to_contain_text("of this minibatch")
    row = int(re.findall(r"\d+", words.inner_text())[0])
    page.keyboard.press("Enter")
    expect(page.locator(f"#rows li[data-row='{row}'] [aria-pressed]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowUp")
    expect(words).not_to_contain_text(f"row {row},")
    expect(words).to_contain_text(re.compile(r"^row \d+"))
    assert page.evaluate("() => window.gradvizPage.view.epoch") == 4  # the page's own keys have heard nothing


def test_a_row_under_the_pointer_is_put_into_the_minibatch(visit: Visit) -> None:
    page = visit(ADDRESS)
    opened(page, "All training rows")
    words = page.locator(".gv-scatter-told")
    expect(words).to_contain_text("training rows; those")
    page.locator(".gv-scatter").focus()
    page.keyboard.press("End")  # the row farthest to the right
    while "of this minibatch" in words.inner_text():
        page.keyboard.press("ArrowLeft")
    row = int(re.findall(r"\d+", words.inner_text())[0])
    page.keyboard.press("Enter")
    page.get_by_role("button", name=f"Put row {row} in").click()
    page.wait_for_function("(row) => (window.gradvizPage.view.rows ?? '').split(',').includes(`${row}`)", arg=row)
    expect(page.locator(f"#rows li[data-row='{row}']")).to_have_count(1)
    expect(page.get_by_role("button", name=f"Put row {row} in")).to_be_hidden()


def test_the_pointer_tells_rows_and_a_click_chooses(visit: Visit) -> None:
    page = visit(ADDRESS, scheme="dark")
    opened(page, "All training rows")
    words = page.locator(".gv-scatter-told")
    expect(words).to_contain_text("training rows; those")
    canvas = page.locator(".gv-scatter canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    places = ((x, y) for y in range(20, int(box["height"]) - 60, 8) for x in range(50, int(box["width"]) - 20, 8))
    for x, y in places:
        page.mouse.move(box["x"] + x, box["y"] + y)
        if words.inner_text().startswith("row"):
            break
    row = int(re.findall(r"\d+", words.inner_text())[0])
    page.mouse.down()
    page.mouse.up()
    own = page.locator(f"#rows li[data-row='{row}'] [aria-pressed='true']")
    expect(own.or_(page.get_by_role("button", name=f"Put row {row} in"))).to_be_visible()
    shoot(page, "rowinfluence-dark")


def test_without_gradients_of_rows_the_reason_is_said(visit: Visit) -> None:
    page = visit(ADDRESS.replace("run=none", "run=batchnorm") + "&mode=train")
    opened(page, "All training rows")
    expect(page.locator(".gv-influence")).to_contain_text("Under batch statistics a row alone has no gradient")
    expect(page.locator(".gv-scatter")).to_be_hidden()
    opened(page, "What each row does")
    expect(page.locator(".gv-influence")).to_contain_text("it was computed again without each of them")
    expect(page.locator(".gv-influence tbody tr")).to_have_count(16)


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_to_mend_in_the_table_and_the_scatter(visit: Visit, scheme: str) -> None:
    page = visit(ADDRESS.replace("run=none", "run=batchnorm"), scheme=scheme)
    for title in ("What each row does", "All training rows"):
        opened(page, title)
    expect(page.locator(".gv-influence tbody tr")).to_have_count(16)
    expect(page.locator(".gv-scatter-told")).to_contain_text("training rows; those")
    assert axe_finds(page, context=".gv-influence") == []
