"""`gradviz serve` as users run it: an address that answers, a training beside it, and nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gradviz.commands.listening import listen, url
from gradviz.compute.trainer_process import TrainerProcess
from gradviz.errors import UserError

PAUSE = threading.Event()  # never set: between two looks at another process
LONG = ("--hidden", "40,20,10", "--rows", "300", "--epochs", "9000", "--device", "cpu")


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextmanager
def serving(runs: Path, port: int, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A server that has printed its address; ended by Ctrl-C unless it has ended."""
    command = [sys.executable, "-m", "gradviz", "serve", "--runs", str(runs), "--port", str(port), *more]
    # Not in the repository: what is installed must do.
    with subprocess.Popen(
        command, cwd=runs.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"gradviz: http://127.0.0.1:{port}\n", process.communicate()[1]
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return answer.read().decode()


def trainer_of(port: int) -> dict:
    return json.loads(get(port, "/api/v1/training"))


def until(wanted: Callable[[], bool]) -> None:
    """The time limit of the test ends it if it never comes."""
    while not wanted():
        PAUSE.wait(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_address_answers_and_ctrl_c_leaves_nothing_behind(tiny_runs: Path, port: int):
    with serving(tiny_runs, port) as server:
        assert "gradviz" in get(port, "/")
        assert get(port, "/healthz") == "OK"
        assert trainer_of(port)["state"] == "finished"
        server.send_signal(signal.SIGINT)
        out, errors = server.communicate(timeout=60)
    assert (server.returncode, out, errors) == (0, "", "")
    with listen("127.0.0.1", port):
        pass


def test_training_runs_beside_the_server_and_ends_with_it(tmp_path: Path, port: int):
    runs = tmp_path / "runs"
    before = TrainerProcess(runs).start(LONG).holder  # one from an earlier server: it is adopted
    assert before is not None
    with serving(runs, port) as server:
        assert trainer_of(port)["state"] == "running"
        now = TrainerProcess(runs).status().holder
        assert now is not None
        assert now.pid == before.pid
        server.terminate()
        server.communicate(timeout=60)
    assert server.returncode == 0
    until(lambda: not is_alive(before.pid))
    assert TrainerProcess(runs).status().holder is None


def test_killed_server_frees_the_port_while_the_training_goes_on(tmp_path: Path, port: int):
    runs = tmp_path / "runs"
    trainer = TrainerProcess(runs)
    holder = trainer.start(LONG).holder
    assert holder is not None
    with serving(runs, port) as server:
        server.kill()
        server.communicate(timeout=60)
    with serving(runs, port):
        assert trainer.status().holder == holder
        assert trainer_of(port)["state"] == "running"
    assert trainer.status().state == "stopped"


@pytest.mark.parametrize("how", [("--no-train",), ("read only",)], ids=str)
def test_server_that_only_shows_starts_no_training(
    tmp_path: Path, port: int, how: tuple[str], monkeypatch: pytest.MonkeyPatch
):
    options = how if how[0].startswith("--") else ()
    if not options:
        monkeypatch.setenv("GRADVIZ_READ_ONLY", "1")
    runs = tmp_path / "runs"
    with serving(runs, port, *options):
        assert trainer_of(port)["state"] == "empty"
    assert not runs.exists()


def test_port_in_use_is_one_line(tiny_runs: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "gradviz", "serve", "--runs", str(tiny_runs), "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"Port {port} is in use" in done.stderr


def test_host_that_is_no_address_is_one_sentence():
    with pytest.raises(UserError, match="GRADVIZ_HOST"):
        listen("192.0.2.1", 8050)


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::1", "http://[::1]:80")],
)
def test_address_is_one_that_a_browser_takes(host: str, shown: str):
    assert url(host, 80) == shown
