"""A report trains the run with batch normalization again with other CPU threads, unless it is told not to."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gradviz.commands import report
from gradviz.experiment.store import RunStore
from tests.evidence.repeated import repeated

NAMES = ["none", "dropout", "batchnorm"]
OTHER = "batchnorm-threads-2"


@pytest.fixture
def told(gradviz: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """A report that trains and writes nothing."""
    monkeypatch.setattr(report, "_write", lambda *rest: 0)
    return lambda runs, *more: gradviz("report", "--runs", runs, "--out", tmp_path / "report", *more)


def test_the_replicate_is_trained_once_for_each_seed(own_runs: Path, told: Callable):
    threads = torch.get_num_threads()
    assert told(own_runs, "--seeds", "0,1").status == 0
    assert torch.get_num_threads() == threads
    for root, seed in ((own_runs, 0), (own_runs / "seed-1", 1)):
        store = RunStore(root)
        assert store.names() == [*NAMES, OTHER]
        own, other = store.run("batchnorm"), store.run(OTHER)
        assert (other.seed, own.record.num_threads, other.record.num_threads) == (seed, 1, 2)
        assert other.epochs() == own.epochs() == [0, 1, 2]
        assert own.digest(0) == other.digest(0)
    times = {path: path.stat().st_mtime_ns for path in own_runs.rglob("*.safetensors")}
    assert told(own_runs, "--seeds", "0,1").out == ""
    assert {path: path.stat().st_mtime_ns for path in own_runs.rglob("*.safetensors")} == times


def test_no_replicate_is_trained_where_none_is_wanted_or_one_is_there(own_runs: Path, told: Callable):
    assert told(own_runs, "--no-replicates").status == 0
    assert RunStore(own_runs).names() == NAMES
    (own_runs / repeated(own_runs, "batchnorm")).rename(own_runs / "mine")
    record = own_runs / "mine" / "run.json"
    record.write_text(record.read_text().replace(OTHER, "mine"))
    assert told(own_runs).status == 0
    assert RunStore(own_runs).names() == [*NAMES, "mine"]


def test_runs_that_cannot_be_written_to_are_reported_as_they_are(
    own_runs: Path, told: Callable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gradviz.report.seeds.os.access", lambda *rest: False)
    monkeypatch.setattr(report, "_directory", Path)
    assert told(own_runs).status == 0
    assert RunStore(own_runs).names() == NAMES
