"""What the Training view, the trainer, Prometheus and the command line tell of runs that other programs record."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gradviz
from gradviz.cli import main
from gradviz.compute.background import of_deliveries
from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.compute.trainer_process import TrainerProcess
from gradviz.dashboard.factory import create_app
from gradviz.dashboard.routes import PREFIX
from gradviz.experiment.lock import run_lock
from gradviz.experiment.store import RunStore
from gradviz.settings import Settings


def make_model() -> torch.nn.Module:
    return torch.nn.Linear(2, 3)


STUDY = gradviz.Study("line", make_model, gradviz.CrossEntropy())
BATCH = (torch.ones(4, 2), torch.zeros(4, dtype=torch.long))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """One recorded run of an epoch."""
    with gradviz.record(STUDY, make_model(), tmp_path / "runs" / "mine", minibatches=[BATCH]) as run:
        run.epoch(train_loss=1.0)
    return tmp_path / "runs"


def client_of(runs: Path, cache: Path, **settings: object) -> Any:
    store = RunStore(runs)
    compute = LocalCompute(store, FieldCache(cache), device="cpu")
    chosen = Settings.model_validate({"runs": runs, **settings})
    return create_app(chosen, compute, store, TrainerProcess(runs)).server.test_client()


def test_a_recorded_run_is_told_as_recorded_and_nothing_trains(runs: Path, tmp_path: Path):
    client = client_of(runs, tmp_path / "cache")
    training = client.get(f"{PREFIX}/training").get_json()
    assert training["progress"] == [{"run": "mine", "variant": "mine", "epoch": 1, "epochs": 1, "recorded": True}]
    assert (training["trains"], training["polls"]) == (False, False)
    assert training["message"].startswith("Nothing is trained here")
    for action in ("start", "start_again"):
        refused = client.post(f"{PREFIX}/training", json={"action": action, "confirm": True})
        assert (refused.status_code, "Nothing is trained here" in refused.get_json()["error"]) == (422, True)
    assert os.listdir(runs) == ["mine"]


def test_a_recorded_run_can_be_deleted(runs: Path, tmp_path: Path):
    client = client_of(runs, tmp_path / "cache")
    answer = client.post(f"{PREFIX}/training", json={"action": "delete", "run": "mine", "confirm": True})
    assert answer.get_json()["progress"] == []
    assert client.get(f"{PREFIX}/runs").get_json()["runs"] == {}


def test_who_records_is_no_trainer_to_be_stopped(runs: Path, tmp_path: Path):
    with run_lock(runs / "mine"):  # of this process: a stop that meant it would end it
        trainer = TrainerProcess(runs)
        assert trainer.status().holder is None
        assert trainer.stop().state == "empty"
        client = client_of(runs, tmp_path / "cache")
        refused = client.post(f"{PREFIX}/training", json={"action": "delete", "run": "mine", "confirm": True})
        assert (refused.status_code, "is being trained" in refused.get_json()["error"]) == (422, True)


def test_prometheus_counts_its_epochs(runs: Path, tmp_path: Path):
    figures = client_of(runs, tmp_path / "cache", metrics=True).get("/metrics").get_data(as_text=True)
    assert 'gradviz_epoch{run="mine",variant="mine"} 1.0' in figures


def test_deliveries_train_where_they_began_or_nothing_else_is(runs: Path, tiny_runs: Path, tmp_path: Path):
    empty, theirs, ours = RunStore(tmp_path / "empty"), RunStore(runs), RunStore(tiny_runs)
    usual, beside_another = of_deliveries(), of_deliveries(only_begun=True)
    assert [usual.trains(store) for store in (empty, theirs, ours)] == [True, False, True]
    assert [beside_another.trains(store) for store in (empty, theirs, ours)] == [False, False, True]
    assert (usual.others(theirs), usual.others(ours)) == ({"mine"}, set())


def test_the_list_of_runs_tells_the_smallest_loss(runs: Path, capsys: pytest.CaptureFixture[str]):
    with gradviz.record(
        STUDY, make_model(), runs / "longer", minibatches=[BATCH], settings={"epochs": 5, "optimizer": "sgd"}
    ) as run:
        for loss in (3.0, 1.5, float("nan"), 2.0):
            run.epoch(train_loss=9.0, val_loss=loss, accuracy=0.5)
    assert main(["runs", "--runs", str(runs), "--json"]) == 0
    longer, mine = json.loads(capsys.readouterr().out)
    assert (longer["best_loss"], longer["best_epoch"]) == ({"metric": "val_loss", "value": 1.5}, 2)
    assert (longer["epochs"], longer["last_epoch"], longer["best_test_r2"]) == (5, 4, None)
    assert (mine["best_loss"], mine["epochs"]) == ({"metric": "train_loss", "value": 1.0}, None)
    assert main(["runs", "--runs", str(runs)]) == 0
    assert re.search(r"longer .* line .* sgd .* 4 of 5 .* val_loss 1.5 .* 2 ", capsys.readouterr().out)


def test_the_command_writes_a_minibatch_with_all_its_tensors(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "minibatch.npz"
    assert main(["minibatch", "--runs", str(runs), "--run", "mine", "--minibatch", "0", "--out", str(out)]) == 0
    assert "minibatch 0 of mine, 4 rows" in capsys.readouterr().out
    with np.load(out, allow_pickle=False) as arrays:
        assert set(arrays.files) == {"0", "1"}
        np.testing.assert_array_equal(arrays["1"], BATCH[1])
