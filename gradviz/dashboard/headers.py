"""Headers of every answer: what the page may load and how long to keep it; compresses large answers only once."""

import gzip
import hashlib
from collections.abc import Sequence

from dash import Dash
from flask import Response, request

from gradviz.dashboard.kept import Kept

_COMPRESSIBLE = ("text/", "application/javascript", "application/json", "image/svg+xml")
_SMALLEST_BYTES = 1024
_KEPT_FROM_BYTES = 50_000
_HASTE_FROM_BYTES = 1_000_000  # numbers: the last tenth of their size would take ten times as long


_NOBODY = "'none'"


def set_headers(app: Dash, *, private: bool, ancestors: Sequence[str] | None = ()) -> None:
    """Call this last: it takes the hashes of Dash's inline scripts. `private`: only browsers may keep answers;
    `ancestors`: the pages, in the terms of the policy, that may show this one in a frame; None: any, also of editors,
    where a secret address keeps others out."""
    policy = "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' {' '.join(app.csp_hashes())}",
            "style-src 'self' 'unsafe-inline'",  # Mantine and plotly.js write style attributes and elements
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            *([] if ancestors is None else [f"frame-ancestors {' '.join(ancestors) or _NOBODY}"]),
        ]
    )
    compressed = _Compressed()

    @app.server.after_request
    def add_headers(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = policy
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "same-origin"
        answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if request.path.startswith("/assets/") and "m" in request.args and answer.status_code in (200, 304):
            # Dash puts the file's time into the address, so a changed file has a new address.
            answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        if answer.is_streamed and not answer.direct_passthrough:
            answer.headers["X-Accel-Buffering"] = "no"  # otherwise nginx buffers the progress
        if private or "Authorization" in request.headers:
            _keep_private(answer)
        return compressed.apply(answer)


def _keep_private(answer: Response) -> None:
    kept = answer.cache_control
    if not kept.no_store:
        kept.public = False
        kept.private = True


class _Compressed:
    """Compresses with gzip; keeps larger answers by their content, because many clients request the same."""

    def __init__(self) -> None:
        self._kept = Kept()

    def apply(self, answer: Response) -> Response:
        if not _can_be_compressed(answer):
            return answer
        answer.direct_passthrough = False
        content = answer.get_data()
        if len(content) < _SMALLEST_BYTES:
            return answer
        answer.set_data(self._gzip(content) if len(content) > _KEPT_FROM_BYTES else gzip.compress(content, 6))
        answer.headers["Content-Encoding"] = "gzip"
        answer.vary.add("Accept-Encoding")
        return answer

    def _gzip(self, content: bytes) -> bytes:
        level = 1 if len(content) > _HASTE_FROM_BYTES else 9
        key = hashlib.blake2b(content, digest_size=16).digest()
        return self._kept.get(key, lambda: gzip.compress(content, level))


def _can_be_compressed(answer: Response) -> bool:
    return (
        answer.status_code == 200
        and request.method == "GET"
        and (answer.mimetype or "").startswith(_COMPRESSIBLE)
        and "gzip" in request.accept_encodings
        and "Content-Encoding" not in answer.headers
    )
