"""Between the page and its server: what travels, to whom, and what happens when the server is gone for a while."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gradviz.experiment.lock import run_lock
from tests.browser.conftest import NUM_EPOCHS, Serve, Visit, wait_until_drawn
from tests.browser.reading import frame_shown

pytestmark = pytest.mark.browser

FIRST_VISIT_BYTES, SECOND_VISIT_BYTES = 2_300_000, 100_000
MOST_REQUESTS = 15


def requests_at_rest(page: Page) -> list[str]:
    """Addresses that the page asks for while nobody touches it."""
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    # Longer than the interval at which a training is followed; there is nothing else to wait for.
    page.evaluate("() => new Promise((resolve) => setTimeout(resolve, 2500))")
    return [address for address in seen if "favicon" not in address]


@pytest.mark.parametrize("view", ["explore", "minibatches"])
def test_a_page_at_rest_asks_for_nothing(visit: Visit, view: str) -> None:
    assert requests_at_rest(visit(f"/?view={view}&epoch=3")) == []


def test_a_page_at_rest_asks_for_the_training_alone_while_something_trains(
    visit: Visit, own_server: Serve, trained: Path, tmp_path: Path
) -> None:
    runs = shutil.copytree(trained, tmp_path / "runs")
    server = own_server(runs)
    with run_lock(runs / "none"):  # it is being trained, by this test
        page = visit("/?epoch=3", at=server)
        expect(page.locator("#status")).to_contain_text("Training")
        asked = requests_at_rest(page)
        assert 1 <= len(asked) <= 3
        assert set(asked) == {f"{server.url}/api/v1/runs"}
    expect(page.locator("#status")).to_contain_text("Trained")
    assert requests_at_rest(page) == []


@pytest.mark.parametrize(
    "view", ["explore", *(pytest.param(name, marks=pytest.mark.slow) for name in ("compare", "minibatches"))]
)
def test_a_visit_is_light_and_asks_nobody_else(visit: Visit, view: str) -> None:
    """Bytes on the wire, headers included, and requests, as the browser's own network log counts them."""
    page = visit(drawn=False, stranger=True, address="/healthz")
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    received: list[float] = []
    asked: list[str] = []
    session.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    session.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    origin = page.evaluate("() => window.location.origin")
    for limit in (FIRST_VISIT_BYTES, SECOND_VISIT_BYTES):
        received.clear()
        asked.clear()
        page.goto(f"{origin}/?view={view}&epoch=3")
        wait_until_drawn(page)
        page.wait_for_load_state("networkidle")
        assert 0 < sum(received) <= limit
        icon = 1  # a browser with a window asks for it too
        assert len([url for url in asked if not url.startswith("data:")]) + icon <= MOST_REQUESTS, asked
        page.goto("about:blank")
    assert page.context.cookies() == []


def test_a_killed_server_is_found_again_without_reloading(visit: Visit, own_server: Serve, trained: Path) -> None:
    """What was under way when it was killed, and what was chosen meanwhile, comes when it is back."""
    server = own_server(trained)
    page = visit("/?epoch=3", at=server, lenient=True)
    page.evaluate("() => (window.sameDocument = true)")
    page.locator("#variant").get_by_text("Dropout").click()
    page.locator("#mode").get_by_text("train mode").click()
    server.kill()
    page.get_by_role("slider", name="Epoch").focus()
    page.keyboard.press("ArrowLeft")
    page.locator("#layer-a").get_by_text("0", exact=True).click()
    expect(page.locator("#status")).to_contain_text("Reconnecting")
    server.start()
    expect(page.locator("#status")).to_contain_text("Trained")
    wait_until_drawn(page)
    state = "() => { const { view, panels } = window.gradvizPage;"
    state += " return [view.run, view.mode, view.epoch, view.x_a, panels[0].numEpochs]; }"
    assert page.evaluate(state) == ["dropout", "train", 2, "hidden.0.linear.bias[0]", NUM_EPOCHS]
    assert [frame_shown(page, slot) for slot in (0, 1)] == [2, 2]
    assert page.evaluate("() => window.sameDocument") is True
