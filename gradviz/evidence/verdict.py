"""A verdict and the numbers that it rests on, each with its unit, its range and the view that shows it."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from gradviz.evidence.values import Estimate, Measured
from gradviz.landscape.request import LandscapeRequest

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
    """A view of the page that shows a number: of the landscape `request`, with the statistics of `part`."""

    view: Literal["explore", "minibatches", "training"]
    request: LandscapeRequest | None = None
    part: Literal["pair", "biases", "model"] = "pair"


class Figure(Measured):
    """A number that a verdict rests on: what it is, its unit, and what it is a statistic of.

    The unit "%" is that of a share, which is kept as a number from 0 to 1. `range`: the ends between which such a
    number lies, None where it has none. The range and the view are for the page; a report's JSON leaves them out.
    """

    name: str
    estimate: Estimate
    unit: str = ""
    sample: str = ""
    range: Range | None = Field(default=None, exclude=True)
    shown: Shown | None = Field(default=None, exclude=True)


class Verdict(Measured):
    """The verdict of one claim for one set of runs; `views` are the landscapes that show it.

    `notes`: sentences on what else the verdict depends on, or does not. `why`: a sentence where the claim was not
    measured or its verdict cannot be told, "" elsewhere.
    """

    claim: str
    kind: Kind
    figures: tuple[Figure, ...]
    views: tuple[LandscapeRequest, ...] = ()
    why: str = ""
    notes: tuple[str, ...] = ()
