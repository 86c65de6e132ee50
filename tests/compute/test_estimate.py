"""How long a landscape takes, about: told before, the same on every machine, and what follows for its grid."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn

from gradviz.cli import main
from gradviz.compute import estimate
from gradviz.compute.kinds import CoarseQuestion, LandscapeQuestion
from gradviz.experiment.counting import counted
from gradviz.landscape import LandscapeRequest
from tests.compute.estimates import FIXTURE, fixture, run_of


def request(x: str = "random:1", y: str = "random:2", **values) -> LandscapeRequest:
    return LandscapeRequest.of(**{"run": "none", "epoch": 2, "x": x, "y": y, "minibatch_size": 16} | values)


def test_the_fixture_that_the_page_reads_is_the_servers_own():
    assert json.loads(FIXTURE.read_text()) == json.loads(json.dumps(fixture()))


def test_a_field_costs_its_points_sets_and_rows():
    run = run_of(3_500_000, draws_masks=True)

    def passes(minibatch_size: int = 64, **values) -> float:
        return estimate.field_passes(run, request(minibatch_size=minibatch_size, **values))

    one = passes()
    assert one == pytest.approx(21 * 21 * (estimate.PASSES_OF_A_POINT + estimate.LEAST_OF_A_POINT))
    assert passes(points=41) == pytest.approx(one * 41**2 / 21**2)
    assert passes(minibatch_size=256) == 4 * one
    assert passes(mode="train", masks="averaged", num_masks=8) == 8 * one
    assert passes(mode="train") == passes(mode="eval", masks="averaged") == one


def test_only_slow_planes_along_directions_have_fewer_points_by_default(tiny_store, monkeypatch):
    assert estimate.default_points(tiny_store, request()) == 21
    monkeypatch.setattr(estimate, "LONG_SECONDS", 0.0)
    assert estimate.default_points(tiny_store, request()) == 11
    assert estimate.default_points(tiny_store, request("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]")) == 21


def test_even_a_small_network_takes_time_at_every_point():
    def point(num_parameters: int) -> float:
        return estimate.field_passes(run_of(num_parameters, draws_masks=False), request()) / 21**2

    assert point(100) == point(1000) > estimate.LEAST_OF_A_POINT
    large = [point(millions * 10**6) for millions in (10, 20, 30)]
    assert large[2] - large[1] == pytest.approx(large[1] - large[0]) == pytest.approx(10 / 3.5 * 1.5)


def test_what_comes_before_the_points_does_not_depend_on_them(tiny_store):
    def before(**values) -> float:
        asked = request(**values)
        field = estimate.field_passes(tiny_store.any_run("none"), asked)
        return estimate.plane_passes(tiny_store, asked) - field

    assert before() == pytest.approx(before(points=5)) == pytest.approx(before(mode="train", masks="averaged"))
    assert before() == pytest.approx(before(x="towards:none/1")) == pytest.approx(before(x="step"))
    assert before() > estimate.LEAST_OF_A_CHECK
    run = tiny_store.any_run("none")
    one, all_of_them = (before(x=axis) - before() for axis in ("gradient:0", "gradient:mean"))
    assert all_of_them == pytest.approx(one * run.num_minibatches(16))
    assert before(x="gradient:0", y="gradient:1") == pytest.approx(before() + 2 * one)


def test_the_components_of_a_path_are_found_together(tiny_store):
    def before(x: str, y: str, **values) -> float:
        return estimate.vectors_passes(tiny_store, request(x, y, **values))

    first = before("pca:1", "random:1") - before("random:2", "random:1")
    assert before("pca:1", "pca:2") - before("random:2", "random:1") == pytest.approx(first)
    assert first >= len(tiny_store.any_run("none").epochs())
    larger = before("pca:1", "step", minibatch_size=640) - before("random:1", "step", minibatch_size=640)
    assert larger == pytest.approx(first)


def test_finding_the_vectors_counts_too(tiny_store):
    def passes(**values) -> float:
        return LandscapeQuestion(request=request(**values)).passes(tiny_store)

    assert passes(x="hessian:2") > passes(x="hessian:1") > passes(x="gradient:mean") > passes(x="gradient:0") > passes()
    assert CoarseQuestion(request=request(), size=5).passes(tiny_store) < passes()


@pytest.mark.parametrize(
    ("seconds", "words"), [(5.04, "5 s"), (12.3, "12 s"), (99, "99 s"), (150, "2.5 min"), (6000, "100 min")]
)
def test_seconds_are_told_with_two_digits(seconds, words):
    assert estimate.seconds_words(seconds) == words


def test_a_kernel_counts_at_every_place_and_a_layer_at_every_call():
    model = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.Flatten(), nn.Linear(3 * 4 * 5, 7))
    up = nn.ConvTranspose2d(2, 3, 2, stride=2)
    with counted(model) as count, counted(up) as of_up:
        model(torch.zeros(6, 2, 4, 5))
        up(torch.zeros(6, 2, 4, 5))
    assert count.products == 6 * (4 * 5 * 3 * 2 * 9 + 60 * 7)
    assert of_up.products == 6 * 2 * 4 * 5 * 3 * 4
    model(torch.zeros(6, 2, 4, 5))
    assert count.products == 6 * (4 * 5 * 3 * 2 * 9 + 60 * 7)  # what comes after is not counted


def test_a_study_costs_what_its_forward_pass_multiplies(compute):
    run = compute.store.any_run("net")
    assert run.products > 0
    assert estimate.cost_of_a_point(run, 64) >= run.products / (64 * 3_500_000)


@pytest.fixture
def command(tiny_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GRADVIZ_CACHE_DIR", str(tmp_path / "cache"))

    def run(*words: str, x: str = "random:1", y: str = "random:2") -> None:
        given = ["--run", "none", "--epoch", "2", "--x", x, "--y", y, "--minibatch-size", "16"]
        assert main(["landscape", *given, *words, "--runs", str(tiny_runs), "--out", str(tmp_path / "f.npz")]) == 0

    return run


def test_the_command_line_takes_fewer_points_where_all_would_take_long_and_says_so(command, monkeypatch, capsys):
    command()
    told = capsys.readouterr()
    assert "21 × 21 arrows" in told.out
    assert told.err == ""
    monkeypatch.setattr(estimate, "LONG_SECONDS", 0.0)
    command()
    told = capsys.readouterr()
    assert "11 × 11 arrows" in told.out
    assert "computing 11 × 11. For all of them, add --points 21." in told.err
    command("--points", "21")
    told = capsys.readouterr()
    assert "21 × 21 arrows" in told.out
    assert told.err == ""
    command(x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]")
    assert "21 × 21 arrows" in capsys.readouterr().out


def test_the_command_line_tells_what_takes_long_before_it_computes_it_and_not_what_is_kept(
    command, monkeypatch, capsys
):
    monkeypatch.setattr("gradviz.commands.landscape.TOLD_SECONDS", 0.0)
    command("--points", "3")
    assert capsys.readouterr().err.startswith("This takes about ")
    command("--points", "3")
    assert capsys.readouterr().err == ""
