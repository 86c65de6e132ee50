"""A small site of the tiny runs, made once."""

from pathlib import Path

import pytest

from tests.publish.made import make_site


@pytest.fixture(scope="session")
def publish_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("publish-cache")


@pytest.fixture(scope="session")
def site(tiny_runs: Path, publish_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of three epochs, two minibatches, eval mode and fresh masks."""
    out = tmp_path_factory.mktemp("published") / "site"
    options = (
        "--epochs",
        "0,2",
        "--minibatches",
        "2",
        "--mode",
        "eval,train",
        "--with",
        "sampling",
        "--parts",
        "model",
    )
    return make_site(tiny_runs, publish_cache, out, *options)
