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


def epoch_shown(page: Page) -> int:
    return page.evaluate("() => window.gradviz.stage.page.view.epoch")


def frame_shown(page: Page, slot: int = 0) -> int:
    """The epoch (or minibatch) of the frame that is painted or committed."""
    return page.evaluate("(slot) => window.gradviz.stage.page.panels[slot].frame.index", slot)


def caption(page: Page, slot: int = 0) -> str:
    return page.locator(f"#caption-{slot}").inner_text()


def reading(page: Page, slot: int = 0) -> str:
    """The line of numbers of the point that is read."""
    return " ".join(page.locator(f"#reading-{slot}").inner_text().split())


def place_of(page: Page, x: float, y: float, slot: int = 0) -> tuple[float, float]:
    """Where on the page a point of the plane lies, given in offsets from the checkpoint."""
    return tuple(
        page.evaluate(
            """([slot, x, y]) => {
              const graph = document.querySelector(`#graph-${slot} .js-plotly-plot`);
              const { left, top } = graph.getBoundingClientRect();
              const plane = window.gradviz.paint.planeOf(graph);
              return [left + plane.x(x), top + plane.y(y)];
            }""",
            [slot, x, y],
        )
    )
