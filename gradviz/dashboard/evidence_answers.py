"""Models of the HTTP API's answers about the evidence: the claims, and each verdict with its numbers and picture."""

from typing import Literal

from pydantic import BaseModel, Field

from gradviz.evidence.verdict import Side, Tone


class ClaimText(BaseModel):
    """A claim quoted from the text, the question it raises, and the rule of its verdict."""

    key: str
    question: str
    quotation: str
    rule: str
    null: str = Field(description="what the numbers would be if there were nothing to the claim, or by chance")
    control: str = Field(description="what else could make such numbers, and how that is told apart")
    several: str = Field(description="how many comparisons the rule makes, and whether one of them is enough")


class AbsentClaim(BaseModel):
    """A claim that the runs of a study do not allow."""

    key: str
    question: str
    reason: str = Field(description="a sentence")


class ClaimsAnswer(BaseModel):
    """The claims, in the order of the text: those of deliveries, then those that each other study's runs allow, with
    the study's name before their keys."""

    claims: list[ClaimText]
    absent: list[AbsentClaim] = Field(description="claims that a study's runs do not allow")


class VerdictThreshold(BaseModel):
    """What a rule asks of a number: on which side of `value` it has to lie."""

    value: float
    side: Side
    words: str = Field(description="`≥ 0.9`, with the end of the interval that counts and where the line comes from")


class VerdictMark(BaseModel):
    """A null or a control beside a number, with its interval."""

    name: str
    value: float | None
    low: float | None
    high: float | None


class VerdictFigure(BaseModel):
    """A number behind a verdict, with its 95 % interval; a share is a number from 0 to 1 with the unit %."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    sample: str
    range: tuple[float, float] | None = Field(description="the bounds of a number of this kind, if any")
    asked: str = Field(description="what the rule asks of it, in words; empty if nothing")
    thresholds: list[VerdictThreshold]
    marks: list[VerdictMark] = Field(description="nulls and controls, to be seen beside it")
    address: str = Field(description="query string of the page's view that shows this number; empty if none does")


class VerdictLine(BaseModel):
    """A curve, or points, of a chart, with intervals; its lists are as long as `x`, or empty."""

    name: str
    x: list[float]
    y: list[float | None]
    low: list[float | None]
    high: list[float | None]
    role: Literal["own", "other", "null"] = Field(description="measured, compared with it, or of a null model")


class VerdictChart(BaseModel):
    """Lines over one axis. The unit % is that of shares from 0 to 1."""

    x_title: str
    y_title: str
    lines: list[VerdictLine]
    unit: str
    range: tuple[float, float] | None
    ticks: list[str] = Field(description="names of the places 0, 1, … of the axis; empty where it has numbers")
    threshold: VerdictThreshold | None


class VerdictPlane(BaseModel):
    """One landscape of a picture: what it is called, what is asked for at /frames, and the view that shows it."""

    name: str
    request: dict[str, str | int | float]
    address: str


class VerdictPicture(BaseModel):
    """What is drawn beside a claim: landscapes, the arrows of all minibatches at their centres, a chart, or losses."""

    kind: Literal["fields", "arrows", "chart", "losses"]
    caption: str
    run: str = Field(description="whose losses are drawn; else empty")
    planes: list[VerdictPlane]
    chart: VerdictChart | None
    address: str = Field(description="query string of the page's view that shows more; empty if none does")


class VerdictAnswer(BaseModel):
    """Progress of the measurement, and the verdict at its end. Each request measures a few parts at most."""

    key: str
    state: Literal["measuring", "measured", "missing"]
    message: str = Field(
        description="the next measurement, what is missing and what to do, or why the verdict cannot be told"
    )
    done: int
    of: int
    verdict: str
    tone: Tone = Field(description="colour of the verdict")
    says: str = Field(description="the conclusion in a sentence, with the numbers that decide")
    figures: list[VerdictFigure]
    notes: list[str] = Field(description="sentences on what else the verdict depends on, or does not")
    picture: VerdictPicture | None
    address: str = Field(description="query string of the view in which to measure what is missing; empty elsewhere")
