"""The colours and the fonts of pictures, of the page and of charts."""

from dataclasses import dataclass, replace

from gradviz.drawing.choices import Colours, Scheme
from gradviz.landscape.paths.request import Condition
from gradviz.landscape.probe import Schedule

Stops = tuple[tuple[float, str], ...]
"""Places from 0 to 1 on a colour scale, and their colours."""

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'Liberation Sans', sans-serif"
"""Of the page; still pictures are drawn with the one that matplotlib brings along, to be the same everywhere."""


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
    arrows: Stops
    loss: Stops
    contour: str
    chosen: str
    cosine: Stops
    runs: tuple[str, ...]
    """Of runs in curves: the first ones those of the regularizers, in their order."""

    @property
    def sheet(self) -> Stops:
        """Of the loss as a surface, which must stand out from the paper where it is low."""
        return ((0.0, self.grid), (1.0, self.contour))

    @property
    def conditions(self) -> dict[Condition, str]:
        """Of the conditions under which replicas train on: the controls in grey."""
        return {
            "same": self.ink,
            "order": self.runs[0],
            "composition": self.runs[2],
            "resampled": self.runs[1],
            "rows": self.zero,
            "masks": self.runs[3],
        }

    @property
    def probe(self) -> dict[Schedule, str]:
        """Of paths of SGD on a plane, by the minibatches that make the steps."""
        return {"this": self.chosen, "next": self.runs[1], "alternating": self.runs[3], "all": self.ink}


def _even(colours: str) -> Stops:
    """A scale of these colours at even distances."""
    each = colours.split()
    return tuple((k / (len(each) - 1), colour) for k, colour in enumerate(each))


def _each(colours: str) -> tuple[str, ...]:
    return tuple(colours.split())


# Viridis from 0.8 down to 0, and from 0.25 up to 1.
_DARK_IS_STRONG = "#7cd14f #54c467 #33b47b #24a485 #22928b #27808e #2e6f8e #365c8c #3e4888 #45327d #471b6c #440154"
_BRIGHT_IS_STRONG = "#3b518a #33648d #2c748e #25858e #21968a #26a684 #34b57a #54c467 #79d151 #a5da35 #d1e129 #fde725"

PALETTES: dict[Scheme, Palette] = {
    "light": Palette(
        paper="#ffffff",
        ink="#1d2430",
        faint="#5c6676",
        grid="#e6e9ee",
        centre="#c2255c",
        zero="#7b8494",
        arrows=_even(_DARK_IS_STRONG),
        loss=_even("#ffffff #c9ced8"),
        contour="#b4bbc7",
        chosen="#3b4cca",
        cosine=_even("#8c510a #d8b06a #f7f7f7 #5fb3a9 #01665e"),
        # The first three are Okabe and Ito's, told apart by colour-blind readers.
        runs=_each("#0072b2 #d55e00 #008f68 #a8327a #7a5c00 #5b4bc4 #b3202c #00707f #5b6472 #3f6e0e #8f4a22 #7b3fa0"),
    ),
    "dark": Palette(
        paper="#14181f",
        ink="#e4e8ee",
        faint="#98a3b3",
        grid="#262d38",
        centre="#ff8fb3",
        zero="#8f9aab",
        arrows=_even(_BRIGHT_IS_STRONG),
        loss=_even("#14181f #3b4556"),
        contour="#4a5568",
        chosen="#9aa7ff",
        cosine=_even("#f0b25c #8f6220 #1b2029 #1f6f69 #52cfc1"),
        runs=_each("#56b4e9 #f0924a #2fc49a #f28ac0 #e0c04a #a99cff #ff8080 #4fd0e0 #b8c0cc #a5d65a #e0a080 #d09af0"),
    ),
}


# Darker means larger in all of these, on white paper, and brighter on dark paper.
_OKABE_ITO: dict[Scheme, Palette] = {
    "light": replace(
        PALETTES["light"],
        centre="#d55e00",
        arrows=_even("#7cc4ee #56b4e9 #2f93cd #0072b2 #00557f #00364f #001b2a"),
        chosen="#009e73",
        cosine=_even("#d55e00 #eaae80 #f7f7f7 #80b8d8 #0072b2"),
        runs=_each("#0072b2 #d55e00 #009e73 #cc79a7 #e69f00 #56b4e9 #f0e442 #000000"),
    ),
    "dark": replace(
        PALETTES["dark"],
        centre="#e69f00",
        arrows=_even("#005580 #0072b2 #2f93cd #56b4e9 #8ccdf2 #c4e6fa #f2faff"),
        chosen="#009e73",
        cosine=_even("#e69f00 #8a6210 #1b2029 #1f5a80 #56b4e9"),
        runs=_each("#56b4e9 #e69f00 #009e73 #cc79a7 #f0e442 #0072b2 #d55e00 #ffffff"),
    ),
}
_GREY: dict[Scheme, Palette] = {
    "light": replace(
        PALETTES["light"],
        ink="#000000",
        faint="#595959",
        grid="#e4e4e4",
        centre="#000000",
        zero="#8c8c8c",
        arrows=_even("#b0b0b0 #000000"),
        loss=_even("#ffffff #d9d9d9"),
        contour="#bdbdbd",
        chosen="#000000",
        cosine=_even("#ffffff #000000"),
        runs=_each("#000000 #6e6e6e #a0a0a0 #3c3c3c #8a8a8a #b8b8b8"),
    ),
    "dark": replace(
        PALETTES["dark"],
        paper="#161616",
        ink="#ffffff",
        faint="#b0b0b0",
        grid="#303030",
        centre="#ffffff",
        zero="#8c8c8c",
        arrows=_even("#5a5a5a #ffffff"),
        loss=_even("#161616 #404040"),
        contour="#505050",
        chosen="#ffffff",
        cosine=_even("#161616 #ffffff"),
        runs=_each("#ffffff #a8a8a8 #707070 #d0d0d0 #8a8a8a #585858"),
    ),
}


def palette_of(scheme: Scheme, colours: Colours = "viridis") -> Palette:
    """The colours of a picture on light or dark paper. The arrows' scale of each choice has one direction of lightness:
    it survives a printer without colours."""
    return {"viridis": PALETTES, "okabe-ito": _OKABE_ITO, "grey": _GREY}[colours][scheme]
