"""What the page's scripts draw with: the constants of this room as JSON."""

from dataclasses import asdict

from gradviz.drawing.arrows import ARROW_HEAD, ARROW_WIDTH
from gradviz.drawing.ground import FLAT_SHARE
from gradviz.drawing.inks import FONT, PALETTES, VARIANT_LABELS
from gradviz.drawing.labels import ZERO_WORDS
from gradviz.drawing.overlays import FAN_IN_CELLS
from gradviz.drawing.scale import LENGTH_EXPONENT, LONGEST_IN_CELLS


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
        "variant_labels": VARIANT_LABELS,
        "font": FONT,
        "palettes": {scheme: asdict(palette) for scheme, palette in PALETTES.items()},
    }
