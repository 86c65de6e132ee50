"""Landscapes of a recorded run: the numbers of float64 autograd, kept in the cache, written by the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import gradviz
from gradviz.cli import main
from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.dashboard.factory import create_server
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import load_study
from gradviz.landscape import LandscapeRequest
from gradviz.settings import Settings
from tests.compute.conftest import STUDY_FILE

X, Y = "conv1.weight[2,0,1,1]", "conv2.bias[3]"
REQUEST = LandscapeRequest.of(run="net", epoch=1, x=X, y=Y, minibatch=2, points=5, half_width=0.3)


def by_hand(compute: LocalCompute, request: LandscapeRequest) -> np.ndarray:
    """(Y, X, 3) float64: the loss and its derivatives at each grid point, with autograd alone; eval mode, or train mode
    without dropout."""
    run = compute.store.study_run(request.run)
    model = run.model(request.epoch).double()
    model.train(request.mode == "train")
    model.get_submodule("dropout").eval()
    images, labels = run.minibatch(request.minibatch)
    a, b = model.get_parameter("conv1.weight"), model.get_parameter("conv2.bias")
    steps = np.linspace(-request.half_width, request.half_width, request.points)
    found = np.empty((request.points, request.points, 3))
    for j, beta in enumerate(steps):
        for i, alpha in enumerate(steps):
            model.zero_grad()
            with torch.no_grad():
                before = a[2, 0, 1, 1].item(), b[3].item()
                a[2, 0, 1, 1] += alpha
                b[3] += beta
            loss = torch.nn.functional.cross_entropy(model(images.double()), labels)
            loss.backward()
            assert a.grad is not None
            assert b.grad is not None
            found[j, i] = loss.item(), a.grad[2, 0, 1, 1].item(), b.grad[3].item()
            with torch.no_grad():
                a[2, 0, 1, 1], b[3] = before
    return found


def test_numbers_are_those_of_autograd(compute: LocalCompute):
    field, exact = compute.landscape(REQUEST), by_hand(compute, REQUEST)
    for got, wanted in zip((field.loss, field.u, field.v), np.moveaxis(exact, -1, 0), strict=True):
        np.testing.assert_allclose(got, wanted, atol=2e-6 * abs(exact).max(), rtol=0)  # float32 against float64
    assert not field.is_zero.any()
    assert field.method.startswith("replay")


def test_the_loop_gives_the_same_numbers(compute: LocalCompute):
    request = REQUEST.model_copy(update={"mode": "train", "masks": "frozen", "seed": 4})
    field, loop = compute.landscape(request), compute.bench.landscape(request, "reference")
    assert loop.method == "reference"
    for name in ("loss", "u", "v"):
        np.testing.assert_allclose(getattr(field, name), getattr(loop, name), atol=1e-5, rtol=0)


def test_facts_are_the_study_s(compute: LocalCompute):
    field = compute.landscape(REQUEST)
    accuracy = next(fact for fact in field.facts if fact.name == "accuracy")
    images, labels = compute.store.study_run("net").minibatch(2)
    share = (compute.store.study_run("net").model(1)(images).argmax(1) == labels).double().mean().item()
    assert accuracy.value == share
    assert np.isnan(field.share_below)


def test_the_second_answer_comes_from_the_cache_with_all_that_is_told(
    compute: LocalCompute, monkeypatch: pytest.MonkeyPatch
):
    first = compute.landscape(REQUEST)
    monkeypatch.setattr(compute.bench, "landscape", lambda *_: pytest.fail("computed again"))
    second = compute.landscape(REQUEST)
    assert (second.facts, second.method, second.passed_over) == (first.facts, first.method, first.passed_over)
    np.testing.assert_array_equal(second.u, first.u)


def test_a_sweep_over_epochs_and_minibatches(compute: LocalCompute):
    swept = dict(compute.sweep(REQUEST, [0, 1]))
    np.testing.assert_array_equal(swept[1].u, compute.landscape(REQUEST).u)
    assert not np.array_equal(swept[0].u, swept[1].u)
    each = dict(compute.minibatches(REQUEST, range(4)))
    np.testing.assert_array_equal(each[2].v, compute.landscape(REQUEST).v)


def test_capabilities_are_found_by_running_it(compute: LocalCompute):
    found = compute.store.study_run("net").capabilities
    assert (found.draws_masks, found.has_batch_statistics) == (True, True)
    assert [(layer.name, layer.kind, layer.width) for layer in found.layers] == [
        ("conv1", "Conv2d", 4),
        ("norm", "BatchNorm2d", 4),
        ("conv2", "Conv2d", 5),
        ("head", "Linear", 3),
    ]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"x": "conv9.weight[0,0,0,0]"}, "this model has no parameter conv9.weight"),
        ({"x": "conv1.weight[0,0,0]"}, r"conv1.weight takes \[0..3,0..0,0..2,0..2\]"),
        ({"epoch": 7}, "`epoch` of the run net must be one of 0-1, got 7"),
        ({"minibatch": 4}, r"`minibatch` of the run net must be in \[0, 3\], got 4"),
        ({"minibatch_size": 32}, "`minibatch_size` cannot be chosen"),
        ({"run": "other"}, "`run` must be an existing run"),
    ],
)
def test_what_is_not_there_is_one_clear_sentence(compute: LocalCompute, changes: dict, named: str):
    with pytest.raises(UserError, match=named):
        compute.landscape(REQUEST.model_copy(update=changes))


def test_without_its_study_a_run_is_named_and_not_run(recorded: Path, tmp_path: Path):
    with FieldCache(tmp_path / "cache") as cache:
        compute = LocalCompute(RunStore(recorded), cache, device="cpu")
        with pytest.raises(UserError, match=r"is of the study squares: name its file with `--study FILE\.py:NAME`"):
            compute.landscape(REQUEST)


COMMAND = ["landscape", "--run", "net", "--epoch", "1", "--x", X, "--y", Y, "--points", "5", "--study", str(STUDY_FILE)]


@pytest.mark.parametrize("suffix", ["npz", "csv", "json", "png", "svg", "html"])
def test_the_command_line_writes_every_form(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], suffix: str
):
    monkeypatch.setenv("GRADVIZ_CACHE_DIR", str(tmp_path / "cache"))
    out = tmp_path / f"field.{suffix}"
    assert main([*COMMAND, "--runs", str(recorded), "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "rows are classified correctly" in told
    assert "computed by replay" in told
    assert "below" not in told
    if suffix == "json":
        content = json.loads(out.read_text())
        assert content["share_below"] is None
        assert content["facts"][0]["name"] == "accuracy"
    elif suffix == "npz":
        assert np.load(out)["u"].shape == (5, 5)
    else:
        assert out.stat().st_size > 1000


def test_the_engine_refuses_what_it_does_not_know(
    recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("GRADVIZ_CACHE_DIR", str(tmp_path / "cache"))
    options = ["--runs", str(recorded), "--out", str(tmp_path / "field.npz"), "--method", "engine"]
    assert main([*COMMAND, *options]) == 2
    assert "`method` must be replay or reference for the run net" in capsys.readouterr().err


def test_replay_gives_the_built_in_network_s_numbers(tiny_store: RunStore, tmp_path: Path):
    request = LandscapeRequest.of(
        run="dropout", epoch=1, x="hidden.1.linear.bias[0]", y="hidden.2.linear.weight[1,2]", points=5, mode="train"
    )
    with FieldCache(tmp_path / "cache") as cache:
        bench = LocalCompute(tiny_store, cache, device="cpu").bench
        engine, replay = bench.landscape(request), bench.landscape(request, "replay")
    for name in ("loss", "u", "v"):
        wanted = getattr(engine, name)
        np.testing.assert_allclose(getattr(replay, name), wanted, atol=1e-5 * abs(wanted).max(), rtol=0)


WHY = ["why", "--run", "net", "--epoch", "1", "--study", str(STUDY_FILE)]


def test_the_command_line_says_why_a_gradient_is_zero(recorded: Path, capsys: pytest.CaptureFixture[str]):
    parameters = ["conv1.bias[1]", "conv2.bias[3]", "head.bias[0]"]
    assert main([*WHY, "--runs", str(recorded), "--mode", "train", "--minibatch", "2", *parameters]) == 0
    before_norm, live, head = capsys.readouterr().out.splitlines()
    assert before_norm.startswith("conv1.bias[1]: The gradient is exactly zero: a norm subtracts the minibatch mean")
    assert live.startswith("conv2.bias[3]: The gradient is not zero.")
    assert head.startswith("head.bias[0]: The gradient is not zero.")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["conv9.bias[0]"], "this model has no parameter conv9.bias"),
        (["conv1.bias[0]", "--minibatch", "9"], r"`minibatch` of the run net must be in [0, 3]"),
        (["conv1.bias[0]", "--minibatch-size", "32"], "`minibatch_size` cannot be chosen for the run net"),
        (["conv1.bias[0]", "--half-width", "0"], "`half_width`"),
    ],
)
def test_what_why_cannot_answer_is_one_line(
    recorded: Path, capsys: pytest.CaptureFixture[str], options: list[str], named: str
):
    assert main([*WHY, "--runs", str(recorded), *options]) == 2
    assert named in capsys.readouterr().err


def test_a_study_that_ships_needs_not_be_named(tmp_path: Path):
    study = load_study("addition").study
    assert study.train is not None
    (training, _), arguments = study.train.rows(0), {}
    batch = tuple(tensor[:16] for tensor in training)
    torch.manual_seed(0)
    with gradviz.record(study, study.model(**arguments), tmp_path / "runs" / "sums", minibatches=[batch]):
        pass
    with FieldCache(tmp_path / "cache") as cache:
        compute = LocalCompute(RunStore(tmp_path / "runs"), cache, device="cpu")
        names = [name for name, _ in compute.store.study_run("sums").model(0).named_parameters()]
        field = compute.landscape(
            LandscapeRequest.of(run="sums", epoch=0, x=f"{names[-1]}[0]", y=f"{names[-1]}[1]", points=3)
        )
    assert abs(field.u).max() > 0


def test_the_server_answers_for_them(recorded: Path, tmp_path: Path):
    settings = Settings(runs=recorded, study=str(STUDY_FILE), cache_dir=tmp_path / "cache", read_only=True)
    client = create_server(settings).test_client()
    query = {"run": "net", "epoch": 1, "x": X, "y": Y, "points": 3}
    answer = client.get("/api/v1/landscape", query_string=query)
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["share_below"] is None
    assert answer.json["facts"][0]["sentence"].endswith("classified correctly")
    wrong = client.get("/api/v1/landscape", query_string=query | {"x": "conv1.weight[9,0,0,0]"})
    assert wrong.status_code == 422
    assert b"conv1.weight takes [0..3" in wrong.data
