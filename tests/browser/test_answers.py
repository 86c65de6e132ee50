"""Answers that are not what was asked for: cut off, busy, somebody else's page; and what others do to the runs."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Server, Visit, wait_until_drawn

pytestmark = pytest.mark.browser

FRAMES = "**/api/v1/frames?*"
RUNS = "**/api/v1/runs"


def test_an_answer_that_breaks_off_each_time_is_asked_for_ever_more_rarely_and_then_no_more(visit: Visit) -> None:
    page = visit("/healthz", drawn=False, stranger=True)  # a clock of its own
    page.clock.install()
    asked: list[str] = []

    def break_off(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=200, content_type="application/octet-stream", body=b"\x09\x00\x00\x00{}")

    page.route(FRAMES, break_off)
    page.goto(page.url.replace("/healthz", "/?epoch=3&points=5"))
    card = page.locator("#veil-0")
    expect(card).to_contain_text("The server's answer broke off. The page asks again.")
    for _ in range(30):
        page.clock.run_for(10_000)
    expect(card).to_contain_text("failed 6 times in a row")
    assert 12 <= len(asked) <= 24  # for two pictures, in five minutes
    expect(page.locator("#status")).to_have_text("Trained")  # the server itself is there
    page.unroute(FRAMES)
    page.clock.resume()
    for slot in (0, 1):
        page.locator(f"#veil-{slot}").get_by_role("button", name="Try again").click()
    wait_until_drawn(page)


_LOOKS = """() => {
  const [skeleton] = document.querySelectorAll("#veil-0 .gv-skeleton");
  const plane = document.querySelector("#panel-0 .gv-picture > div");
  return skeleton && [getComputedStyle(skeleton).backgroundImage === "none", getComputedStyle(plane).opacity];
}"""


def test_dots_stand_where_a_picture_will_be_but_not_over_one_that_fades(visit: Visit) -> None:
    """Small circles over arrows would be read as arrows that are zero."""
    page = visit("/healthz", drawn=False)
    address = page.url.replace("/healthz", "/?epoch=3&points=5")
    held: list[Route] = []
    page.route(FRAMES, lambda route: held.append(route))
    page.goto(address)
    expect(page.locator("#veil-0 .gv-skeleton")).to_be_visible()
    assert page.evaluate(_LOOKS) == [False, "0.3"]
    page.unroute_all(behavior="ignoreErrors")
    page.goto(address)
    wait_until_drawn(page)
    page.route(FRAMES, lambda route: held.append(route))
    page.get_by_role("slider", name="Minibatch").press("ArrowRight")
    expect(page.locator("#veil-0 .gv-skeleton")).to_have_count(1)
    assert page.evaluate(_LOOKS) == [True, "0.3"]
    page.unroute_all(behavior="ignoreErrors")


def test_somebody_elses_page_in_place_of_the_answer_is_not_taken_for_no_runs(visit: Visit) -> None:
    page = visit("/healthz", drawn=False, stranger=True)
    page.route(RUNS, lambda route: route.fulfill(status=200, content_type="text/html", body="<h1>Sign in</h1>"))
    page.goto(page.url.replace("/healthz", "/?epoch=3&points=5"))
    expect(page.locator(".gv-notice")).to_contain_text("A web page came instead of an answer")
    expect(page.locator("#veil-0")).to_contain_text("A web page came instead of an answer")
    expect(page.locator("main")).not_to_contain_text("not trained yet")
    page.unroute(RUNS)
    wait_until_drawn(page)
    expect(page.locator(".gv-notice")).to_have_count(0)


def busy_at_first(page: Page, address: str, then: dict[str, Any] | None = None) -> None:
    """The first answer of each address is 503; later ones are `then`, or the server's own."""
    seen: set[str] = set()

    def answer(route: Route) -> None:
        if route.request.url not in seen:
            seen.add(route.request.url)
            sentence = {"error": "Reconnecting: the compute workers are unreachable."}
            route.fulfill(status=503, headers={"Retry-After": "1"}, json=sentence)
        elif then is not None:
            route.fulfill(json=then)
        else:
            route.continue_()

    page.route(address, answer)


