"""A field as a small still picture within a document: a figure of HTML with an SVG, without scripts or style sheets.

It is what a notebook shows of a field.
"""

from html import escape

import numpy as np

from gradviz.drawing import labels
from gradviz.drawing.arrows import Arrows, arrows_of
from gradviz.drawing.inks import FONT, PALETTES, Palette, Stops
from gradviz.drawing.plot import cell_of, field_reach
from gradviz.drawing.scale import Scale
from gradviz.landscape import GradientField
from gradviz.landscape.request import LandscapeSpec
from gradviz.numbers import number, percent, signed

# Shape suffixes: A = arrows, Z = points whose arrow is zero, 2 = (x, y).

_SIDE, _LEFT, _TOP, _BELOW, _RIGHT = 340, 62, 10, 44, 96
"""Pixels: of the plane, and around it."""
_MOST_ARROWS = 31  # in a row: of a finer grid some are left out
_SHADES = 16
_HEAD, _HEAD_ANGLE = 4.5, np.pi / 12  # as on the page
_HEAD_SHARE = 0.7


def field_html(field: GradientField) -> str:
    """The figure: arrows by the strength of their colour, circles where they are zero, and under what conditions."""
    palette = PALETTES["light"]
    scale = Scale.of([field])
    every = -(-len(field.x) // _MOST_ARROWS)
    arrows = arrows_of(field, scale, every=every)
    middle = f"{_SIDE / 2:g}"
    pixels = _SIDE / (2 * field_reach(field, every))  # for 1 of the axes
    parts = [
        f'<rect width="{_SIDE}" height="{_SIDE}" fill="none" stroke="{palette.grid}"/>',
        *_drawn(arrows, scale, pixels * cell_of(field), palette),
        f'<circle cx="{middle}" cy="{middle}" r="7" fill="none" stroke="{palette.centre}" stroke-width="1.6"/>',
        *_axes(field, pixels, palette),
        *(_bar(scale, field, palette) if arrows.point_A.size else []),
    ]
    words = words_of(field)
    told = "<br>".join(map(escape, words))
    width, height = _LEFT + _SIDE + _RIGHT, _TOP + _SIDE + _BELOW
    return (
        f'<figure style="margin:0;width:{width}px;max-width:100%;background:{palette.paper};color:{palette.ink};'
        f'font:12px {escape(FONT)}">'
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'style="max-width:100%;height:auto;display:block" font-size="11" role="img" aria-label="{escape(words[0])}">'
        f'<g transform="translate({_LEFT} {_TOP})" fill="{palette.faint}">{"".join(parts)}</g></svg>'
        f'<figcaption style="padding:0 8px 8px;line-height:1.45">{told}</figcaption></figure>'
    )


def words_of(field: GradientField) -> list[str]:
    """What the field is of, under which conditions, and why arrows are zero, a sentence or line each."""
    x, y = _names(field.spec)
    across, up = len(field.x), len(field.y)
    rows = f"{field.num_rows} rows" if field.num_rows != 1 else "1 row"
    words = [f"The gradient of {rows} at {across} × {up} values of {x} and {y}."]
    told = [] if np.isnan(field.share_below) else [f"{percent(field.share_below)} of the rows below target"]
    told += [*_mode(field), f"half width {number(float(field.x[-1] - field.x[0]) / 2)}"]
    told += [] if field.method == "engine" else [f"by {field.method}"]
    words.append(" · ".join(told))
    sentences = labels.sentences_of(field)
    num_zeros = int(field.is_zero.sum())
    if num_zeros and not field.is_zero.all():
        sentences.append(f"○ {labels.zeros_name(num_zeros, field.is_zero.size)}")
    words += [sentence.rstrip(".") + "." for sentence in sentences]
    why = labels.why_all_zero(field)
    return [*words, f"○ {why}"] if why else words


def _names(spec: LandscapeSpec | None) -> tuple[str, str]:
    return ("x", "y") if spec is None else (spec.x, spec.y)


def _mode(field: GradientField) -> list[str]:
    if field.spec is None:
        return []
    sets = f"{field.spec.num_masks} sets, " if field.spec.masks == "averaged" else ""
    masks = f", {field.spec.masks} masks ({sets}seed {field.spec.seed})" if field.draws_masks else ""
    return [f"{field.spec.mode} mode{masks}"]


def _drawn(arrows: Arrows, scale: Scale, cell: float, palette: Palette) -> list[str]:
    """One path for each colour, and one for all circles; `cell` in pixels."""
    shade_A = np.round(scale.positions(10**arrows.strength_A) * (_SHADES - 1)).astype(int)
    tail_A2, tip_A2 = (_SIDE / 2 + cell * ends_A2 * (1, -1) for ends_A2 in (arrows.tail_A2, arrows.tip_A2))
    paths = []
    for shade in np.unique(shade_A):
        ends = zip(tail_A2[shade_A == shade], tip_A2[shade_A == shade], strict=True)
        drawn = "".join(_arrow(tail_2, tip_2) for tail_2, tip_2 in ends)
        paths.append(f'<path d="{drawn}" fill="none" stroke="{_colour(palette.arrows, shade / (_SHADES - 1))}"/>')
    if arrows.zero_Z.size:
        ring_Z2 = _SIDE / 2 + cell * arrows.ring_Z2 * (1, -1)
        rings = "".join(f"M{x + 2:.1f} {y:.1f}a2 2 0 1 0-4 0a2 2 0 1 0 4 0" for x, y in ring_Z2)
        paths.append(f'<path d="{rings}" fill="none" stroke="{palette.zero}"/>')
    return paths


def _arrow(tail_2: np.ndarray, tip_2: np.ndarray) -> str:
    (x0, y0), (x1, y1) = tail_2, tip_2
    angle = np.arctan2(y1 - y0, x1 - x0)
    head = min(_HEAD, _HEAD_SHARE * float(np.hypot(x1 - x0, y1 - y0)))
    barbs = (
        f"{x1 - head * np.cos(angle + turn):.1f} {y1 - head * np.sin(angle + turn):.1f}"
        for turn in (-_HEAD_ANGLE, _HEAD_ANGLE)
    )
    tip = f"{x1:.1f} {y1:.1f}"
    return f"M{x0:.1f} {y0:.1f}L{tip}M" + f"L{tip}L".join(barbs)


def _colour(stops: Stops, share: float) -> str:
    places = [place for place, _ in stops]
    channels = np.array([[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for _, colour in stops])
    mixed = (round(float(np.interp(share, places, channel))) for channel in channels.T)
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _axes(field: GradientField, pixels: float, palette: Palette) -> list[str]:
    parts = []
    for name, values, is_up in zip(_names(field.spec), (field.x, field.y), (False, True), strict=True):
        half = float(values[-1] - values[0]) / 2
        for offset in (-half, 0.0, half):
            at = _SIDE / 2 + (-pixels if is_up else pixels) * offset
            text = signed(f"{offset:.3g}")
            place = (
                f'x="-6" y="{at + 4:.1f}" text-anchor="end"'
                if is_up
                else f'x="{at:.1f}" y="{_SIDE + 14}" text-anchor="middle"'
            )
            parts.append(f"<text {place}>{text}</text>")
        label = escape(labels.axis_name(name, float(values[len(values) // 2])))
        turned = (
            f'transform="translate(-48 {_SIDE / 2:g}) rotate(-90)"' if is_up else f'x="{_SIDE / 2:g}" y="{_SIDE + 34}"'
        )
        parts.append(f'<text {turned} text-anchor="middle" fill="{palette.ink}">{label}</text>')
    return parts


def _bar(scale: Scale, field: GradientField, palette: Palette) -> list[str]:
    """The colours of the arrows: what their ends are, and in which unit."""
    left, width, step = _SIDE + 18, 10, _SIDE / _SHADES
    parts = [
        f'<rect x="{left}" y="{_SIDE - (shade + 1) * step:.2f}" width="{width}" height="{step + 0.5:.2f}" '
        f'fill="{_colour(palette.arrows, shade / (_SHADES - 1))}"/>'
        for shade in range(_SHADES)
    ]
    ends = ((scale.low, _SIDE), (scale.high, 10))
    parts += [f'<text x="{left + width + 5}" y="{at}">{signed(f"{value:.2g}")}</text>' for value, at in ends]
    unit = f"loss {labels.per_unit(has_directions=field.plane is not None)}"
    name = escape(f"{labels.strength_name()}   ({unit})")
    place = f'transform="translate({left + width + 44} {_SIDE / 2:g}) rotate(-90)"'
    return [*parts, f'<text {place} text-anchor="middle" fill="{palette.ink}">{name}</text>']
