"""`gradviz serve` as operators run it: several processes behind a password, figures of all of them, a calm end."""

import base64
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gradviz.commands.listening import is_loopback
from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.drawing.frames import frame
from gradviz.experiment.store import RunStore
from gradviz.landscape.request import LandscapeRequest

PASSWORD = "correct horse battery"
WORKERS = 2
X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"
FRAMES = f"/api/v1/frames?variant=none&epoch=0&x={X}&y={Y}"


@dataclass
class Log:
    """The lines of a server's stderr as they come."""

    lines: list[str]
    came: threading.Condition

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until so many lines have `text`; the time limit of the test ends it if they never come."""
        with self.came:
            self.came.wait_for(lambda: sum(text in line for line in self.lines) >= times)

    def parsed(self) -> list[dict]:
        with self.came:
            return [json.loads(line) for line in self.lines]


@dataclass
class Running:
    process: subprocess.Popen[str]
    port: int
    log: Log

    def open(self, path: str, password: str | None = PASSWORD) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        token = base64.b64encode(f"me:{password}".encode()).decode()
        secret = {} if password is None else {"Authorization": f"Basic {token}"}
        connection.request("GET", path, headers={"Connection": "close", **secret})
        return connection.getresponse()

    def get(self, path: str, password: str | None = PASSWORD) -> tuple[int, str]:
        answer = self.open(path, password)
        return answer.status, answer.read().decode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextmanager
def serving(runs: Path, cache: Path, **settings: str) -> Iterator[Running]:
    port = free_port()
    command = [sys.executable, "-m", "gradviz", "serve", "--runs", str(runs), "--port", str(port), "--no-train"]
    environment = os.environ | {"GRADVIZ_CACHE_DIR": str(cache), **settings}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        log = Log([], threading.Condition())
        reader = threading.Thread(target=_read, args=(process, log))
        reader.start()
        try:
            assert process.stdout.readline() == f"gradviz: http://127.0.0.1:{port}\n", log.lines
            yield Running(process, port, log)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(60)
            reader.join(60)


def _read(process: subprocess.Popen[str], log: Log) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        with log.came:
            log.lines.append(line)
            log.came.notify_all()


def family_of(pid: int) -> list[int]:
    """The process and all its descendants."""
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [pid, *(found for child in children for found in family_of(child))]


def test_two_processes_share_figures_and_hide_the_password(tiny_runs: Path, tmp_path: Path):
    with serving(
        tiny_runs,
        tmp_path / "cache",
        GRADVIZ_PASSWORD=PASSWORD,
        GRADVIZ_WORKERS=str(WORKERS),
        GRADVIZ_METRICS="1",
        GRADVIZ_LOG_LEVEL="info",
        GRADVIZ_LOG_FORMAT="json",
    ) as server:
        assert server.get("/healthz", None) == (200, "OK")
        assert server.get("/readyz", None)[0] == 200
        assert server.get("/", None)[0] == server.get("/", "a wrong password")[0] == 401
        answered: set[int] = set()
        asked = 0
        while len(answered) < WORKERS:  # until both processes have worked
            assert server.get("/api/v1/runs/none")[0] == 200
            asked += 1
            server.log.wait_for('"path": "/api/v1/runs/none"', asked)
            answered = {line["process"] for line in server.log.parsed() if line.get("path") == "/api/v1/runs/none"}
        figures = server.get("/metrics")[1]
        assert f'method="GET",route="/api/v1/runs/<run>",status="200"}} {float(asked)}' in figures
        assert 'route="/",status="401"} 2.0' in figures
        assert "gradviz_requests_under_way 1.0" in figures
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in family_of(server.process.pid)]
        assert len(commands) == 2 + WORKERS
        assert not [command for command in commands if b"correct" in command]
    assert server.process.returncode == 0
    assert {line["logger"] for line in server.log.parsed()} >= {"gunicorn.error", "gradviz.dashboard.access"}
    assert "correct" not in "".join(server.log.lines)
    assert "a wrong password" not in "".join(server.log.lines)


def test_an_answer_under_way_is_finished_before_the_server_ends(tiny_runs: Path, tmp_path: Path):
    request = LandscapeRequest.of(run="none", epoch=1, x=X, y=Y)
    with FieldCache(tmp_path / "other") as other, FieldCache(tmp_path / "cache") as cache:
        compute = LocalCompute(RunStore(tiny_runs), other, device="cpu")
        field = compute.landscape(request)
        asked, go_on = threading.Event(), threading.Event()

        def hold() -> bytes:
            asked.set()
            assert go_on.wait(120)
            return field.to_bytes()

        # The second of three frames is being computed, as far as any process can tell, until we let it go on.
        holder = threading.Thread(target=cache.once, args=(compute.key(request), hold))
        holder.start()
        assert asked.wait(60)
        with serving(tiny_runs, tmp_path / "cache", GRADVIZ_LOG_LEVEL="info") as server:
            answer = server.open(FRAMES, None)
            begun = answer.read(1)
            server.process.terminate()
            server.log.wait_for("Handling signal: term")
            go_on.set()
            content = begun + answer.read()
            server.process.wait(60)
        holder.join(60)
    about, *frames = blocks(content)
    assert json.loads(about)["indices"] == [0, 1, 2]
    assert len(frames) == 3
    assert frames[1] == frame(1, field)
    assert server.process.returncode == 0


def blocks(stream: bytes) -> Iterator[bytes]:
    while stream:
        (length,) = struct.unpack_from("<I", stream)
        yield stream[4 : 4 + length]
        stream = stream[4 + length :]


@pytest.mark.parametrize(
    ("settings", "warned"),
    [({}, True), ({"GRADVIZ_PASSWORD": PASSWORD}, False), ({"GRADVIZ_READ_ONLY": "1"}, False)],
    ids=["open", "password", "read only"],
)
def test_an_address_that_strangers_reach_is_warned_of(
    settings: dict[str, str], warned: bool, gradviz, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("no directory: the server ends before it begins")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GRADVIZ_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setattr("gradviz.commands.serve.is_loopback", lambda host: False)
    answer = gradviz("serve", "--port", free_port(), "--runs", tmp_path)
    assert answer.status == 2
    assert ("GRADVIZ_PASSWORD" in answer.err) is warned


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False), ("192.0.2.1", False)],
)
def test_which_addresses_strangers_reach(host: str, only_here: bool):
    assert is_loopback(host) is only_here
