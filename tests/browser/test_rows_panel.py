"""The rows beside a picture: the list, a row's own field, and minibatches that are composed of rows."""

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect

from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.composed import rows_of, rows_text
from tests.browser.boxes import axe_finds
from tests.browser.conftest import Server, Visit, served, shoot, wait_until_drawn
from tests.browser.reading import caption, numbers_of, view_of
from tests.browser.test_exports import open_dialog, press

pytestmark = pytest.mark.browser

SIZE = 16
EPOCH = 2  # when each of these units is active on some rows and not on others
X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[5]"
HERE = f"/?epoch={EPOCH}&size={SIZE}&points=11&x1={X}&y1={Y}"
OPEN = f"{HERE}&panel=rows"


def asked(**values: object) -> LandscapeRequest:
    own = {"run": "none", "epoch": EPOCH, "x": X, "y": Y, "points": 11, "minibatch_size": SIZE}
    return LandscapeRequest.of(**{**own, **values})


def told(server: Server, page: Page, **values: object) -> dict[str, Any]:
    """What the server says of the rows of a request."""
    query = asked(**values).model_dump(exclude={"variant"})
    answer = page.request.get(f"{server.url}/api/v1/rows", params=query)
    assert answer.ok, answer.text()
    return answer.json()


def listed(page: Page) -> list[int]:
    """The rows in the order of the list."""
    return page.locator(".gv-rowlist li").evaluate_all("(all) => all.map(({ dataset }) => Number(dataset.row))")


def panel(page: Page) -> dict[str, Any]:
    return page.evaluate("() => window.gradvizPage.rows")


def wait_for_rows(page: Page, rows: list[int]) -> None:
    """Until the list has these rows, in any order, and the picture is that of the server."""
    page.wait_for_function(
        "(rows) => JSON.stringify([...window.gradvizPage.rows.rows].sort()) === JSON.stringify([...rows].sort())",
        arg=rows,
    )
    wait_until_drawn(page)


def choose(page: Page, source: str) -> None:
    """Opens the rows that may come, from this source."""
    opener = page.get_by_role("button", name="Put rows in…")
    if opener.is_visible():
        opener.click()
    page.locator(".gv-rows-source").select_option(source)


def field_of(server: Server, **values: object) -> tuple[np.ndarray, np.ndarray]:
    field = Workbench(RunStore(server.runs), device="cpu").landscape(asked(**values))
    return field.u.ravel(), field.v.ravel()


def assert_shows(page: Page, field: tuple[np.ndarray, np.ndarray]) -> None:
    shown = numbers_of(page)
    size = np.hypot(*field).max()
    for part, wanted in zip("uv", field, strict=True):
        # Sums of the rows' float32 fields: some units of 1e-7 of their length, which the mean's may be less than.
        np.testing.assert_allclose(shown[part], wanted, rtol=1e-4, atol=1e-6 * max(size, 1))


def test_the_button_opens_the_rows_of_the_picture_and_back_closes_them(visit: Visit, server: Server) -> None:
    page = visit(HERE)
    button = page.locator("#rows-button-0")
    expect(button).to_have_attribute("aria-expanded", "false")
    button.click()
    page.locator(".gv-rowlist li").first.wait_for()
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(page).to_have_url(re.compile(r"panel=rows(&|$)"))
    answer = told(server, page)
    by_share = sorted(answer["rows"], key=lambda row: -row["share"])
    shares = {row["row"]: round(row["share"], 6) for row in by_share}
    assert [shares[row] for row in listed(page)] == list(shares.values())
    first = page.locator(".gv-rowlist li").first
    for value in next(row for row in by_share if row["row"] == listed(page)[0])["text"].values():
        expect(first).to_contain_text(value or "—")
    below = sum(row["below"] for row in answer["rows"])
    expect(page.locator("#rows-told")).to_contain_text(f"{SIZE} rows, {below} below target")
    shoot(page, "rows-light-1280")
    page.go_back()
    expect(page.locator("#rows")).to_be_hidden()
    page.go_forward()
    page.locator(".gv-rowlist li").first.wait_for()
    page.locator(".gv-rowlist button").first.focus()
    page.keyboard.press("Escape")
    expect(page.locator("#rows")).to_be_hidden()


