"""A published site on a plain web host, below a directory, for tests in the browser."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@dataclass
class Host:
    """As much of `Server` as a visit needs."""

    url: str


@contextmanager
def hosted(directory: Path) -> Iterator[Any]:
    """What `python -m http.server` serves of a directory."""
    handler = functools.partial(_Quiet, directory=str(directory))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Host(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()
