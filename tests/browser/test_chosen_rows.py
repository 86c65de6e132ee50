"""A minibatch of chosen rows on the page: its picture is the server's, and what moves keeps it or shows another."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from gradviz.experiment.store import RunStore
from gradviz.landscape.composed import rows_text
from tests.browser.conftest import NUM_EPOCHS, Visit, shoot, wait_until_drawn
from tests.browser.reading import epoch_shown, gradients, numbers_of, view_of, wait_for_minibatches, wait_for_view
from tests.browser.test_exports import PAIRS, by_command, open_dialog, press, rows_of, shown

pytestmark = pytest.mark.browser

ROWS = "17,3,40-44,799"
SAID = "8 chosen rows"
X, Y = PAIRS[0]


def sliders_say(page: Page) -> str:
    return page.locator("#minibatch-scrubber .gv-number").inner_text()


def address_of(page: Page) -> str:
    return page.evaluate("() => decodeURIComponent(location.search)")


def assert_shows(page: Page, runs: Path, tmp_path: Path, **values: object) -> None:
    exact = by_command(runs, tmp_path, **{"run": "none", "x": X, "y": Y, **values})
    np.testing.assert_allclose(gradients(page), rows_of(exact), rtol=1e-6, atol=1e-9)


def test_a_link_with_rows_shows_their_field_at_every_epoch(visit: Visit, trained: Path, tmp_path: Path) -> None:
    page = visit(f"/?epoch=4&points=11&rows={ROWS}")
    assert view_of(page)["rows"] == ROWS
    assert_shows(page, trained, tmp_path, epoch=4, points=11, rows=ROWS)
    expect(page.locator("#title-0")).to_contain_text(f"epoch 4 · {SAID} · eval mode")
    assert sliders_say(page) == SAID
    expect(page.locator("#minibatch-scrubber input")).to_have_attribute("aria-valuetext", re.compile(f"^{SAID}"))
    assert set(numbers_of(page)["epochs"]) == {str(epoch) for epoch in range(NUM_EPOCHS)}
    page.locator("#scrubber input").focus()
    page.keyboard.press("ArrowLeft")
    wait_for_view(page, epoch=3)
    wait_until_drawn(page)
    assert epoch_shown(page) == 3
    assert_shows(page, trained, tmp_path, epoch=3, points=11, rows=ROWS)
    assert f"rows={ROWS}" in address_of(page)
    shoot(page, "chosen-rows")


def test_the_minibatch_s_slider_leaves_chosen_rows_and_back_leads_to_them(
    visit: Visit, trained: Path, tmp_path: Path
) -> None:
    page = visit(f"/?epoch=4&points=5&size=16&minibatch=2&rows={ROWS}")
    page.locator("#minibatch-scrubber input").focus()
    page.keyboard.press("ArrowRight")
    wait_for_view(page, minibatch=3, rows=None)
    page.wait_for_function("() => !window.gradvizPage.isBusy")
    wait_until_drawn(page)
    assert sliders_say(page) == "3 of 0–49"
    assert "rows=" not in address_of(page)
    expect(page.locator("#title-0")).to_contain_text("minibatch 3 (16 rows)")
    assert_shows(page, trained, tmp_path, epoch=4, points=5, minibatch=3, minibatch_size=16)
    page.go_back()
    wait_for_view(page, minibatch=2, rows=ROWS)
    wait_until_drawn(page)
    assert_shows(page, trained, tmp_path, epoch=4, points=5, rows=ROWS)
    assert sliders_say(page) == SAID


def test_another_size_of_the_minibatches_leaves_chosen_rows(visit: Visit) -> None:
    page = visit(f"/?epoch=4&points=5&rows={ROWS}")
    page.locator("#minibatch-size").get_by_text("16 rows", exact=True).click()
    wait_for_view(page, minibatch_size=16, rows=None)


def test_chosen_rows_stand_beside_all_minibatches_and_a_choice_of_one_leaves_them(
    visit: Visit, trained: Path, tmp_path: Path
) -> None:
    page = visit(f"/?view=minibatches&epoch=4&points=5&size=16&rows={ROWS}")
    wait_for_minibatches(page, 50)
    wait_until_drawn(page)
    expect(page.locator("#title-0 h2")).to_have_text("8 chosen rows")
    assert_shows(page, trained, tmp_path, epoch=4, points=5, rows=ROWS)
    expect(page.locator("#minis [aria-pressed=true]")).to_have_count(0)
    page.locator("#minis button").nth(7).click()
    wait_for_view(page, minibatch=7, rows=None)
    wait_until_drawn(page)
    assert_shows(page, trained, tmp_path, epoch=4, points=5, minibatch=7, minibatch_size=16)


def test_compare_shows_the_same_rows_of_each_run(visit: Visit, trained: Path) -> None:
    rows = rows_text(RunStore(trained).run("none").row_numbers(2, 16))
    composed = visit(f"/?view=compare&epoch=4&points=5&rows={rows}&show=spread,sampling")
    own = visit("/?view=compare&epoch=4&points=5&size=16&minibatch=2")
    for slot in range(3):
        np.testing.assert_array_equal(gradients(composed, slot), gradients(own, slot))
    expect(composed.locator("#caption-0")).to_contain_text("minibatches of 16 of")


def test_what_is_exported_is_of_the_chosen_rows(visit: Visit, browser: Browser, trained: Path, tmp_path: Path) -> None:
    page = visit(f"/?epoch=4&points=5&rows={ROWS}&show=path,spread,sampling")
    open_dialog(page)
    expect(page.get_by_role("dialog")).to_contain_text(f"epoch 4 · {SAID}")
    assert page.get_by_label("Over", exact=True).locator("option").all_inner_texts() == [f"{NUM_EPOCHS} epochs"]
    expect(page.get_by_role("dialog")).to_contain_text("chosen rows are one minibatch")
    expect(page.get_by_label("Command line", exact=True)).to_have_value(re.compile(f"--rows {ROWS}"))
    path = press(page, "HTML", tmp_path)
    assert path.name == "none-8-chosen-rows-over-epochs.html"
    alone = browser.new_context(offline=True)
    try:
        complaints: list[str] = []
        opened = alone.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("console", lambda message: complaints.append(message.text))
        opened.goto(path.as_uri())
        shown(opened, 4)
        expect(opened.locator("#title-0")).to_contain_text(f"epoch 4 · {SAID} · eval mode")
        opened.get_by_role("slider").focus()
        opened.keyboard.press("ArrowRight")
        shown(opened, 5)
        assert_shows(opened, trained, tmp_path, epoch=5, points=5, rows=ROWS)
        assert complaints == []
    finally:
        alone.close()


def test_a_row_that_is_not_there_is_said_in_place_of_the_picture(visit: Visit) -> None:
    page = visit("/?epoch=4&points=5&rows=3,900", drawn=False, lenient=True)
    expect(page.locator("#veil-0")).to_contain_text("in [0, 799], got 900, a test row")
    notice = visit("/?epoch=4&points=5&rows=3,3")
    expect(notice.get_by_text("The link's `rows` is ignored")).to_be_visible()
    assert view_of(notice)["rows"] is None


def test_a_plane_along_directions_is_of_the_chosen_rows(visit: Visit, trained: Path, tmp_path: Path) -> None:
    page = visit(f"/?epoch=4&x1=gradient:1&y1=step&points=5&size=16&rows={ROWS}&show=path,spread")
    axes = {"x": "gradient:1", "y": "step", "minibatch_size": 16}
    exact = by_command(trained, tmp_path, run="none", epoch=4, points=5, rows=ROWS, **axes)
    np.testing.assert_allclose(numbers_of(page)["u"], exact["u"].ravel(), rtol=1e-6)
    expect(page.locator("#caption-0")).not_to_contain_text("being computed")


def test_a_long_list_of_rows_is_shown_as_any_other(visit: Visit, trained: Path, tmp_path: Path) -> None:
    rows = rows_text([7 * row % 800 for row in range(800)])
    assert len(rows) > 3000
    page = visit(f"/?epoch=4&points=5&rows={rows}")
    expect(page.locator("#title-0")).to_contain_text("800 chosen rows")
    assert_shows(page, trained, tmp_path, epoch=4, points=5, rows=rows)
    page.locator("#scrubber input").focus()
    page.keyboard.press("ArrowLeft")
    wait_for_view(page, epoch=3, rows=rows)
    wait_until_drawn(page)
    assert f"rows={rows}" in address_of(page)
