"""What still pictures and animations show, read from their pixels: direction, length, anchor and colour of arrows.

Each reading is proved by drawings that are wrong: it has to reject them.
"""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gradviz.drawing import plot
from gradviz.drawing.animation import drawn_frames
from gradviz.drawing.arrows import Arrows, arrows_of
from gradviz.drawing.canvas import Axes
from gradviz.drawing.gif import Gif, colours_of
from gradviz.drawing.inks import PALETTES
from gradviz.drawing.look import PLAIN, Look
from gradviz.drawing.multiples import scene_animation, scene_still
from gradviz.drawing.scale import Scale
from gradviz.drawing.shown import Shown
from gradviz.drawing.still import picture_bytes
from gradviz.landscape import GradientField
from tests.drawing.fields import turning_field
from tests.drawing.reading import Picture
from tests.drawing.test_canvas import REQUEST

FIELD = turning_field(5)
SCALE = Scale.of([FIELD])
NAMES = [("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]")]


def png(field: GradientField, look: Look) -> bytes:
    return picture_bytes(Shown(field, REQUEST), "png", look)


def gif(field: GradientField, look: Look) -> bytes:
    made = Gif(5, colours_of(look.palette))
    for image in drawn_frames([[Shown(field, REQUEST)]], look, share_scale=True, fixed_colours=True):
        made.add(image)
    return made.finish()


def reports_png(field: GradientField, look: Look) -> bytes:
    return scene_still([[field]], NAMES)


def reports_gif(field: GradientField, look: Look) -> bytes:
    return scene_animation([[field]], NAMES)


Draw = Callable[[GradientField, Look], bytes]
DRAWINGS: dict[str, Draw] = {"png": png, "gif": gif, "report's png": reports_png, "report's gif": reports_gif}


def read(content: bytes, look: Look, points: int = 5, axis: str | None = None) -> Picture:
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    return Picture.of(pixels, look.palette, points, axis or look.palette.faint)


def picture_of(name: str, field: GradientField, look: Look) -> Picture:
    return read(DRAWINGS[name](field, look), look, len(field.x), look.palette.grid if "report" in name else None)


def expected(look: Look) -> Arrows:
    return arrows_of(FIELD, SCALE, length=look.length, direction=look.direction)


@pytest.mark.parametrize("name", DRAWINGS)
def test_arrows_are_drawn_from_tail_to_tip_in_the_colour_of_their_strength(name: str):
    picture = picture_of(name, FIELD, PLAIN)
    assert picture.share_of(expected(PLAIN)) > 0.9  # of the smallest picture, an arrow may touch another in a pixel
    assert picture.colour_error(expected(PLAIN), SCALE) < 12


LOOKS = [Look(length="true"), Look(length="unit"), Look(direction="descent"), Look(PALETTES["dark"])]


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: f"{look.length} {look.direction} {look.palette.paper}")
def test_pictures_are_drawn_as_they_are_to_look(look: Look):
    picture = picture_of("png", FIELD, look)
    assert picture.share_of(expected(look)) == 1
    assert picture.colour_error(expected(look), SCALE) < 12


def moved(arrows: Arrows, across: float, up: float) -> Arrows:
    return replace(arrows, middle_A2=arrows.middle_A2 + np.array([across, up]))


MUTANTS: dict[str, Callable[[Arrows], Arrows]] = {
    "v flipped": lambda arrows: replace(arrows, drawn_A2=arrows.drawn_A2 * (1, -1)),
    "u flipped": lambda arrows: replace(arrows, drawn_A2=arrows.drawn_A2 * (-1, 1)),
    "u and v swapped": lambda arrows: replace(arrows, drawn_A2=arrows.drawn_A2[:, ::-1]),
    "turned round": lambda arrows: replace(arrows, drawn_A2=-arrows.drawn_A2),
    "from the tail": lambda arrows: replace(arrows, middle_A2=arrows.middle_A2 + arrows.drawn_A2 / 2),
    "to the tip": lambda arrows: replace(arrows, middle_A2=arrows.middle_A2 - arrows.drawn_A2 / 2),
    "a cell aside": lambda arrows: moved(arrows, 1, 0),
    "a cell up": lambda arrows: moved(arrows, 0, 1),
    "rows upside down": lambda arrows: replace(arrows, middle_A2=arrows.middle_A2 * (1, -1)),
    "a fifth of a cell aside": lambda arrows: moved(arrows, 0.2, 0),
    "longer": lambda arrows: replace(arrows, drawn_A2=1.35 * arrows.drawn_A2),
    "shorter": lambda arrows: replace(arrows, drawn_A2=0.7 * arrows.drawn_A2),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_wrong_drawing_is_rejected(mutant: str, monkeypatch: pytest.MonkeyPatch):
    def wrong(*arguments: Any, **values: Any) -> Arrows:
        return MUTANTS[mutant](arrows_of(*arguments, **values))

    monkeypatch.setattr(plot, "arrows_of", wrong)
    assert picture_of("report's png", FIELD, PLAIN).share_of(expected(PLAIN)) < 0.3


@pytest.mark.parametrize("name", DRAWINGS)
def test_half_an_arrow_aside_is_rejected_in_every_kind_of_picture(name: str, monkeypatch: pytest.MonkeyPatch):
    quiver: Any = Axes.quiver
    monkeypatch.setattr(Axes, "quiver", lambda *arguments, **values: quiver(*arguments, **values | {"pivot": "tail"}))
    assert picture_of(name, FIELD, PLAIN).share_of(expected(PLAIN)) < 0.1


@pytest.mark.parametrize("name", ["png", "report's png"])
def test_the_colours_of_another_scale_are_rejected(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plot, "norm_of", lambda scale: plot.Normalize(scale.low - 0.3, scale.high + 0.3))
    assert picture_of(name, FIELD, PLAIN).colour_error(expected(PLAIN), SCALE) > 40
