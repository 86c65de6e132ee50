"""From where a surface is seen; `assets/pure/camera.js` says the same, and tests/fixtures/cameras.json holds both."""

import math
import re
from dataclasses import dataclass

from gradviz.errors import UserError, shown

STEEPEST = 88.0
"""Degrees: from right above, left and right would be undefined."""

NEAREST, FARTHEST = 0.4, 6.0
_CENTRE_Z = -0.15
_NUMBER = r"-?[0-9]{1,3}(?:\.[0-9]{1,4})?"
_TEXT = re.compile(rf"({_NUMBER}),({_NUMBER}),({_NUMBER})")


@dataclass(frozen=True)
class Camera:
    """`around`: degrees against the clock as seen from above, beginning where x grows; `over`: degrees above the
    plane; `away`: from the middle, in sides of plotly.js' cube. The default: from the front, a little from the right
    and from above. As a text: `-67.5,36,2.12`."""

    around: float = -67.5
    over: float = 36.0
    away: float = 2.12

    @classmethod
    def parse(cls, text: str) -> "Camera":
        """Raises UserError."""
        parts = _TEXT.fullmatch(text)
        if parts is not None:
            around, over, away = map(float, parts.groups())
            if abs(around) <= 180 and abs(over) <= STEEPEST and NEAREST <= away <= FARTHEST:
                return cls(around + 0.0, over + 0.0, away)  # without the sign of a zero
        raise UserError(
            f"a camera is AROUND,OVER,AWAY with degrees in [-180, 180] and [-{STEEPEST:g}, {STEEPEST:g}] and a "
            f"distance in [{NEAREST:g}, {FARTHEST:g}], such as {FIRST}, got {shown(text)!r}."
        )

    def __str__(self) -> str:
        return ",".join(f"{value:.4f}".rstrip("0").rstrip(".") for value in (self.around, self.over, self.away))

    def for_plotly(self) -> dict[str, dict[str, float]]:
        """The camera of plotly.js, of which the eye alone moves."""
        around, over = math.radians(self.around), math.radians(self.over)
        across = self.away * math.cos(over)
        eye = {"x": across * math.cos(around), "y": across * math.sin(around)}
        return {
            "eye": eye | {"z": _CENTRE_Z + self.away * math.sin(over)},
            "center": {"x": 0, "y": 0, "z": _CENTRE_Z},
            "up": {"x": 0, "y": 0, "z": 1},
        }


FIRST = Camera()


def camera_text(text: str) -> str:
    """The one text of a camera; `UserError` if it is none."""
    return str(Camera.parse(text))
