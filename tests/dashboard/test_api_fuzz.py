"""Requests made from the OpenAPI document, good and bad: none fails the server, all answers are as the document says.

Most names that fit the document fit no run: `test_good_requests.py` has those that do. The same requests in every run.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.compute.paths_jobs import PathsJobs
from gradviz.compute.paths_process import PathsProcess
from gradviz.dashboard.factory import create_app
from gradviz.dashboard.openapi import document
from gradviz.experiment.store import RunStore
from gradviz.settings import Settings
from tests.dashboard.conftest import StandInTrainer, paths_here

MAX_EXAMPLES = 15
"""Random ones for each operation, beside those at the bounds of every value."""

FUZZ = settings(
    max_examples=MAX_EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

UNPACKED = {"Accept-Encoding": "identity"}  # a client in this process unpacks nothing


@pytest.fixture(scope="module")
def server(tiny_runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    store = RunStore(tiny_runs)
    with FieldCache(tmp_path_factory.mktemp("fuzz-cache")) as cache:
        compute = LocalCompute(store, cache, device="cpu")
        trainer: Any = StandInTrainer()
        chosen = Settings(runs=tiny_runs, device="cpu", cache_dir=tmp_path_factory.mktemp("fuzz-paths"))
        paths = PathsJobs(chosen, store, PathsProcess(chosen, paths_here))
        yield create_app(chosen, compute, store, trainer, paths=paths).server


def config_of(*modes: schemathesis.GenerationMode) -> SchemathesisConfig:
    """Nothing is read from a file of the user's."""
    generation = GenerationConfig(modes=list(modes), deterministic=True, max_examples=MAX_EXAMPLES)
    return SchemathesisConfig(seed=0, projects=ProjectsConfig(default=ProjectConfig(generation=generation)))


AS_SERVED = schemathesis.openapi.from_dict(document(), config=config_of(*schemathesis.GenerationMode))


@AS_SERVED.parametrize()
@FUZZ
def test_no_request_fails_the_server(case: schemathesis.Case, server: Flask) -> None:
    case.call_and_validate(app=server, headers=UNPACKED, excluded_checks=[positive_data_acceptance])
