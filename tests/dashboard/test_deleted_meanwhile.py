"""Runs that are deleted while others look at them: the list of runs is taken once, and what is gone is left out."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gradviz.compute.background import of_deliveries
from gradviz.dashboard.overview import runs_of
from gradviz.evidence.studied import Studied
from gradviz.experiment.describe import describe_runs
from gradviz.experiment.run import Run
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.taking_up import taken_up
from gradviz.report.seeds import begun_configs

ASKING: dict[str, Callable[[RunStore], object]] = {
    "progress": of_deliveries().progress,
    "overview": runs_of,
    "evidence": Studied.of,
    "description": describe_runs,
    "training": lambda store: taken_up(store, ()),
    "report": lambda store: begun_configs(store.root),
}


@pytest.mark.parametrize("name", ASKING)
def test_a_run_that_is_deleted_after_the_runs_were_listed_is_no_mistake(
    own_runs: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    listed = RunStore.runs

    def then_deleted(store: RunStore) -> list[Run]:
        runs = listed(store)
        shutil.rmtree(own_runs / "dropout", ignore_errors=True)
        return runs

    monkeypatch.setattr(RunStore, "runs", then_deleted)
    ASKING[name](RunStore(own_runs))
    assert RunStore(own_runs).names() == ["none", "batchnorm"]