def test_the_rows_of_the_second_picture_are_of_its_plane(visit: Visit, server: Server) -> None:
    page = visit(f"{HERE}&panel=rows-2")
    page.locator(".gv-rowlist li").first.wait_for()
    view = view_of(page)
    answer = told(server, page, x=view["x_b"], y=view["y_b"])
    arrow = panel(page)["arrow"]
    assert (arrow["u"], arrow["v"]) == pytest.approx((answer["u"], answer["v"]))
    assert page.locator("#panel-0").evaluate("(one) => one.inert")
    assert not page.locator("#panel-1").evaluate("(one) => one.inert")


def test_rows_are_sorted_as_chosen(visit: Visit, server: Server) -> None:
    page = visit(OPEN)
    page.locator(".gv-rowlist li").first.wait_for()
    answer = told(server, page)
    page.get_by_role("radio", name="residual").check()
    assert listed(page) == [row["row"] for row in sorted(answer["rows"], key=lambda row: row["residual"])]
    page.get_by_role("radio", name="direction").check()
    mean = complex(answer["u"], answer["v"])
    turns = {row["row"]: abs(np.angle(complex(row["u"], row["v"]) / mean)) for row in answer["rows"]}
    live = [row for row in listed(page) if any(one["row"] == row and (one["u"] or one["v"]) for one in answer["rows"])]
    found = [turns[row] for row in live]
    np.testing.assert_allclose(found, sorted(found), atol=1e-6)


def test_pointing_at_a_row_draws_its_own_field_and_its_kinks(visit: Visit) -> None:
    page = visit(f"{OPEN}&width=2")
    page.wait_for_function("() => window.gradvizPage.rows.canFollow")
    assert page.evaluate(_BLANK)
    page.locator(".gv-rowlist li").nth(2).hover()
    row = listed(page)[2]
    page.wait_for_function(_DRAWN, arg=row)
    assert not page.evaluate(_BLANK)
    expect(page.locator(".gv-rows-detail")).to_contain_text(f"Row {row}")
    page.mouse.move(5, 5)
    page.wait_for_function(_BLANK)
    page.get_by_label("all kinks").check()
    page.wait_for_function("() => window.gradvizPage.rows.layer.hasNet")
    assert not page.evaluate(_BLANK)
    shoot(page, "rows-kinks-light-1280")


# Nothing is drawn over the picture.
_BLANK = """() => {
  const { width, height } = document.getElementById("rows-canvas-0");
  const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  copy.drawImage(document.getElementById("rows-canvas-0"), 0, 0);
  return !copy.getImageData(0, 0, width, height).data.some(Boolean);
}"""
_DRAWN = """(row) => {
  const { layer } = window.gradvizPage.rows;
  return layer?.row === row && layer.hasField && layer.hasKinks;
}"""


def test_a_row_goes_and_comes_back_and_the_arrows_follow(visit: Visit, server: Server) -> None:
    page = visit(OPEN)
    page.wait_for_function("() => window.gradvizPage.rows.canFollow")
    before = panel(page)["rows"]
    out = listed(page)[0]
    page.get_by_role("button", name=f"Take row {out} out").click()
    left = [row for row in before if row != out]
    wait_for_rows(page, left)
    assert rows_of(view_of(page)["rows"]) == tuple(left)
    assert_shows(page, field_of(server, rows=tuple(left)))
    expect(page.locator("#title-0")).to_contain_text(f"{SIZE - 1} chosen rows")
    choose(page, "find")
    page.locator(".gv-rows-input").fill(str(out))
    page.get_by_role("button", name=f"Put row {out} in", exact=True).click()
    wait_for_rows(page, before)
    assert_shows(page, field_of(server))
    page.go_back()
    wait_for_rows(page, left)
    other = visit(page.url.removeprefix(server.url))
    wait_for_rows(other, left)
    assert_shows(other, field_of(server, rows=tuple(left)))
    page.get_by_role("button", name="As recorded").click()
    wait_for_rows(page, before)
    assert view_of(page)["rows"] is None


