"""The sliders under the hand: keys and wheel, a key held down, play at its rate, a range that grows meanwhile."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from gradviz.experiment.lock import run_lock
from tests.browser.conftest import NUM_EPOCHS, Serve, Visit, wait_until_drawn
from tests.browser.reading import epoch_shown, frame_shown, numbers_of, view_of, wait_for_minibatches, wait_for_view

pytestmark = pytest.mark.browser

LAST = NUM_EPOCHS - 1
SLIDERS = {"Epoch": LAST, "Minibatch": 49}


def shown(page: Page, name: str) -> int:
    return view_of(page)[name.lower()]


@pytest.mark.parametrize("name", SLIDERS)
def test_keys_and_wheel_move_a_slider_and_its_picture(visit: Visit, name: str) -> None:
    page = visit("/?size=16&epoch=2")
    last = SLIDERS[name]
    slider = page.get_by_role("slider", name=name)
    slider.focus()
    page.keyboard.press("Home")
    steps = [("ArrowRight", 1), ("ArrowUp", 2), ("ArrowLeft", 1), ("ArrowDown", 0), ("End", last), ("ArrowRight", last)]
    for key, value in [*steps, ("Home", 0)]:
        page.keyboard.press(key)
        assert shown(page, name) == value
    slider.hover()
    for turn, value in ((120, 1), (120, 2), (-120, 1)):
        page.mouse.wheel(0, turn)
        wait_for_view(page, **{name.lower(): value})
    wait_until_drawn(page)
    indices = [frame_shown(page, slot) for slot in (0, 1)]
    assert indices == [1, 1]


def test_a_key_held_down_is_one_movement(visit: Visit) -> None:
    """Plotly would stand in the way of the repeated steps: it is brought up to date when the key is let go."""
    page = visit("/?epoch=0", stranger=True)  # a clock of its own
    page.get_by_role("slider", name="Epoch").focus()
    page.evaluate("""() => {
      window.commits = [];
      const panel = document.getElementById("panel-0");
      const note = () => window.commits.push(Number(panel.dataset.index));
      new MutationObserver(note).observe(panel, { attributeFilter: ["data-drawn"] });
    }""")
    page.clock.install()
    page.keyboard.down("ArrowRight")
    page.clock.run_for(600)  # the pause before a key repeats, on most systems
    for _ in range(3):
        page.keyboard.down("ArrowRight")
        page.clock.run_for(30)
    assert epoch_shown(page) == 4
    assert page.evaluate("() => window.commits") == []
    page.keyboard.up("ArrowRight")
    page.clock.run_for(600)
    page.clock.resume()
    wait_until_drawn(page)
    assert set(page.evaluate("() => window.commits")) == {4}


# One turn of 15 small events: sent one by one from here, a busy machine could stretch them into several turns.
_SWING = """slider => {
  for (let event = 0; event < 15; event += 1)
    slider.dispatchEvent(new WheelEvent("wheel", { deltaY: 4, bubbles: true, cancelable: true }));
}"""


def test_a_trackpad_is_no_wheel_of_notches_and_a_pinch_no_turn(visit: Visit) -> None:
    page = visit("/?epoch=0")
    slider = page.get_by_role("slider", name="Epoch")
    slider.hover()
    slider.evaluate(_SWING)
    wait_for_view(page, epoch=1)
    page.keyboard.down("Control")  # as a pinch comes
    for _ in range(5):
        page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    page.mouse.wheel(0, 120)
    wait_for_view(page, epoch=2)


_BUSY = "() => window.gradvizPage.isBusy"


@pytest.mark.parametrize("lost", ["the key's end", "Cmd and the key's end", "the pointer's end", "the window"])
def test_a_hand_whose_end_nobody_tells_has_let_go(visit: Visit, lost: str) -> None:
    page = visit("/?epoch=3&points=5", stranger=True)  # a clock of its own
    page.clock.install()
    slider = page.get_by_role("slider", name="Epoch")
    box = slider.bounding_box()
    assert box is not None
    if lost in ("the key's end", "Cmd and the key's end"):
        slider.focus()
        page.keyboard.down("ArrowLeft")
        if lost != "the key's end":
            page.evaluate("() => window.dispatchEvent(new KeyboardEvent('keydown', { key: 'Meta', metaKey: true }))")
    else:
        page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
        page.mouse.down()
    assert page.evaluate(_BUSY) is True
    if lost == "the pointer's end":
        page.evaluate("() => window.dispatchEvent(new PointerEvent('pointermove', { pointerId: 1, buttons: 0 }))")
    if lost == "the window":
        page.evaluate("() => window.dispatchEvent(new Event('blur'))")
    page.clock.run_for(3000)
    assert page.evaluate(_BUSY) is False
    page.clock.resume()
    wait_until_drawn(page)


def test_play_keeps_its_rate(visit: Visit) -> None:
    """In the page's own time, whose frames come every 16 ms: few rates divide that."""
    page = visit("/?view=minibatches&size=16&epoch=2&points=5", stranger=True)  # a clock of its own
    player = page.locator("#minibatch-player")
    page.clock.install()
    page.clock.pause_at(page.evaluate("() => Date.now() + 1000"))
    for rate, seconds in ((1, 3), (5, 3), (10, 3), (20, 2), (30, 1)):
        player.get_by_role("slider").press("Home")
        player.get_by_label("Minibatches a second").select_option(f"{rate}")
        player.get_by_role("button", name="Play the minibatches").click()
        page.clock.run_for(1000 * seconds)
        assert shown(page, "Minibatch") in (rate * seconds - 1, rate * seconds)  # the last may be due in this frame
        player.get_by_role("button", name="Pause at this minibatch").click()
    page.clock.resume()


