"""GRADVIZ_READ_ONLY: neither the page, nor the API, nor a command starts, stops or deletes any training."""

import hashlib
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from gradviz.compute.trainer_process import TrainerProcess
from gradviz.dashboard.factory import create_server
from gradviz.dashboard.query import TrainingAction
from gradviz.settings import Settings

# Each address that takes more than GET: a new one must be looked at here.
TAKES_BODIES = {
    "/_dash-update-component",
    "/api/v1/exports",
    "/api/v1/landscape",
    "/api/v1/paths",
    "/api/v1/paths/cancel",
    "/api/v1/recipes",
    "/api/v1/training",
}
ACTIONS = get_args(TrainingAction.model_fields["action"].annotation)
TRIES = [{"action": action, "variant": "none", "confirm": sure} for action in ACTIONS for sure in (True, False)]
TRIES += [{"action": action} for action in ACTIONS]


def contents(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in directory.rglob("*")
    }


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What any trainer of this process was told."""
    told: list[str] = []
    for what in ("_launch", "stop", "start", "start_again", "delete"):
        monkeypatch.setattr(TrainerProcess, what, lambda *_, what=what, **__: told.append(what))
    return told


def test_no_address_of_the_server_tells_the_trainer_anything(own_runs: Path, tmp_path: Path, told: list[str]):
    server = create_server(Settings(runs=own_runs, cache_dir=tmp_path / "cache", read_only=True))
    client = server.test_client()
    before = contents(own_runs)
    rules = {rule.rule for rule in server.url_map.iter_rules() if (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}}
    assert rules == TAKES_BODIES
    for rule, body in itertools.product(rules, TRIES):
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            client.open(rule, method=method, json=body)
    refused = [client.post("/api/v1/training", json=body) for body in TRIES]
    assert {answer.status_code for answer in refused} == {422}
    assert all("GRADVIZ_READ_ONLY" in answer.get_json()["error"] for answer in refused)
    refused = [
        client.post("/api/v1/paths", json={"run": "none", "epoch": 0}),
        client.post("/api/v1/paths/cancel", json={"key": "0" * 64}),
    ]
    assert {answer.status_code for answer in refused} == {422}
    assert all("GRADVIZ_READ_ONLY" in answer.get_json()["error"] for answer in refused)
    assert client.get("/api/v1/training").get_json()["read_only"] is True
    assert told == []
    assert contents(own_runs) == before


@pytest.mark.parametrize("options", [(), ("--fresh",), ("--background",), ("--background", "--fresh")], ids=" ".join)
def test_no_command_trains(options: tuple[str, ...], gradviz: Callable, own_runs: Path, monkeypatch, told: list[str]):
    monkeypatch.setenv("GRADVIZ_READ_ONLY", "1")
    before = contents(own_runs)
    answer = gradviz("train", "--runs", own_runs, "--epochs", 3, *options)
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "GRADVIZ_READ_ONLY" in answer.err
    assert told == []
    assert contents(own_runs) == before


def test_no_worker_trains(gradviz: Callable, own_runs: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADVIZ_READ_ONLY", "1")
    answer = gradviz("worker", "--runs", own_runs)
    assert (answer.status, answer.out, answer.err.count("\n")) == (2, "", 1)
    assert "remove training from --queues" in answer.err


def test_no_directory_is_made_for_runs(gradviz: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADVIZ_READ_ONLY", "1")
    assert gradviz("train", "--runs", tmp_path / "runs").status == 2
    assert not (tmp_path / "runs").exists()


def test_landscapes_are_still_written(gradviz: Callable, own_runs: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("GRADVIZ_READ_ONLY", "1")
    before = contents(own_runs)
    names = ("--x", "hidden.1.linear.bias[0]", "--y", "hidden.1.linear.bias[1]")
    out = tmp_path / "field.npz"
    answer = gradviz("landscape", "--runs", own_runs, "--variant", "none", "--epoch", 1, *names, "--out", out)
    assert (answer.status, out.exists()) == (0, True)
    assert contents(own_runs) == before
