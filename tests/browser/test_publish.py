"""A published site, from a plain static server under a path and from disk: the same page, without gradviz behind it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.boxes import Window
from tests.browser.conftest import Server, Visit, shoot, wait_until_drawn
from tests.browser.reading import view_of
from tests.browser.sites import Host, hosted
from tests.publish.made import OTHER, PAIR, make_site

pytestmark = pytest.mark.browser

FIRST_VISIT_BYTES = 3_000_000
EPOCHS = 4


@pytest.fixture(scope="session")
def site(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Below a directory of a web host."""
    place = tmp_path_factory.mktemp("host")
    (place / "x").mkdir()
    options = ("--epochs", "0,2,4,6", "--minibatches", "5", "--mode", "eval,frozen", "--with", "evidence")
    make_site(trained, tmp_path_factory.mktemp("cache"), place / "x" / "y", *options)
    return place / "x" / "y"


@pytest.fixture(scope="session")
def host(site: Path) -> Iterator[Any]:
    with hosted(site.parent.parent) as one:
        yield one


def arrows(page: Page, slot: int = 0) -> Any:
    """The numbers of the picture on show, as its table has them."""
    page.locator(f"#numbers-{slot} summary").click()
    table = page.locator(f"#numbers-{slot} table")
    text = table.inner_text()
    page.locator(f"#numbers-{slot} summary").click()
    return text


def test_it_is_the_same_page_with_the_same_numbers(visit: Visit, host: Any, server: Server) -> None:
    address = f"?epoch=4&x1={PAIR[0]}&y1={PAIR[1]}&size=16&minibatch=2"
    site = visit(f"/x/y/{address}", at=host)
    page = visit(f"/{address}", at=server)
    assert arrows(site) == arrows(page)
    assert site.locator("#caption-0").inner_text() == page.locator("#caption-0").inner_text()
    assert site.locator("#title-0").inner_text() == page.locator("#title-0").inner_text()


def test_hands_move_it_and_the_address_follows(visit: Visit, host: Any) -> None:
    page = visit("/x/y/?size=16", at=host)
    assert view_of(page)["epoch"] == 6
    slider = page.get_by_role("slider", name="Epoch")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator("#panel-0")).to_have_attribute("data-index", "0")
    page.locator("#variant").get_by_text("Dropout").click()
    page.locator("#mode").get_by_text("train mode").click()
    wait_until_drawn(page)  # with the masks that it has
    expect(page.get_by_role("radio", name="frozen")).to_be_checked()
    assert page.url.endswith("/x/y/?variant=dropout&epoch=0&size=16&mode=train&masks=frozen")
    page.reload()
    wait_until_drawn(page)
    assert (view_of(page)["run"], view_of(page)["masks"], view_of(page)["epoch"]) == ("dropout", "frozen", 0)
    page.go_back()
    wait_until_drawn(page)
    page.get_by_label("Left picture: first two biases of layer").last.select_option(index=2)
    wait_until_drawn(page)
    assert (view_of(page)["x_a"], view_of(page)["y_a"]) == OTHER


@pytest.mark.parametrize("view", ["compare", "minibatches"])
def test_other_views_are_there(visit: Visit, host: Any, view: str) -> None:
    page = visit(f"/x/y/?view={view}&epoch=2&size=16", at=host)
    shoot(page, f"published-{view}")
    assert page.locator("#notices").inner_text() == ""


_VIEWS = ("explore", "compare", "minibatches", "evidence")


