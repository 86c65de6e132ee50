"""The reverse proxy with the shipped Caddyfile, before two stand-ins of the web server."""

import http.client
import json
import os
import shutil
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT, free_port, running

CONFIG = ROOT / "deploy" / "Caddyfile"
PAUSE = threading.Event()  # never set: between two looks at another process
pytestmark = pytest.mark.skipif(shutil.which("caddy") is None, reason="caddy is not installed: apt-get install caddy")


class StandIn(ThreadingHTTPServer):
    """Answers what it was asked, as JSON, and whether it is ready as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.ready = True
        threading.Thread(target=self.serve_forever).start()

    def end(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: StandIn

    def do_GET(self) -> None:
        ready = self.server.ready or self.path != "/readyz"
        told = {name.lower(): value for name, value in self.headers.items()} | {"port": self.server.server_port}
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write(json.dumps(told).encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def stand_in() -> Iterator[StandIn]:
    server = StandIn()
    try:
        yield server
    finally:
        server.end()


def get(port: int, path: str = "/", **headers: str) -> tuple[int, dict]:
    # Caddy signs a certificate for localhost itself; its trust is not what is looked at here.
    connection = http.client.HTTPSConnection("localhost", port, timeout=30, context=ssl._create_unverified_context())
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content) if content else {}
    except (ConnectionError, ssl.SSLError):
        return 0, {}
    finally:
        connection.close()


def test_the_proxy_serves_two_and_leaves_out_who_is_not_ready(tmp_path: Path):
    port = free_port()
    with stand_in() as one, stand_in() as two:
        environment = os.environ | {
            "GRADVIZ_SITE": f"https://localhost:{port}",
            "GRADVIZ_WEB": f"127.0.0.1:{one.server_port} 127.0.0.1:{two.server_port}",
            "HOME": str(tmp_path),
            "XDG_DATA_HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path),
        }
        # Port 80 would redirect to 443; a test has neither.
        config = tmp_path / "Caddyfile"
        config.write_text(
            CONFIG.read_text().replace("admin off", "admin off\n\tauto_https disable_redirects\n\tskip_install_trust")
        )
        command = ["caddy", "run", "--adapter", "caddyfile", "--config", str(config)]
        with running(command, env=environment, cwd=tmp_path):
            both = {one.server_port, two.server_port}
            seen: set[int] = set()
            while seen != both:
                status, told = get(port)
                seen |= {told["port"]} if status == 200 else set()
                PAUSE.wait(0.02)
            status, told = get(port, **{"X-Forwarded-For": "192.0.2.1", "X-Request-ID": "forged"})
            assert status == 200
            assert told["x-forwarded-for"] == "127.0.0.1"
            assert told["x-forwarded-proto"] == "https"
            assert len(told["x-request-id"]) == 36
            assert get(port, "/metrics")[0] == 404
            one.ready = False
            while {get(port)[1].get("port") for _ in range(6)} != {two.server_port}:
                PAUSE.wait(0.1)
            two.ready, one.ready = False, True
            while {get(port)[1].get("port") for _ in range(6)} != {one.server_port}:
                PAUSE.wait(0.1)
