"""The report opens from disk, offline: every figure is drawn, in light and dark, on a wide and a narrow page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.experiment.store import RunStore
from gradviz.report.measuring import Measuring
from gradviz.report.writing import write_report
from tests.browser.conftest import Witness

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def report(tiny_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The HTML file of a report of tiny runs."""
    directory = tmp_path_factory.mktemp("report")
    with FieldCache(directory / "cache") as cache:
        write_report(directory, [Measuring(LocalCompute(RunStore(tiny_runs), cache, device="cpu"))], lambda _: None)
    return directory / "findings.html"


@pytest.fixture(params=[(1280, "light"), (768, "dark")], ids=["wide-light", "narrow-dark"])
def page(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Page]:
    """The report in a browser that is offline; any error, request or violation fails the test."""
    width, scheme = request.param
    context = browser.new_context(offline=True, viewport={"width": width, "height": 800}, color_scheme=scheme)
    opened = context.new_page()
    witness = Witness("none")
    witness.watch(opened)
    opened.goto(report.as_uri())
    yield opened
    context.close()
    assert witness.complaints == []
    assert {url.partition(":")[0] for url in witness.requests} <= {"file", "data", "blob"}


def test_every_figure_is_drawn_when_it_comes_into_view(page: Page):
    figures = page.locator("[data-blocks]")
    assert figures.count() > 8
    for figure in figures.all():
        figure.locator("xpath=..").scroll_into_view_if_needed()
        expect(figure).to_have_attribute("data-drawn", "yes")
        expect(figure.locator(".gv-graph .main-svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    papers = page.evaluate(
        "[...document.querySelectorAll('.gv-graph')].map((graph) => graph._fullLayout.paper_bgcolor)"
    )
    assert page.evaluate("document.querySelector('#figure-losses').clientWidth") == page.evaluate(
        "document.querySelector('#figure-losses .gv-graph')._fullLayout.width"
    )
    assert set(papers) == {{"rgb(255, 255, 255)": "#ffffff", "rgb(20, 24, 31)": "#14181f"}[background]}


def test_the_slider_moves_through_the_minibatches(page: Page):
    figure = page.locator("#figure-mid-none")
    figure.scroll_into_view_if_needed()
    facts = figure.locator(".gv-facts")
    expect(facts).to_contain_text("minibatch 0:")
    arrows = "() => document.querySelector('#figure-mid-none .gv-graph').data.map(({ u, v }) => [u, v])"
    first = page.evaluate(arrows)
    figure.locator("input[type=range]").press("ArrowRight")
    expect(facts).to_contain_text("minibatch 1:")
    assert page.evaluate(arrows) != first


def test_the_report_follows_when_the_system_turns_dark(browser: Browser, report: Path):
    context = browser.new_context(offline=True, color_scheme="light")
    page = context.new_page()
    page.goto(report.as_uri())
    page.locator("#figure-losses").scroll_into_view_if_needed()
    expect(page.locator("#figure-losses [data-blocks]")).to_have_attribute("data-drawn", "yes")
    page.emulate_media(color_scheme="dark")
    expect(page.locator("body")).to_have_css("background-color", "rgb(20, 24, 31)")
    expect(page.locator("#figure-losses .main-svg").first).to_have_css("background-color", "rgb(20, 24, 31)")
    context.close()
