"""The HTML file around a report: plotly.js, the dashboard's drawing code and all numbers within it, nothing outside."""

import base64
import html
import json
import zlib
from collections.abc import Mapping

import plotly.graph_objects as go
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from gradviz.dashboard.assets import STANDALONE, assets_folder
from gradviz.dashboard.modules import assembled
from gradviz.dashboard.standalone import policy_of
from gradviz.drawing.browser import for_browser
from gradviz.drawing.frames import frame, stream
from gradviz.landscape import GradientField, LandscapeRequest

_REPORT = f"{STANDALONE}/report.js"
"""The module that it begins with; what it imports draws a landscape."""


def standalone_page(title: str, body: str, *, styles: str, blocks: Mapping[str, bytes]) -> str:
    """The HTML text: `body` is HTML, `styles` CSS; `blocks` are data by element id, deflated and in base64."""
    scripts = [get_plotlyjs(), assembled(assets_folder() / _REPORT)]
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en" data-mantine-color-scheme="light">',
        f'<head><meta charset="utf-8"><title>{html.escape(title)}</title>',
        f'<meta http-equiv="Content-Security-Policy" content="{html.escape(policy_of(scripts))}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<style>\n{styles}</style></head>",
        f"<body>\n{body}",
        *(_data(name, content) for name, content in blocks.items()),
        f'<script type="application/json" id="gv-look">{_json(for_browser())}</script>',
        *(f"<script>{each}</script>" for each in scripts),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def frames_block(request: LandscapeRequest, fields: Mapping[int, GradientField]) -> bytes:
    """The fields of many minibatches (or epochs) as the page's stream of frames: what they share, then each."""
    header: dict[str, object] = {"half_width": request.half_width, "x": request.x, "y": request.y}
    return b"".join(stream(header, (frame(index, field) for index, field in fields.items())))


def figure_block(figure: go.Figure) -> bytes:
    """A figure as JSON, its arrays in full: nothing in it depends on when it was made."""
    text = to_json_plotly(figure, engine="json")
    assert text is not None
    return text.encode()


def _data(name: str, content: bytes) -> str:
    packed = base64.b64encode(zlib.compress(content, level=9)).decode()
    return f'<script type="application/octet-stream" id="{html.escape(name)}">{packed}</script>'


def _json(value: object) -> str:
    # A JSON text may hold "</script>"; escaped so, it cannot end the element.
    return json.dumps(value, sort_keys=True).replace("<", "\\u003c")