def test_new_checkpoints_extend_the_slider_while_it_is_used(
    visit: Visit, own_server: Serve, trained: Path, tmp_path: Path
) -> None:
    runs = shutil.copytree(trained, tmp_path / "runs")
    names = [f"epoch-{epoch:04d}.safetensors" for epoch in (LAST - 1, LAST)]
    for name in names:
        (runs / "none" / name).unlink()
    with run_lock(runs / "none"):  # it is being trained, by this test
        page = visit("/?epoch=1", at=own_server(runs))
        slider = page.get_by_role("slider", name="Epoch")
        expect(slider).to_have_attribute("max", f"{LAST - 2}")
        box = slider.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        at = epoch_shown(page)
        for count, name in enumerate(names, start=1):
            shutil.copy(trained / "none" / name, runs / "none" / name)
            expect(slider).to_have_attribute("max", f"{LAST - 2 + count}")
            assert (epoch_shown(page), frame_shown(page)) == (at, at)  # the hand is where it was
        longer = slider.bounding_box()  # as much as has been trained of what is planned
        assert longer is not None
        assert longer["width"] > box["width"]
        page.mouse.move(longer["x"] + longer["width"] - 2, box["y"] + box["height"] / 2)
        page.wait_for_function(f"() => window.gradvizPage.panels[0].index === {LAST}")
        page.mouse.up()
        wait_until_drawn(page)
        assert [frame_shown(page, slot) for slot in (0, 1)] == [LAST, LAST]


def test_an_answer_that_comes_late_changes_nothing(visit: Visit) -> None:
    """The first choice's answer is held back until the second choice is drawn."""
    page = visit("/?epoch=3")
    held: list[Route] = []
    page.route("**/api/v1/frames?run=dropout*", lambda route: held.append(route))
    page.locator("#variant").get_by_text("Dropout").click()
    wait_for_view(page, run="dropout")
    page.locator("#variant").get_by_text("BatchNorm").click()
    expect(page.locator("#title-0")).to_contain_text("epoch 3")
    wait_until_drawn(page)
    before = numbers_of(page)["u"]
    assert len(held) == 2
    for route in held:
        route.continue_()
    page.evaluate("async () => { await (await fetch('api/v1/runs')).text(); }")
    wait_until_drawn(page)
    assert numbers_of(page)["u"] == before
    page.unroute("**/api/v1/frames?run=dropout*")
    page.locator("#variant").get_by_text("Dropout").click()
    wait_for_view(page, run="dropout")
    wait_until_drawn(page)
    assert numbers_of(page)["u"] != before


def test_an_earlier_answer_to_the_same_question_is_the_same(visit: Visit) -> None:
    """A minibatch is passed by, its picture is late, and the hand is elsewhere when it comes."""
    page = visit("/?size=16&epoch=2")
    held: list[Route] = []
    page.route("**/api/v1/frames?*over=minibatches*", lambda route: held.append(route))
    slider = page.get_by_role("slider", name="Minibatch")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#veil-0")).not_to_be_empty()
    assert frame_shown(page) == 2  # still the epoch's picture, under a veil
    for route in held:
        route.continue_()
    page.unroute("**/api/v1/frames?*over=minibatches*")
    wait_for_minibatches(page, 50)
    wait_until_drawn(page)
    assert (shown(page, "Minibatch"), frame_shown(page)) == (2, 2)
    assert numbers_of(page)["isOfMinibatches"]
