"""What a notebook opens, in a browser: the widget drawn by the dashboard's modules, and the dashboard in its frame."""

import base64
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

import gradviz
from gradviz.compute.workbench import Workbench
from gradviz.dashboard.assets import assets_folder
from gradviz.landscape import LandscapeRequest
from gradviz.notebook.session import open_session
from gradviz.notebook.widget import answer_of, script, told_to_browser
from tests.browser.conftest import shoot, wait_until_drawn
from tests.notebook.flowers import MINIBATCHES, flowers

pytestmark = pytest.mark.browser

X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"
REFUSED = 4  # an epoch

# A stand-in for the model of ipywidgets, whose kernel is the test: it answers what is asked, a little later.
PAGE = """<!doctype html><meta charset="utf-8"><title>A notebook</title><style>{css}</style><div id="cell"></div>
<script type="module">
  const {{ default: widget }} = await import(URL.createObjectURL(new Blob([{script}], {{ type: "text/javascript" }})));
  const listeners = new Map();
  const bytes = async (text) => {{
    const answer = await fetch(`data:application/octet-stream;base64,${{text}}`);
    return new DataView(await answer.arrayBuffer());
  }};
  const values = {values};
  values.answer.frame = await bytes(values.answer.frame);
  const model = {{
    get: (name) => values[name],
    set: (name, value) => (values[name] = value),
    on: (event, call) => listeners.set(event, call),
    off: (event) => listeners.delete(event),
    save_changes: async () => {{
      const told = JSON.parse(await window.kernel(values.epoch, values.minibatch));
      if (told.trouble) {{
        values.trouble = told.trouble;
        return void listeners.get("change:trouble")();
      }}
      values.answer = {{ ...told, frame: await bytes(told.frame) }};
      listeners.get("change:answer")();
    }},
  }};
  window.end = widget.render({{ model, el: document.getElementById("cell") }});
  window.listeners = listeners;
</script>"""


def as_text(answer: dict[str, Any]) -> dict[str, Any]:
    return answer | {"frame": base64.b64encode(answer["frame"]).decode()}


@pytest.fixture
def cell(browser: Browser, trained: Path, tmp_path: Path) -> Iterator[Page]:
    """A page with the widget in it, whose kernel computes what it is asked."""
    session = open_session(None, None, None, runs=trained)
    bench = Workbench(session.store, device="cpu")
    asked: list[tuple[int, int]] = []

    def compute(epoch: int, minibatch: int) -> dict[str, Any]:
        asked.append((epoch, minibatch))
        if epoch == REFUSED:
            return {"trouble": f"Epoch {epoch} cannot be read."}
        request = LandscapeRequest.of(run="dropout", epoch=epoch, minibatch=minibatch, x=X, y=Y, minibatch_size=16)
        return as_text(answer_of(request, bench.landscape(request)))

    request = LandscapeRequest.of(run="dropout", epoch=6, x=X, y=Y, minibatch_size=16)
    values = {"told": told_to_browser(session, request), "epoch": 6, "minibatch": 0, "under": "none", "trouble": ""}
    css = (assets_folder() / "standalone" / "widget.css").read_text()
    told = json.dumps(script()).replace("</", "<\\/")
    text = PAGE.format(
        css=css, script=told, values=json.dumps(values | {"answer": compute(6, 0)}).replace("</", "<\\/")
    )
    (tmp_path / "notebook.html").write_text(text)
    with browser.new_context(viewport={"width": 700, "height": 760}) as context:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.expose_function("kernel", lambda epoch, minibatch: json.dumps(compute(epoch, minibatch)))
        page.goto((tmp_path / "notebook.html").as_uri())
        page.wait_for_selector("#cell[data-shown='6 0']")
        page.asked = asked  # pyright: ignore[reportAttributeAccessIssue]
        yield page
        assert errors == []
    session.scratch.cleanup()


