"""The evidence view: every claim with its verdict and numbers, and each link leads to a view that shows that number."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gradviz.dashboard.evidence_links import address_of
from gradviz.dashboard.permalink import View
from gradviz.dashboard.viewfields import for_browser
from gradviz.evidence.claims import CLAIMS
from gradviz.evidence.path_taking import CONDITIONS, paths_request
from gradviz.evidence.verdict import Kind, Shown
from tests.browser.boxes import axe_finds
from tests.browser.conftest import Server, Visit, served, wait_until_drawn
from tests.browser.learned import learned

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

_PAINTED = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size > 2;
}"""

# Words that reach out of the claims, sideways, or lie over other words of their bar or chart.
_CUT = """() => {
  const boxOf = (one) => [one.textContent, one.getBoundingClientRect()];
  const isOver = (a, b) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3;
  const found = [];
  const edge = document.querySelector(".gv-evidence").clientWidth;
  for (const svg of document.querySelectorAll(".gv-bar-picture, .gv-chart")) {
    const all = [...svg.querySelectorAll("text")].map(boxOf);
    for (const [words, { left, right }] of all)
      if (left < -1 || right > edge + 1) found.push(["out", words, left, right]);
    for (const [k, [words, a]] of all.entries())
      for (const [other, b] of all.slice(k + 1))
        if (isOver(a, b)) found.push(["over", words, other]);
  }
  return found;
}"""

_NUMBER = re.compile(r"−?\d+(?:\.\d+)?(?:e[−+]?\d+)?")


# The view is of this address: what it names is chosen.
_TAKEN_UP = """([search, fields]) => {
  const { view } = window.gradvizPage;
  const asked = new URLSearchParams(search);
  return fields.every(({ name, key, default: standard }) =>
    standard === null && !asked.has(key) || `${view[name]}` === (asked.get(key) ?? `${standard}`));
}"""


# The numbers are those of all minibatches that the view is about.
_SUMMED = """() => {
  const { minibatchesOf, minibatchesAt } = window.gradvizPage.panels[0];
  const { of } = document.getElementById("spread-table").dataset;
  return minibatchesAt === window.gradvizPage.view.epoch && of === minibatchesOf;
}"""


