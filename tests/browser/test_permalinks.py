"""A copied link opens the same picture in another browser, whatever is chosen."""

import json
import random
from typing import Any, get_args, get_origin

import pytest
from playwright.sync_api import Page

from gradviz.dashboard import permalink
from gradviz.dashboard.permalink import Overlay, View
from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.landscape.paths.request import CONDITIONS
from tests.browser.conftest import NUM_EPOCHS, Visit

pytestmark = pytest.mark.browser

_PARAMETERS = [
    *(f"hidden.{layer}.linear.bias[{unit}]" for layer in (0, 1, 2) for unit in range(5)),
    *("hidden.0.linear.weight[3,70]", "hidden.1.linear.weight[9,19]", "hidden.2.linear.weight[4,0]", "output.bias[0]"),
]


def random_view(choose: random.Random) -> View:
    """Every choice of the page, of what these runs have; what is a list of words in the model is drawn from it."""
    x_a, y_a, x_b, y_b = choose.sample(_PARAMETERS, 4)
    values: dict[str, Any] = {
        "run": choose.choice(DEFAULT_NAMES),
        "compared": tuple(sorted(choose.sample(DEFAULT_NAMES, choose.randint(1, 3)), key=DEFAULT_NAMES.index)),
        "epoch": choose.choice([None, *range(NUM_EPOCHS)]),
        "x_a": x_a,
        "y_a": y_a,
        "x_b": x_b,
        "y_b": y_b,
        "minibatch": choose.randrange(3),
        "minibatch_size": choose.choice([16, 64, 256]),
        "rows": choose.choice([None, tuple(choose.sample(range(800), choose.randint(1, 40)))]),
        "seed": choose.randrange(2**32),
        "half_width": choose.choice([0.003, 0.1, 0.25, 1.5, 40.0]),
        "points": choose.choice([5, 11, None]),
        "camera": choose.choice([None, "120,50,2.5", "-68,-12,0.7"]),
        "metric": "",  # these runs have one family of curves
        "minus": choose.choice(["off", *DEFAULT_NAMES]),
        "conditions": tuple(sorted(choose.sample(CONDITIONS, choose.randint(1, 4)), key=CONDITIONS.index)),
        "replicas": choose.choice([2, 5, 8]),
        "rate_factor": choose.choice([0.0625, 0.3, 1.0]),
        **dict(zip(("x_fan", "y_fan"), choose.choice([(None, None), ("pca:1", "gradient:mean")]), strict=True)),
        "lesson": "",  # beside any view: tests of their own walk them
        "step": 1,
        "start": choose.choice(["0.5,0.5", "-0.25,0.125"]),
        "rate": choose.choice([None, 0.002]),
        "steps": choose.choice([3, 30]),
        "show": tuple(choose.sample(get_args(Overlay), choose.randint(0, 2))),
    }
    for name, field in View.model_fields.items():
        if name in values:
            continue
        options = [True, False] if field.annotation is bool else list(get_args(field.annotation))
        assert options, f"{name} is not drawn yet"
        assert get_origin(field.annotation) is not None or field.annotation is bool
        values[name] = choose.choice(options)
    return View(**values)


# All choices, and what is seen: words as they stand, numbers as Plotly has them.
_SEEN = """() => {
  const shown = (element) => element.offsetParent !== null;
  const rounded = (end) => Number(Number(end).toPrecision(12)); // plotly.js computes a range once more when it changes
  const graphs = [...document.querySelectorAll(".js-plotly-plot")].filter(shown);
  const pictures = graphs.map(({ _fullData: data, _fullLayout: { scene, ...plane } }) => ({
    axes: [(scene ?? plane).xaxis, (scene ?? plane).yaxis].map(({ title, range }) => [title.text, range.map(rounded)]),
    eye: scene?.camera.eye,
    traces: data.map(({ type, customdata, marker, x, y, z, u, v }) => ({
      type, customdata, x, y, z, u, v, color: marker?.color, cmin: marker?.cmin, cmax: marker?.cmax,
    })),
  }));
  const { view } = window.gradvizPage;
  return JSON.stringify({ view, words: document.querySelector(".gv-main").innerText, pictures });
}"""

# The page is of this view, nothing is loading and nothing waits to be drawn.
_SETTLED = """(view) => {
  const shown = window.gradvizPage?.view;
  if (!shown || !window.gradvizPage.knowsRuns) return false;
  const differs = (name) => JSON.stringify(view[name]) !== JSON.stringify(shown[name]);
  if (Object.keys(view).some(differs)) return false;
  if (document.querySelector("#loss .js-plotly-plot")?._fullLayout?.meta?.lastEpoch === undefined) return false;
  const told = document.getElementById("evidence-state").innerText;
  if (view.view === "paths" && !window.gradvizPage.paths.told && !window.gradvizPage.paths.error) return false;
  if (view.view === "evidence" && !told.startsWith("All claims")) return false;
  if (document.querySelector(".gv-course-note")?.textContent.startsWith("measuring")) return false;
  const words = [...document.querySelectorAll(".gv-caption")].filter((one) => one.offsetParent !== null);
  if (words.some(({ textContent }) => textContent.includes("being computed"))) return false;
  if (window.gradvizPage.probe?.isPlaying) return false;
  return window.gradvizPage.panels.every(({ state, isDrawn, isLoading }) =>
    !isLoading && (isDrawn || state === "away" || state === "error"));
}"""


def seen(page: Page, view: View) -> dict[str, Any]:
    shown = view.model_dump(exclude={"variant"}) | {"epoch": NUM_EPOCHS - 1 if view.epoch is None else view.epoch}
    page.wait_for_function(_SETTLED, arg=shown)
    return json.loads(page.evaluate(_SEEN))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("seed", "number"), [(20, 2), (21, 50)])
def test_links_open_the_same_view_in_another_browser(visit: Visit, seed: int, number: int) -> None:
    choose = random.Random(seed)
    # The driver of the screen may warn of surfaces.
    first, second = visit(lenient=True), visit(stranger=True, lenient=True)
    for _ in range(number):
        view = random_view(choose)
        # As after "back": the page takes up what its address says.
        first.evaluate(
            "(search) => { history.pushState(null, '', `/${search}`); dispatchEvent(new PopStateEvent('popstate')); }",
            permalink.write(view),
        )
        there = seen(first, view)
        second.goto(first.url)
        here = seen(second, view)
        assert here["view"] == there["view"]
        assert here["words"].splitlines() == there["words"].splitlines()
        assert here["pictures"] == there["pictures"]
        assert second.url == first.url
        assert second.locator(".gv-notice").count() == 0
