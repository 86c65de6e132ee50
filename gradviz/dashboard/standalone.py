"""Makes a view with its slider into one stand-alone HTML file: the dashboard's drawing code, plotly.js and the numbers.

It needs neither server nor network: its policy forbids loading anything, and running any script but its own.
"""

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Literal

from plotly.offline import get_plotlyjs

import gradviz
from gradviz.dashboard.assets import STANDALONE, assets_folder
from gradviz.dashboard.modules import assembled
from gradviz.dashboard.permalink import Overlay
from gradviz.drawing import frames
from gradviz.drawing.browser import for_browser
from gradviz.drawing.camera import FIRST
from gradviz.drawing.choices import Direction, Length, Scheme, Under
from gradviz.drawing.grid import MOST_LARGE
from gradviz.drawing.marks import InPlane
from gradviz.drawing.probe import Paths
from gradviz.landscape.field import GradientField, ZeroReason, zero_message
from gradviz.landscape.request import LandscapeRequest
from gradviz.landscape.statistics.sampling import Sampling

Over = Literal["epochs", "minibatches"]

_VIEW = f"{STANDALONE}/view.js"
"""The entry module; nothing that it imports knows of a server."""

FRAME_BYTES = 4 / 3 * 240
"""Approximate base64 bytes of a frame beside its numbers."""

POINT_BYTES = 4 / 3 * 14
"""Base64 bytes of a point: three float32 and two marks."""


MARK_BYTES = 85
"""Approximate bytes of a checkpoint, or of a gradient, that lies in a plane along directions."""


@dataclass(frozen=True)
class Stack:
    """One picture at several epochs (or minibatches): `frames` by that index, `request` of any one of them.

    `label` names the run for people, `colour` is that of its curves; `draws_masks`: the fields depend on masks;
    `tensors`: layer, label and kind of the two parameters' tensors; `layers`: what is told of their layers.
    `path`: the two parameters' values by epoch; `spreads`: by epoch, the centres of the fields of all minibatches;
    `samplings`: by epoch, how other minibatches would turn the arrow, or why that is not known; `planes`: by index as
    the frames, what lies in a plane along directions; `probes`: the same, the paths from a point.
    """

    request: LandscapeRequest
    frames: Mapping[int, GradientField]
    path: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    spreads: Mapping[int, Sequence[GradientField]] = field(default_factory=dict)
    samplings: Mapping[int, tuple[Sampling | None, str | None]] = field(default_factory=dict)
    planes: Mapping[int, InPlane] = field(default_factory=dict)
    probes: Mapping[int, Paths] = field(default_factory=dict)
    label: str = ""
    colour: str = ""
    draws_masks: bool = False
    tensors: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    layers: Sequence[Mapping[str, object]] = ()


@dataclass(frozen=True)
class ViewLook:
    """How to draw the pictures, as on the dashboard: `share_scale` uses one scale for all, as Compare does; `range`
    sets whether colours compare sizes over all frames or within each; `overlays` are those that the stacks have; with
    `minus`, all other pictures show their difference from the picture at that index."""

    scheme: Scheme = "light"
    under: Under = "heat"
    camera: str = f"{FIRST}"
    length: Length = "compressed"
    direction: Direction = "ascent"
    range: Literal["epochs", "frame"] = "epochs"
    share_scale: bool = False
    overlays: tuple[Overlay, ...] = ()
    minus: int | None = None


def interactive_html(
    stacks: Sequence[Stack],
    *,
    over: Over = "epochs",
    first: int | None = None,
    look: ViewLook = ViewLook(),
    notes: Sequence[str] = (),
) -> bytes:
    """The file, with the exact numbers; `first` is the index shown when it opens, the last one if None; `notes` are
    sentences below the pictures."""
    indices = sorted(stacks[0].frames)
    compared = len({stack.request.run for stack in stacks}) > 1
    told = {
        "look": for_browser(),
        "zero_messages": [zero_message(reason) for reason in ZeroReason],
        "tensors": {name: tensor for stack in stacks for name, tensor in stack.tensors.items()},
        "layers": list({layer["value"]: layer for stack in stacks for layer in stack.layers}.values()),
        "over": over,
        "first": indices[-1] if first is None else first,
        "view": {
            "view": "compare" if look.share_scale or compared else "explore",
            "scales": "locked" if look.share_scale else "free",
            "direction": look.direction,
            "under": look.under,
            "camera": None if look.camera == f"{FIRST}" else look.camera,
            "length": look.length,
            "range": look.range,
            "show": list(look.overlays),
        },
        "minus": look.minus,
        "is_grid": len(stacks) > MOST_LARGE,
        "panels": [
            {
                "request": stack.request.model_dump(),
                "label": stack.label or stack.request.run,
                "colour": stack.colour,
                "draws_masks": stack.draws_masks,
                "frames": [_text_of(index, stack.frames[index]) for index in sorted(stack.frames)],
                "path": [{"index": epoch, "x": x, "y": y} for epoch, (x, y) in sorted(stack.path.items())],
                "spreads": {
                    epoch: [_text_of(number, centre) for number, centre in enumerate(centres)]
                    for epoch, centres in stack.spreads.items()
                },
                "samplings": {
                    epoch: {"sampling": sampling and asdict(sampling), "reason": reason}
                    for epoch, (sampling, reason) in stack.samplings.items()
                },
                "probes": {index: told.for_browser() for index, told in stack.probes.items()},
                "planes": {index: told.for_browser() for index, told in stack.planes.items()},
            }
            for stack in stacks
        ],
    }
    title = _title(stacks, over, look.minus)
    return _page(json.dumps(told, separators=(",", ":")), look.scheme, title, notes, has_plotly=not told["is_grid"])


