"""The Paths view: started from the page, drawn as the API tells, each step with its minibatch, all in the link."""

import csv
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browser.boxes import axe_finds
from tests.browser.conftest import Visit, shoot

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ASKED = "/?view=paths&epoch=3&conditions=same,order&replicas=3"


def told(page: Page) -> dict[str, Any]:
    return page.evaluate("() => window.gradvizPage.paths")


def computed(visit: Visit, **how: Any) -> Page:
    """A page with the paths, computed by the first test that asks for them."""
    page = visit(ASKED, drawn=False, **how)
    page.wait_for_function("() => window.gradvizPage?.paths.told")
    if not told(page)["told"]["is_known"]:
        page.get_by_role("button", name="Start").click()
    expect(page.locator("#paths-result")).to_be_visible(timeout=120_000)
    return page


def test_paths_are_started_drawn_and_found_again(visit: Visit) -> None:
    page = visit(ASKED, drawn=False)
    expect(page.locator("#paths-state")).to_contain_text("9 epochs of training (3 of them to find where the optimizer")
    expect(page.locator("#paths-form [name=condition-masks]")).to_be_disabled()
    expect(page.locator("#paths-form")).to_contain_text("not here: the run none draws no masks.")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#paths-result")).to_be_visible(timeout=120_000)
    shown = told(page)
    origin = page.url.partition("?")[0]
    key = shown["told"]["key"]
    result = page.request.get(f"{origin}api/v1/paths/results/{key}").json()
    assert shown["result"] == result
    curves = page.evaluate(
        "() => document.querySelector('#paths-curves .js-plotly-plot')._fullData"
        ".filter(({fill}) => fill !== 'toself').map(({name, y}) => [name, [...y]])"
    )
    order = result["conditions"]["order"]
    own = result["recorded"]["step"][-1]
    assert [name for name, _ in curves] == ["same", "order"] * 3
    assert curves[1][1] == order["ratio"]
    assert curves[3][1] == [0, *(value / own for value in order["spread"])]
    assert curves[5][1] == order["cosine"]
    rows = page.locator("#paths-table tbody tr")
    assert [row.locator("th").inner_text() for row in rows.all()] == [
        "same",
        "order",
        "the run's own path",
        "at the checkpoint",
    ]
    expect(page.locator("#paths-summary")).to_contain_text("same: exactly the same path each time (spread 0 at all")
    expect(page.locator("#paths-summary")).to_contain_text("lead to its next checkpoint exactly.")

    # Other paths are asked for, and Back leads to these again.
    resampled = page.locator("#paths-form [name=condition-resampled]")
    resampled.focus()
    page.keyboard.press("Space")
    expect(resampled).to_be_checked()
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    expect(page.locator("#paths-result")).to_be_hidden()
    expect(resampled).to_be_focused()  # the form is made anew around the hand
    assert "conditions=same,order,resampled" in page.url
    page.go_back()
    expect(page.locator("#paths-result")).to_be_visible()
    assert told(page)["told"]["key"] == key
    other = visit(page.url.removeprefix(origin[:-1]), drawn=False, stranger=True)
    expect(other.locator("#paths-result")).to_be_visible()
    for each in (page, other):
        expect(each.locator("#paths-step .gv-paths-made")).to_contain_text(
            "Step 1 of order 1 was made by the minibatch"
        )
    assert other.locator(".gv-paths").inner_text() == page.locator(".gv-paths").inner_text()


