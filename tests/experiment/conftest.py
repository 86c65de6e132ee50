"""Tiny runs that train in a fraction of a second."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from gradviz.experiment.regularizers import DEFAULT_NAMES
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.presets import preset_config
from gradviz.experiment.studies.deliveries.trainer import train
from tests.disk import no_wait_for_the_disk

TINY = {"rows": 80, "hidden": (6, 5, 4), "batch_size": 16, "epochs": 3, "learning_rate": 1e-3}


@contextmanager
def one_thread() -> Iterator[None]:
    """Computes with one thread: in a tiny network a second one only waits, for long where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


_no_wait = pytest.fixture(autouse=True, scope="package")(no_wait_for_the_disk)


@pytest.fixture(scope="session")
def tiny() -> Callable[..., TrainingConfig]:
    """A configuration of a tiny run, with changes."""

    def config(variant: str = "none", **changes: Any) -> TrainingConfig:
        return preset_config("quick", variant, **(TINY | changes))

    return config


@pytest.fixture(scope="session")
def _trained(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[..., TrainingConfig]) -> Path:
    root = tmp_path_factory.mktemp("trained")
    with one_thread():
        train(root, [tiny(variant) for variant in DEFAULT_NAMES], device="cpu")
    return root


@pytest.fixture
def runs(_trained: Path, tmp_path: Path) -> Path:
    """A runs directory of one's own with three tiny runs, trained to their end."""
    return Path(shutil.copytree(_trained, tmp_path / "runs"))


@pytest.fixture
def real_table() -> Path:
    """The real table, where there is one beside the project."""
    path = Path(__file__).parents[2] / "../shared/data/deliveries.csv"
    if not path.exists():
        pytest.skip(f"the real table {path} is not here")
    return path
