"""Refuses requests for names that are not ours, from other sites' pages, or with large bodies, before anything else.

Browsers name the requesting page's site in Sec-Fetch-Site (https://www.w3.org/TR/fetch-metadata/), older ones, and
those on plain HTTP from another machine, at least in Origin. Another site may only link here: otherwise its images,
scripts and forms could compute on this machine, and start or stop a training. Programs send neither header.
"""

from collections.abc import Iterable
from urllib.parse import urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Response

from gradviz.dashboard.query import MAX_BODY_BYTES
from gradviz.dashboard.sending import mistake
from gradviz.hosts import AllowedHosts, name_of

OPEN = ("/healthz", "/readyz")
"""For probes, which know neither a password nor our name; the answers reveal nothing about the runs."""

TOO_LARGE = f"The body is larger than {MAX_BODY_BYTES // 1024} kB: send a smaller request."

_SCHEME_PORTS = (":80", ":443")


class Door:
    """WSGI middleware in front of the whole server: Flask never sees the requests it refuses."""

    def __init__(self, server: WSGIApplication, allowed: AllowedHosts, *, is_framed: bool = False) -> None:
        self._server = server
        self._allowed = allowed
        self._destinations = ("document", "iframe", "frame") if is_framed else ("document",)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        refused = self._refusal(environ)
        return self._server(environ, start_response) if refused is None else refused(environ, start_response)

    def _refusal(self, environ: WSGIEnvironment) -> Response | None:
        is_open = environ.get("PATH_INFO") in OPEN
        host = environ.get("HTTP_HOST", "")
        name = name_of(host)
        if name is None and not (is_open and not host):
            return _said("The Host header is missing or invalid: send the name in this server's address.", 400)
        if not is_open and name is not None and not self._allowed.allow(name):
            return _said(
                f"This server does not answer to the name {name}: use its numeric address, or set "
                f"GRADVIZ_ALLOWED_HOSTS to {name}.",
                403,
            )
        if not is_open and self._is_foreign(environ):
            return _said("This request comes from another site's page: open the address directly.", 403)
        try:
            environ.get("QUERY_STRING", "").encode("latin-1").decode()
        except UnicodeError:  # Flask assumes UTF-8, and would fail
            return _said("The query of the address is not UTF-8: write special characters as %XX.", 400)
        length = environ.get("CONTENT_LENGTH") or "0"
        if not (length.isascii() and length.isdecimal()):
            return _said("The Content-Length is not a number: send the size of the body in bytes.", 400)
        if len(length) > 15 or int(length) > MAX_BODY_BYTES:
            return _said(TOO_LARGE, 413)
        return None

    def _is_foreign(self, environ: WSGIEnvironment) -> bool:
        site = environ.get("HTTP_SEC_FETCH_SITE")
        if site is not None:
            return site not in ("same-origin", "none") and not self._is_link(environ)
        origin = environ.get("HTTP_ORIGIN")
        if origin is None:
            return False
        try:
            place = urlsplit(origin).netloc.lower()
        except ValueError:
            return True
        if place and _without_default_port(place) == _without_default_port(environ["HTTP_HOST"].lower()):
            return False
        # A proxy may have changed the Host on the way.
        name = name_of(place)
        return name is None or not self._allowed.names_it(name)

    def _is_link(self, environ: WSGIEnvironment) -> bool:
        """Whether a person opens this address, or the page in a frame, which the policy allows to some pages alone.

        A prefetch looks the same, but no person chose it.
        """
        destination = environ.get("HTTP_SEC_FETCH_DEST")
        return (
            environ["REQUEST_METHOD"] in ("GET", "HEAD")
            and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
            and destination in self._destinations
            and (destination == "document" or environ.get("PATH_INFO") == "/")
            and "HTTP_SEC_PURPOSE" not in environ
        )


def _without_default_port(place: str) -> str:
    return next((place.removesuffix(port) for port in _SCHEME_PORTS if place.endswith(port)), place)


def _said(message: str, status: int) -> Response:
    answer = mistake(message, status)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer
