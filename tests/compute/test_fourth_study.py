"""A study that gradviz has never seen: a file with a recurrent network and a recipe is trained and looked at."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from gradviz.cli import main
from gradviz.dashboard.factory import create_server
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import load_study
from gradviz.settings import Settings

PROGRAM = '''
"""Which of three tones a short noisy series holds, by a gated recurrent network."""

import torch
from torch import nn

import gradviz

STEPS = 6


class Tones(nn.Module):
    def __init__(self, width=4, dropout=0.0):
        super().__init__()
        self.gru = nn.GRU(1, width, batch_first=True)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, 3)

    def forward(self, series):
        return self.head(self.dropout(self.gru(series)[0][:, -1]))


def rows(seed):
    generator = torch.Generator().manual_seed(seed)
    tones = torch.randint(3, (80,), generator=generator)
    series = torch.sin((tones[:, None] + 1.0) * torch.arange(STEPS)) + 0.1 * torch.randn(80, STEPS, generator=generator)
    return (series[:64, :, None], tones[:64]), (series[64:, :, None], tones[64:])


study = gradviz.Study(
    "tones",
    Tones,
    gradviz.CrossEntropy(),
    describe=lambda batch: [f"tone {tone}" for tone in batch[1].tolist()],
    train=gradviz.Recipe(rows, epochs=2, batch_size=16, variants={"plain": {}, "dropped": {"dropout": 0.5}}),
)
'''
X, Y = "gru.weight_hh_l0[1,2]", "head.bias[0]"


@pytest.fixture(scope="module")
def study_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "tones.py"
    path.write_text(PROGRAM)
    return path


@pytest.fixture(scope="module")
def trained(study_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    assert main(["train", "--study", f"{study_file}:study", "--runs", str(runs), "--device", "cpu"]) == 0
    return runs


def test_it_is_trained_by_its_recipe(study_file: Path, trained: Path):
    store = RunStore(trained, load_study(f"{study_file}:study"))
    assert [run.name for run in store.study_runs()] == ["dropped", "plain"]
    for run in store.study_runs():
        assert (run.epochs(), run.broken()) == ([0, 1, 2], [])
        assert {"train_loss", "test_loss", "train_accuracy", "test_accuracy"} <= run.metrics()[-1].values.keys()
    assert store.study_run("dropped").capabilities.draws_masks
    assert not store.study_run("plain").capabilities.draws_masks


def test_its_fields_come_from_the_command_and_the_server_and_are_those_of_autograd(
    study_file: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GRADVIZ_CACHE_DIR", str(tmp_path / "cache"))
    study, out = f"{study_file}:study", tmp_path / "field.npz"
    typed = ["landscape", "--study", study, "--runs", str(trained), "--run", "plain", "--epoch", "2"]
    assert main([*typed, "--x", X, "--y", Y, "--points", "3", "--out", str(out)]) == 0
    field = np.load(out)

    run = RunStore(trained, load_study(study)).study_run("plain")
    model, (series, tones) = run.model(2).double(), run.minibatch(0)
    nn.functional.cross_entropy(model(series.double()), tones).backward()
    gradients = [model.get_parameter("gru.weight_hh_l0").grad, model.get_parameter("head.bias").grad]
    assert gradients[0] is not None
    assert gradients[1] is not None
    exact = gradients[0][1, 2].item(), gradients[1][0].item()
    assert (field["u"][1, 1], field["v"][1, 1]) == pytest.approx(exact, rel=1e-4)  # float32 against float64

    settings = Settings(runs=trained, study=study, cache_dir=tmp_path / "other", read_only=True)
    client = create_server(settings).test_client()
    query = {"run": "plain", "epoch": 2, "x": X, "y": Y, "points": 3}
    answer = client.get("/api/v1/landscape", query_string=query)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    told = {name: torch.tensor(answer.json[name]) for name in ("u", "v", "loss")}
    assert all(torch.equal(values, torch.from_numpy(field[name])) for name, values in told.items())
    assert [fact["name"] for fact in answer.json["facts"]] == ["accuracy", "correct_rows"]
