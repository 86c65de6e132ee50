"""Runs on which the lessons are shown."""

import pytest

from gradviz.experiment.store import RunStore
from tests.lessons.learners import learners


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> RunStore:
    """Read only."""
    return RunStore(learners(tmp_path_factory.mktemp("learners") / "runs"))
