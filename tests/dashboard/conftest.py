"""The dashboard's server in this process, over the tiny runs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from dash import Dash
from flask.testing import FlaskClient

from gradviz.commands.paths import request_of
from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.compute.paths_job import work
from gradviz.compute.paths_jobs import PathsJobs
from gradviz.compute.paths_process import PathsProcess
from gradviz.compute.trainer_log import TrainerLog
from gradviz.compute.trainer_process import TrainerStatus
from gradviz.dashboard.factory import create_app
from gradviz.experiment.store import RunStore
from gradviz.parser import parser
from gradviz.settings import Settings

MakeApp = Callable[..., Dash]


@dataclass
class StandInTrainer:
    """A trainer that trains nothing and remembers what it was told."""

    status_now: TrainerStatus = field(
        default_factory=lambda: TrainerStatus("finished", None, (), "All runs are trained.")
    )
    told: list[str] = field(default_factory=list)

    def status(self) -> TrainerStatus:
        return self.status_now

    def trains(self) -> bool:
        return True

    def start(self) -> None:
        self.told.append("start")

    def stop(self) -> None:
        self.told.append("stop")

    def start_again(self) -> None:
        self.told.append("start_again")

    def delete(self, variant: str) -> None:
        self.told.append(f"delete {variant}")


def paths_here(arguments: Sequence[str], settings: Settings, log: TrainerLog) -> None:
    """A job of paths within this process, from the arguments that another one would get."""
    request = request_of(parser().parse_args(arguments))
    work(RunStore(settings.runs), request, settings.cache_dir, device="cpu", limit=settings.cache_bytes)


@pytest.fixture
def trainer() -> StandInTrainer:
    return StandInTrainer()


@pytest.fixture
def make_app(tmp_path: Path, trainer: StandInTrainer) -> MakeApp:
    def make(runs: Path, **settings: object) -> Dash:
        store = RunStore(runs)
        compute = LocalCompute(store, FieldCache(tmp_path / "cache"), device="cpu")
        chosen = Settings.model_validate({"runs": runs, "cache_dir": tmp_path / "cache", **settings})
        paths = PathsJobs(chosen, store, PathsProcess(chosen, paths_here))
        return create_app(chosen, compute, store, trainer, paths=paths)  # pyright: ignore[reportArgumentType]  (a stand-in)

    return make


@pytest.fixture(scope="module")
def shared_trainer() -> StandInTrainer:
    """Of `shared_client`."""
    return StandInTrainer()


@pytest.fixture(scope="module")
def shared_client(
    tiny_runs: Path, shared_trainer: StandInTrainer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlaskClient]:
    """One server for all tests of a file, which keep nothing on it."""
    store = RunStore(tiny_runs)
    with FieldCache(tmp_path_factory.mktemp("shared-cache")) as cache:
        compute = LocalCompute(store, cache, device="cpu")
        app = create_app(Settings(runs=tiny_runs), compute, store, shared_trainer)  # pyright: ignore[reportArgumentType]
        yield app.server.test_client()


@pytest.fixture
def client(make_app: MakeApp, tiny_runs: Path) -> FlaskClient:
    return make_app(tiny_runs).server.test_client()
