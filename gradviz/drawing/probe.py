"""Paths of SGD on the plane, over the arrows of a still picture, as `assets/pure/probe.js` draws them on the page.

Each is told by its ink, its dashes and its width: nobody needs to see colours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gradviz.drawing.canvas import Axes
from gradviz.drawing.inks import Palette
from gradviz.landscape.probe import Schedule


@dataclass(frozen=True)
class LineStyle:
    """Lengths of dashes and gaps, in pixels of the page; none for a solid line."""

    dash: tuple[int, ...]
    width: float


LINES: Mapping[Schedule, LineStyle] = {
    "all": LineStyle((), 5.0),
    "this": LineStyle((), 2.5),
    "next": LineStyle((9, 6), 2.0),
    "alternating": LineStyle((2, 4), 2.0),
}
"""In the order of drawing: the last one lies on top, and those that lie on each other are still seen."""

MOST_DOTS = 60
"""Steps of a path; where there are more, no dot stands at each."""
START, STEP, END = 9, 3.5, 7
"""Diameters of dots, in pixels of the page."""
HALO = 2.5
"""By how much the paper under a line is wider, so that it is seen on any field."""
_POINTS = 0.75  # of a pixel


@dataclass(frozen=True)
class PathDrawn:
    """One path, its name and its losses in words."""

    schedule: Schedule
    x: tuple[float, ...]
    y: tuple[float, ...]
    name: str
    line: str


@dataclass(frozen=True)
class Paths:
    """The paths of a picture, and the sentences below them."""

    paths: tuple[PathDrawn, ...]
    sentences: tuple[str, ...]

    @classmethod
    def from_answer(cls, told: Mapping[str, Any]) -> "Paths":
        """From the JSON of `gradviz.compute.probe`."""
        paths = (
            PathDrawn(each["schedule"], tuple(each["x"]), tuple(each["y"]), each["name"], each["line"])
            for each in told["paths"]
        )
        return cls(tuple(paths), tuple(told["sentences"]))

    def for_browser(self) -> dict[str, object]:
        """The same JSON again, with as many digits as can be seen."""
        paths = [asdict(path) | {"x": _short(path.x), "y": _short(path.y)} for path in self.paths]
        return {"paths": paths, "sentences": self.sentences}


def draw_probe(axes: Axes, told: Paths, palette: Palette) -> None:
    """The paths from their start, each with a dot at every step and a larger one at its end."""
    there = {path.schedule: path for path in told.paths}
    drawn = [(there[schedule], style) for schedule, style in LINES.items() if schedule in there]
    zorder = 4.6
    for path, style in drawn:
        halo = _POINTS * (style.width + HALO)
        axes.plot(path.x, path.y, color=palette.paper, linewidth=halo, alpha=0.75, zorder=zorder)
    for path, style in drawn:
        colour, width = palette.probe[path.schedule], _POINTS * style.width
        dashes = (0, tuple(_POINTS * each / width for each in style.dash)) if style.dash else "-"
        label = f"{path.name}: {path.line}"
        axes.plot(path.x, path.y, color=colour, linewidth=width, linestyle=dashes, zorder=zorder, label=label)
        if len(path.x) <= MOST_DOTS + 1:
            axes.scatter(path.x[1:], path.y[1:], s=_area(STEP), color=colour, zorder=zorder)
        axes.scatter(path.x[-1:], path.y[-1:], s=_area(END), color=colour, zorder=zorder)
    for x, y in {(path.x[0], path.y[0]) for path in told.paths}:
        axes.scatter([x], [y], s=_area(START), color=palette.paper, edgecolors=palette.ink, linewidths=1.2, zorder=4.7)


def probe_sentences(told: Paths | None) -> list[str]:
    """Without full stops at their ends."""
    return [] if told is None else [sentence.removesuffix(".") for sentence in told.sentences]


def for_browser() -> dict[str, object]:
    """The constants of the page's own drawing."""
    lines = [{"schedule": schedule, **asdict(style)} for schedule, style in LINES.items()]
    return {"lines": lines, "most_dots": MOST_DOTS, "start": START, "step": STEP, "end": END, "halo": HALO}


def _area(diameter: float) -> float:
    return (_POINTS * diameter) ** 2


def _short(values: Sequence[float]) -> list[float]:
    return [float(f"{value:.6g}") for value in values]
