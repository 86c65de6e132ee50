"""How a field is drawn: inks, lengths, what lies under the arrows and which way they point."""

from dataclasses import dataclass
from typing import Any

from gradviz.drawing.camera import FIRST, Camera
from gradviz.drawing.choices import Direction, Length, Under
from gradviz.drawing.inks import PALETTES, Palette


@dataclass(frozen=True)
class Look:
    """`direction="descent"` turns the arrows round, to −∇J; `camera`: from where a surface is seen."""

    palette: Palette = PALETTES["light"]
    length: Length = "compressed"
    under: Under = "none"
    direction: Direction = "ascent"
    camera: Camera = FIRST


PLAIN = Look()


def still_style(palette: Palette, size: float, edge: str = "") -> dict[Any, Any]:
    """For `canvas.styled`: letters of `size` points, axes of the colour `edge` (or faint)."""
    return {
        "font.family": "DejaVu Sans",
        "font.size": size,
        "axes.facecolor": palette.paper,
        "axes.edgecolor": edge or palette.faint,
        "axes.labelcolor": palette.ink,
        "text.color": palette.ink,
        "xtick.color": palette.faint,
        "ytick.color": palette.faint,
        "svg.hashsalt": "gradviz",
        "svg.fonttype": "none",  # text stays text
        "pdf.fonttype": 42,  # and its fonts are TrueType, embedded
    }
