"""Measurements of the tiny runs, made once for all tests of the report."""

from collections.abc import Iterator

import pytest

from gradviz.compute.cache import FieldCache


@pytest.fixture(scope="session")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FieldCache]:
    """A cache that keeps whatever the tests of the report measure."""
    with FieldCache(tmp_path_factory.mktemp("measured")) as cache:
        yield cache
