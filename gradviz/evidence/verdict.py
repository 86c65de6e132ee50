"""A verdict and the numbers that it rests on, each with its unit, its range and the view that shows it."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from gradviz.evidence.values import Estimate, Measured
from gradviz.landscape.paths.request import PathsRequest
from gradviz.landscape.request import LandscapeRequest
from gradviz.numbers import number, percent

Tone = Literal["good", "part", "bad", "artefact", "unknown"]
"""How a verdict is coloured."""


class Kind(StrEnum):
    """The verdicts that a claim can get."""

    HOLDS = "holds"
    IN_PART = "holds at some checkpoints"
    BRIDGE = "holds on the way, not at the epoch's end"
    NOT = "does not hold"
    SAMPLING = "holds; its size is that of sampling noise"
    MASKS = "mask noise, not landscape"
    ROUND_OFF = "artefact of float32 round-off"
    UNTOLD = "cannot be told"
    UNKNOWN = "not measured"

    @property
    def tone(self) -> Tone:
        return _TONES[self]


DIFFER = "trainings differ"
"""Why nothing can be told of trainings that are chaotic in rounding, as the page and the report say it."""

_TONES: dict[Kind, Tone] = {
    Kind.HOLDS: "good",
    Kind.IN_PART: "part",
    Kind.BRIDGE: "part",
    Kind.NOT: "bad",
    Kind.SAMPLING: "part",
    Kind.MASKS: "artefact",
    Kind.ROUND_OFF: "artefact",
    Kind.UNTOLD: "unknown",
    Kind.UNKNOWN: "unknown",
}

Range = tuple[float, float]
SHARE: Range = (0.0, 1.0)
COSINE: Range = (-1.0, 1.0)
DEGREES: Range = (0.0, 180.0)


class Shown(Measured):
    """A view of the page that shows a number: of the landscape `request`, with the statistics of `part`, or of the
    `paths` that were asked for."""

    view: Literal["explore", "minibatches", "paths", "training"]
    request: LandscapeRequest | None = None
    part: Literal["pair", "biases", "model"] = "pair"
    paths: PathsRequest | None = None


Side = Literal["at least", "at most", "above", "below"]
_SIGNS: dict[Side, str] = {"at least": "≥", "at most": "≤", "above": ">", "below": "<"}


class Threshold(Measured):
    """Where a rule draws its line on a number: on which side of `value` the number has to lie.

    `end`: the end of its interval that counts, "" for the number itself. `what`: where the line comes from, if it is
    no constant of the rules.
    """

    value: float
    side: Side
    end: Literal["", "lower end", "upper end"] = ""
    what: str = ""

    def words(self, unit: str) -> str:
        """`≥ 0.9`; `lower end ≥ 2`; `≥ 15° (3 × without regularizer)`."""
        value = percent(self.value) if unit == "%" else number(self.value, 3) + ("°" if unit == "°" else "")
        told = f"{_SIGNS[self.side]} {value}"
        return " ".join(filter(None, (self.end, told, f"({self.what})" if self.what else "")))


class Mark(Measured):
    """A null or a control of a number: drawn on the same bar."""

    name: str
    estimate: Estimate


class Figure(Measured):
    """A number that a verdict rests on: what it is, its unit, and what it is a statistic of.

    The unit "%" is that of a share, which is kept as a number from 0 to 1. `range`: the ends between which such a
    number lies, None where it has none. `thresholds`: what its rule asks of it; `marks`: what to see beside it. The
    view is for the page; a report's JSON leaves it out.
    """

    name: str
    estimate: Estimate
    unit: str = ""
    sample: str = ""
    range: Range | None = None
    thresholds: tuple[Threshold, ...] = ()
    marks: tuple[Mark, ...] = ()
    shown: Shown | None = Field(default=None, exclude=True)

    def against(self, *thresholds: Threshold, marks: tuple[Mark, ...] = ()) -> "Figure":
        """The same number, with what the rule asks of it."""
        return self.model_copy(update={"thresholds": thresholds, "marks": marks})

    @property
    def asked(self) -> str:
        """What the rule asks of it, in words; "" if nothing."""
        return ", ".join(each.words(self.unit) for each in self.thresholds)


class Line(Measured):
    """A curve, or points, of a chart. `role`: the measurement itself, what it is compared with, or a null."""

    name: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()
    role: Literal["own", "other", "null"] = "own"


class Chart(Measured):
    """Lines over one axis; `ticks` name places of it, which are then no numbers. The unit "%" is that of shares."""

    x_title: str
    y_title: str
    lines: tuple[Line, ...]
    unit: str = ""
    range: Range | None = None
    threshold: Threshold | None = None
    ticks: tuple[str, ...] = ()


class Plane(Measured):
    """A picture of a landscape, or of all minibatches' arrows at its centre, and what it is called."""

    name: str
    shown: Shown


class Picture(Measured):
    """What is drawn beside a claim: landscapes, the arrows of all minibatches, or a chart. `shown`: the whole of it.

    `losses`: the name of a run whose losses are drawn.
    """

    kind: Literal["fields", "arrows", "chart", "losses"]
    caption: str
    planes: tuple[Plane, ...] = ()
    chart: Chart | None = None
    losses: str = ""
    shown: Shown | None = None


class Verdict(Measured):
    """The verdict of one claim for one set of runs; `views` are the landscapes that show it.

    `says`: the conclusion as one plain sentence with the numbers that decide. `notes`: sentences on what else the
    verdict depends on, or does not. `by_threads`: the verdict by the same training with other CPU threads, where there
    is one and trainings are chaotic in rounding. `why`: a sentence where the claim was not measured or its verdict
    cannot be told, "" elsewhere. `picture` is for the page; a report has its own.
    """

    claim: str
    kind: Kind
    says: str = ""
    figures: tuple[Figure, ...]
    views: tuple[LandscapeRequest, ...] = ()
    why: str = ""
    notes: tuple[str, ...] = ()
    by_threads: Kind | None = None
    picture: Picture | None = Field(default=None, exclude=True)

    @property
    def is_stable(self) -> bool:
        """Whether other CPU threads give the same, as far as that was measured."""
        return self.by_threads in (None, self.kind)

    @property
    def words(self) -> str:
        """As the page shows it: trainings that differ by rounding alone, and in their verdicts, give none."""
        return self.kind if self.is_stable else f"{Kind.UNTOLD}, {DIFFER}"

    @property
    def tone(self) -> Tone:
        return self.kind.tone if self.is_stable else Kind.UNTOLD.tone