@pytest.fixture(scope="module")
def taught(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of runs by which every claim can be measured."""
    path = tmp_path_factory.mktemp("taught")
    with served(learned(trained, path / "runs"), path / "cache") as running:
        yield running


def measured(visit: Visit, at: Server, **how: object) -> Page:
    page = visit("/?view=evidence", drawn=False, at=at, **how)
    expect(page.locator("#evidence-state")).to_contain_text("All claims these runs can test are measured")
    page.evaluate("() => document.querySelectorAll('.gv-claim-behind').forEach((one) => (one.open = true))")
    return page


def numbers_of(text: str) -> list[float]:
    return [float(number.replace("−", "-")) for number in _NUMBER.findall(text)]


def test_each_claim_stands_with_its_own_words_its_rule_and_a_verdict(visit: Visit, taught: Server) -> None:
    page = measured(visit, taught)
    for claim in CLAIMS:
        shown = page.locator(f"#claim-{claim.key}")
        expect(shown.locator("blockquote")).to_have_text(f"“{claim.quotation}”")
        beside = claim.beside
        words = [f"Null: {beside.null}", f"Control: {beside.control}", f"Comparisons: {beside.several}"]
        expect(shown.locator(".gv-rule")).to_have_text([claim.rule, *words])
        if claim.reads_paths:  # so short a training has no checkpoint from which they are taken
            expect(shown.locator(".gv-claim-missing")).to_contain_text("There is no mid-training checkpoint")
            continue
        verdict = Kind(shown.locator(".gv-verdict").inner_text())
        assert verdict != Kind.UNKNOWN, shown.inner_text()
        assert shown.locator(".gv-verdict").get_attribute("data-tone") == verdict.tone
        assert shown.locator("tbody tr").count() > 0
        answer = page.request.get(f"{page.url.partition('?')[0]}api/v1/evidence/{claim.key}").json()
        assert shown.locator(".gv-notes li").all_inner_texts() == answer["notes"]
        assert shown.locator(".gv-says").inner_text() == answer["says"]
        asked = [figure for figure in answer["figures"] if figure["thresholds"] and figure["value"] is not None]
        bars = shown.locator(".gv-bar-picture").all()
        assert len(bars) == len(asked) > 0
        for bar, figure in zip(bars, asked, strict=True):
            told = bar.get_attribute("aria-label") or ""
            assert told.startswith(f"{figure['name']}: ")
            assert f"asked: {figure['asked']}" in told
            assert bar.locator(".gv-bar-line").count() == len(figure["thresholds"])
            assert bar.locator(".gv-bar-hollow").count() == sum(mark["value"] is not None for mark in figure["marks"])


def test_a_number_lies_on_the_side_of_the_line_that_its_rule_says(visit: Visit, taught: Server) -> None:
    page = measured(visit, taught)
    seen = 0
    for claim in CLAIMS:
        answer = page.request.get(f"{page.url.partition('?')[0]}api/v1/evidence/{claim.key}").json()
        asked = [figure for figure in answer["figures"] if figure["thresholds"] and figure["value"] is not None]
        bars = page.locator(f"#claim-{claim.key} .gv-bar-picture").all()
        for bar, figure in zip(bars, asked, strict=True):
            dot = bar.locator(".gv-bar-dot").bounding_box()
            assert dot is not None
            for line, threshold in zip(bar.locator(".gv-bar-line").all(), figure["thresholds"], strict=True):
                at = line.bounding_box()
                assert at is not None
                apart = dot["x"] + dot["width"] / 2 - at["x"] - at["width"] / 2
                if abs(apart) > 1:  # pixels
                    assert (apart > 0) == (figure["value"] > threshold["value"])
                    seen += 1
    assert seen > 20


@pytest.mark.parametrize(
    ("width", "height", "scheme"), [(390, 844, "dark"), (768, 1024, "light"), (1440, 900, "light")]
)
def test_the_picture_is_beside_its_claim_or_below_it_and_nothing_is_cut(
    visit: Visit, taught: Server, width: int, height: int, scheme: str
) -> None:
    page = measured(visit, taught, width=width, height=height, scheme=scheme)
    pictures = page.locator(".gv-claim-figure").all()
    assert len(pictures) > 8
    for picture in pictures:
        picture.scroll_into_view_if_needed()
        for plane in picture.locator(".gv-plane").all():
            expect(plane).to_have_attribute("data-drawn", "yes")
            assert plane.locator("canvas").evaluate(_PAINTED)
        text = picture.locator("xpath=preceding-sibling::div").bounding_box()
        own = picture.bounding_box()
        assert text is not None
        assert own is not None
        if width > 1000:
            assert own["x"] >= text["x"] + text["width"]
            assert own["y"] == pytest.approx(text["y"], abs=2)
        else:
            assert own["y"] >= text["y"] + text["height"]
    assert page.evaluate(_CUT) == []
    assert axe_finds(page) == []


def test_a_claim_on_paths_leads_to_the_paths_view_with_its_settings(visit: Visit, taught: Server) -> None:
    shown = Shown(view="paths", paths=paths_request("none", 3, "sgd"))
    page = visit(f"/{address_of(shown)}", drawn=False, at=taught)
    expect(page.locator("#paths-form [name=optimizer]")).to_have_value("sgd")
    expect(page.locator("#paths-form [name=epoch]")).to_have_value("3")
    checked = page.locator("#paths-form input:checked").evaluate_all("(all) => all.map((one) => one.name)")
    assert checked == [f"condition-{each}" for each in CONDITIONS]


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)])
def test_each_link_leads_to_a_view_that_shows_the_number(visit: Visit, taught: Server, every: int) -> None:
    page = measured(visit, taught)
    rows = page.locator(".gv-claim tbody tr:has(a)")
    told = [
        (row.locator("th").inner_text(), row.locator("td").first.inner_text(), row.locator("a").get_attribute("href"))
        for row in rows.all()
    ]
    assert len(told) > 10
    told = told[::every]
    said = {href: _said(visit, page, str(href)) for _, _, href in told}
    differing = [(name, value, said[href]) for name, value, href in told if not _tells(said[href], name, value)]
    assert differing == []


def _said(visit: Visit, page: Page, href: str) -> list[str]:
    """The lines in which a linked view says its numbers. The page takes up the address as after "back"."""
    page.evaluate(
        "(search) => { history.pushState(null, '', `/${search}`); dispatchEvent(new PopStateEvent('popstate')); }", href
    )
    name = re.search(r"view=(\w+)", href)
    page.wait_for_function(_TAKEN_UP, arg=[href, for_browser(View().model_dump())])
    if name and name[1] == "training":
        plain = page.locator("#training tbody tr").first
        expect(plain).to_be_visible()
        heads = page.locator("#training thead tr > *").all_inner_texts()
        return [f"R²: {plain.locator('xpath=*').nth(heads.index('test R²')).inner_text()}"]
    wait_until_drawn(page)
    if not name:
        return [page.locator("#caption-0").inner_text()]
    if not page.locator("#spread-numbers").evaluate("(details) => details.open"):
        page.locator("#spread-numbers summary").click()
    page.wait_for_function(_SUMMED)
    part = re.search(r"part=(\w+)", href)
    expected = {"biases": "biases", "model": "whole model"}.get(part[1] if part else "", "this pair")
    expect(page.locator(".gv-spread-sums")).to_contain_text(expected)
    return page.locator(".gv-spread-sums li").all_inner_texts()


def _tells(lines: list[str], name: str, value: str) -> bool:
    """Whether one of the lines says the number, to half a unit of its last digit and of the line's."""
    if name.startswith("arrows that are zero"):
        counted = re.search(r"(\d+) of (\d+) arrows are zero up to round-off", lines[0])
        return counted is not None and 100 * int(counted[1]) / int(counted[2]) == numbers_of(value)[0]
    numbers = [
        number for line in lines if _line_of(name).search(line) for number in numbers_of(line.split(": ", 1)[-1])
    ]
    return any(abs(number - numbers_of(value)[0]) <= _unit(value) for number in numbers)


def _line_of(name: str) -> re.Pattern[str]:
    if name.startswith("R²"):
        return re.compile("^R²")
    if name.startswith("opposite pairs"):
        return re.compile("^opposite pairs")
    if name.startswith("angle between neighbours"):
        return re.compile("^neighbouring arrows")
    if name.startswith(("R measured", "mean pairwise cosine")):
        return re.compile("mean cosine of pairs")
    return re.compile("^R of the arrows")


def _unit(value: str) -> float:
    number = _NUMBER.findall(value)[0]
    return 1.01 * 10.0 ** -len(number.partition(".")[2])


def test_the_sign_of_a_verdict_says_it_without_its_colour(visit: Visit, taught: Server) -> None:
    page = measured(visit, taught)
    signs = page.locator(".gv-verdict").evaluate_all(
        "(all) => all.map((one) => [one.dataset.tone, getComputedStyle(one, '::before').content])"
    )
    by_tone = dict(signs)
    assert len(by_tone) > 2
    assert len(set(by_tone.values())) == len(by_tone)


@pytest.mark.slow
def test_printing_gives_every_claim_on_as_many_pages_as_they_take(visit: Visit, taught: Server) -> None:
    page = measured(visit, taught)
    page.emulate_media(media="print")
    bottom, height, scrolls = page.evaluate(
        """() => {
          const claims = [...document.querySelectorAll(".gv-claim")];
          const evidence = document.querySelector(".gv-evidence");
          return [claims.at(-1).getBoundingClientRect().bottom, document.documentElement.scrollHeight,
            evidence.scrollHeight - evidence.clientHeight];
        }"""
    )
    assert scrolls <= 1  # what scrolls is cut on paper
    assert bottom <= height + 1
    pages = page.pdf(format="A4").count(b"/Type /Page\n")
    assert pages > 1
    assert pages >= height // 1300  # an A4 page is about 1,120 pixels high


def test_a_claim_without_its_checkpoint_says_what_to_do(visit: Visit, server: Server) -> None:
    page = measured(visit, server)
    for key in ("mid-training", "batchnorm-rough"):
        shown = page.locator(f"#claim-{key}")
        expect(shown.locator(".gv-verdict")).to_have_text(Kind.UNKNOWN)
        expect(shown.locator(".gv-claim-missing")).to_contain_text("train more epochs, in Training.")
