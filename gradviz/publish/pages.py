"""The page of a site: its document, Dash's answers to it, and its scripts, each compressed and allowed by its hash."""

import gzip
import html
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dash import Dash
from plotly.utils import PlotlyJSONEncoder

import gradviz
from gradviz.dashboard.assets import LESSONS, BundledDash, assets_folder
from gradviz.dashboard.modules import assembled
from gradviz.dashboard.permalink import View
from gradviz.dashboard.standalone import hash_of
from gradviz.dashboard.viewfields import FIELDS
from gradviz.publish.choices import Choices, Pair, RunHeld
from gradviz.publish.extras import Extras
from gradviz.publish.greying import layout_of, views_in

BOOT = "site/boot.js"
_CONFIG = re.compile(r'<script id="_dash-config" type="application/json">(.*?)</script>', re.DOTALL)
_UNTOLD = {"python_version": "", "dash_version_url": "", "end_id": "", "plotly_cloud_installed": False}
"""What Dash tells its page of the machine that made it, and of its own addresses."""
_SCRIPTS = {"renderer": "dash_renderer.js", "page": "page.js", "plotly": "plotly.min.js"}
_INIT = "var renderer = new DashRenderer();"


def packed(content: bytes) -> bytes:
    """As every file of a site is stored: the same content gives the same bytes."""
    return gzip.compress(content, 9, mtime=0)


class Pages:
    """The page's own files, from the app that answers for the site."""

    def __init__(self, app: Dash, title: str) -> None:
        assert isinstance(app, BundledDash)
        self._client = app.server.test_client()
        first = self._client.get("/").get_data(as_text=True)
        found = _CONFIG.search(first)
        assert found is not None, "Dash's page has no configuration."
        self._config = json.loads(found[1]) | _UNTOLD
        self._title = title
        bundles = {name: app.bundle(file) for name, file in _SCRIPTS.items()}
        self.scripts = {name: bundle.packed for name, bundle in bundles.items()}
        """Compressed, by the names under which `assets/site/boot.js` asks for them."""
        self._allowed = [hash_of(bundle.content.decode()) for bundle in bundles.values()] + [hash_of(_INIT)]
        self._css = app.bundle("page.css").content
        self._later = app.bundle(LESSONS)

    def plain(self) -> dict[str, bytes]:
        """The files that a browser asks for itself."""
        return {
            "index.html": self._document().encode(),
            "site.js": assembled(assets_folder() / BOOT).encode(),
            "page.css": self._css,
            self._later.address.removeprefix("/"): self._later.content,
            "favicon.ico": (assets_folder() / "favicon.ico").read_bytes(),
        }

    def _document(self) -> str:
        policy = "; ".join(
            [
                "default-src 'none'",
                f"script-src 'self' {' '.join(self._allowed)}",
                "style-src 'self' 'unsafe-inline'",  # Mantine and plotly.js write style attributes and elements
                "img-src 'self' data: blob:",
                "connect-src 'self'",
                "base-uri 'none'",
                "form-action 'none'",
            ]
        )
        config = json.dumps(self._config).replace("</", "<\\/")
        title = html.escape(self._title)
        return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<meta name="generator" content="gradviz {gradviz.__version__}">
<title>{title}</title>
<link rel="icon" href="favicon.ico">
<link rel="stylesheet" href="page.css">
<script defer src="site.js"></script>
</head>
<body>
<div id="react-entry-point"><div class="_dash-loading">Loading…</div></div>
<noscript>This page draws with JavaScript.</noscript>
<script id="_dash-config" type="application/json">{config}</script>
</body>
</html>
"""

    def start(
        self,
        choices: Choices,
        runs: Sequence[RunHeld],
        pairs: Mapping[str, Sequence[Pair]],
        answers: Mapping[str, Any],
        first: Mapping[str, Any],
        index: Mapping[str, str],
        extras: Extras,
    ) -> bytes:
        """What the page begins with, as `assets/site/answers.js` reads it."""
        layout, lacks = layout_of(choices, runs, extras)
        fields = [{"name": name, "key": field.key} for name, field in FIELDS.items()]
        properties = View.model_json_schema()["properties"]
        properties["minibatch_size"]["default"] = choices.minibatch_size  # of an address that names none
        told = {
            "layout": layout,
            "dependencies": json.loads(self._client.get("/_dash-dependencies").get_data()),
            "answers": answers,
            "index": index,
            "first": first,
            "view": {"fields": fields, "properties": properties},
            "site": {
                "pairs": pairs,
                "modes": choices.modes,
                "masks": choices.masks,
                "views": views_in(choices),
                "lacks": lacks,
            },
        }
        return json.dumps(told, cls=PlotlyJSONEncoder, separators=(",", ":")).encode()
