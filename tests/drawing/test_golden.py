"""Pictures as they were last looked at: every line, letter, colour and place of a few of each kind.

A change that is wanted is looked at, and written by `python -m tests.drawing.test_golden`.
"""

import base64
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from gradviz.drawing.canvas import styled
from gradviz.drawing.figure import Picture
from gradviz.drawing.grid import draw_grid, grid_figure, grid_style
from gradviz.drawing.inks import PALETTES
from gradviz.drawing.look import PLAIN, Look
from gradviz.drawing.multiples import scene_figure
from gradviz.drawing.overlays import Over, centre_of
from gradviz.drawing.scale import Scale
from gradviz.drawing.shown import Shown
from gradviz.drawing.still import draw, draw_side_by_side, figure_of, picture_style
from gradviz.drawing.surfacefigure import picture_figure
from tests.drawing.fields import field_of, random_field, turning_field
from tests.drawing.test_canvas import REQUEST

PLACE = Path(__file__).parent / "golden"
IMAGE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
DARK = Look(palette=PALETTES["dark"], length="compressed", under="heat", direction="descent")


def still(shown: Shown, look: Look) -> str:
    with styled(picture_style(look)):
        figure = figure_of(1, look)
        draw(figure, shown, look)
        return svg(figure)


def side_by_side(look: Look) -> str:
    row = [Shown(turning_field(3), REQUEST), Shown(random_field(3), REQUEST, draws_masks=True)]
    with styled(picture_style(look)):
        figure = figure_of(2, look)
        draw_side_by_side(figure, row, look, [Scale.of([each.field]) for each in row])
        return svg(figure)


def grid(look: Look) -> str:
    row = [Shown(turning_field(3, size=k + 1), REQUEST) for k in range(4)]
    scale = Scale.of([each.field for each in row])
    with styled(grid_style(look)):
        figure = grid_figure(4, look)
        draw_grid(
            figure, row, ["one", "two", "three", "a name that is far too long"], look, [scale] * 4, share_scale=True
        )
        return svg(figure)


def svg(figure: Figure) -> str:
    content = io.BytesIO()
    with styled({"svg.hashsalt": "golden", "svg.fonttype": "none"}):
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue().decode()


def plotly(look: Look, title: str) -> str:
    figure = picture_figure(Picture(random_field(3), title=title, look=look))
    return json.dumps(json.loads(str(figure.to_json()), object_hook=listed), indent=1, ensure_ascii=False)


def listed(value: dict[str, Any]) -> Any:
    """An array that Plotly wrote as bytes as its numbers, the last digits of which depend on the processor."""
    if "bdata" not in value:
        return value
    return np.frombuffer(base64.b64decode(value["bdata"]), value["dtype"]).astype(float).round(9).tolist()


NAMES = [("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]")] * 2
OVER = Over(
    {0: (0.44, -0.31), 1: (0.47, -0.2), 2: (0.5, -0.25), 3: (0.52, -0.19)},
    [centre_of(random_field()), turning_field(3)],
)
NOTHING = field_of(np.zeros((3, 3)), np.zeros((3, 3)), is_zero=np.ones((3, 3)))
DRAWINGS: dict[str, Callable[[], str]] = {
    "still.svg": lambda: still(Shown(random_field(3), REQUEST), PLAIN),
    "still-dark.svg": lambda: still(Shown(turning_field(3), REQUEST, draws_masks=True), DARK),
    "still-overlays.svg": lambda: still(Shown(turning_field(5), REQUEST, OVER), replace(PLAIN, under="contour")),
    "still-surface.svg": lambda: still(Shown(turning_field(5), REQUEST, OVER), replace(DARK, under="surface")),
    "still-zero.svg": lambda: still(Shown(NOTHING, REQUEST), PLAIN),
    "still-difference.svg": lambda: still(Shown(turning_field(3), REQUEST, minus="dropout"), PLAIN),
    "side-by-side.svg": lambda: side_by_side(PLAIN),
    "grid.svg": lambda: grid(PLAIN),
    "report.svg": lambda: svg(scene_figure([[turning_field(3)], [random_field(3)]], NAMES)),
    "figure.json": lambda: plotly(PLAIN, "A title"),
    "figure-dark.json": lambda: plotly(DARK, ""),
    "figure-surface.json": lambda: plotly(replace(PLAIN, under="surface"), "A title"),
}


def rounded(text: str) -> str:
    """Numbers to a tenth of a point or to four digits, without the ids that matplotlib makes."""
    text = re.sub(r"-?\d+\.\d+(?:e-?\d+)?", lambda found: f"{float(found[0]):.3g}", text)
    return re.sub(r"\b([mp]|image)[0-9a-f]{10}\b", r"\1", text)


def parted(text: str) -> tuple[str, list[np.ndarray]]:
    """The text without the pictures in it, and their pixels."""
    found = [np.asarray(Image.open(io.BytesIO(base64.b64decode(each))), dtype=float) for each in IMAGE.findall(text)]
    return IMAGE.sub("an image", text), found


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_picture_is_as_it_was_last_looked_at(name):
    found, images = parted(rounded(DRAWINGS[name]()))
    expected, looked_at = parted((PLACE / name).read_text())
    assert found == expected, "look at it; `python -m tests.drawing.test_golden`"
    for image, before in zip(images, looked_at, strict=True):  # processors round logarithms differently
        np.testing.assert_allclose(image, before, atol=4)


if __name__ == "__main__":
    PLACE.mkdir(exist_ok=True)
    for name, drawing in DRAWINGS.items():
        (PLACE / name).write_text(rounded(drawing()))
