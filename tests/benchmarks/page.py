"""How fast the page answers a hand, against an ordinary Dash callback: an epoch step, a drag, new selections, and rows.

python -m tests.benchmarks.page --runs RUNS [--json FILE]

RUNS holds finished runs at full size, as `gradviz train --runs RUNS` makes them; they are only read. Needs chromium and
some minutes on a machine that does nothing else. Times run from the event (its time stamp: when the browser received
it) to the end of the frame that shows the new pictures: `stopwatch.js` says how that is seen. The browser's own event
timing, which ends when the frame is presented, is told beside it.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

from gradviz.experiment.store import RunStore
from tests.browser.conftest import Server, chromium_program, wait_until_drawn

EPOCH_STEPS = 60
PLAIN_STEPS = 30
CHANGES = 20
DRAG_SECONDS = 1.0
STOPWATCH = Path(__file__).with_name("stopwatch.js")
BOTH = ["#canvas-0", "#canvas-1"]
Times = list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=Path, required=True, help="directory of finished runs; only read")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    arguments = parser.parse_args()
    runs = arguments.runs.resolve()
    last = _last_epoch(parser, runs)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        browser = stack.enter_context(_browser())
        ours = stack.enter_context(_served(Server(runs, folder / "cache")))
        plain = stack.enter_context(
            _served(Server(runs, folder / "plain", application="tests.benchmarks.plain_dash:create_server()"))
        )
        page = browser(f"{ours.url}/?epoch={last}")
        wait_until_drawn(page)
        times = {"epoch step": epoch_steps(page, last), "epoch step, key held": held_key(page, last)}
        presented = _presented(page, len(times["epoch step"]) + len(times["epoch step, key held"]))
        num_painted = drag(page, last)
        times |= {
            "new pair": new_pairs(page),
            "new layer": new_layers(page),
            "new minibatch": new_minibatches(page),
            "rows opened, to the list": rows_opened(page),
            "row swapped, to the arrows": rows_swapped(page),
        }
        page.close()
        times["epoch step, plain Dash callback"] = plain_steps(browser(plain.url))
    report(times, presented, num_painted, last, arguments.json)


def _last_epoch(parser: argparse.ArgumentParser, runs: Path) -> int:
    store = RunStore(runs)
    if "none" not in store.names() or len(store.run("none").epochs()) < 31:
        parser.error(f"{runs} has no run of `none` with 31 checkpoints: make one with `gradviz train --runs DIR`.")
    return store.run("none").epochs()[-1]


@contextmanager
def _browser() -> Iterator[Callable[[str], Page]]:
    """Opens pages in a chromium of its own, with the stopwatch in them."""
    program = chromium_program()
    if program is None:
        raise SystemExit("chromium is not installed: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        context = chromium.new_context(viewport={"width": 1280, "height": 720})
        context.add_init_script(path=STOPWATCH)

        def open_page(address: str) -> Page:
            page = context.new_page()
            page.set_default_timeout(60_000)
            page.goto(address)
            return page

        yield open_page
        chromium.close()


@contextmanager
def _served(server: Server) -> Iterator[Server]:
    server.start()
    try:
        yield server
    finally:
        server.stop()


def timed(page: Page, act: Callable[[], object], *, event: str, pictures: list[str]) -> tuple[float, list[int]]:
    """Milliseconds from the `event` that `act` causes until all `pictures` have changed, and their fingerprints."""
    page.evaluate("([event, pictures]) => void stopwatch.arm(event, pictures)", [event, pictures])
    act()
    answer = page.evaluate("() => stopwatch.last")
    return answer["milliseconds"], answer["prints"]


def epoch_steps(page: Page, last: int) -> Times:
    """One step at a time, with the page at rest before each."""
    page.evaluate(_OBSERVE_EVENTS)
    page.get_by_role("slider", name="Epoch").focus()
    times = []
    for step in range(EPOCH_STEPS):
        key = "ArrowLeft" if step % (2 * last) < last else "ArrowRight"
        times.append(timed(page, lambda key=key: page.keyboard.press(key), event="keydown", pictures=BOTH)[0])
        wait_until_drawn(page)
    return times


def held_key(page: Page, last: int) -> Times:
    """Step after step without a rest: Plotly is not brought up to date between them."""
    times = []
    page.keyboard.press("End")
    for key in ["ArrowLeft"] * last + ["ArrowRight"] * last:
        times.append(timed(page, lambda key=key: page.keyboard.down(key), event="keydown", pictures=BOTH)[0])
    page.keyboard.up("ArrowRight")
    wait_until_drawn(page)
    return times


_OBSERVE_EVENTS = """() => {
  window.presented = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "keydown") window.presented.push(entry.duration);
  });
  observer.observe({ type: "event", durationThreshold: 16 });
}"""


def _presented(page: Page, num_steps: int) -> Times:
    """The browser's own figures, in steps of 8 ms; it does not tell those below 16 ms, which are taken for 16."""
    told = page.evaluate("() => window.presented")
    return told + [16.0] * (num_steps - len(told))


