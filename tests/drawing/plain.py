"""Arrows by a plain loop over the points, one number at a time, as the reference of both languages.

`python -m tests.drawing.plain` writes tests/fixtures/arrows.json from the cases below. The file says what its parts
are; gradviz/drawing and assets/ are both held to it.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

FIXTURE = Path(__file__).parents[1] / "fixtures" / "arrows.json"

ABOUT = """
Fields and how their arrows are drawn. Written by `python -m tests.drawing.plain`.
Read by the tests of Python and by those of JavaScript.
arrows[]: `fields` are squares of points × points numbers, x running fastest; the first row lies lowest.
The middle point is the checkpoint. Numbers of u, v and loss are float32; texts are NaN, Infinity or -Infinity.
Colours are measured over the fields numbered in `colours_over`, lengths over `lengths_over`; fields[0] is drawn.
`scale`: log10 |g| at the ends of the colours, |g| of the longest arrow.
`drawn`, for each arrow: [point, tail x, tail y, tip x, tip y, place on the colour scale from 0 to 1].
Places are in cells of the grid from the checkpoint, y upwards.
`zeros`: points with a ring instead of an arrow. A point in neither list is left out: |g| or J is not finite.
levels[]: ten level lines of the loss, the first at `start`, `step` apart; null where it is flat but for round-off.
`labels` of each line: column, row, degrees counter-clockwise, level.
reaches[]: how far from the checkpoint the axes go, in the unit of the half width.
Numbers agree to a relative 1e-9, places also to an absolute 1e-9.
"""
LONGEST, EXPONENT = 0.92, {"compressed": 0.35, "true": 1.0}


def points_of(field: dict[str, Any]) -> list[tuple[float, float, float, bool]]:
    """u, v, |g| of each point and whether a ring marks it; |g| is NaN where nothing is drawn."""
    points = []
    for u, v, loss, is_zero in zip(
        *(as_float32(field[name]) for name in ("u", "v", "loss")), field["is_zero"], strict=True
    ):
        size = math.sqrt(u * u + v * v)
        there = math.isfinite(u) and math.isfinite(v) and math.isfinite(loss)
        points.append((u, v, size if there else math.nan, there and (bool(is_zero) or size == 0)))
    return points


def as_float32(values: list[float | str]) -> list[float]:
    return [float(np.float32(float(value))) for value in values]


def sizes_of(field: dict[str, Any]) -> list[float]:
    return sorted(size for _, _, size, is_zero in points_of(field) if not is_zero and not math.isnan(size))


def scale_of(fields: list[dict[str, Any]]) -> dict[str, float]:
    every = [sizes for sizes in map(sizes_of, fields) if sizes]
    if not every:
        return {"low": -1.0, "high": 0.0, "longest": 1.0}
    longest = max(sizes[-1] for sizes in every)
    high = math.log10(longest)
    low = min(math.log10(quantile(sizes, 0.02)) for sizes in every)
    return {"low": min(max(low, high - 4), high - 0.5), "high": high, "longest": longest}


def quantile(ordered: list[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def arrows_of(case: dict[str, Any]) -> dict[str, Any]:
    """The case with what is expected of it."""
    fields, points = case["fields"], case["points"]
    scale = scale_of([fields[k] for k in case["colours_over"]])
    scale["longest"] = scale_of([fields[k] for k in case["lengths_over"]])["longest"]
    drawn, zeros = [], []
    for k, (u, v, size, is_zero) in enumerate(points_of(fields[0])):
        if is_zero:
            zeros.append(k)
        if is_zero or math.isnan(size):
            continue
        x, y = k % points - points // 2, k // points - points // 2
        length = (
            0.8 * LONGEST
            if case["length"] == "unit"
            else LONGEST * min(1, size / scale["longest"]) ** EXPONENT[case["length"]]
        )
        if case["direction"] == "descent":
            length = -length
        colour = (math.log10(size) - scale["low"]) / (scale["high"] - scale["low"])
        across, up = length * u / size / 2, length * v / size / 2
        drawn.append([k, x - across, y - up, x + across, y + up, min(1.0, max(0.0, colour))])
    return case | {"scale": scale, "drawn": drawn, "zeros": zeros}


# ---- the cases ---------------------------------------------------------------------------------------------------


def field(u: list[Any], v: list[Any], *, loss: list[Any] | None = None, zeros: tuple[int, ...] = ()) -> dict[str, Any]:
    flat = [3 + 0.25 * k for k in range(len(u))]
    return {"u": u, "v": v, "loss": loss or flat, "is_zero": [int(k in zeros) for k in range(len(u))]}


def turning(sizes: list[float]) -> dict[str, Any]:
    """A field with these |g|, each in another direction: no arrow can be taken for another or for its mirror image."""
    angles = [0.3 + 2.399963 * k for k in range(len(sizes))]
    return field(
        [float(f"{size * math.cos(angle):.6g}") for size, angle in zip(sizes, angles, strict=True)],
        [float(f"{size * math.sin(angle):.6g}") for size, angle in zip(sizes, angles, strict=True)],
    )


def case(name: str, *fields: dict[str, Any], **values: Any) -> dict[str, Any]:
    points = math.isqrt(len(fields[0]["u"]))
    every = list(range(len(fields)))
    usual = {
        "points": points,
        "length": "compressed",
        "direction": "ascent",
        "colours_over": every,
        "lengths_over": every,
    }
    return {"name": name} | usual | values | {"fields": list(fields)}


PLAIN = turning([0.9, 0.5, 1.3, 0.7, 1.1, 0.6, 0.8, 1.2, 1.0])
DECADES = turning([10.0**-k for k in range(9)])
WEAK = turning([0.02, 0.03, 0.05, 0.01, 0.04, 0.06, 0.035, 0.025, 0.015])
NONE = field([0.0] * 9, [0.0] * 9, zeros=tuple(range(9)))


def arrow_cases() -> list[dict[str, Any]]:
    odd = ["NaN", 1.0, "Infinity", 0.5, 1.0, 2.0, 1.0, 1.0, 1.5]
    odd_loss = [3.0, "NaN", 3.0, 3.0, 4.0, 3.0, "Infinity", 3.0, "-Infinity"]
    return [
        case("right and up, compressed", field([1.0] * 4 + [2.0] + [1.0] * 4, [0.0] * 4 + [1.0] + [2.0] * 4)),
        case("all directions, compressed", PLAIN),
        case("all directions, true", PLAIN, length="true"),
        case("all directions, unit", PLAIN, length="unit"),
        case("all directions, descent", PLAIN, direction="descent"),
        case("descent of true lengths", PLAIN, direction="descent", length="true"),
        case("eight decades: the colours span four", DECADES),
        case("eight decades, true", DECADES, length="true"),
        case("just under four decades", turning([1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.00034, 0.00013])),
        case("just over four decades", turning([1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.00006])),
        case("almost one size: the colours span half a decade", turning([1 + 0.001 * k for k in range(9)])),
        case("just under half a decade", turning([1 + 0.26 * k for k in range(9)])),
        case("just over half a decade", turning([1 + 0.28 * k for k in range(9)])),
        case("one size", field([0.25] * 9, [0.0] * 9)),
        case("one arrow", field([0.0] * 4 + [0.5] + [0.0] * 4, [0.0] * 4 + [-0.5] + [0.0] * 4)),
        case("the smallest 2 % of 49 lie between the first two", turning([1e-3, *(0.1 + 0.02 * k for k in range(48))])),
        case("the smallest 2 % of 121 leave out two", turning([1e-3, 2e-3, *(0.1 + 0.01 * k for k in range(119))])),
        case("all zero", NONE),
        case(
            "zero by mark and zero by value",
            field(
                [1.0, 1e-9, 0.0, 0.5, 0.0, -1.0, 2.0, 0.25, 0.0],
                [0.0, 1e-9, 0.0, 0.5, 1.0, 1.0, 0.0, 3.0, -0.0],
                zeros=(1, 6),
            ),
        ),
        case("what is not finite is left out", field(odd, [1.0, 1.0, 1.0, "-Infinity", 1.0, "NaN", 1.0, 1.0, 1.0])),
        case(
            "a loss that is not finite leaves its arrow out, of the scale too",
            field([9.0, 50.0, 1.0, 0.5, 1.0, 2.0, 0.001, 1.0, 1.5], [1.0] * 9, loss=odd_loss, zeros=(8,)),
        ),
        case("two fields share one scale", WEAK, PLAIN),
        case("colours of two fields, lengths of the one shown", WEAK, PLAIN, lengths_over=[0]),
        case(
            "each field leaves out its own smallest 2 %",
            turning([1.0] * 49),
            turning([1e-2, *(0.5 + 0.01 * k for k in range(48))]),
        ),
        case("an empty field counts for nothing", WEAK, NONE),
        case("an empty field on the scale of another", NONE, PLAIN),
        case("stronger than the scale", PLAIN, WEAK, colours_over=[1], lengths_over=[1]),
        case("as small as 1e-30", turning([1e-30 * (k + 1) for k in range(9)])),
        case("below the normal numbers of float32", turning([1e-42 * (k + 1) for k in range(9)]), length="true"),
        case("|g| above the largest number of float32", field([3e38, -3e38, 1e38] * 3, [3e38, 3e38, 1e37] * 3)),
    ]


def levels_of(loss: list[Any]) -> dict[str, float] | None:
    finite = [value for value in as_float32(loss) if math.isfinite(value)]
    if not finite or max(finite) - min(finite) <= 1e-6 * max(map(abs, finite)):
        return None
    step = (max(finite) - min(finite)) / 10
    return {"low": min(finite), "high": max(finite), "start": min(finite) + step / 2, "step": step}


def level_cases() -> list[dict[str, Any]]:
    losses: dict[str, list[Any]] = {
        "a slope": [4 + 0.125 * k for k in range(9)],
        "below zero": [-2.0, -1.5, -1.0, -4.0, -2.5, -1.25, -3.0, -2.0, -1.75],
        "flat": [520.0] * 9,
        "flat but for round-off": [520.0 + 6e-5 * (k % 3) for k in range(9)],
        "just more than round-off": [520.0 + 1.2e-3 * (k == 4) for k in range(9)],
        "large, and just flat but for round-off": [2.0**20, 2.0**20 + 1.0] * 4 + [2.0**20],
        "large, and just more than round-off": [2.0**20, 2.0**20 + 1.125] * 4 + [2.0**20],
        "not finite in places": [1.0, "NaN", 3.0, "Infinity", 2.0, 1.5, "-Infinity", 2.5, 1.25],
        "not finite anywhere": ["NaN"] * 9,
    }
    places = [k / 4 - 1 for k in range(9)]
    losses["a bowl beside the middle"] = [(x - 0.3) ** 2 + 1.5 * (y + 0.1) ** 2 for y in places for x in places]
    losses["a saddle"] = [2 + x * y + 0.2 * x for y in places for x in places]
    losses["a gap in a slope"] = ["NaN" if (x, y) == (0.5, 0.5) else 3 * x + y for y in places for x in places]
    return [
        {"name": name, "loss": loss, "levels": levels_of(loss), "labels": labels_of(loss)}
        for name, loss in losses.items()
    ]


def labels_of(loss: list[Any]) -> list[list[float]]:
    """Column, row, angle and level of each label, from all pieces of all lines."""
    values, levels, points = as_float32(loss), levels_of(loss), math.isqrt(len(loss))
    found, placed = [], [((points - 1) / 2, (points - 1) / 2)]
    if levels is None:
        return found
    for n in range(10):
        level = levels["start"] + n * levels["step"]
        rooms = []
        for (x0, y0), (x1, y1) in pieces_of(values, points, level):
            x, y = (x0 + x1) / 2, (y0 + y1) / 2
            border = min(x, y, points - 1 - x, points - 1 - y)
            room = min([2.5 * border, *(math.dist((x, y), other) for other in placed)])
            if math.dist((x0, y0), (x1, y1)) >= 0.25 and room > max([0.0, *(each[0] for each in rooms)]) * (1 + 1e-9):
                rooms.append((room, x, y, math.degrees(math.atan2(y1 - y0, x1 - x0))))
        if rooms and rooms[-1][0] >= 0.14 * (points - 1):
            _, x, y, angle = rooms[-1]
            placed.append((x, y))
            found.append([x, y, angle - 180 if angle > 90 else angle + 180 if angle <= -90 else angle, level])
    return found


def pieces_of(values: list[float], points: int, level: float) -> list[list[tuple[float, float]]]:
    """Marching squares: from side to side of each cell, as they come around it."""
    pieces = []
    for j in range(points - 1):
        for i in range(points - 1):
            corners = [(x, y, values[y * points + x]) for x, y in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1))]
            if not all(math.isfinite(value) for _, _, value in corners):
                continue
            cuts = []
            for k in range(4):
                (ax, ay, a), (bx, by, b) = corners[k], corners[(k + 1) % 4]
                if (a < level) != (b < level):
                    t = (level - a) / (b - a)
                    cuts.append((ax + t * (bx - ax), ay + t * (by - ay)))
            pieces += [cuts[k : k + 2] for k in range(0, len(cuts) - 1, 2)]
    return pieces


def reach_cases() -> list[dict[str, float]]:
    """Half a cell or a tenth of the half width, whatever is more: equal for 11 points."""
    return [
        {
            "half_width": half_width,
            "points": points,
            "reach": half_width + max(0.1 * half_width, half_width / (points - 1)),
        }
        for half_width, points in ((0.1, 3), (0.1, 5), (2.0, 9), (0.1, 11), (0.1, 21), (0.5, 41), (0.1, 201))
    ]


def written() -> str:
    """The whole file; one line for each case's list of numbers."""
    parts = {
        "about": ABOUT.strip().splitlines(),
        "arrows": [arrows_of(each) for each in arrow_cases()],
        "levels": level_cases(),
        "reaches": reach_cases(),
    }
    return _text(parts, 0) + "\n"


def _text(value: Any, depth: int) -> str:
    if isinstance(value, float):
        return repr(float(f"{value:.12g}"))
    if not isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    members = [f"{json.dumps(name)}: " for name in value] if isinstance(value, dict) else [""] * len(value)
    parts = list(value.values()) if isinstance(value, dict) else value
    texts = [name + _text(part, depth + 1) for name, part in zip(members, parts, strict=True)]
    left, right = "{}" if isinstance(value, dict) else "[]"
    line = f"{left}{', '.join(texts)}{right}"
    if "\n" not in line and (len(line) < 118 - depth or all(isinstance(part, int | float) for part in parts)):
        return line
    inner = "\n" + " " * (depth + 1)
    return f"{left}{inner}{f',{inner}'.join(texts)}\n{' ' * depth}{right}"


if __name__ == "__main__":
    FIXTURE.write_text(written(), encoding="utf-8")
