"""Measures the boxes of what a page shows: texts, controls and pictures, on every kind of screen.

    window = Window(page)
    for screen in SCREENS:
        window.be(screen)
        assert faults(page) == []

A fault is a sentence: what is cut off, lies over something else or outside of the window, a picture that has not
followed its box, and planes side by side that are not one square at one height.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, TimeoutError

_PATIENCE_MS = 10_000
_REACHED = """() => [...document.querySelectorAll(".gv-caption")].every((one) =>
  one.scrollHeight <= one.clientHeight || one.tabIndex === 0)"""
_CAPTIONS = "() => [...document.querySelectorAll('.gv-caption')].map((one) => [one.innerText, one.tabIndex]).join()"
_BOXES = (Path(__file__).parent / "boxes.js").read_text(encoding="utf-8").partition("\n")[2].strip()


@dataclass(frozen=True)
class Screen:
    """A window in CSS pixels. `zoom`: of the browser, by which its window has fewer of them; `touch`: with fingers."""

    name: str
    width: int
    height: int
    zoom: int = 1
    touch: bool = False


PHONE = Screen("phone", 390, 844, touch=True)
TABLET = Screen("tablet", 768, 1024, touch=True)
LAPTOP = Screen("small laptop", 1280, 720)
SCREENS = (
    PHONE,
    Screen("phone across", 844, 390, touch=True),
    TABLET,
    Screen("tablet across", 1180, 820, touch=True),
    LAPTOP,
    Screen("laptop", 1440, 900),
    Screen("desktop", 1920, 1080),
    Screen("small laptop at 200 %", 1280, 720, zoom=2),
    Screen("desktop at 200 %", 1920, 1080, zoom=2),
)


class Window:
    """The window of a page, which becomes one screen after the other."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self._session = page.context.new_cdp_session(page)

    def be(self, screen: Screen) -> None:
        """The window is this one, and what it shows has followed."""
        size = {"width": screen.width // screen.zoom, "height": screen.height // screen.zoom}
        metrics = {**size, "deviceScaleFactor": screen.zoom, "mobile": screen.touch}
        self._session.send("Emulation.setDeviceMetricsOverride", metrics)
        self._session.send("Emulation.setTouchEmulationEnabled", {"enabled": screen.touch})
        self.page.wait_for_function(
            f"(width) => innerWidth === width && {_BOXES}.followed().length === 0", arg=size["width"]
        )

    def faults(self, *schemes: str) -> dict[str, list[str]]:
        """What is wrong on each screen in colour schemes, empty if nothing is; axe looks at a phone and a laptop."""
        found: dict[str, list[str]] = {}
        for scheme in schemes:
            self.page.emulate_media(color_scheme=scheme)  # pyright: ignore[reportArgumentType]  (a literal)
            for screen in SCREENS:
                self.be(screen)
                told = faults(self.page) + (small_targets(self.page) if screen.touch else [])
                found[f"{screen.name}, {scheme}"] = told + (axe_finds(self.page) if screen in (PHONE, LAPTOP) else [])
        return {where: told for where, told in found.items() if told}


def wait_until_followed(page: Page) -> None:
    """Until each picture has the size of its box, which Plotly sees a moment after the box has changed."""
    page.wait_for_function(f"() => {_BOXES}.followed().length === 0")


def faults(page: Page) -> list[str]:
    """What is wrong with the boxes on show, one sentence for each; empty if nothing is.

    Pictures have a moment to follow boxes that have just become smaller.
    """
    with suppress(TimeoutError):  # what has not followed by then is a fault
        page.wait_for_function(f"() => {_BOXES}.followed().length === 0", timeout=_PATIENCE_MS)
    return page.evaluate(f"() => {_BOXES}.faults()")


def axe_finds(page: Page, context: str | None = None) -> list[str]:
    """What hinders screen readers, keyboards and eyes, on the page or below `context`; one line for each."""
    seen, violations = None, []
    while seen != (seen := page.evaluate(_CAPTIONS)):  # words that come while axe looks: it looks once more
        with suppress(TimeoutError):  # they are reached by keys a moment later; what is not by then is told
            page.wait_for_function(_REACHED, timeout=_PATIENCE_MS)
        seen = page.evaluate(_CAPTIONS)
        violations = Axe().run(page, context).response["violations"]
    return [
        f"{one['impact']} {one['id']}: {node['target']} {node['failureSummary']}"
        for one in violations
        for node in one["nodes"]
    ]


def small_targets(page: Page, least: int = 44) -> list[str]:
    """Controls on show that a finger does not hit: less than so many pixels high or wide."""
    return page.evaluate(f"(least) => {_BOXES}.small(least)", least)


def plane_boxes(page: Page) -> list[dict[str, float]]:
    """Where the planes of the pictures lie, in pixels of the window."""
    return page.evaluate(f"() => {_BOXES}.planes()")


def watch(page: Page) -> None:
    """Notes from now on, in every frame, where pictures, planes, words, sliders and curves are."""
    page.evaluate(f"() => {_BOXES}.watch()")


def moved(page: Page) -> dict[str, float]:
    """What has moved or changed its size since `watch`, and by how many pixels; ends the watch."""
    return page.evaluate("() => window.watchedBoxes()")
