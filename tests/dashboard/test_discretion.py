"""Visitors are told neither paths nor processes nor machines of the server; its log is."""

import json
import shutil
from pathlib import Path

import pytest

from gradviz.compute.trainer import TrainerStatus
from gradviz.dashboard.discretion import Discretion
from gradviz.experiment.lock import Holder, RunLocked
from gradviz.experiment.outside import UnusableFile

RUNS = Path("/srv/my data/runs")
HOLDER = Holder(4711, "2026-01-01T00:00:00+00:00", "gpu-7.example.org")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            str(RunLocked(RUNS / "none", HOLDER)),
            "none is being trained by another process since 2026-01-01T00:00:00+00:00: "
            "wait until it has finished, or stop it first.",
        ),
        (
            str(UnusableFile(RUNS / "none" / "epoch-0001.safetensors", "it is cut off")),
            "none/epoch-0001.safetensors cannot be used: it is cut off.",
        ),
        (
            f"{RUNS} cannot be written (No space left): set GRADVIZ_RUNS.",
            "runs cannot be written (No space left): set GRADVIZ_RUNS.",
        ),
        ("The trainer, process 4711, cannot be stopped from here.", "The trainer cannot be stopped from here."),
        (
            "The trainer, process 12 on gpu-7.example.org, belongs to another user.",
            "The trainer belongs to another user.",
        ),
        (
            "The trainer runs on another machine, gpu-7.example.org: stop it there.",
            "The trainer runs on another machine, its machine: stop it there.",
        ),
        (
            "The training ended; its last words are in /srv/my data/runs/trainer.log.",
            "The training ended; its last words are in trainer.log.",
        ),
        (
            "[Errno 13] Permission denied: '/var/lib/gradviz/cache/answers-1/cache.db'",
            "[Errno 13] Permission denied: 'cache.db'",
        ),
        ("`/opt/x/deliveries.csv` has no column d", "`deliveries.csv` has no column d"),
        ("see ~/private/notes.txt", "see notes.txt"),
        (
            "Ask for 3/4 of it, and/or http://127.0.0.1:8050/api/v1/runs.",
            "Ask for 3/4 of it, and/or http://127.0.0.1:8050/api/v1/runs.",
        ),
        ("`x` must be hidden.1.linear.bias[0], got '//'.", "`x` must be hidden.1.linear.bias[0], got '//'."),
        (
            "Busy: 3 computations are waiting. Try again in a moment.",
            "Busy: 3 computations are waiting. Try again in a moment.",
        ),
    ],
    ids=lambda text: text[:30],
)
def test_a_message_tells_what_a_visitor_can_use(message: str, told: str) -> None:
    assert Discretion(RUNS, machine="gpu-7.example.org").told(message) == told


def test_no_answer_tells_where_the_runs_are(make_app, tiny_runs: Path, tmp_path: Path, trainer) -> None:
    runs = shutil.copytree(tiny_runs, tmp_path / "a place" / "runs")
    (runs / "none" / "epoch-0001.safetensors").write_bytes(b"cut")
    damaged = sorted((runs / "none").glob("*.safetensors"))
    for path in damaged:
        path.write_bytes(b"cut")
    trainer.status_now = TrainerStatus("failed", HOLDER, (), f"Its last words are in {runs}/trainer.log, process 4711.")
    client = make_app(runs).server.test_client()
    panel = {
        "run": "dropout",
        "epoch": 1,
        "x": "hidden.1.linear.bias[0]",
        "y": "hidden.1.linear.bias[1]",
        "points": 3,
    }
    query = "&".join(f"{name}={value}" for name, value in panel.items())
    answers = [
        *(client.get(f"/api/v1/{path}") for path in ("runs", "training", "runs/none", "runs/dropout")),
        client.get(f"/api/v1/landscape?{query}".replace("dropout", "none")),
        client.get(f"/api/v1/frames?{query}".replace("dropout", "none")),
        client.post("/api/v1/recipes", json={"panels": [panel]}),
        client.post("/api/v1/exports", json={"kind": "html", "panels": [panel | {"run": "none"}]}),
    ]
    assert [answer.status_code for answer in answers[:4]] == [200] * 4
    assert answers[6].status_code == 200
    for answer in answers:
        assert str(tmp_path) not in answer.get_data(as_text=True), answer.request.path
        assert "4711" not in answer.get_data(as_text=True)
    assert "--runs runs " in json.loads(answers[6].data)["command_lines"]
