"""Claims on order and composition: not measured until `gradviz paths` has kept its paths, then read, never computed."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import torch

from gradviz.cli import main
from gradviz.commands.paths import request_of
from gradviz.compute.cache import FieldCache
from gradviz.compute.choice import open_paths
from gradviz.compute.local import LocalCompute
from gradviz.compute.paths import LAYOUT, continuation_of, keys_of, paths
from gradviz.compute.paths_evidence import kept_paths
from gradviz.dashboard.evidence_api import told
from gradviz.dashboard.evidence_links import paths_view_of
from gradviz.evidence import rules
from gradviz.evidence.claims import claim_of
from gradviz.evidence.controls import PathsOptimizer
from gradviz.evidence.gathering import evidence_of
from gradviz.evidence.path_taking import command_of, paths_found, paths_request
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.request import PathsRequest
from gradviz.report.measuring import Measuring
from gradviz.settings import Settings


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MID_LOSS", 1.0)  # any loss that falls will do,
    monkeypatch.setattr(rules, "BALANCED", 0.5)  # and any signs,
    monkeypatch.setattr(rules, "DECREASES", (0.0, 1.0))  # and any decrease


def test_paths_are_read_where_they_are_kept_and_nobody_computes_them(
    tiny_store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    compute, kept = (
        LocalCompute(tiny_store, FieldCache(tmp_path), device="cpu"),
        kept_paths(tiny_store, tmp_path, "cpu"),
    )
    request = paths_request("none", 1, "own")
    before = told("path-order", compute, tiny_store, kept=kept)
    assert before["state"] == "missing"
    assert f"run `{command_of(request)}`" in str(before["message"])
    found = paths(tiny_store, request, tmp_path, device="cpu")
    monkeypatch.setattr("gradviz.compute.paths.measure", None)  # whoever computes fails
    measured: dict[str, Any] = told("path-order", compute, tiny_store, kept=kept)
    assert measured["state"] == "measured"
    first = measured["figures"][0]
    ratio = found.of("order").ratio_T[-1]
    assert first["value"] == pytest.approx(ratio, abs=1e-12)
    control = next(each for each in measured["figures"] if "same minibatches" in each["name"])
    assert control["value"] == 0.0
    studied = Measuring(compute, kept=kept).studied
    assert studied.kept_paths(request) is not None
    verdict = claim_of("path-order").verdict(evidence_of(studied, {}))
    assert (verdict.kind, [figure.estimate.value for figure in verdict.figures]) == (
        measured["verdict"],
        [figure["value"] for figure in measured["figures"]],
    )
    assert told("path-order-sgd", compute, tiny_store, kept=kept)["state"] == "missing"


def test_numbers_are_those_of_the_paths(tiny_store: RunStore, tmp_path: Path):
    request = paths_request("none", 1, "own").model_copy(update={"replicas": 3})
    found = paths(tiny_store, request, tmp_path, device="cpu")
    read = paths_found(request, found)
    for condition in request.conditions:
        own, told_of = found.of(condition), read.of(condition)
        assert told_of.largest_spread == own.spread_T.max()
        assert told_of.num_replicas == own.num_replicas
        for k, ratio in enumerate(told_of.ratios):
            assert ratio.value is None if own.num_replicas < 3 else ratio.value == pytest.approx(own.ratio_T[k])
    assert read.steps == tuple(found.steps_T)


def test_what_the_evidence_reads_is_what_its_link_shows(tiny_store: RunStore, tmp_path: Path):
    request = paths_request("none", 1, "own").model_copy(update={"replicas": 3})
    view = paths_view_of(request)
    seen = PathsRequest.of(
        **{name: getattr(view, name) for name in ("run", "epoch", "replicas", "conditions", "optimizer", "rate_factor")}
    )
    paths(tiny_store, request, tmp_path, device="cpu")
    assert open_paths(Settings(cache_dir=tmp_path, device="cpu"), tiny_store).asked(seen).is_known


@pytest.mark.parametrize("points", [None, 32])
def test_paths_that_were_kept_before_points_had_one_default_are_still_read(
    points: int | None, tiny_store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    request = paths_request("none", 1, "own").model_copy(update={"replicas": 3})
    run, cpu = continuation_of(tiny_store, "none", torch.device("cpu")), torch.device("cpu")
    found = paths(tiny_store, request.model_copy(update={"points": 2}), tmp_path, device="cpu")
    layout = tmp_path / LAYOUT
    [file] = layout.glob("*.safetensors")
    former = keys_of(tiny_store, run, request.model_copy(update={"points": points}), cpu)[-1]
    file.rename(layout / f"{former}.safetensors")
    monkeypatch.setattr("gradviz.compute.paths.measure", None)  # whoever computes fails
    kept = kept_paths(tiny_store, tmp_path, "cpu")(request)
    assert kept is not None
    assert kept.steps_T.tolist() == found.steps_T.tolist()
    assert paths(tiny_store, request, tmp_path, device="cpu").request == request
    jobs = open_paths(Settings(cache_dir=tmp_path, device="cpu"), tiny_store)
    assert jobs.asked(request).key == former
    assert not jobs.asked(request.model_copy(update={"points": 3})).is_known  # a number that is asked for is meant


@pytest.mark.parametrize("optimizer", ["own", "sgd"])
def test_the_command_measures_what_the_claim_reads(optimizer: PathsOptimizer, monkeypatch: pytest.MonkeyPatch):
    request, asked = paths_request("none", 5, optimizer), []
    program, *words = shlex.split(command_of(request))
    assert program == "gradviz"
    monkeypatch.setattr("gradviz.commands.paths.run", lambda options: asked.append(request_of(options)) or 0)
    assert main(words) == 0
    assert asked == [request]