def test_the_fan_is_drawn_in_a_plane_that_is_chosen(visit: Visit, tmp_path: Path) -> None:
    page = computed(visit)
    form, state = page.locator("#paths-form"), page.locator("#paths-state")
    expect(form).to_contain_text("the principal plane of their ends")
    expect(page.locator("#paths-across")).to_contain_text("of the ends' variance")
    principal = told(page)["told"]["key"]

    page.get_by_role("button", name="Choose the plane of the paths…").click()
    dialog = page.get_by_role("dialog", name="The plane of the paths")
    expect(dialog.locator(".gv-sub").first).to_have_text(re.compile(r"epoch 3 · eval mode$"))
    search = dialog.get_by_role("searchbox")
    search.fill("hidden.1.linear.bias[2]")
    dialog.get_by_role("button", name="x₁: hidden.1.linear.bias[2]", exact=True).click()
    expect(dialog).to_contain_text("Choose x₂ too.")
    search.fill("mean")
    dialog.get_by_role("button", name="x₂: the mean gradient", exact=True).click()
    expect(dialog).to_contain_text("their replicas are not kept, and are trained for each plane.")
    dialog.get_by_role("button", name="Show").click()
    expect(dialog).to_be_hidden()
    assert "fanx=hidden.1.linear.bias[2]&fany=gradient:mean" in page.url
    expect(form).to_contain_text("hidden.1.linear.bias[2] × the mean gradient")
    expect(page.locator("#paths-result")).to_be_hidden()
    expect(state).to_contain_text("9 epochs of training")
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#paths-result")).to_be_visible(timeout=120_000)

    shown = told(page)
    assert (shown["result"]["request"]["x"], shown["result"]["request"]["y"]) == (
        "hidden.1.linear.bias[2]",
        "gradient:mean",
    )
    expect(page.locator("#paths-across")).to_have_text("x₁: along hidden.1.linear.bias[2]")
    expect(page.locator("#paths-up")).to_have_text("x₂: along the mean gradient")
    expect(page.locator("#paths-scale")).to_have_text(re.compile(r"^[0-9.e−]+ along x₁ and x₂$"))
    expect(page.locator("#paths-plane")).to_contain_text("x₁ = 1 is 1 in its own unit, x₂ = 1 as long as on x₁.")
    expect(page.locator("#paths-plane")).to_contain_text("this plane holds only")
    [own] = [each["points"] for each in shown["places"] if each["condition"] == ""]
    way = shown["result"]["recorded"]["way"]
    unit = (own[-1][0] - own[0][0]) / way[-1][0]
    assert (own[0][1] - own[-1][1]) / way[-1][1] == pytest.approx(unit, rel=1e-6)  # one unit across and up

    page.get_by_role("button", name="Export").click()
    export = page.get_by_role("dialog", name="Export")
    expect(export.get_by_label("Caption")).to_have_value(re.compile("drawn in hidden.1.linear.bias\\[2\\] × the mean"))
    with page.expect_download() as coming:
        export.get_by_role("button", name="CSV of the ways", exact=True).click()
    coming.value.save_as(tmp_path / "ways.csv")
    with (tmp_path / "ways.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["condition"] == "run"]
    assert [[float(row["hidden.1.linear.bias[2]"]), float(row["gradient:mean"])] for row in rows] == way
    with page.expect_download() as coming:
        export.get_by_role("button", name="SVG", exact=True).click()
    coming.value.save_as(tmp_path / "fan.svg")
    texts = "".join(ET.parse(tmp_path / "fan.svg").getroot().itertext())
    assert "along the mean gradient" in texts
    assert "along x₁ and x₂" in texts
    page.keyboard.press("Escape")

    # The link has the plane, and the principal one is known.
    other = visit(page.url.removeprefix(page.url.partition("?")[0][:-1]), drawn=False, stranger=True, width=390)
    expect(other.locator("#paths-result")).to_be_visible()
    assert told(other)["result"] == shown["result"]
    for width, each in ((1280, page), (390, other)):
        assert axe_finds(each) == []
        assert each.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
        each.locator("#paths-plane").scroll_into_view_if_needed()
        shoot(each, f"paths-plane-{width}")
    page.get_by_role("button", name="principal plane", exact=True).click()
    expect(page.locator("#paths-across")).to_contain_text("of the ends' variance")
    assert told(page)["told"]["key"] == principal
    assert "fanx" not in page.url


def test_a_step_says_which_minibatch_made_it(visit: Visit) -> None:
    page = computed(visit)
    steps = told(page)["result"]["steps"]
    page.locator("#paths-fan-canvas").scroll_into_view_if_needed()
    [path] = [each for each in told(page)["places"] if (each["condition"], each["replica"]) == ("order", 1)]
    page.mouse.click(*path["points"][-1])
    chosen = told(page)["chosen"]
    assert (chosen["condition"], chosen["step"]) == ("order", steps[-1])
    page.locator("#paths-step [data-role=replica]").select_option("order/2")
    page.locator("#paths-step [data-role=step]").fill("5")
    page.locator("#paths-step [data-role=step]").press("Enter")
    page.get_by_role("button", name="Step after").click()
    origin = page.url.partition("?")[0]
    asked = f"{origin}api/v1/paths/step?run=none&epoch=3&replicas=3&conditions=same,order"
    answer = page.request.get(f"{asked}&condition=order&replica=2&step=6").json()
    made = page.locator("#paths-step .gv-paths-made")
    expect(made).to_contain_text(
        f"Step 6 of order 3 was made by the minibatch of step {answer['own_step']} of the run's"
    )
    expect(made).to_contain_text("this one is none of those in Explore")
    made.get_by_text("Its training rows").click()
    expect(made).to_contain_text(", ".join(map(str, answer["rows"])))
    made.get_by_text("Its landscape at the checkpoint").click()
    expect(made).to_contain_text("Gradients of these 64 rows, hidden layer 1: across x₁ = hidden.1.linear.bias[0]")
    pair = "x=hidden.1.linear.bias[0]&y=hidden.1.linear.bias[1]"
    grid = page.request.get(f"{asked.replace('/step', '/landscape')}&condition=order&replica=2&step=6&{pair}").json()
    loss = grid["grid"]["loss"][10][10]
    expect(made).to_contain_text(f"J = {float(f'{loss:.4g}'):g}")

    slider = page.locator("#paths-scrubber input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    expect(page.locator("#paths-scrubber output")).to_have_text("step 0")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#paths-scrubber output")).to_have_text(f"step {steps[0]}")
    assert told(page)["point"] == 1
    made.get_by_role("link").click()
    page.wait_for_function("() => window.gradvizPage?.view?.view === 'explore' && window.gradvizPage.view.epoch === 3")


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1280, "light")])
def test_it_fits_and_axe_finds_nothing_to_mend(visit: Visit, width: int, scheme: str) -> None:
    page = computed(visit, width=width, scheme=scheme)
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert axe_finds(page) == []
    shoot(page, f"paths-{width}-{scheme}")