def test_what_is_shown_at_once_is_what_the_server_computes(visit: Visit, server: Server) -> None:
    page = visit(OPEN)
    page.wait_for_function("() => window.gradvizPage.rows.canFollow")
    held: list[Route] = []
    page.route("**/api/v1/frames*", lambda route: held.append(route))  # the server's own picture does not come
    rows = panel(page)["rows"]
    out = listed(page)[1]
    page.locator(".gv-rowlist button.gv-rowline").nth(1).click()
    choose(page, "random")
    page.locator(".gv-offers li").first.wait_for()
    page.wait_for_function("() => window.gradvizPage.rows.canFollow")
    into = panel(page)["offered"][0]
    page.get_by_role("button", name=f"Put row {into} in the place of row {out}").click()
    page.wait_for_function("(row) => window.gradvizPage.rows.rows.includes(row)", arg=into)
    now = tuple(into if row == out else row for row in rows)
    assert rows_of(view_of(page)["rows"]) == now
    assert_shows(page, field_of(server, rows=now))
    for route in held:
        route.continue_()
    page.unroute("**/api/v1/frames*")
    wait_until_drawn(page)
    assert_shows(page, field_of(server, rows=now))


@pytest.fixture(scope="module")
def of_both_signs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A run that has learned enough to predict some rows above their target, and others below."""
    runs = tmp_path_factory.mktemp("both") / "runs"
    runs.mkdir()
    configs = run_configs(variants=["none"], epochs=EPOCH, rows=1000, hidden=(20, 10, 5), learning_rate=5e-3)
    train(runs, configs, device="cpu")
    with served(runs, tmp_path_factory.mktemp("cache")) as running:
        yield running


def test_the_arrow_is_turned_round_by_swapping_rows(visit: Visit, of_both_signs: Server) -> None:
    """Make this minibatch point the other way by swapping as few rows as you can."""
    server, pair = of_both_signs, {"x": "hidden.2.linear.bias[1]", "y": "hidden.2.linear.bias[3]"}
    page = visit(OPEN.replace(X, pair["x"]).replace(Y, pair["y"]), at=server)
    page.wait_for_function("() => window.gradvizPage.rows.canFollow")
    choose(page, "oppose")
    recorded = told(server, page, **pair)
    arrow = np.array([recorded["u"], recorded["v"]])
    rows = [row["row"] for row in recorded["rows"]]
    swaps = 0
    least = -1e-4 * arrow @ arrow  # a balance of both signs, to float32's rounding, is no other way yet
    while np.dot(arrow, list(panel(page)["arrow"].values())) >= least:
        assert swaps < SIZE, "every row has been swapped"
        answer = told(server, page, **pair, rows=tuple(rows))
        own = {row["row"]: np.dot(arrow, [row["u"], row["v"]]) for row in answer["rows"]}
        out = max(rows, key=lambda row: own[row])
        page.locator(f".gv-rowlist li[data-row='{out}'] button.gv-rowline").click()
        swap = page.locator(".gv-offers [data-act=for]").first
        expect(swap).to_contain_text(f"For {out}")
        into = panel(page)["offered"][0]
        swap.click()
        rows = [into if row == out else row for row in rows]
        wait_for_rows(page, rows)
        swaps += 1
    # Of each swap the best was taken, so no fewer turn it.
    best = told(server, page, **pair)["rows"]
    store = RunStore(server.runs).run("none")
    away = sorted(np.dot(arrow, [row["u"], row["v"]]) for row in best)[::-1]
    others = [row for row in range(store.num_rows()) if row not in {one["row"] for one in best}]
    parts = [others[k : k + 500] for k in range(0, len(others), 500)]
    against = sorted(
        np.dot(arrow, [row["u"], row["v"]])
        for part in parts
        for row in told(server, page, **pair, rows=tuple(part))["rows"]
    )
    fewest = next(k for k in range(SIZE + 1) if sum(away[k:]) + sum(against[:k]) < SIZE * least)
    assert swaps == fewest > 0
    expect(page.locator("#rows-told")).to_contain_text(f"turned by 180° from minibatch 0 ({swaps} out, {swaps} in)")
    assert_shows(page, field_of(server, **pair, rows=tuple(rows)))
    shoot(page, "rows-turned-light-1280")


def test_an_export_is_of_the_composed_minibatch(visit: Visit, server: Server, tmp_path: Any) -> None:
    page = visit(OPEN)
    page.locator(".gv-rowlist li").first.wait_for()
    before = panel(page)["rows"]
    out = listed(page)[0]
    page.get_by_role("button", name=f"Take row {out} out").click()
    left = [row for row in before if row != out]
    wait_for_rows(page, left)
    open_dialog(page)
    field = dict(np.load(press(page, "NPZ of Hidden layer 1", tmp_path)))
    wanted = field_of(server, rows=tuple(left))
    for part, each in zip("uv", wanted, strict=True):
        np.testing.assert_array_equal(field[part], each.reshape(11, 11))
    assert json.loads(str(field["request"]))["rows"] == rows_text(left)


def test_keys_walk_through_the_rows_and_take_one_out(visit: Visit) -> None:
    page = visit(OPEN)
    page.locator(".gv-rowlist li").first.wait_for()
    rows = listed(page)
    tabbable = page.locator(".gv-rowlist button[tabindex='0']")
    expect(tabbable).to_have_count(1)
    tabbable.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"li[data-row='{rows[2]}'] button.gv-rowline")).to_be_focused()
    assert panel(page)["hovered"] == rows[2]
    page.keyboard.press("Enter")
    assert panel(page)["selected"] == rows[2]
    page.keyboard.press("End")
    expect(page.locator(f"li[data-row='{rows[-1]}'] button.gv-rowline")).to_be_focused()
    page.keyboard.press("Delete")
    wait_for_rows(page, rows[:-1])
    expect(page.locator(".gv-rowlist button:focus")).to_have_count(1)
    assert panel(page)["hovered"] is None, "nobody has pointed at the next row"


def test_taking_rows_out_shows_what_is_left_and_by_how_much_it_has_turned(visit: Visit) -> None:
    page = visit(OPEN)
    page.wait_for_function("() => window.gradvizPage.rows.canFollow")
    before = listed(page)
    page.get_by_role("button", name=f"Take row {before[0]} out").click()
    wait_for_rows(page, before[1:])
    assert panel(page)["hovered"] is None, "the pointer is on the × of the next row"
    assert page.evaluate(_BLANK)
    expect(page.locator("#rows-told")).to_contain_text("(1 out, 0 in)")
    page.locator(".gv-rowlist button.gv-rowline").nth(1).click()
    selected = listed(page)[1]
    page.mouse.move(5, 5)
    page.wait_for_function(_DRAWN, arg=selected)
    expect(page.locator(".gv-rows-score")).to_contain_text("turned by")  # beside the row's fields
    page.get_by_role("button", name=f"Take row {listed(page)[0]} out").click()
    wait_for_rows(page, before[2:])
    assert panel(page)["selected"] == selected
    assert page.evaluate(_BLANK), "the composed minibatch is to be seen, not the row that is still selected"


def test_the_chooser_and_what_rows_do_have_the_same_room_and_escape_closes_the_chooser_first(visit: Visit) -> None:
    page = visit(OPEN, height=720)
    page.locator(".gv-rowlist li").first.wait_for()
    choose(page, "random")
    page.locator(".gv-offers li").first.wait_for()
    fold = page.locator(".gv-influence summary", has_text="What each row does")
    fold.click()
    expect(page.locator(".gv-rows-chooser")).to_be_hidden()
    choose(page, "random")
    expect(page.locator(".gv-influence details[open]")).to_have_count(0)
    done = page.get_by_role("button", name="Done").bounding_box()
    offers = page.locator(".gv-offers").bounding_box()
    assert done is not None
    assert offers is not None
    assert offers["y"] + offers["height"] <= done["y"] + 1
    page.locator(".gv-rows-source").focus()
    page.keyboard.press("Escape")
    expect(page.locator(".gv-rows-chooser")).to_be_hidden()
    expect(page.get_by_role("button", name="Put rows in…")).to_be_focused()
    page.get_by_label("What the list of rows shows").click()
    expect(page.locator(".gv-rows-head .gv-help-card")).to_contain_text("shares sum to 100 %")
    page.keyboard.press("Escape")
    expect(page.locator(".gv-rows-head .gv-help-card")).to_be_hidden()
    expect(page.locator("#rows")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#rows")).to_be_hidden()


def test_a_picture_that_is_exported_has_no_words_of_the_panel_that_lies_over_another(
    visit: Visit, tmp_path: Any
) -> None:
    page = visit(OPEN)
    page.locator(".gv-rowlist li").first.wait_for()
    open_dialog(page)
    text = press(page, "SVG", tmp_path).read_text()
    assert "Hidden layer 2" in text, "the picture under the panel"
    for words in ("Rows of minibatch", "along the arrow", "all kinks"):
        assert words not in text


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_to_mend_in_the_rows(visit: Visit, scheme: str) -> None:
    page = visit(OPEN, scheme=scheme)
    page.locator(".gv-rowlist button.gv-rowline").first.click()
    choose(page, "turn")
    page.locator(".gv-offers li").first.wait_for()
    assert axe_finds(page) == []


def test_where_batch_statistics_couple_the_rows_the_server_computes_and_the_panel_says_so(
    visit: Visit, server: Server
) -> None:
    beta = {"x": "hidden.2.norm.bias[0]", "y": "hidden.2.norm.bias[3]"}
    page = visit(f"{HERE.replace(X, beta['x']).replace(Y, beta['y'])}&variant=batchnorm&mode=train&panel=rows")
    page.locator(".gv-rowlist li").first.wait_for()
    expect(page.locator("#rows-told")).to_contain_text("Batch statistics couple the rows")
    before = panel(page)["rows"]
    assert not panel(page)["canFollow"]
    page.locator(".gv-rowlist button.gv-rowline").first.click()
    expect(page.locator(".gv-rows-detail")).to_contain_text("Batch statistics couple the rows")
    expect(page.get_by_role("button", name="Only this row")).to_be_hidden()  # of one row there are no statistics
    out = listed(page)[0]
    page.get_by_role("button", name=f"Take row {out} out").click()
    left = tuple(row for row in before if row != out)
    wait_for_rows(page, list(left))
    assert_shows(page, field_of(server, run="batchnorm", mode="train", rows=left, **beta))


@pytest.mark.parametrize("width", [390, 768, 1280, pytest.param(1920, marks=pytest.mark.slow)])
def test_the_rows_fit_on_any_screen(visit: Visit, width: int) -> None:
    page = visit(OPEN, width=width, height=900, scheme="dark" if width == 768 else "light")
    page.locator(".gv-rowlist li").first.wait_for()
    box = page.locator("#rows").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width + 1
    assert box["y"] + box["height"] <= 901
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    item = page.locator(".gv-rowlist li").first.bounding_box()
    assert item is not None
    assert item["width"] <= box["width"] + 1
    picture = page.locator("[data-slot='0']").bounding_box()
    assert picture is not None
    assert picture["x"] + picture["width"] <= box["x"] + 1 or picture["y"] < box["y"] - 200, "the picture is covered"
    expect(page.locator("#rows .gv-rows-percent, #rows .gv-row-percent").first).to_be_in_viewport()
    shoot(page, f"rows-{width}")
    assert caption(page)


def test_a_sheet_leaves_the_title_and_the_picture_to_be_seen_when_the_window_becomes_a_phone(visit: Visit) -> None:
    page = visit(OPEN, width=1280, height=844)
    page.locator(".gv-rowlist li").first.wait_for()
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.body.dataset.beside === 'sheet'")
    expect(page.locator("#title-0")).to_be_in_viewport()
    page.wait_for_function(_SHEET_IS_BELOW_THE_PLANE)
    choose(page, "random")
    page.locator(".gv-offers li").first.wait_for()
    done = page.get_by_role("button", name="Done").bounding_box()
    offers = page.locator(".gv-offers").bounding_box()
    assert done is not None
    assert offers is not None
    assert offers["height"] >= 40
    assert offers["y"] + offers["height"] <= done["y"] + 1


_SHEET_IS_BELOW_THE_PLANE = """() => {
  const plane = document.querySelector("#graph-0 .nsewdrag").getBoundingClientRect();
  return plane.bottom <= document.getElementById("rows").getBoundingClientRect().top + 12;
}"""


def test_errors_are_seen_while_a_row_is_selected(visit: Visit) -> None:
    page = visit(OPEN, lenient=True)
    page.locator(".gv-rowlist button.gv-rowline").first.click()
    expect(page.locator(".gv-rows-detail")).to_contain_text("Row ")
    page.route("**/api/v1/rows?*", lambda route: route.fulfill(status=422, json={"detail": "No such rows."}))
    page.get_by_role("button", name="Only this row").click()
    expect(page.locator("#rows-told .gv-error")).to_be_visible()
    expect(page.locator(".gv-rows-detail")).to_be_hidden()
