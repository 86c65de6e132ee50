"""The benchmark measures every case of the contract and writes JSON; how long anything takes is not asserted."""

import json

import pytest

from gradviz.landscape import bench
from tests.landscape.cases import random_case

NAMES = {
    "eval-layer0",
    "eval-layer1",
    "eval-layer2",
    "eval-cross-1-2",
    "eval-weights-layer1",
    "batchnorm-train-beta-layer1",
    "batchnorm-after-train-bias-layer1",
    "dropout-fresh-layer1",
    "dropout-frozen-layer1",
    "all-minibatches-layer1",
    "sweep-layer1",
}
KEYS = {"case", "device", "threads", "points"} | {
    f"{name}_seconds" for name in ("forward", "reference", "vmap", "cold", "warm")
}


@pytest.fixture
def _small_and_brief(monkeypatch):
    def workload(case, device):
        small = random_case(str(case.regularizer), num_rows=bench.MINIBATCH_SIZE * case.minibatches)
        return small.model.to(device), small.inputs, small.targets

    monkeypatch.setattr(bench, "workload", workload)
    monkeypatch.setattr(bench, "LONG", 0.0)
    monkeypatch.setattr(bench, "NUM_CHECKPOINTS", 3)


@pytest.mark.usefixtures("_small_and_brief")
def test_the_benchmark_measures_every_case(tmp_path, capsys):
    path = tmp_path / "bench.json"
    bench.main(path)
    rows = json.loads(path.read_text(), parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))
    assert {row["case"] for row in rows} == NAMES
    for row in rows:
        assert row.keys() >= KEYS
        assert row["points"] == 21
        assert all(row[key] > 0 for key in row if key.endswith("_seconds") and key != "loading_seconds")
    printed = capsys.readouterr().out
    assert all(name in printed for name in NAMES)
    assert "% of the rate of the large matrix product" in printed
