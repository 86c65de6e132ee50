"""Planes along directions: the figure of Li et al. in three clicks, the planes that are chosen often, a search."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from gradviz.landscape.replay.coarser import points_within
from tests.browser.boxes import Window, axe_finds
from tests.browser.conftest import Server, Visit, shoot, wait_until_drawn
from tests.browser.reading import numbers_of

pytestmark = pytest.mark.browser

PRESETS = {
    "This minibatch against the mean": ("gradient:0", "gradient:mean"),
    "The path's plane": ("pca:1", "pca:2"),
    "Where SGD goes and where another minibatch would": ("step", "gradient:1"),
    "Sharpest two": ("hessian:1", "hessian:2"),
}
SHARE = re.compile(r"This plane holds (?:only )?(>?[\d.]+ %) of the gradient's length")


def choosing(page: Page) -> Locator:
    page.get_by_role("button", name="Left picture: choose directions…").click()
    return page.get_by_role("dialog", name="Directions")


def axes_of(page: Page) -> tuple[str, str]:
    """Of the left picture: what is on show, once Plotly shows it."""
    wait_until_drawn(page)
    panel = page.evaluate("() => window.gradvizPage.panels[0]")
    return panel["x"], panel["y"]


def share_in(text: str) -> str:
    found = SHARE.search(text)
    assert found is not None, text
    return found[1]


def test_the_figure_of_li_et_al_takes_three_clicks_from_a_fresh_page(visit: Visit) -> None:
    page = visit("/?points=3")
    page.get_by_role("button", name="Left picture: choose directions…").click()
    page.get_by_role("button", name="Random plane, as in Li et al.").click()
    page.get_by_role("button", name="Show", exact=True).click()
    assert axes_of(page) == ("random:1", "random:2")
    expect(page).to_have_url(re.compile(r"\?x1=random:1&y1=random:2&points=3$"))
    expect(page.locator("#title-0")).to_contain_text("Random directions 1 × 2")
    titles = page.evaluate(
        "() => { const { xaxis, yaxis } = document.querySelector('#graph-0 .js-plotly-plot')._fullLayout;"
        " return [xaxis.title.text, xaxis.range[1], yaxis.title.text]; }"
    )
    assert titles[0] == "along random direction 1"
    assert titles[1] == pytest.approx(1.5)  # half a cell beyond ± 1
    assert titles[2] == "along random direction 2"
    expect(page.locator("#caption-0")).to_contain_text("x₁ = 1 is as large as the weights, x₂ = 1 as long as on x₁.")
    share_in(page.locator("#caption-0").inner_text())
    expect(page.locator("#caption-0")).not_to_contain_text("active on")


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("axes", [("random:1", "random:2"), *PRESETS.values()], ids="+".join)
def test_each_plane_lies_well_on_every_screen(visit: Visit, axes: tuple[str, str], scheme: str) -> None:
    page = visit(f"/?points=5&size=16&epoch=4&x1={axes[0]}&y1={axes[1]}")
    assert Window(page).faults(scheme) == {}


@pytest.mark.parametrize("names", [list(PRESETS)[:2], pytest.param(list(PRESETS)[2:], marks=pytest.mark.slow)])
def test_each_plane_is_told_before_it_is_shown_and_shown_as_it_was_told(visit: Visit, names: list[str]) -> None:
    page = visit("/?points=3&size=16&epoch=4")
    for name in names:
        axes = PRESETS[name]
        dialog = choosing(page)
        dialog.get_by_role("button", name=name).click()
        told = dialog.get_by_role("status")
        expect(told).to_contain_text(SHARE)
        before = share_in(told.inner_text())
        dialog.get_by_role("button", name="Show", exact=True).click()
        expect(dialog).to_be_hidden()
        assert axes_of(page) == axes
        assert share_in(page.locator("#caption-0").inner_text()) == before
        assert f"x1={axes[0]}&y1={axes[1]}" in page.url


def test_directions_are_found_and_chosen_with_keys_and_the_dialog_is_accessible(visit: Visit) -> None:
    page = visit("/?points=3&size=16&epoch=0", width=390, height=844, lenient=True)
    page.get_by_label("Controls").click()
    dialog = choosing(page)
    step = dialog.get_by_role("button", name="Where SGD goes")
    expect(step).to_be_disabled()
    expect(step).to_contain_text("No step leads to epoch 0, the first: choose a later one.")
    show, told = dialog.get_by_role("button", name="Show", exact=True), dialog.get_by_role("status")
    expect(show).to_be_disabled()
    search = dialog.get_by_role("searchbox", name="Search directions")
    search.fill("random:77")
    dialog.get_by_role("button", name="x₁: random direction 77").press("Enter")
    expect(told).to_have_text("Choose x₂ too.")
    search.fill("mean hidden.2")
    dialog.get_by_role("button", name="x₂: the mean gradient within hidden.2").press("Enter")
    expect(told).to_contain_text(SHARE)
    assert axe_finds(page) == []
    box = dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    shoot(page, "directions-390")
    show.press("Enter")
    page.get_by_label("Controls").click()
    x, y = axes_of(page)
    assert (x, y.split("@")[0]) == ("random:77", "gradient:mean")
    # What the server refuses is one line, nothing is shown, and what was on show stays.
    page.route("**/api/v1/plane?*", lambda route: route.fulfill(status=422, json={"error": "`hessian:1` is flat."}))
    page.get_by_label("Controls").click()
    dialog = choosing(page)
    dialog.get_by_role("button", name="Sharpest two").click()
    expect(dialog.get_by_role("status")).to_have_text("`hessian:1` is flat.")
    expect(dialog.get_by_role("button", name="Show", exact=True)).to_be_disabled()
    expect(dialog.get_by_role("button", name="Sharpest two")).to_contain_text("`hessian:1` is flat.")
    page.keyboard.press("Escape")
    assert axes_of(page) == (x, y)


class Gate:
    """Holds what is asked of the plane along `x`, by the points of the coarser grid (0: the whole), until it is let
    through."""

    def __init__(self, page: Page, x: str) -> None:
        self._x = x
        self._open: set[int] = set()
        self._held: dict[int, list[Route]] = {}
        page.route("**/api/v1/frames?*", self._answer)

    def let_through(self, size: int) -> None:
        self._open.add(size)
        for route in self._held.pop(size, []):
            route.continue_()

    def _answer(self, route: Route) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        size = int(asked.get("coarse", ["0"])[0])
        if asked["x"] == [self._x] and size not in self._open:
            self._held.setdefault(size, []).append(route)
        else:
            route.continue_()


def test_a_slow_plane_is_shown_in_stages(visit: Visit, server: Server) -> None:
    page = visit("/healthz", drawn=False)
    told = page.request.get(f"{server.url}/api/v1/runs").json()
    for run in told["runs"].values():
        run["seconds_per_point"] = 10.0
    page.route("**/api/v1/runs", lambda route: route.fulfill(json=told))
    gate = Gate(page, "pca:1")
    page.goto(f"{server.url}/?epoch=4&x1=pca:1&y1=random:1&points=21&size=16")
    words = page.locator("#caption-0")
    shown = {}
    for size in (5, 11):
        expect(page.locator("#veil-0 .gv-skeleton")).to_have_count(1 if size == 5 else 0)
        gate.let_through(size)
        expect(words).to_contain_text(f"{size} × {size} of 21 × 21 points; the others are being computed")
        shown[size] = numbers_of(page)
    gate.let_through(0)
    expect(words).not_to_contain_text("of 21 × 21 points")
    wait_until_drawn(page)
    whole = numbers_of(page)
    for size, coarse in shown.items():
        within = points_within(21, size)
        for name in ("u", "v", "loss"):
            assert coarse[name] == [whole[name][point] for point in within]


@pytest.mark.slow
def test_the_text_fields_of_the_axes_suggest_directions(visit: Visit) -> None:
    page = visit("/?points=3&size=16&epoch=4")
    name = page.get_by_label("Left picture: parameter or direction x₁", exact=True)
    name.focus()
    assert {"hidden.1.linear.bias[0]", "random:1", "step", "hessian:1"} <= set(suggested(page))
    name.press("Delete")
    name.press_sequentially("mean gradient w")
    assert suggested(page)["gradient:mean@hidden.2.linear"] == "the mean gradient within hidden.2.linear"
    assert all("mean gradient" in label for label in suggested(page).values())
    assert axe_finds(page) == []
    name.fill(next(iter(suggested(page))))  # the list itself is the browser's, which has none without a screen
    name.press("Enter")
    page.wait_for_url("**x1=gradient:mean@hidden.0.linear**")
    assert axes_of(page)[0] == "gradient:mean@hidden.0.linear"
    assert next(iter(suggested(page))) == "random:1"  # of a direction, directions come first


def suggested(page: Page) -> dict[str, str]:
    """The left picture's first field: what it suggests, with the words beside it."""
    return page.locator("#suggestions-x_a").evaluate(
        "(list) => Object.fromEntries([...list.options].map(({ value, label }) => [value, label]))"
    )


def test_what_a_checkpoint_has_not_is_said_in_its_picture_and_others_are_shown(visit: Visit) -> None:
    page = visit("/?points=3&size=16&epoch=0&x1=step&y1=random:1&y2=pca:0", drawn=False, lenient=True)
    expect(page.locator("#notices")).to_contain_text("a component must be a whole number in [1, 100], got '0'")
    expect(page.locator("#veil-0")).to_contain_text("no step leads to epoch 0, the first: choose a later one.")
    page.get_by_role("slider", name="Epoch").press("ArrowRight")
    page.wait_for_function(
        "() => window.gradvizPage.panels[0].state === 'ready' && window.gradvizPage.panels[0].isDrawn"
    )
    expect(page.locator("#title-0")).to_contain_text("The last step × random direction 1")
    expect(page.locator("#title-0")).to_contain_text("epoch 1")
