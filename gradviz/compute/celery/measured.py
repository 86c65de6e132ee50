"""Logs and times each answer and each stretch of training or of paths of a worker, for its operators."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Histogram

from gradviz.logs import begin_request, request_facts

_log = logging.getLogger(__name__)
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0)


class Measured:
    """One for each process of a worker; they share their times in files of PROMETHEUS_MULTIPROC_DIR, if set."""

    def __init__(self) -> None:
        self.seconds = Histogram(
            "gradviz_task_seconds",
            "Seconds of one answer, or stretch of training or of paths.",
            ("kind",),
            buckets=_BUCKETS,
            registry=None,
        )

    @contextmanager
    def work(self, kind: str, key: str) -> Iterator[None]:
        """Within it all log lines carry `key`, like those of the server that asked."""
        begin_request(key=key)
        began = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - began
            self.seconds.labels(kind).observe(seconds)
            facts = {**request_facts(), "kind": kind, "seconds": round(seconds, 6)}
            _log.info("done", extra={"facts": facts})
