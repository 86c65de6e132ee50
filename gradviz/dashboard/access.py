"""Each request is given an id, a line in the log when its answer has been sent, and its time in the metrics."""

import logging
import re
import time
import uuid
from urllib.parse import quote

from flask import Flask, Response, g, request

from gradviz.dashboard.metrics import Metrics
from gradviz.logs import begin_request, request_facts

HEADER = "X-Request-ID"
_ACCEPTED_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger(__name__)


def watch_requests(server: Flask, metrics: Metrics) -> None:
    """Call first: what is refused later is seen too. An id that a proxy has given is kept."""

    @server.before_request
    def begin() -> None:
        g.began = time.perf_counter()
        given = request.headers.get(HEADER, "")
        g.request_id = given if _ACCEPTED_ID.fullmatch(given) else uuid.uuid4().hex
        begin_request(request=g.request_id)
        metrics.under_way.inc()

    @server.after_request
    def end_when_sent(answer: Response) -> Response:
        began: float = g.began
        answer.headers[HEADER] = g.request_id
        facts = {
            "method": request.method,
            "path": quote(request.path),
            "status": answer.status_code,
            "client": request.remote_addr,
        }
        route = request.url_rule.rule if request.url_rule else "unknown"

        # A stream goes on after this function: its time ends with its last byte, or with a client that has left.
        @answer.call_on_close
        def end() -> None:
            seconds = time.perf_counter() - began
            metrics.under_way.dec()
            metrics.seconds.labels(facts["method"], route, str(facts["status"])).observe(seconds)
            _log.info("answered", extra={"facts": {**facts, "seconds": round(seconds, 6), **request_facts()}})

        return answer
