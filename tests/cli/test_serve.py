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
from gradviz.experiment.cpu_threads import cpu_threads
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import load_study
from gradviz.experiment.study_plans import recipe_trainings
from gradviz.experiment.study_trainer import train_studies
from tests.alive import is_alive
from tests.compute.test_background import PROGRAM, contents

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


def test_address_answers_and_ctrl_c_leaves_nothing_behind(tmp_path: Path, port: int):
    runs = tmp_path / "runs"
    with serving(runs, port, "--no-train") as server:
        assert "gradviz" in get(port, "/")
        assert get(port, "/healthz") == "OK"
        assert trainer_of(port)["state"] == "empty"
        server.send_signal(signal.SIGINT)
        out, errors = server.communicate(timeout=60)
    assert (server.returncode, out, errors) == (0, "", "")
    assert not runs.exists()
    with listen("127.0.0.1", port):
        pass


def test_training_is_adopted_outlives_a_killed_server_and_ends_with_one_that_ends(tmp_path: Path, port: int):
    runs = tmp_path / "runs"
    trainer = TrainerProcess(runs)
    before = trainer.start(LONG).holder  # one from an earlier server
    assert before is not None
    with serving(runs, port) as server:
        assert trainer_of(port)["state"] == "running"
        assert trainer.status().holder == before
        server.kill()
        server.communicate(timeout=60)
    with serving(runs, port) as server:  # the port is free again
        assert trainer_of(port)["state"] == "running"
        assert trainer.status().holder == before
        os.kill(before.pid, signal.SIGSTOP)  # and one that hangs ends all the same
        server.terminate()
        server.communicate(timeout=60)
    assert server.returncode == 0
    until(lambda: not is_alive(before.pid))
    assert trainer.status().holder is None
    assert trainer.status().state == "stopped"


@pytest.mark.parametrize(
    ("options", "read_only", "trains"), [((), "0", True), (("--no-train",), "0", False), ((), "1", False)], ids=str
)
def test_a_server_that_only_shows_starts_no_training(
    options: tuple[str, ...],
    read_only: str,
    trains: bool,
    gradviz,
    tmp_path: Path,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
):
    asked: list[bool] = []

    def supervise(*_: object, trains: bool) -> int:
        asked.append(trains)
        return 0

    monkeypatch.setenv("GRADVIZ_READ_ONLY", read_only)
    monkeypatch.setattr("gradviz.commands.serve._supervise", supervise)
    assert gradviz("serve", "--runs", tmp_path / "runs", "--port", port, *options).status == 0
    assert asked == [trains]
    assert not (tmp_path / "runs").exists()


def test_port_in_use_is_one_line(tiny_runs: Path, gradviz, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gradviz.commands.listening._RELEASE_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = gradviz("serve", "--runs", tiny_runs, "--port", port)
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert f"Port {port} is in use" in answer.err


def test_a_file_in_place_of_the_runs_is_one_line(tmp_path: Path, port: int, gradviz):
    (tmp_path / "runs").write_text("")
    answer = gradviz("serve", "--runs", tmp_path / "runs", "--port", port)
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "name a directory with --runs" in answer.err


def test_host_that_is_no_address_is_one_sentence():
    with pytest.raises(UserError, match="GRADVIZ_HOST"):
        listen("192.0.2.1", 8050)


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::1", "http://[::1]:80")],
)
def test_address_is_one_that_a_browser_takes(host: str, shown: str):
    assert url(host, 80) == shown


@pytest.mark.slow
def test_a_study_with_a_recipe_is_trained_and_shown_meanwhile(tmp_path: Path, port: int):
    file = tmp_path / "largest.py"
    file.write_text(PROGRAM)
    with serving(tmp_path / "runs", port, "--study", f"{file}:study"):
        until(lambda: trainer_of(port)["state"] == "finished")
        told = trainer_of(port)
        assert (told["trains"], told["message"]) == (True, "All runs are trained.")
        assert {(run["run"], run["epoch"], run["recorded"]) for run in told["progress"]} == {
            (name, 3, False) for name in ("plain", "dropped", "decayed")
        }
        assert set(json.loads(get(port, "/api/v1/runs"))["runs"]) == {"plain", "dropped", "decayed"}
    study = load_study(f"{file}:study").study
    threads = RunStore(tmp_path / "runs").study_run("plain").record.settings["threads"]
    assert isinstance(threads, int)
    with cpu_threads(threads):
        train_studies(tmp_path / "home", recipe_trainings(study), device="cpu")
    assert contents(tmp_path / "runs") == contents(tmp_path / "home")
