"""How things look: the one place of the constants that Python's figures and the page's JavaScript both draw with."""

from dataclasses import asdict, dataclass
from typing import Literal

from plotly.colors import sample_colorscale, sequential

from gradviz.compute.overlays import FAN_IN_CELLS

Scheme = Literal["light", "dark"]
Length = Literal["compressed", "true", "unit"]
Under = Literal["none", "heat", "contour"]
Direction = Literal["ascent", "descent"]

LENGTH_EXPONENT = 0.35
"""Length of an arrow ∝ |g|^0.35: gradients of one picture span decades, and a drawn length cannot."""

LONGEST_IN_CELLS = 0.92
"""Length of the longest arrow in grid cells: arrows of one line do not run into each other."""

ARROW_WIDTH, ARROW_HEAD = 1.0, 0.77
"""Line width in pixels and plotly.js' `arrowsize`: a head of 4.5 px leaves a shaft to short arrows, and stands out from
a thin one; a line of 1 px is drawn in a third of the time of a wider one."""

ZERO_WORDS = "zero up to round-off"

VARIANT_LABELS = {"none": "None", "dropout": "Dropout", "batchnorm": "BatchNorm"}

FLAT_SHARE = 1e-6
"""A loss that varies by less than this share of itself varies by float32's round-off: nothing is drawn of it."""

_STOPS = 12


@dataclass(frozen=True)
class Palette:
    """Colours of one scheme. The arrows' scale is a part of viridis in which a larger gradient always stands out more
    from the paper: perceptually uniform and safe for colour-blind readers. Loss lies under it in near-greys. Cosines go
    from brown (opposite) over paper (a right angle) to blue-green (the same direction)."""

    paper: str
    ink: str
    faint: str
    grid: str
    centre: str
    zero: str
    arrows: tuple[tuple[float, str], ...]
    loss: tuple[tuple[float, str], ...]
    contour: str
    chosen: str
    cosine: tuple[tuple[float, str], ...]
    variants: dict[str, str]


def _part_of_viridis(start: float, stop: float) -> tuple[tuple[float, str], ...]:
    positions = [k / (_STOPS - 1) for k in range(_STOPS)]
    colours = sample_colorscale(sequential.Viridis, [start + (stop - start) * p for p in positions])
    return tuple((position, str(colour)) for position, colour in zip(positions, colours, strict=True))


PALETTES: dict[Scheme, Palette] = {
    "light": Palette(
        paper="#ffffff",
        ink="#1d2430",
        faint="#5c6675",
        grid="#e6e9ee",
        centre="#c2255c",
        zero="#7b8494",
        arrows=_part_of_viridis(0.80, 0.0),
        loss=((0.0, "#ffffff"), (1.0, "#c9ced8")),
        contour="#b4bbc7",
        chosen="#3b4cca",
        cosine=((0.0, "#8c510a"), (0.25, "#d8b06a"), (0.5, "#f7f7f7"), (0.75, "#5fb3a9"), (1.0, "#01665e")),
        # Okabe and Ito's colours, told apart by colour-blind readers.
        variants={"none": "#0072b2", "dropout": "#d55e00", "batchnorm": "#008f68"},
    ),
    "dark": Palette(
        paper="#14181f",
        ink="#e4e8ee",
        faint="#98a3b3",
        grid="#262d38",
        centre="#ff8fb3",
        zero="#8f9aab",
        arrows=_part_of_viridis(0.25, 1.0),
        loss=((0.0, "#14181f"), (1.0, "#3b4556")),
        contour="#4a5568",
        chosen="#9aa7ff",
        cosine=((0.0, "#f0b25c"), (0.25, "#8f6220"), (0.5, "#1b2029"), (0.75, "#1f6f69"), (1.0, "#52cfc1")),
        variants={"none": "#56b4e9", "dropout": "#f0924a", "batchnorm": "#2fc49a"},
    ),
}

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"


def for_browser() -> dict[str, object]:
    """The constants as JSON for the page."""
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
