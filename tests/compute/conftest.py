"""A recorded run of a user's own study, and what computes its answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import gradviz
from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import LoadedStudy, load_study

STUDY_FILE = Path(__file__).with_name("study_of_digits.py")


@pytest.fixture(scope="session")
def loaded() -> LoadedStudy:
    return load_study(str(STUDY_FILE))


@pytest.fixture(scope="session")
def recorded(loaded: LoadedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    torch.manual_seed(5)
    model = loaded.study.model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = loaded.study.minibatches() if callable(loaded.study.minibatches) else ()
    with gradviz.record(loaded.study, model, runs / "net") as run:
        for batch in batches:
            optimizer.zero_grad()
            loaded.study.loss(model, batch).mean().backward()
            optimizer.step()
        run.epoch(train_loss=1.0)
    return runs


@pytest.fixture
def compute(recorded: Path, loaded: LoadedStudy, tmp_path: Path) -> Iterator[LocalCompute]:
    with FieldCache(tmp_path / "cache") as cache:
        yield LocalCompute(RunStore(recorded, loaded), cache, device="cpu")