def expected_bytes(points: Sequence[int], num_frames: int, num_centres: int = 0, num_marks: int = 0) -> int:
    """Size of the file, to within a few percent; `points` of each picture's grid."""
    return (
        shell_bytes(is_grid=len(points) > MOST_LARGE)
        + num_frames * sum(frame_bytes(each) for each in points)
        + num_centres * frame_bytes(1)
        + num_marks * MARK_BYTES
    )


@cache
def shell_bytes(*, is_grid: bool = False) -> int:
    """Size of the file without any frame: most of it is plotly.js, which small pictures (`is_grid`) do without."""
    return len(_page(json.dumps(for_browser()), "light", "", (), has_plotly=not is_grid))


def frame_bytes(points: int) -> int:
    """Approximate size of one frame of one picture, in base64."""
    return round(FRAME_BYTES + POINT_BYTES * points**2)


def _text_of(index: int, shown: GradientField) -> str:
    return base64.b64encode(frames.frame(index, shown)).decode()


def _title(stacks: Sequence[Stack], over: Over, minus: int | None) -> str:
    request = stacks[0].request
    indices = sorted(stacks[0].frames)
    runs = list(dict.fromkeys(stack.request.run for stack in stacks))
    variants = ", ".join(runs) if len(runs) <= MOST_LARGE else f"{len(runs)} runs"
    fixed = request.minibatch_words if over == "epochs" else f"epoch {request.epoch}"
    subtracted = "" if minus is None else f", minus {stacks[minus].request.run}"
    return f"Gradient landscapes over {over} {indices[0]}–{indices[-1]}: {variants}{subtracted}, {fixed}"


def _page(told: str, scheme: Scheme, title: str, notes: Sequence[str], *, has_plotly: bool) -> bytes:
    scripts, policy = _scripts_and_policy(has_plotly)
    inert = told.replace("</", "<\\/")  # "</" would end the element, even within a string
    styles = [
        (assets_folder() / name).read_text(encoding="utf-8")
        for name in ("gradviz.css", "minibatches.css", "probe.css", f"{STANDALONE}/standalone.css")
    ]
    before = [
        f'<!doctype html>\n<html lang="en" data-mantine-color-scheme="{scheme}">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f'<meta name="generator" content="gradviz {gradviz.__version__}">',
        f"<title>{html.escape(title)}</title>",
        *(f"<style>\n{style}</style>" for style in styles),
        f"</head>\n<body>\n<main>\n<h1>{html.escape(title)}</h1>",
        '<div class="gv-panels" id="panels"></div>\n<div id="scale" class="gv-scale"></div>',
        '<div id="scrubber" class="gv-scrubber"></div>',
        *(f'<p class="gv-sub">{html.escape(note)}</p>' for note in notes),
        "</main>",
        f'<script type="application/json" id="told">{inert}</script>',
    ]
    return b"\n".join(["\n".join(before).encode(), scripts, b"</body>\n</html>\n"])


@cache
def _scripts_and_policy(has_plotly: bool) -> tuple[bytes, str]:
    """The elements of the scripts, most of the file, and the policy that allows them."""
    scripts = [*([get_plotlyjs()] if has_plotly else []), assembled(assets_folder() / _VIEW)]
    return "\n".join(f"<script>{script}</script>" for script in scripts).encode(), policy_of(scripts)


def policy_of(scripts: Sequence[str]) -> str:
    """The policy of a stand-alone page: it loads nothing, and runs only these scripts."""
    return "; ".join(
        [
            "default-src 'none'",
            "style-src 'unsafe-inline'",  # plotly.js writes style attributes and elements
            "img-src data: blob:",
            f"script-src {' '.join(hash_of(script) for script in scripts)}",
        ]
    )


def hash_of(script: str) -> str:
    """The source of a policy that allows a script by its content."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
