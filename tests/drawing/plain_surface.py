"""Arrows on a surface by a plain loop, one vertex at a time, as the reference of both languages.

`python -m tests.drawing.plain_surface` writes tests/fixtures/surface.json from the cases below; gradviz/drawing and
assets/ are both held to it.
"""

import json
import math
from pathlib import Path
from typing import Any

from tests.drawing.plain import PLAIN, arrows_of, as_float32, case, turning

FIXTURE = Path(__file__).parents[1] / "fixtures" / "surface.json"

ABOUT = """
Fields and how their arrows lie on the surface of the loss. Written by `python -m tests.drawing.plain_surface`.
Cases are those of arrows.json, over a plane of `half_width`: of their arrows, or null where no loss is finite,
`range` of the loss axis, `rise` (lengths of the plane for each unit of loss), and `drawn`:
[point, five vertices of the shaft from the tail, three of the head], each [x, y, J] from the checkpoint.
Numbers agree to a relative 1e-9, places also to an absolute 1e-9.
"""
RISE, LIFT, ROOM, HEAD, ANGLE = 0.55, 0.012, 0.04, 0.4, math.pi / 7


def surface_of(given: dict[str, Any], half_width: float) -> dict[str, Any]:
    """The case with what is expected of it."""
    points, field = given["points"], given["fields"][0]
    loss = as_float32(field["loss"])
    finite = [each for each in loss if math.isfinite(each)]
    about = {name: given[name] for name in ("name", "points", "length", "direction", "fields")}
    about |= {"half_width": half_width, "colours_over": [0], "lengths_over": [0]}
    if not finite:
        return about | {"surface": None}
    low, high = min(finite), max(finite)
    if high - low <= 1e-6 * max(abs(low), abs(high)):
        half = 0.05 * abs(finite[0]) or 1.0
        low, high = finite[0] - half, finite[0] + half
    span, cell = high - low, 2 * half_width / (points - 1)
    reach = half_width + max(0.1 * half_width, cell / 2)
    rise = RISE * 2 * reach / ((1 + 2 * ROOM) * span)
    drawn = []
    for point, tail_x, tail_y, tip_x, tip_y, _ in arrows_of(given)["drawn"]:
        u, v = as_float32(field["u"])[point], as_float32(field["v"])[point]
        x, y = cell * (point % points - points // 2), cell * (point // points - points // 2)
        across, up = cell * (tip_x - tail_x), cell * (tip_y - tail_y)
        # Along the arrow the surface climbs by rise |g| for each length of the plane.
        shrink = 1 / math.sqrt(1 + (rise * math.sqrt(u * u + v * v)) ** 2)
        back, aside = 0.5 - HEAD * math.cos(ANGLE), HEAD * math.sin(ANGLE)
        places = [(k / 4 - 0.5, 0.0) for k in range(5)] + [(back, aside), (0.5, 0.0), (back, -aside)]
        vertices = []
        for along, beside in places:
            at_x = x + along * shrink * across - beside * up
            at_y = y + along * shrink * up + beside * across
            height = bilinear(loss, points, (at_x + half_width) / cell, (at_y + half_width) / cell)
            if not math.isfinite(height):
                height = loss[point] + along * shrink * (across * u + up * v)
            vertices.append([at_x, at_y, height + LIFT * span])
        drawn.append([point, *vertices])
    return about | {"surface": {"range": [low - ROOM * span, high + ROOM * span], "rise": rise, "drawn": drawn}}


def bilinear(loss: list[float], points: int, column: float, row: float) -> float:
    i, j = (min(points - 2, max(0, math.floor(place))) for place in (column, row))
    s, t = column - i, row - j
    corners = [((1 - s) * (1 - t), 0, 0), (s * (1 - t), 1, 0), ((1 - s) * t, 0, 1), (s * t, 1, 1)]
    return sum(weight * loss[(j + up) * points + i + across] for weight, across, up in corners if weight)


def bowl(points: int, scale: float = 1.0) -> dict[str, Any]:
    """J = x² + x y / 2 + 2 y² on a grid of whole numbers, with its own gradient, in cells."""
    middle = points // 2
    places = [(k % points - middle, k // points - middle) for k in range(points**2)]
    return {
        "u": [scale * (2 * x + y / 2) for x, y in places],
        "v": [scale * (x / 2 + 4 * y) for x, y in places],
        "loss": [scale * (x * x + x * y / 2 + 2 * y * y) for x, y in places],
        "is_zero": [int(x == y == 0) for x, y in places],
    }


def plane(points: int) -> dict[str, Any]:
    middle = points // 2
    loss = [7 + 0.3 * (k % points - middle) - 0.5 * (k // points - middle) for k in range(points**2)]
    return {"u": [0.3] * points**2, "v": [-0.5] * points**2, "loss": loss, "is_zero": [0] * points**2}


def cases() -> list[dict[str, Any]]:
    hole = {**PLAIN, "loss": [3.0, 3.25, 3.5, 3.75, "NaN", 4.25, 4.5, 4.75, "Infinity"]}
    flat = {**turning([1e-9 * (k + 1) for k in range(9)]), "loss": [2.0] * 9}
    return [
        surface_of(case("a plane", plane(5)), 2.0),
        surface_of(case("a bowl", bowl(5)), 2.0),
        surface_of(case("a bowl, descent of true lengths", bowl(5), length="true", direction="descent"), 2.0),
        surface_of(case("a steep bowl, unit", bowl(3, 1e4), length="unit"), 1.0),
        surface_of(case("all directions", PLAIN), 1.0),
        surface_of(case("losses that are not finite", hole), 1.0),
        surface_of(case("a flat loss", flat), 0.1),
        surface_of(case("no finite loss", {**PLAIN, "loss": ["NaN"] * 9}), 1.0),
    ]


def content() -> str:
    about = [line for line in ABOUT.splitlines() if line]
    lines = ",\n".join(f"  {json.dumps(each)}" for each in cases())
    return f'{{"about": {json.dumps(about, indent=1)},\n "surfaces": [\n{lines}\n]}}\n'


if __name__ == "__main__":
    FIXTURE.write_text(content(), encoding="utf-8")
