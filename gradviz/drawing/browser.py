"""What the page's scripts draw with: the constants of this room as JSON."""

from dataclasses import asdict

from gradviz.drawing import probe
from gradviz.drawing.arrows import ARROW_HEAD, ARROW_WIDTH
from gradviz.drawing.ground import FLAT_SHARE
from gradviz.drawing.inks import FONT, PALETTES, Palette
from gradviz.drawing.labels import LITTLE, ZERO_WORDS
from gradviz.drawing.overlays import FAN_IN_CELLS
from gradviz.drawing.scale import LENGTH_EXPONENT, LONGEST_IN_CELLS
from gradviz.experiment.regularizers import DEFAULT_LABELS
from gradviz.landscape.request import WIDTHS


def for_browser() -> dict[str, object]:
    """Ready to be written as JSON."""
    return {
        "length_exponent": LENGTH_EXPONENT,
        "longest_in_cells": LONGEST_IN_CELLS,
        "fan_in_cells": FAN_IN_CELLS,
        "zero_words": ZERO_WORDS,
        "arrow_width": ARROW_WIDTH,
        "arrow_head": ARROW_HEAD,
        "flat_share": FLAT_SHARE,
        "half_widths": WIDTHS,
        "little_share": LITTLE,
        "variant_labels": DEFAULT_LABELS,
        "font": FONT,
        "probe": probe.for_browser(),
        "palettes": {scheme: _told(palette) for scheme, palette in PALETTES.items()},
    }


def _told(palette: Palette) -> dict[str, object]:
    """`variants`: the colours of the usual runs, by name."""
    usual = dict(zip(DEFAULT_LABELS, palette.runs, strict=False))
    derived = {"sheet": palette.sheet, "conditions": palette.conditions, "probe": palette.probe}
    return {**asdict(palette), "variants": usual, **derived}
