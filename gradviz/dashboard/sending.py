"""Sends answers of the HTTP API: their format, ETag and caching; errors as JSON."""

import logging
from collections.abc import Callable, Mapping

from flask import Response, current_app, request
from flask.sansio.app import App
from werkzeug.exceptions import HTTPException, NotAcceptable

from gradviz.dashboard.overview import as_json, etag
from gradviz.errors import UserError

JSON = "application/json"
MEDIA_TYPES = {
    "json": JSON,
    "csv": "text/csv",
    "npz": "application/zip",
    "binary": "application/octet-stream",
    "html": "text/html",
    "gif": "image/gif",
    "webp": "image/webp",
    "mp4": "video/mp4",
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
    "png": "image/png",
}
"""By the name of a format; `binary` is `GradientField.to_bytes`."""

CHECK_AGAIN = "no-cache"  # kept, but revalidated: a checkpoint may change
FOR_EVER = "public, max-age=31536000, immutable"
METHODS = ("GET", "POST")
UNEXPECTED = "Internal error; see the server log."

_log = logging.getLogger(__name__)


def chosen_format(named: str, offered: tuple[str, ...]) -> str:
    """One of `offered`: the named one, else by the Accept header; 406 if that names none of them."""
    if named != "auto":
        return named
    if not request.accept_mimetypes:
        return offered[0]
    best = request.accept_mimetypes.best_match([MEDIA_TYPES[name] for name in offered])
    if best is None:
        types = ", ".join(MEDIA_TYPES[name] for name in offered)
        raise NotAcceptable(f"the Accept header names none of the formats of this address: {types}.")
    return next(name for name in offered if MEDIA_TYPES[name] == best)


def sent(
    content: Callable[[], bytes], mimetype: str, tag: str, *, kept: str = CHECK_AGAIN, headers: Mapping[str, str] = {}
) -> Response:
    """The answer; if the client has it, 304, without making it."""
    known = request.method == "GET" and request.if_none_match.contains_weak(tag)
    answer = Response(status=304) if known else Response(content(), mimetype=mimetype)
    answer.headers.update(headers)
    return tagged(answer, tag, kept)


def sent_json(value: object) -> Response:
    body = as_json(value)
    return sent(body.encode, JSON, etag(body))


def tagged(answer: Response, tag: str, kept: str = CHECK_AGAIN) -> Response:
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = kept
    return answer


def mistake(message: str, status: int) -> Response:
    """{"error": one line}, whatever the client's input."""
    line = "".join(character if character.isprintable() else " " for character in message)
    return Response(as_json({"error": line}), status=status, mimetype=JSON, headers={"Cache-Control": "no-store"})


def not_now(message: str, seconds: int = 1) -> Response:
    """503: retry the same request in about `seconds`."""
    answer = mistake(message, 503)
    answer.headers["Retry-After"] = str(seconds)
    return answer


def sentence_of(error: Exception) -> str:
    """The sentence for the reader of an answer that fails midway; logs the error unless it is the user's."""
    if isinstance(error, UserError):
        return str(error)
    _log.error("An answer failed after it had begun.", exc_info=error)
    return UNEXPECTED


def tell_mistakes(server: App, prefix: str, too_large: str, catch_all: str) -> None:
    """Answers every error with JSON; `catch_all` is the endpoint of unknown paths under `prefix`, the API's."""

    @server.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response | HTTPException:
        if error.code is None or error.code < 400:  # redirects are HTTPExceptions too
            return error
        allowed = allowed_methods(catch_all)
        if error.code == 405 and allowed:
            answer = mistake(f"Method {request.method} is not allowed; use {', '.join(allowed)}.", 405)
            answer.headers["Allow"] = ", ".join(allowed)
            return answer
        if error.code in (404, 405):
            in_api = (request.path + "/").startswith(prefix + "/")
            return mistake(
                f"{request.path[:80]} does not exist{f'; see {request.root_path}{prefix}/openapi.json' * in_api}.", 404
            )
        if error.code == 413:
            return mistake(too_large, 413)
        if error.code == 500:  # the traceback is in the server's log
            return mistake(UNEXPECTED, 500)
        return mistake(f"{error.name}: {error.description}", error.code or 400)


def allowed_methods(catch_all: str) -> list[str]:
    """The methods of this request's address; empty if the address is unknown."""
    adapter = current_app.create_url_adapter(request)
    assert adapter is not None
    allowed = []
    for method in METHODS:
        try:
            endpoint, _ = adapter.match(method=method)
        except HTTPException:
            continue
        if endpoint != catch_all:
            allowed += ["GET", "HEAD"] if method == "GET" else [method]
    return [*allowed, "OPTIONS"] if allowed else []
