"""Where paths on a plane begin, and how they go on."""

import math
import re

from pydantic import Field, field_validator

from gradviz.landscape.probe import DEFAULT_STEPS, MOST_STEPS
from gradviz.landscape.request import Atom

_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"

DEFAULT_START = "0.5,0.5"
"""In half widths from the checkpoint."""


def start_text(text: str) -> str:
    """The one text of a start in half widths from the checkpoint; `ValueError` unless it lies within the picture."""
    match = re.fullmatch(f"({_NUMBER}),({_NUMBER})", text)
    shares = [float(match[1]), float(match[4])] if match else []
    if not shares or not all(abs(share) <= 1 for share in shares):
        raise ValueError(f"`start` must be two numbers from -1 to 1, such as 0.5,-0.25, got {text[:40]}.")
    x, y = (f"{round(share, 4) + 0.0:g}" for share in shares)
    return f"{x},{y}"


class ProbeSettings(Atom):
    """Where paths begin, and how they go on."""

    start: str = Field(
        default="0,0",
        max_length=60,
        pattern=f"^{_NUMBER},{_NUMBER}$",
        description="offsets from the checkpoint along x and y, within 10 half widths",
    )
    rate: float | None = Field(
        default=None,
        gt=0,
        le=1e12,
        description="what the gradient is multiplied by; without one, that with which the longest first step is 0.05 "
        "half widths long",
    )
    steps: int = Field(default=DEFAULT_STEPS, ge=1, le=MOST_STEPS)

    @field_validator("start")
    @classmethod
    def _finite(cls, start: str) -> str:
        x, y = map(float, start.split(","))
        if not math.isfinite(x + y):
            raise ValueError(f"`start` must be two finite numbers, got {start}.")
        return f"{x + 0.0!r},{y + 0.0!r}"  # no minus before a zero

    @classmethod
    def of_view(cls, start: str, half_width: float, rate: float | None, steps: int) -> "ProbeSettings":
        """Those of a view, whose `start` is in half widths (`start_text`)."""
        x, y = (half_width * float(share) for share in start.split(","))
        return cls.of(start=f"{x!r},{y!r}", rate=rate, steps=steps)

    @property
    def point(self) -> tuple[float, float]:
        x, y = map(float, self.start.split(","))
        return x, y
