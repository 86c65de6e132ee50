"""Measurements of the tiny runs, made once for all tests of the report."""

from collections.abc import Iterator

import pytest

from gradviz.compute.cache import FieldCache
from gradviz.evidence import rules


@pytest.fixture(scope="module", autouse=True)
def _short_trainings() -> Iterator[None]:
    """The tiny runs have two epochs: any loss that falls is mid-training, and the tenth epoch is the second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "MID_LOSS", 1.0)
        patch.setattr(rules, "BATCHNORM_EPOCH", 2)
        yield


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FieldCache]:
    """A cache that keeps whatever the tests of the report measure."""
    with FieldCache(tmp_path_factory.mktemp("measured")) as cache:
        yield cache
