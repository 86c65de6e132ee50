"""Compare and Training, the address, colour schemes, and the states between: empty, broken, away, live."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from gradviz.compute.trainer_process import TrainerProcess
from tests.browser.conftest import NUM_EPOCHS, Serve, Visit, shoot, wait_until_drawn
from tests.browser.reading import epoch_shown, gradients, trace, view_of, wait_for_view

pytestmark = pytest.mark.browser

LAST = NUM_EPOCHS - 1
WIDTHS = [(1280, 720), (1920, 1080), (768, 1024)]


@pytest.mark.slow
def test_regularizers_side_by_side_share_everything(visit: Visit) -> None:
    page = visit("/?view=compare&epoch=4")
    for slot, title in enumerate(("None", "Dropout", "BatchNorm")):
        expect(page.locator(f"#title-{slot} h2")).to_have_text(title)
    quivers = [trace(page, "quiver", slot) for slot in range(3)]
    assert len({(quiver["cmin"], quiver["cmax"]) for quiver in quivers if quiver}) == 1
    expect(page.locator("#scale")).to_contain_text("one scale")
    shoot(page, "compare-light-1280")
    page.get_by_role("slider", name="Epoch").focus()
    page.keyboard.press("ArrowLeft")
    assert [panel["index"] for panel in frames(page)] == [3, 3, 3]
    page.locator("#compared").get_by_text("Dropout").click()
    expect(page.locator("#panel-2")).to_be_hidden()
    wait_until_drawn(page)
    expect(page.locator("#title-1 h2")).to_have_text("BatchNorm")
    expect(page).to_have_url(re.compile("compared=none,batchnorm"))


def frames(page: Page) -> list[dict]:
    return page.evaluate("() => window.gradvizPage.panels.map(({ index }) => ({ index }))")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", ["explore", "compare"])
def test_pictures_are_reached_without_scrolling(visit: Visit, view: str, scheme: str) -> None:
    page = visit(f"/?view={view}&epoch=5", scheme=scheme)
    paper = page.evaluate("() => getComputedStyle(document.querySelector('.gv-panel')).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 24, 31)")
    for width, height in WIDTHS:
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(_FITTED)
        for slot in range(2 if view == "explore" else 3):
            box = page.locator(f"#panel-{slot} .gv-picture").bounding_box()
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width + 1
            assert box["y"] + box["height"] <= height
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
        shoot(page, f"{view}-{scheme}-{width}")


_FITTED = """() => [...document.querySelectorAll(".gv-panel:not([hidden]) .gv-picture")].every((picture) => {
  const layout = picture.querySelector(".js-plotly-plot")._fullLayout;
  return Math.abs(layout.width - picture.clientWidth) <= 1 && Math.abs(layout.height - picture.clientHeight) <= 1;
}) && [...document.querySelectorAll(".js-plotly-plot")].every(
  (plot) => plot.getBoundingClientRect().right <= window.innerWidth + 1)"""


def test_the_scheme_can_be_chosen_and_pictures_follow(visit: Visit) -> None:
    page = visit(stranger=True)
    paper = "() => document.querySelector('#graph-0 .js-plotly-plot')._fullLayout.plot_bgcolor"
    assert page.evaluate(paper) == "#ffffff"
    page.locator("#scheme").click()
    page.wait_for_function(f"() => ({paper})() === '#14181f'")


def test_reduced_motion_is_respected(visit: Visit) -> None:
    page = visit(reduced_motion="reduce")
    assert page.evaluate("() => getComputedStyle(document.querySelector('.gv-dot')).animationName") == "none"


def test_a_link_opens_the_same_picture_in_another_browser(visit: Visit) -> None:
    first = visit("/?variant=dropout&epoch=2")
    first.locator("#mode").get_by_text("train mode").click()
    first.get_by_role("textbox", name="Seed").fill("7")
    first.keyboard.press("Enter")
    wait_for_view(first, seed=7)
    first.get_by_label("Right picture: parameter or direction x₁", exact=True).fill("hidden.0.linear.bias[5]")
    first.keyboard.press("Enter")
    wait_for_view(first, x_b="hidden.0.linear.bias[5]")
    wait_until_drawn(first)
    address = first.url.removeprefix(first.evaluate("() => window.location.origin"))
    second = visit(address, stranger=True)
    for slot in (0, 1):
        assert (gradients(first, slot) == gradients(second, slot)).all()


def test_back_and_forward_go_through_the_choices(visit: Visit) -> None:
    page = visit("/?epoch=3")
    page.locator("#variant").get_by_text("BatchNorm").click()
    expect(page).to_have_url(re.compile("variant=batchnorm"))
    wait_until_drawn(page)
    page.go_back()
    wait_for_view(page, run="none")
    wait_until_drawn(page)
    assert epoch_shown(page) == 3
    page.go_forward()
    wait_for_view(page, run="batchnorm")
    wait_until_drawn(page)


def test_of_two_addresses_in_quick_succession_the_second_holds(visit: Visit) -> None:
    page = visit("/?epoch=3&points=5&width=0.2", stranger=True)  # a clock is that of all pages of a visitor
    page.clock.install()

    def go_to(width: float) -> None:
        page.evaluate(
            "(search) => { history.pushState(null, '', `/${search}`); dispatchEvent(new PopStateEvent('popstate')); }",
            f"?epoch=3&points=5&width={width}",
        )
        expect(page.get_by_label("Half width of the grid")).to_have_value(f"± {width}")

    go_to(0.25)
    page.clock.run_for(2000)  # longer than number inputs wait before they tell
    go_to(0.05)
    go_to(0.25)
    page.clock.run_for(2000)
    expect(page.get_by_label("Half width of the grid")).to_have_value("± 0.25")
    assert view_of(page)["half_width"] == 0.25
    expect(page).to_have_url(re.compile("width=0.25"))


def test_an_old_link_is_a_notice_and_no_failure(visit: Visit) -> None:
    page = visit("/?palette=red&epoch=99&points=20&x1=hidden.9.linear.bias[0]")
    assert epoch_shown(page) == LAST
    for word in ("palette", "points", "hidden.9", "epoch 99"):
        expect(page.locator("#notices")).to_contain_text(word)
    shoot(page, "notices-light-1280")
    page.locator(".gv-notice").first.get_by_role("button", name="Close").click()
    expect(page.locator(".gv-notice")).to_have_count(3)


def test_an_empty_directory_invites_to_train(visit: Visit, own_server: Serve, tmp_path: Path) -> None:
    """Whichever view the link opens."""
    server = own_server(tmp_path / "no-runs-yet")
    for view in ("minibatches", "compare"):
        expect(visit(f"/?view={view}", at=server, drawn=False).get_by_role("button", name="Start")).to_be_visible()
    page = visit(at=server, drawn=False)
    expect(page.get_by_role("heading", name="No checkpoint yet")).to_be_visible()
    expect(page.get_by_role("button", name="Start training")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("Nothing trained yet")
    shoot(page, "empty-light-1280")


def test_epoch_0_alone_can_be_looked_at(visit: Visit, own_server: Serve, trained: Path, tmp_path: Path) -> None:
    runs = shutil.copytree(trained, tmp_path / "runs")
    for path in runs.glob("*/epoch-000[1-9].safetensors"):
        path.unlink()
    for path in runs.glob("*/metrics.csv"):
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    page = visit(at=own_server(runs))
    assert epoch_shown(page) == 0
    expect(page.get_by_role("slider", name="Epoch")).to_be_disabled()
    shoot(page, "epoch-0-light-1280")


@pytest.mark.slow
def test_a_broken_checkpoint_and_a_run_that_cannot_be_read_are_named_and_left_out(
    visit: Visit, own_server: Serve, trained: Path, tmp_path: Path
) -> None:
    runs = shutil.copytree(trained, tmp_path / "runs")
    (runs / "none" / "epoch-0003.safetensors").write_bytes(b"nothing of use")
    (runs / "batchnorm" / "run.json").write_text("{")
    page = visit("/?epoch=4", at=own_server(runs))
    page.locator(".gv-broken summary").click()
    expect(page.locator(".gv-broken")).to_contain_text("none/epoch-0003.safetensors")
    expect(page.locator(".gv-broken")).to_contain_text("batchnorm/run.json: ")
    page.get_by_role("slider", name="Epoch").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#veil-0")).to_contain_text("epoch-0003.safetensors is broken")
    shoot(page, "broken-checkpoint-light-1280")
    page.keyboard.press("ArrowLeft")
    wait_until_drawn(page)
    assert epoch_shown(page) == 2
    page.locator("#variant").get_by_text("BatchNorm").click()
    expect(page.locator("#veil-0")).to_contain_text("This run cannot be read: batchnorm/run.json: ")
    page.locator("#view").get_by_text("Training").click()
    expect(page.locator("#training")).to_contain_text("cannot be read: batchnorm/run.json: ")


def test_a_server_that_was_away_is_found_again(visit: Visit, own_server: Serve, trained: Path) -> None:
    server = own_server(trained)
    page = visit("/?epoch=3", at=server, lenient=True)
    server.stop()
    page.locator("#variant").get_by_text("Dropout").click()
    expect(page.locator("#status")).to_contain_text("Reconnecting")
    shoot(page, "away-light-1280")
    server.start()
    expect(page.locator("#status")).to_contain_text("Trained")
    wait_until_drawn(page)
    assert view_of(page)["run"] == "dropout"


@pytest.fixture
def stopped_runs(tmp_path: Path) -> Path:
    """A training of 2000 short epochs that was stopped after its first checkpoints."""
    runs = tmp_path / "stopped"
    options = ["--epochs", "2000", "--rows", "300", "--hidden", "20,10,5", "--runs", str(runs), "--device", "cpu"]
    command = [sys.executable, "-m", "gradviz", "train", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if re.search(r"batchnorm +epoch 1/", line))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    return runs


def test_a_training_is_started_followed_and_stopped(visit: Visit, own_server: Serve, stopped_runs: Path) -> None:
    page = visit("/?view=training", at=own_server(stopped_runs), drawn=False)
    expect(page.locator("#status")).to_contain_text("Training stopped")
    try:
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.locator("#status")).to_contain_text("Training ·")
        shoot(page, "training-light-1280")
        page.locator("#view").get_by_text("Explore").click()
        before = epoch_shown(page)
        page.wait_for_function("(before) => window.gradvizPage.view.epoch > before + 2", arg=before)
        page.locator("#view").get_by_text("Training").click()
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.locator("#status")).to_contain_text("Training stopped")
    finally:
        TrainerProcess(stopped_runs).stop()
    page.locator("#view").get_by_text("Explore").click()
    wait_until_drawn(page)


def test_starting_again_is_asked_before_anything_is_deleted(
    visit: Visit, own_server: Serve, trained: Path, tmp_path: Path
) -> None:
    runs = shutil.copytree(trained, tmp_path / "runs")
    page = visit("/?view=training", at=own_server(runs), drawn=False)
    page.get_by_role("button", name="Start again…").click()
    expect(page.get_by_role("dialog")).to_contain_text("Deletes the checkpoints and curves of all runs")
    shoot(page, "start-again-light-1280")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert len(list(runs.glob("none/epoch-*.safetensors"))) == NUM_EPOCHS


def test_a_run_is_deleted_after_the_question(visit: Visit, own_server: Serve, trained: Path, tmp_path: Path) -> None:
    runs = shutil.copytree(trained, tmp_path / "runs")
    page = visit("/?view=training", at=own_server(runs), drawn=False)
    expect(page.get_by_role("row", name=re.compile("^Dropout"))).to_contain_text("MB")
    page.get_by_role("button", name="Delete the run Dropout").click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete the run Dropout?")
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("row", name=re.compile("^Dropout"))).to_have_count(0)
    assert not list(runs.glob("dropout/epoch-*"))
    assert len(list(runs.glob("none/epoch-*"))) == NUM_EPOCHS


def test_two_visitors_do_not_see_each_others_choices(visit: Visit) -> None:
    one, other = visit("/?epoch=3"), visit("/?epoch=5&variant=dropout", stranger=True)
    one.locator("#variant").get_by_text("BatchNorm").click()
    wait_until_drawn(one)
    other.locator("#mode").get_by_text("train mode").click()
    wait_until_drawn(other)
    shown = "() => { const { run, epoch, mode } = window.gradvizPage.view; return [run, epoch, mode]; }"
    assert one.evaluate(shown) == ["batchnorm", 3, "eval"]
    assert other.evaluate(shown) == ["dropout", 5, "train"]
