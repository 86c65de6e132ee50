"""How far a verdict is: part by part where somebody looks, and what is missing where it cannot be measured."""

from pathlib import Path
from typing import Any

import pytest

from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.dashboard import evidence_api
from gradviz.dashboard.evidence_api import told
from gradviz.evidence.claims import CLAIMS
from gradviz.evidence.claims.paths import PATH_CLAIMS
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.studies.deliveries.trainer import train


@pytest.fixture
def cache(tmp_path: Path) -> FieldCache:
    return FieldCache(tmp_path / "cache")


def all_told(runs: Path, cache: FieldCache) -> dict[str, dict[str, Any]]:
    """The first answer for each claim."""
    compute = LocalCompute(RunStore(runs), cache, device="cpu")
    return {claim.key: told(claim.key, compute, compute.store) for claim in CLAIMS}


@pytest.fixture
def only(tiny_runs: Path, tmp_path: Path):
    """A directory with some of the tiny runs."""

    def linked(*names: str) -> Path:
        path = tmp_path / "runs"
        path.mkdir()
        for name in names:
            (path / name).symlink_to(tiny_runs / name)
        return path

    return linked


def test_claims_without_their_runs_say_what_to_do(only, cache: FieldCache):
    answers = all_told(only("none"), cache)
    missing = {key: answer["message"] for key, answer in answers.items() if answer["state"] == "missing"}
    middle = {"mid-training", "composition", "chosen-rows", "sgd", *(claim.key for claim in PATH_CLAIMS)}
    assert set(missing) == {*middle, *(key for key in answers if key.startswith(("dropout", "batchnorm", "norm")))}
    assert all(missing.pop(key).endswith("train more epochs, in Training.") for key in middle)
    assert all(message.endswith("in Training.") for message in missing.values())
    assert "with dropout" in missing["dropout-rough"]
    assert "with dropout or with batch normalization" in missing["batchnorm-like-dropout"]
    nothing = {"verdict": "not measured", "tone": "unknown", "figures": [], "done": 0, "of": 0}
    assert all(nothing.items() <= answers[key].items() for key in missing)


def test_without_any_run_every_claim_is_missing(only, cache: FieldCache):
    assert {answer["state"] for answer in all_told(only(), cache).values()} == {"missing"}


def test_a_network_without_the_layers_of_the_source_is_told(tmp_path: Path, cache: FieldCache):
    train(tmp_path / "runs", run_configs(epochs=1, rows=100, hidden=(6, 4), variants=("none",)), device="cpu")
    told = all_told(tmp_path / "runs", cache)["start"]
    assert told["state"] == "missing"
    assert "at least 3 layers of at least 2 units" in told["message"]


def test_each_request_measures_some_more_and_says_what_is_next(
    tiny_store: RunStore, cache: FieldCache, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(evidence_api, "_STEP_SECONDS", -1)  # a part is more than enough
    compute = LocalCompute(tiny_store, cache, device="cpu")
    first, second = (told("accurate", compute, tiny_store) for _ in range(2))
    assert (first["state"], first["done"], first["of"], first["figures"]) == ("measuring", 1, 2, [])
    assert first["message"] == "how much the network relies on the number of deliverers (none, epoch 2)"
    assert (second["state"], second["done"], second["message"]) == ("measured", 2, "")
    assert (second["verdict"], second["tone"]) == ("does not hold", "bad")