_INK = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const colours = new Set();
  for (let k = 0; k < data.length; k += 4) if (data[k + 3]) colours.add(`${data[k]},${data[k + 1]},${data[k + 2]}`);
  return colours.size;
}"""


def test_the_widget_draws_the_landscape_and_its_sliders_ask_the_kernel_once(cell: Page) -> None:
    canvas = cell.locator("canvas")
    assert canvas.evaluate(_INK) > 50
    expect(cell.locator(".gvw-caption")).to_contain_text("Run dropout, epoch 6, minibatch 0.")
    expect(cell.locator(".gvw-reading")).to_contain_text("At the checkpoint: ∂J/∂x₁")
    shoot(cell, "widget")
    before = canvas.evaluate("(one) => one.toDataURL()")
    cell.get_by_role("slider", name="Epoch").focus()
    cell.keyboard.press("ArrowLeft")
    cell.wait_for_selector("#cell[data-shown='5 0']")
    assert canvas.evaluate("(one) => one.toDataURL()") != before
    cell.get_by_role("slider", name="Minibatch").focus()
    cell.keyboard.press("ArrowRight")
    cell.wait_for_selector("#cell[data-shown='5 1']")
    expect(cell.locator(".gvw-caption")).to_contain_text("epoch 5, minibatch 1.")
    cell.keyboard.press("ArrowLeft")  # known
    cell.wait_for_selector("#cell[data-shown='5 0']")
    assert cell.asked == [(6, 0), (5, 0), (5, 1)]  # pyright: ignore[reportAttributeAccessIssue]


def test_after_a_refusal_the_widget_asks_on(cell: Page) -> None:
    reading = cell.locator(".gvw-reading")
    cell.get_by_role("slider", name="Epoch").focus()
    cell.keyboard.press("ArrowLeft")
    cell.wait_for_selector("#cell[data-shown='5 0']")
    cell.keyboard.press("ArrowLeft")
    expect(reading).to_have_text(f"Epoch {REFUSED} cannot be read.")
    cell.keyboard.press("ArrowRight")  # known
    expect(reading).to_contain_text("At the checkpoint")
    cell.keyboard.press("ArrowLeft")  # where the kernel stands already
    expect(reading).to_have_text(f"Epoch {REFUSED} cannot be read.")
    cell.keyboard.press("ArrowLeft")
    cell.wait_for_selector("#cell[data-shown='3 0']")
    assert cell.asked == [(6, 0), (5, 0), (REFUSED, 0), (3, 0)]  # pyright: ignore[reportAttributeAccessIssue]


def test_the_widget_tells_numbers_under_the_pointer_and_lays_the_loss_under_the_arrows(cell: Page) -> None:
    alone = cell.locator("canvas").evaluate(_INK)
    cell.get_by_label("What lies under the arrows").select_option("heat")
    cell.wait_for_function(f"(few) => ({_INK})(document.querySelector('canvas')) !== few", arg=alone)
    cell.locator("canvas").hover(position={"x": 120, "y": 60})
    expect(cell.locator(".gvw-reading")).to_contain_text("Δ −0.0")
    cell.set_viewport_size({"width": 390, "height": 844})
    cell.wait_for_function("() => document.documentElement.scrollWidth <= 390")
    shoot(cell, "widget-390")
    cell.evaluate("() => window.end()")
    assert cell.evaluate("() => window.listeners.size") == 0


def test_the_dashboard_of_the_session_shows_in_a_frame_of_a_notebook(browser: Browser, tmp_path: Path) -> None:
    shown = gradviz.explore(*flowers(), MINIBATCHES)
    try:
        notebook = tmp_path / "notebook.html"
        notebook.write_text(f"<!doctype html><title>A notebook</title>{shown._repr_html_()}")
        assert escape(shown.url) in notebook.read_text()
        with browser.new_context(viewport={"width": 1280, "height": 860}) as context:
            page = context.new_page()
            page.goto(notebook.as_uri())
            frame = page.frames[1]
            wait_until_drawn(frame)
            shoot(page, "explore-in-a-notebook")
            assert frame.evaluate("() => window.gradvizPage.view.run") == "now"
            # Minibatches of a session have any number of rows, and nothing trains.
            note = frame.locator("#first-note")
            expect(note).to_contain_text("of the loss on the rows of this minibatch")
            expect(note).to_contain_text("Move the minibatch slider to see it change with the rows.")
            expect(frame.locator("#loss")).to_contain_text("nothing recorded yet")
            assert (
                page.evaluate(
                    "(address) => fetch(address).then(({ status }) => status, () => 'refused')",
                    f"{shown.url}api/v1/runs",
                )
                == "refused"
            )
    finally:
        shown.close()