def test_a_job_under_way_is_told_and_can_be_cancelled(visit: Visit) -> None:
    page = visit("/?view=paths&epoch=2&conditions=order&replicas=3", drawn=False)
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    known = told(page)["told"]
    job = {"key": known["key"], "request": known["request"], "state": "running", "message": "", "what": "order 2 of 3"}
    job |= {"done": 30, "total": 60, "seconds_left": 125.0}
    cancelled: list[str] = []

    def answer(route: Route) -> None:
        if route.request.url.endswith("/cancel"):
            cancelled.append(json.loads(route.request.post_data or "{}")["key"])
            job.update(state="stopped", message="Cancelled. Finished replicas are kept.")
        path = route.request.url.partition("?")[0]
        route.fulfill(json={"job": job} if path.endswith(("/job", "/cancel")) else known | {"job": job})

    page.route("**/api/v1/paths**", answer)
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#paths-state")).to_contain_text("order 2 of 3: step 30 of 60, about 2 min left")
    bar = page.locator("#paths-state progress")
    assert bar.evaluate("({value, max}) => [value, max]") == [30, 60]
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#paths-state")).to_contain_text("Cancelled. Finished replicas are kept.")
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    assert cancelled == [known["key"]]


def test_paths_are_exported_as_they_are(visit: Visit, tmp_path: Path) -> None:
    page = computed(visit)
    result = told(page)["result"]
    page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export")
    expect(dialog.get_by_label("Caption")).to_have_value(re.compile("same: exactly the same path each time"))

    def saved(name: str) -> Path:
        with page.expect_download() as coming:
            dialog.get_by_role("button", name=name, exact=True).click()
        path = tmp_path / coming.value.suggested_filename
        coming.value.save_as(path)
        return path

    assert json.loads(saved("JSON").read_text()) == result
    with saved("CSV of the curves").open(newline="") as file:
        order = [row for row in csv.DictReader(file) if row["condition"] == "order"]
    for name, of in (("ratio", "ratio"), ("ratio_low", "ratio_low"), ("spread", "spread"), ("mean_step", "step")):
        assert [float(row[name]) for row in order] == result["conditions"]["order"][of]
    with saved("CSV of the ways").open(newline="") as file:
        own = [[float(row["pc_1"]), float(row["pc_2"])] for row in csv.DictReader(file) if row["condition"] == "run"]
    assert own == result["recorded"]["way"]
    with Image.open(saved("PNG")) as picture:
        size = picture.size
    svg = ET.fromstring(saved("SVG").read_text())
    assert size == (2 * int(svg.attrib["width"]), 2 * int(svg.attrib["height"]))
    texts = "\n".join("".join(each.itertext()) for each in svg.iter("{http://www.w3.org/2000/svg}text"))
    for words in ("order:", "first principal component:", "second principal component:", "spread / mean step"):
        assert words in texts
    assert "Step after" not in texts  # controls are no picture


def test_paths_that_are_not_there_cannot_be_exported(visit: Visit) -> None:
    page = visit(ASKED.replace("epoch=3", "epoch=2"), drawn=False)
    page.wait_for_function("() => window.gradvizPage?.paths.told")
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_text("These paths are not computed yet: press Start.")).to_be_visible()
    expect(page.get_by_role("dialog", name="Export")).to_have_count(0)
