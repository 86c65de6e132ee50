"""A small site, as `gradviz publish` makes it of runs."""

from pathlib import Path

import pytest

from gradviz.cli import main

PAIR = ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]")
OTHER = ("hidden.2.linear.bias[0]", "output.bias[0]")


def make_site(runs: Path, cache: Path, out: Path, *more: str) -> Path:
    """Two runs, two pairs, minibatches of 16 rows; `more` options."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADVIZ_CACHE_DIR", str(cache))
        arguments = ["publish", "--runs", str(runs), "--out", str(out), "--run", "none,dropout"]
        arguments += ["--pair", *PAIR, "--pair", *OTHER, "--minibatch-size", "16", *more]
        assert main(arguments) == 0
    return out
