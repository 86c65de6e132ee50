"""Gives each request an id, a log line once its answer is sent, and a time in the metrics."""

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, request

from gradviz.dashboard.metrics import Metrics
from gradviz.logs import begin_request, request_facts

HEADER = "X-Request-ID"
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_ROUTE = "gradviz.route"
_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})
_MAX_PATH = 512
_log = logging.getLogger(__name__)


def tell_routes(server: Flask) -> None:
    """Counts figures by route; all addresses and methods that a client invents share one name."""

    @server.before_request
    def tell() -> None:
        if request.url_rule is not None:
            request.environ[_ROUTE] = request.url_rule.rule


class Watch:
    """The outermost WSGI middleware, which sees refused and failed requests too. It keeps the id that a proxy gave."""

    def __init__(self, server: WSGIApplication, metrics: Metrics) -> None:
        self._server = server
        self._metrics = metrics

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        began = time.perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _ACCEPTED_ID.fullmatch(given) else uuid.uuid4().hex
        begin_request(request=request_id)
        method = environ["REQUEST_METHOD"]
        facts: dict[str, Any] = {
            "method": method if method in _METHODS else "other",
            "path": quote(environ.get("PATH_INFO", "").encode("latin-1", "replace"))[:_MAX_PATH],
            "status": 500,
            "client": environ.get("REMOTE_ADDR"),
        }
        self._metrics.under_way.inc()

        def start(
            status: str,
            headers: list[tuple[str, str]],
            failure: tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None] | None = None,
        ) -> Any:
            facts["status"] = int(status[:3])
            return start_response(status, [*headers, (HEADER, request_id)], failure)

        # A stream continues after this call: its time ends with its last byte, or when the client leaves.
        def end() -> None:
            seconds = time.perf_counter() - began
            self._metrics.under_way.dec()
            route = environ.get(_ROUTE, "unknown")
            self._metrics.seconds.labels(facts["method"], route, str(facts["status"])).observe(seconds)
            _log.info("answered", extra={"facts": {**facts, "seconds": round(seconds, 6), **request_facts()}})

        try:
            answer = self._server(environ, start)
        except BaseException:
            end()
            raise
        return _Watched(answer, end)


class _Watched:
    """An answer that reports its end exactly once, whatever happens before."""

    def __init__(self, answer: Iterable[bytes], end: Callable[[], None]) -> None:
        self._answer = answer
        self._end: Callable[[], None] | None = end

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        end, self._end = self._end, None
        try:
            if hasattr(self._answer, "close"):
                self._answer.close()  # pyright: ignore[reportAttributeAccessIssue]  (WSGI: optional)
        finally:
            if end is not None:
                end()