def test_what_can_not_be_had_now_is_asked_for_again(visit: Visit, server: Server) -> None:
    """By the evidence, the cosines and the curves: 503 is no answer to keep."""
    page = visit("/healthz", drawn=False, lenient=True)  # the browser notes each 503
    claim = {
        "key": "one",
        "question": "Is it?",
        "quotation": "It is.",
        "rule": "It must be.",
        "null": "No.",
        "control": "It.",
        "several": "One.",
    }
    page.route("**/api/v1/evidence", lambda route: route.fulfill(json={"claims": [claim]}))
    told = claim | {"state": "missing", "message": "A run is missing.", "verdict": "not measured", "figures": []}
    busy_at_first(page, "**/api/v1/evidence/one", told)
    page.goto(f"{server.url}/?view=evidence")
    expect(page.locator("#evidence-state")).to_contain_text("All claims these runs can test are measured.")
    expect(page.locator("#claim-one")).to_contain_text("A run is missing.")
    busy_at_first(page, "**/api/v1/cosines/**")
    page.goto(f"{server.url}/?view=minibatches&epoch=3&size=16&points=5&part=biases")
    expect(page.locator("#matrix-note")).to_contain_text("biases of layer 1: R")
    busy_at_first(page, "**/api/v1/course?*")
    page.goto(f"{server.url}/?view=explore&epoch=3&points=5&curves=agreement")
    expect(page.locator(".gv-course-words").first).to_contain_text("left ")
    expect(page.locator(".gv-course-words").first).not_to_contain_text("not measured")


@pytest.mark.slow
def test_a_page_that_rests_notices_what_others_do(visit: Visit, server: Server) -> None:
    """A training that begins and a run that is deleted, within half a minute; the time left is told once."""
    page = visit("/healthz", drawn=False, stranger=True)  # a clock of its own
    page.clock.install(time=0)
    page.goto(f"{server.url}/?epoch=3&points=5&variant=dropout")
    wait_until_drawn(page)
    with page.expect_response(RUNS):
        page.clock.pause_at(600)  # from here on, only the test moves the clock
    real = page.request.get(f"{server.url}/api/v1/runs").json()
    del real["runs"]["dropout"]
    real["training"] |= {
        "state": "running",
        "polls": True,
        "message": "none    epoch 3/9   train loss 24.1   1:52 left",
        "progress": [{"variant": "none", "epoch": 3, "epochs": 9}],
    }
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    def changed(route: Route) -> None:
        route.fulfill(body=json.dumps(real), content_type="application/json", headers={"ETag": '"other"'})

    page.clock.fast_forward(10_000)
    assert asked == []
    page.route(RUNS, changed)
    page.clock.fast_forward(20_000)
    page.clock.resume()
    expect(page.locator("#status")).to_contain_text("Training · 3 of 9 epochs")
    expect(page.locator("#veil-0")).to_contain_text("Dropout is not trained yet")
    page.locator("#view").get_by_text("Training").click()
    expect(page.locator("#training .gv-message")).to_contain_text("1:52 left")
    assert page.locator("#training .gv-message").inner_text().count("left") == 1


PLOTLY = "**/*plotly*.min.js*"


def test_the_page_waits_for_plotly_and_says_so(visit: Visit) -> None:
    """It comes after two minutes, at the second try."""
    page = visit("/healthz", drawn=False, stranger=True, lenient=True)  # the browser notes what did not arrive
    page.clock.install()
    held: list[Route] = []
    page.route(PLOTLY, lambda route: held.append(route))
    page.goto(page.url.replace("/healthz", "/?epoch=3&points=5"), wait_until="domcontentloaded")
    page.clock.run_for(120_000)
    late = page.locator(".gv-late")
    expect(late).to_contain_text("still on its way")
    expect(late.get_by_role("button", name="Reload")).to_be_visible()
    assert len(held) == 1
    held[0].abort()
    while len(held) < 2:
        page.clock.run_for(1000)
    held[1].continue_()
    page.clock.resume()
    wait_until_drawn(page)
    expect(late).to_have_count(0)
