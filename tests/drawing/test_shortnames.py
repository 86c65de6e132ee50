"""Short names are those of the page, and captions tell which parameters they are."""

import json
from dataclasses import replace
from pathlib import Path

from gradviz.drawing.canvas import styled
from gradviz.drawing.caption import caption_of, titles_of
from gradviz.drawing.look import PLAIN
from gradviz.drawing.panels import field_panels
from gradviz.drawing.scale import Scale
from gradviz.drawing.shortnames import short_name, symbol_of
from gradviz.drawing.shown import Shown
from gradviz.drawing.still import draw, figure_of, picture_style
from tests.drawing.fields import turning_field
from tests.drawing.test_canvas import REQUEST

WRITTEN = json.loads((Path(__file__).parents[1] / "fixtures" / "shortnames.json").read_text())
SHOWN = Shown(turning_field(5), REQUEST, names=("b₀ of hidden layer 1", "b₁ of hidden layer 1"))


def test_names_are_those_of_the_page():
    tensors = WRITTEN["tensors"]
    assert {name: symbol_of(name, tensors) for name in WRITTEN["symbols"]} == WRITTEN["symbols"]
    assert {name: short_name(name, tensors) for name in WRITTEN["names"]} == WRITTEN["names"]


def test_axes_have_short_names_and_the_caption_both():
    [panel] = field_panels([SHOWN], [""], PLAIN, [Scale.of([SHOWN.field])])
    assert (panel.x_name, panel.y_name) == ("Δ b₀ of hidden layer 1", "Δ b₁ of hidden layer 1")
    with styled(picture_style(PLAIN)):
        figure = figure_of(1, PLAIN)
        draw(figure, SHOWN, PLAIN)
    assert figure.axes[0].get_xlabel().startswith("Δ b₀ of hidden layer 1   (checkpoint: ")
    caption = caption_of([SHOWN], PLAIN)
    assert f"across Δ b₀ of hidden layer 1, {REQUEST.x} (checkpoint: " in caption
    assert f"across Δ {REQUEST.x} (checkpoint: " in caption_of([replace(SHOWN, names=None)], PLAIN)


def test_masks_that_a_run_is_called_by_are_said_once():
    row = [
        replace(SHOWN, request=REQUEST.model_copy(update={"mode": "train", "masks": masks}), draws_masks=True)
        for masks in ("fresh", "frozen")
    ]
    names = ["Dropout, fresh masks", "Dropout, frozen masks"]
    assert titles_of(row, names) == names
    assert titles_of(row, ["", ""]) == ["train, fresh masks", "train, frozen masks"]


def test_a_direction_keeps_its_own_name():
    shown = replace(SHOWN, request=REQUEST.model_copy(update={"x": "pca:1"}), names=("principal component 1", "b₁"))
    assert shown.axes == ("pca:1", "b₁")