def drag(page: Page, last: int) -> int:
    """How many different epochs a drag over the whole slider shows, by what each frame looks like."""
    prints = {}
    page.keyboard.press("End")
    for epoch in range(last - 1, -1, -1):
        [prints[epoch]] = timed(
            page, lambda: page.keyboard.press("ArrowLeft"), event="keydown", pictures=["#canvas-0"]
        )[1]
    assert len(set(prints.values())) == last, "two epochs look the same: they cannot be counted"
    wait_until_drawn(page)
    box = page.get_by_role("slider", name="Epoch").bounding_box()
    assert box is not None
    left, width, middle = box["x"] + 8, box["width"] - 16, box["y"] + box["height"] / 2
    page.mouse.move(left, middle)
    page.mouse.down()
    page.evaluate("() => stopwatch.film('#canvas-0')")
    moves, start = 2 * last, time.monotonic()
    for move in range(1, moves + 1):
        # A hand moves at its own pace, whether or not the page keeps up.
        time.sleep(max(0.0, start + DRAG_SECONDS * move / moves - time.monotonic()))
        page.mouse.move(left + width * move / moves, middle)
    # The frame of the last move, then one in which it is looked at.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    filmed = page.evaluate("() => stopwatch.stop()")
    page.mouse.up()
    wait_until_drawn(page)
    return len(set(filmed) & set(prints.values())) + (filmed[-1] not in prints.values())


def new_pairs(page: Page) -> Times:
    """Another parameter by name, in the left picture; of units that are alive, since dead ones look the same."""
    field = page.get_by_label("Left picture: parameter or direction x₁", exact=True)
    epoch = page.evaluate("() => window.gradvizPage.view.epoch")
    active = page.evaluate(f"async () => (await (await fetch('api/v1/activity/none/{epoch}/1')).json()).active")
    alive = [unit for unit, share in enumerate(active) if unit > 1 and share > 0.1]
    times, seen = [], set()
    for unit in alive[:CHANGES]:
        field.fill(f"hidden.1.linear.bias[{unit}]")
        times.append(_first_picture(page, lambda: page.keyboard.press("Enter"), "keydown", ["#canvas-0"], seen))
    return times


def new_layers(page: Page) -> Times:
    """Another layer by its button, each time of another minibatch, so that nothing of it has been asked for."""
    times, seen = [], set()
    for change in range(CHANGES):
        _press(page, "Minibatch", "ArrowRight")
        _press(page, "Epoch", "ArrowLeft" if change % 2 else "ArrowRight")
        layer = page.locator("#layer-b").get_by_text("01"[change % 2], exact=True)
        times.append(_first_picture(page, layer.click, "pointerdown", ["#canvas-1"], seen))
    return times


def _press(page: Page, slider: str, key: str) -> None:
    page.get_by_role("slider", name=slider).focus()
    page.keyboard.press(key)
    wait_until_drawn(page)


def new_minibatches(page: Page) -> Times:
    """A click on the minibatch slider, each time at another epoch; both pictures are new."""
    times, seen = [], set()
    box = page.get_by_role("slider", name="Minibatch").bounding_box()
    assert box is not None
    for change in range(CHANGES):
        _press(page, "Epoch", "ArrowRight" if change else "Home")  # far from where the layers were changed
        x = box["x"] + box["width"] * (0.15 + 0.7 * ((change * 7) % CHANGES) / CHANGES)

        def click(x: float = x) -> None:
            page.mouse.move(x, box["y"] + box["height"] / 2)
            page.mouse.down()

        times.append(_first_picture(page, click, "pointerdown", BOTH, seen, release=page.mouse.up))
        page.mouse.move(0, 0)
    return times


