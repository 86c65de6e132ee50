"""What a page shows, read from it."""

from typing import Any

import numpy as np
from playwright.sync_api import Page

_ARROWS = """(slot) => {
  const graph = document.querySelector(`#graph-${slot} .js-plotly-plot`);
  const traces = graph._fullData.map(({ type, name, customdata, marker, x, y, u, v, lengthfactor, zorder }) => ({
    type, name, zorder: zorder ?? null, lengthfactor,
    customdata: customdata ? customdata.map((row) => [...row]) : [],
    x: x ? [...x] : [], y: y ? [...y] : [], u: u ? [...u] : [], v: v ? [...v] : [],
    cmin: marker && marker.cmin, cmax: marker && marker.cmax, color: marker && marker.color,
  }));
  const bar = graph._fullData.find(({ type }) => type === "quiver")?.marker.colorbar;
  const { xaxis, yaxis } = graph._fullLayout;
  return { traces, colourBar: bar?.title.text, xTitle: xaxis.title.text, yTitle: yaxis.title.text };
}"""


def plotly(page: Page, slot: int = 0) -> dict[str, Any]:
    """The traces and axis titles that Plotly shows in a panel."""
    return page.evaluate(_ARROWS, slot)


def trace(page: Page, kind: str, slot: int = 0, name: str | None = None) -> dict[str, Any] | None:
    found = [one for one in plotly(page, slot)["traces"] if one["type"] == kind and name in (None, one["name"])]
    return found[0] if found else None


def gradients(page: Page, slot: int = 0) -> np.ndarray:
    """(points, 6) in row order of the grid: x1, x2, u, v, |g|, J, of arrows and zero markers together."""
    rows = [row for one in plotly(page, slot)["traces"] for row in one["customdata"] if len(row) == 6]
    return np.array(sorted(rows, key=lambda row: (round(row[1], 6), round(row[0], 6))))


def view_of(page: Page) -> dict[str, Any]:
    """All choices of the page, by the names of `permalink.View`."""
    return page.evaluate("() => window.gradvizPage.view")


def wait_for_view(page: Page, **choices: object) -> None:
    """Until these fields of the view have these values."""
    page.wait_for_function(
        """(wanted) => {
          const view = window.gradvizPage?.view;
          return view && Object.entries(wanted).every(([name, value]) => view[name] === value);
        }""",
        arg=choices,
    )


def numbers_of(page: Page, slot: int = 0) -> dict[str, Any]:
    """The frame of a picture, what is drawn over it, and what is in memory for it."""
    return page.evaluate("(slot) => window.gradvizPage.numbers(slot)", slot)


def wait_for_minibatches(page: Page, many: int, slot: int = 0) -> None:
    """Until the frames of so many minibatches are in memory for a picture."""
    page.wait_for_function(
        "([slot, many]) => window.gradvizPage.panels[slot].numMinibatches === many", arg=[slot, many]
    )


def spread_of(page: Page) -> dict[str, Any]:
    """The arrows of all minibatches, where they are on the rose, and which one is pointed at."""
    return page.evaluate("() => window.gradvizPage.spread")


def number_text(value: float, digits: int = 3) -> str:
    """As the page writes a number."""
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    if value == 0:
        return "0"
    if -4 < int(exponent) < min(4, digits):
        return f"{value:.{digits - 1 - int(exponent)}f}".replace("-", "−")
    return f"{mantissa}e{int(exponent):+d}".replace("-", "−")


def percent_text(share: float) -> str:
    """As the page writes a share."""
    if 0 < share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= share < 1 else f"{int(100 * share + 0.5)} %"


def epoch_shown(page: Page) -> int:
    return view_of(page)["epoch"]


def frame_shown(page: Page, slot: int = 0) -> int:
    """The epoch (or minibatch) of the frame that is painted or committed."""
    return page.evaluate("(slot) => window.gradvizPage.panels[slot].index", slot)


def caption(page: Page, slot: int = 0) -> str:
    return page.locator(f"#caption-{slot}").inner_text()


def reading(page: Page, slot: int = 0) -> str:
    """The line of numbers of the point that is read."""
    return " ".join(page.locator(f"#reading-{slot}").inner_text().split())


def place_of(page: Page, x: float, y: float, slot: int = 0) -> tuple[float, float]:
    """Where on the page a point of the plane lies, given in offsets from the checkpoint."""
    return tuple(page.evaluate("([slot, x, y]) => window.gradvizPage.place(slot, x, y)", [slot, x, y]))