@pytest.mark.slow
@pytest.mark.parametrize("view", _VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_lies_well_on_every_screen(visit: Visit, host: Any, view: str, scheme: str) -> None:
    page = visit(f"/x/y/?view={view}&epoch=2&size=16", at=host, drawn=view != "evidence")
    if view == "evidence":
        expect(page.locator("#evidence-state")).to_contain_text("measured")
    assert Window(page).faults(scheme) == {}


def test_the_evidence_is_there(visit: Visit, host: Any) -> None:
    page = visit("/x/y/?view=evidence", at=host, drawn=False)
    expect(page.locator("#evidence-state")).to_contain_text("measured")
    links = page.locator("#evidence-claims a").evaluate_all("(all) => all.map((one) => one.getAttribute('href'))")
    assert links
    assert all(link.startswith("?") for link in links)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("?x1=hidden.0.linear.bias[3]", "Not in this site: the plane of hidden.0.linear.bias[3] and"),
        ("?mode=train&masks=averaged&variant=dropout", "Not in this site: averaged masks"),
        ("?size=64", "Not in this site: minibatches of 64 rows"),
        ("?width=0.3", "Not in this site: a half width of 0.3"),
        ("?x1=random:1&y1=random:2", "Not in this site: the plane of random:1 and random:2"),
        ("?rows=3,4,5", "Not in this site: chosen rows"),
    ],
)
def test_what_was_not_computed_is_named(visit: Visit, host: Any, address: str, words: str) -> None:
    size = "" if "size" in address else "&size=16"
    page = visit(f"/x/y/{address}{size}", at=host, drawn=False)
    expect(page.locator("#veil-0")).to_contain_text(words)
    expect(page.locator("#panel-0")).to_have_attribute("data-state", "error")


def test_what_is_not_there_is_greyed_out_and_listed(visit: Visit, host: Any) -> None:
    page = visit("/x/y/", at=host)  # the minibatches are those of the site
    for name in ("Scenes", "Lessons"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_disabled()
    for name in ("Paths", "Training"):
        expect(page.get_by_role("radio", name=name)).to_be_disabled()
    for name in ("64 rows", "256 rows"):
        expect(page.get_by_role("radio", name=name)).to_be_disabled()
    expect(page.get_by_label("Left picture: pick two units")).to_be_disabled()
    expect(page.locator("#rows-button-0")).to_be_disabled()
    assert page.locator("#variant").inner_text().split() == ["None", "Dropout"]
    page.get_by_text("Published site", exact=True).click()
    expect(page.get_by_label("Not in this site")).to_contain_text("planes along directions")
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="PNG", exact=True)).to_be_enabled()
    for name in ("HTML", "GIF", "PDF"):
        expect(dialog.get_by_role("button", name=name, exact=True)).to_be_disabled()
    expect(dialog).to_contain_text("Not in this site")
    with page.expect_download() as coming:
        dialog.get_by_role("button", name="PNG", exact=True).click()
    assert coming.value.suggested_filename.endswith(".png")
    shoot(page, "published-export")


def test_its_first_view_is_light(visit: Visit, host: Any) -> None:
    page = visit("/x/", at=host, drawn=False, stranger=True)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    received: list[float] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(f"{host.url}/x/y/?size=16")
    wait_until_drawn(page)
    page.wait_for_load_state("networkidle")
    assert 0 < sum(received) <= FIRST_VISIT_BYTES


def test_without_its_host_what_is_open_goes_on(visit: Visit, host: Any) -> None:
    page = visit("/x/y/?size=16", at=host, lenient=True)
    page.context.set_offline(True)
    try:
        page.get_by_role("slider", name="Epoch").focus()
        page.keyboard.press("Home")
        expect(page.locator("#panel-0")).to_have_attribute("data-index", "0")
    finally:
        page.context.set_offline(False)


def test_a_small_one_opens_from_disk(visit: Visit, site: Path, host: Any) -> None:
    """By double click: a browser then reads no file but what a page names as a script, a style or a picture."""
    page = visit(f"{site}/index.html?size=16", at=Host("file://"))  # pyright: ignore[reportArgumentType]
    page.get_by_role("slider", name="Epoch").focus()
    page.keyboard.press("Home")
    expect(page.locator("#panel-0")).to_have_attribute("data-index", "0")
    page.locator("#variant").get_by_text("Dropout").click()
    wait_until_drawn(page)
    assert page.url == f"file://{site}/index.html?variant=dropout&epoch=0&size=16"
    assert arrows(page) == arrows(visit("/x/y/?variant=dropout&epoch=0&size=16", at=host))