def rows_opened(page: Page) -> Times:
    """The button to the list of rows with their compass, each time at a checkpoint that has not been asked about."""
    times = []
    opener, close = page.locator("#rows-button-0"), page.get_by_label("Close the rows")
    _press(page, "Epoch", "Home")
    for _ in range(CHANGES):
        asked: list[str] = []
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        times.append(timed(page, opener.click, event="click", pictures=[".gv-compass"])[0])
        assert any("api/v1/rows?" in address for address in asked), "the list was there already: it is not new"
        close.click()
        _press(page, "Epoch", "ArrowRight")
    return times


def rows_swapped(page: Page) -> Times:
    """A row in the place of another: the field follows by what their own fields differ."""
    times = []
    page.locator("#rows-button-0").click()
    page.locator(".gv-rowlist li").first.wait_for()
    page.get_by_text("Put rows in…").click()
    page.locator(".gv-rows-source").select_option("random")
    for change in range(CHANGES):
        page.locator(".gv-rowlist button.gv-rowline").nth(change).click()
        swap = page.locator(".gv-offers [data-act=for]").first
        swap.wait_for()
        page.wait_for_function("() => window.gradvizPage.rows.canFollow")
        times.append(timed(page, swap.click, event="click", pictures=["#canvas-0"])[0])
        wait_until_drawn(page)
    return times


def _first_picture(
    page: Page,
    act: Callable[[], object],
    event: str,
    pictures: list[str],
    seen: set[tuple[int, ...]],
    release: Callable[[], object] = lambda: None,
) -> float:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    elapsed, prints = timed(page, act, event=event, pictures=pictures)
    assert any("api/v1/frames" in address for address in asked), "the picture was there already: it is not new"
    assert tuple(prints) not in seen, "this picture has been shown before: it is not the new one"
    seen.add(tuple(prints))
    release()
    wait_until_drawn(page)
    return elapsed


def plain_steps(page: Page) -> Times:
    """The same step in the ordinary app: until the first frame in which both figures have changed."""
    pictures = [f"#graph-{layer}" for layer in (1, 2)]
    for picture in pictures:
        page.locator(f"{picture} .quiverlayer path").first.wait_for(state="attached")
    page.evaluate("() => stopwatch.watchDrawings('#graph-1, #graph-2')")
    slider = page.get_by_role("slider")
    slider.focus()
    times, before = [], None
    for step in range(PLAIN_STEPS):
        key = "ArrowLeft" if step < PLAIN_STEPS / 2 else "ArrowRight"
        elapsed, prints = timed(page, lambda key=key: page.keyboard.press(key), event="keydown", pictures=pictures)
        assert before is None or all(a != b for a, b in zip(prints, before, strict=True)), "a picture is as it was"
        times, before = [*times, elapsed], prints
        page.wait_for_function("() => !document.querySelector('[data-dash-is-loading=true]')")
    return times


def report(times: dict[str, Times], presented: Times, num_painted: int, last: int, file: Path | None) -> None:
    """Prints the table and the sentences under it, and writes them as JSON."""
    rows = {name: {"n": len(t), "median": statistics.median(t), "p95": p95(t)} for name, t in times.items()}
    table = Table(title="milliseconds until the new pictures are painted")
    for column in ("", "n", "median", "p95"):
        table.add_column(column, justify="right" if column else "left")
    for name, row in rows.items():
        table.add_row(name, f"{row['n']}", f"{row['median']:.1f}", f"{row['p95']:.1f}")
    step = rows["epoch step"]["median"]
    ratio = rows["epoch step, plain Dash callback"]["median"] / step
    console = Console(width=120)
    console.print(table)
    console.print(f"An epoch step is {ratio:.1f} times faster than the callback (medians).")
    for name in ("rows opened, to the list", "row swapped, to the arrows"):
        console.print(f"{name.capitalize()}: {rows[name]['median'] / step:.1f} epoch steps (medians).")
    console.print(f"A drag of {DRAG_SECONDS:g} s over {last + 1} epochs painted {num_painted} different ones.")
    console.print(
        f"By the browser's event timing, the frames of {len(presented)} key presses were presented after"
        f" {statistics.median(presented):g} ms (median), {p95(presented):g} ms (95th percentile), in steps of 8 ms."
    )
    if file:
        figures = {"milliseconds": rows, "ratio": ratio, "painted": num_painted, "presented": presented}
        file.write_text(json.dumps(figures, indent=1) + "\n")


def p95(times: Times) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


if __name__ == "__main__":
    main()
