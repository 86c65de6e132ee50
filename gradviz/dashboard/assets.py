"""The page's scripts and styles, and how all of Dash's and ours reach a browser in four files.

Separate files would take about a hundred requests, each with a thread. This module joins Dash's in Dash's order, and
ours as modules, under addresses that depend on their content, so that browsers may keep them for ever.
"""

import gzip
import hashlib
import pkgutil
import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dash import Dash, dcc
from dash.fingerprint import check_fingerprint
from flask import Response, abort, request

import gradviz
from gradviz.dashboard.modules import assembled_in_two
from gradviz.dashboard.sending import FOR_EVER

STANDALONE = "standalone"
"""The folder of files that only stand-alone pages use."""

MAIN = "main.js"
"""The page's entry module."""

LESSONS = "lessons.js"
"""The entry module of what is loaded when a lesson is opened."""

BUNDLES = "/bundles/"

HERE = "./"
"""The page's own directory."""

_SCRIPT = re.compile(r'<script src="([^"]+)"></script>\n?')
_STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)">\n?')
_SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)
_SUITE = re.compile(r"/_dash-component-suites/([^/]+)/(.+)")
_PLOTLY = "_dash-component-suites/plotly/package_data/plotly.min.js"


def assets_folder() -> Path:
    """`assets/` of the repository, or the copy within an installed package."""
    package = Path(gradviz.__file__).parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


@dataclass(frozen=True)
class Bundle:
    """One file to send; `address` changes with its content."""

    address: str
    mimetype: str
    content: bytes
    packed: bytes

    @classmethod
    def of(cls, name: str, text: str) -> "Bundle":
        content = text.encode()
        stem, kind = name.split(".", 1)
        digest = hashlib.sha256(content).hexdigest()[:16]
        mimetype = {"js": "text/javascript", "css": "text/css"}[kind.removeprefix("min.")]
        return cls(f"{BUNDLES}{stem}.{digest}.{kind}", mimetype, content, gzip.compress(content, 9, mtime=0))

    def answer(self) -> Response:
        answer = Response(self.content, mimetype=self.mimetype)
        if "gzip" in request.accept_encodings:
            answer.set_data(self.packed)
            answer.headers["Content-Encoding"] = "gzip"
        answer.headers["Cache-Control"] = FOR_EVER
        answer.vary.add("Accept-Encoding")
        return answer


class BundledDash(Dash):
    """Dash whose page loads its scripts and styles as bundles: the renderer with all components, plotly.js, and ours.

    It makes them at the first visit; changes on disk appear after a restart of the server.
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._bundles: dict[str, Bundle] = {}  # by name
        self._bundling, self._setting_up = threading.Lock(), threading.RLock()
        self.server.add_url_rule(f"{BUNDLES}<file>", "bundles", self._serve)

    def _setup_server(self) -> None:
        # At the first request Dash lists the assets; it lets a second one, at the same time, go on without them.
        with self._setting_up:
            super()._setup_server()

    def bundle(self, name: str) -> Bundle:
        """One of the bundles: plotly.min.js, dash_renderer.js, page.js or page.css."""
        if not self._bundles:
            self.index()
        return self._bundles[name]

    def interpolate_index(self, scripts: str = "", css: str = "", favicon: str = "", **parts: str) -> str:
        with self._bundling:
            if not self._bundles:
                self._bundles = _put_together(_SCRIPT.findall(scripts), _STYLE.findall(css))
        address = {name: _relative(bundle.address) for name, bundle in self._bundles.items()}
        inline = _SCRIPT.sub("", scripts)
        return super().interpolate_index(
            scripts="".join(f'<script src="{address[name]}"></script>\n' for name in ("dash_renderer.js", "page.js"))
            + inline,
            css=f'<link rel="stylesheet" href="{address["page.css"]}">',
            favicon=favicon.replace('href="/', 'href="'),
            **parts,
        )

    def _config(self) -> dict[str, Any]:
        """The page asks by addresses relative to its own, whatever stands before them."""
        return super()._config() | {"requests_pathname_prefix": HERE}

    def _serve(self, file: str) -> Response:
        if not self._bundles:
            self.index()  # another process of this server has sent the page
        bundle = next((each for each in self._bundles.values() if each.address == BUNDLES + file), None)
        return abort(404) if bundle is None else bundle.answer()


def _put_together(scripts: list[str], styles: list[str]) -> dict[str, Bundle]:
    """The bundles by name, from the addresses that Dash gives, in its order."""
    plotly = Bundle.of("plotly.min.js", _text_of(f"/{_PLOTLY}"))
    # The parts that Dash would load for the first graph, and where from.
    graph = (Path(dcc.__file__).parent / "async-graph.js").read_text(encoding="utf-8")
    libraries = [_text_of(address) for address in scripts if not _is_ours(address)] + [graph]
    bundled = _relative(plotly.address)
    renderer = _joined(libraries).replace(_PLOTLY, bundled)
    page, lessons = assembled_in_two(assets_folder() / MAIN, assets_folder() / LESSONS)
    later = Bundle.of(LESSONS, lessons)
    page = page.replace(_PLOTLY, bundled).replace(f"bundles/{LESSONS}", later.address.removeprefix("/"))
    return {
        "plotly.min.js": plotly,
        "dash_renderer.js": Bundle.of("dash_renderer.js", renderer),
        "page.js": Bundle.of("page.js", page),
        LESSONS: later,
        "page.css": Bundle.of("page.css", "\n".join(map(_text_of, styles))),
    }


def _relative(address: str) -> str:
    return address.removeprefix("/")


def _is_ours(address: str) -> bool:
    return address.startswith("/assets/")


def _text_of(address: str) -> str:
    path = address.partition("?")[0]
    if _is_ours(path):
        return (assets_folder() / path.removeprefix("/assets/")).read_text(encoding="utf-8")
    suite = _SUITE.fullmatch(path)
    content = pkgutil.get_data(suite[1], check_fingerprint(suite[2])[0]) if suite else None
    assert content is not None, f"Dash names {address}, which is not one of its files."
    return content.decode()


def _joined(texts: Iterable[str]) -> str:
    """Joined like separate scripts: a "use strict" at the start of the first would otherwise apply to all."""
    return ";" + "\n;".join(_SOURCE_MAP.sub("", text) for text in texts)
