"""Colours, and what the page is told of all that this room knows."""

import json
import re
from dataclasses import is_dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import numpy as np
import pytest
from plotly.colors import sample_colorscale, sequential, unlabel_rgb

import gradviz.drawing
from gradviz.drawing.browser import for_browser
from gradviz.drawing.canvas import to_rgb
from gradviz.drawing.inks import PALETTES, Palette

ASSETS = Path(__file__).parents[2] / "assets"


@pytest.mark.parametrize(("scheme", "ends"), [("light", (0.8, 0.0)), ("dark", (0.25, 1.0))])
def test_arrows_have_a_part_of_viridis(scheme: str, ends: tuple[float, float]):
    stops = PALETTES[scheme].arrows  # pyright: ignore[reportArgumentType]  (a scheme)
    colours = sample_colorscale(sequential.Viridis, list(np.linspace(*ends, len(stops))))
    expected = [unlabel_rgb(colour) for colour in colours]
    np.testing.assert_allclose([255 * np.array(to_rgb(colour)) for _, colour in stops], expected, atol=1)
    np.testing.assert_allclose([at for at, _ in stops], np.linspace(0, 1, len(stops)))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


@pytest.mark.parametrize("palette", PALETTES.values(), ids=list(PALETTES))
def test_a_stronger_arrow_stands_out_more_from_the_paper(palette: Palette):
    contrasts = [abs(luminance(colour) - luminance(palette.paper)) for _, colour in palette.arrows]
    assert contrasts == sorted(contrasts)


def test_the_page_is_told_in_json():
    told = json.loads(json.dumps(for_browser(), allow_nan=False))
    assert told["length_exponent"] == 0.35
    assert told["palettes"]["dark"]["paper"] == PALETTES["dark"].paper
    scripts = [path.read_text(encoding="utf-8") for path in ASSETS.rglob("*.js")]
    used = {name for script in scripts for name in re.findall(r"\blook\.(\w+)", script)} - {"js"}  # `look.js` is a file
    assert set(told) == used


ROOM = [import_module(f"gradviz.drawing.{module.name}") for module in iter_modules(gradviz.drawing.__path__)]


@pytest.mark.parametrize("module", ROOM, ids=lambda module: module.__name__)
def test_what_this_room_passes_around_cannot_be_changed(module: ModuleType):
    values = [each for each in vars(module).values() if isinstance(each, type) and is_dataclass(each)]
    assert all(each.__dataclass_params__.frozen for each in values)  # pyright: ignore[reportAttributeAccessIssue]
