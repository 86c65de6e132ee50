"""Planes of directions of stored runs: the command line, the addresses, and the HTTP API."""

import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from gradviz.cli import main
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.plane import PlaneQuestion
from gradviz.compute.workbench import Workbench
from gradviz.dashboard.factory import create_server
from gradviz.drawing.labels import plane_sentences
from gradviz.errors import UserError
from gradviz.experiment.run_directory import checkpoint_path
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.study import loss
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.settings import Settings

PLANES = [("gradient:mean", "pca:1"), ("towards:RUN/1", "random:3@hidden.1"), ("hidden.1.linear.bias[2]", "step")]


def request(run: str = "none", x: str = "random:1", y: str = "step", **values) -> LandscapeRequest:
    return LandscapeRequest.of(run=run, epoch=2, x=x, y=y, minibatch_size=16, points=3, **values)


def command(run: str, x: str, y: str, runs: Path, out: Path) -> list[str]:
    words = ["landscape", "--run", run, "--epoch", "2", "--x", x, "--y", y, "--minibatch-size", "16", "--points", "3"]
    return [*words, "--runs", str(runs), "--directions-out", str(out / "xy.safetensors"), "--out", str(out / "f.npz")]


@pytest.mark.parametrize("run", ["none", "batchnorm"])
@pytest.mark.parametrize(("x", "y"), PLANES)
def test_the_written_field_is_that_of_the_written_vectors(run, x, y, tiny_runs, tmp_path, capsys):
    assert main(command(run, x.replace("RUN", run), y, tiny_runs, tmp_path)) == 0
    told = capsys.readouterr().out
    assert "x = 1: " in told
    assert "of the gradient's length" in told
    found, vectors = np.load(tmp_path / "f.npz"), load_file(tmp_path / "xy.safetensors")
    own = RunStore(tiny_runs).run(run)
    rows = own.minibatch(0, 16)
    width = float(found["x"][-1])
    assert width == 1
    for j, beta in enumerate((-width, 0, width)):
        for i, alpha in enumerate((-width, 0, width)):
            model = own.model(2).double()
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    for step, axis in ((alpha, "x"), (beta, "y")):
                        if f"{axis}.{name}" in vectors:
                            parameter += step * vectors[f"{axis}.{name}"]
            value = loss(model, (rows.inputs_BI.double(), rows.targets_B.double())).mean()
            value.backward()
            slopes = [
                sum(
                    (p.grad * vectors[f"{axis}.{n}"]).sum().item()
                    for n, p in model.named_parameters()
                    if p.grad is not None and f"{axis}.{n}" in vectors
                )
                for axis in "xy"
            ]
            size = float(np.abs([found["u"], found["v"]]).max())
            assert found["loss"][j, i] == pytest.approx(value.item(), rel=1e-5)
            assert [found["u"][j, i], found["v"][j, i]] == pytest.approx(slopes, abs=1e-4 * size)


def test_a_file_that_cannot_hold_vectors_is_refused_before_anything_is_computed(tiny_runs, tmp_path, capsys):
    words = command("none", "random:1", "step", tiny_runs / "nowhere", tmp_path)
    words[words.index("--directions-out") + 1] = str(tmp_path / "xy.npz")
    assert main(words) == 2
    assert "xy.npz" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("run", "mode", "words"), [("none", "eval", ""), ("batchnorm", "eval", "the running ones of")])
def test_the_batch_statistics_of_a_way_are_told_where_the_network_has_some(run, mode, words, tiny_store):
    asked = request(run, f"towards:{run}/1", "random:1", mode=mode)
    plane = Workbench(tiny_store).landscape(asked).plane
    assert plane is not None
    assert bool(plane.statistics) == bool(words)
    assert words in plane.statistics
    told = [line for line in plane_sentences(plane) if line.startswith("batch statistics")]
    assert len(told) == bool(words)


def test_another_process_with_other_threads_writes_the_same_bytes(tiny_runs, tmp_path):
    outs = []
    for threads in ("1", "2"):
        out = tmp_path / threads
        out.mkdir()
        words = [sys.executable, "-m", "gradviz", *command("none", "gradient:mean", "pca:1", tiny_runs, out)]
        subprocess.run(words, check=True, env={**os.environ, "GRADVIZ_THREADS": threads}, stdout=subprocess.DEVNULL)
        outs.append([(out / name).read_bytes() for name in ("f.npz", "xy.safetensors")])
    assert outs[0] == outs[1]


def test_the_address_changes_with_every_checkpoint_that_an_axis_is_made_from(tiny_runs, tmp_path):
    runs = shutil.copytree(tiny_runs, tmp_path / "runs")
    asked = {
        "random:1": [],
        "step": [("none", 1)],
        "gradient:0": [("none", 1)],
        "pca:1": [("none", 0), ("none", 1)],
        "towards:dropout/1": [("dropout", 1)],
    }

    def keys() -> dict[str, str]:
        store = RunStore(runs)
        return {x: LandscapeQuestion(request=request(x=x, y="random:9")).key(store) for x in asked}

    before = keys()
    assert len(set(before.values())) == len(asked)
    for run, epoch in (("none", 0), ("none", 1), ("dropout", 1)):
        path = checkpoint_path(runs / run, epoch)
        state = load_file(path)
        state["output.bias"] += 1
        save_file(state, path)
        after = keys()
        changed = {x for x in asked if after[x] != before[x]}
        assert changed == {x for x, needed in asked.items() if (run, epoch) in needed}
        before = after


def test_the_address_of_a_plane_changes_with_the_other_checkpoint_that_it_leads_to(tiny_runs, tmp_path):
    runs = shutil.copytree(tiny_runs, tmp_path / "runs")
    asked = PlaneQuestion(request=request(x="towards:dropout/1", y="random:9"))
    before = asked.key(RunStore(runs))
    path = checkpoint_path(runs / "dropout", 1)
    state = load_file(path)
    state["output.bias"] += 1
    save_file(state, path)
    assert asked.key(RunStore(runs)) != before


def test_a_field_of_directions_comes_back_from_its_bytes(tiny_store):
    field = Workbench(tiny_store).landscape(request(mode="train", run="dropout", masks="frozen"))
    again = GradientField.from_bytes(field.to_bytes())
    assert again.plane == field.plane
    assert again.plane is not None
    assert again.plane.x.meaning.startswith("a random vector as large as the weights")
    assert again.x.tolist() == [-1, 0, 1]


def test_the_engine_has_no_directions(tiny_store):
    with pytest.raises(UserError, match="must be replay or reference for directions"):
        Workbench(tiny_store).landscape(request(), "engine")


def test_two_parameters_have_no_vectors_to_write(tiny_store):
    with pytest.raises(UserError, match="are two parameters"):
        Workbench(tiny_store).direction_landscape(request(x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]"))


def test_the_api_answers_planes_of_directions(tiny_runs, tmp_path):
    client = create_server(Settings(runs=tiny_runs, cache_dir=tmp_path / "cache")).test_client()
    asked = "run=none&epoch=2&x=gradient:0&y=random:2&minibatch_size=16&points=3"
    told = client.get(f"/api/v1/landscape?{asked}").get_json()
    assert told["request"]["half_width"] == 1
    assert told["plane"]["x"]["text"] == "gradient:0"
    assert told["plane"]["gradient_share"] == pytest.approx(1)
    frames = client.get(f"/api/v1/frames?{asked}&over=epochs").data
    assert b"gradient:0" in frames
    for wrong in ("pca:9", "towards:nope/1", "step@nope", "random:x"):
        answer = client.get(f"/api/v1/landscape?run=none&epoch=2&x={wrong}&y=random:2&points=3&minibatch_size=16")
        assert answer.status_code == 422, wrong
        assert len(json.loads(answer.data)["error"].splitlines()) == 1


def test_the_api_answers_the_points_of_a_coarser_grid_first(tiny_runs, tmp_path):
    client = create_server(Settings(runs=tiny_runs, cache_dir=tmp_path / "cache")).test_client()
    asked = "run=none&epoch=2&x=gradient:0&y=random:2&minibatch_size=16&points=21"

    def loss(more: str = "") -> np.ndarray:
        content = client.get(f"/api/v1/frames?{asked}&only=2{more}").data
        [frame] = blocks_of(content)[1:]
        start = 4 + int.from_bytes(frame[:4], "little")
        size = (len(frame) - start) // 14
        side = math.isqrt(size)
        return np.frombuffer(frame, "<f4", 3 * size, start)[2 * size :].reshape(side, side)

    coarse, finer, whole = loss("&coarse=5"), loss("&coarse=11"), loss()
    np.testing.assert_array_equal(coarse, whole[::5, ::5])
    np.testing.assert_array_equal(finer, whole[::2, ::2])
    for wrong, words in (("&coarse=7", "must be 5 or 11"), ("&coarse=5", "two parameters are quick")):
        axes = (
            asked
            if wrong == "&coarse=7"
            else asked.replace("gradient:0", "output.bias[0]").replace("random:2", "hidden.0.linear.bias[0]")
        )
        answer = client.get(f"/api/v1/frames?{axes}{wrong}")
        assert answer.status_code == 422
        assert words in answer.get_json()["error"]


def test_the_api_estimates_what_is_not_kept(tiny_runs, tmp_path):
    client = create_server(Settings(runs=tiny_runs, cache_dir=tmp_path / "cache")).test_client()
    asked = "run=none&epoch=2&x=gradient:0&y=random:2&minibatch_size=16&points=3"
    before = client.get(f"/api/v1/estimate?{asked}").get_json()
    assert before["seconds"] > 0
    assert not before["is_kept"]
    assert client.get(f"/api/v1/landscape?{asked}").status_code == 200
    after = client.get(f"/api/v1/estimate?{asked}").get_json()
    assert (after["seconds"], after["is_kept"]) == (0, True)
    assert client.get("/api/v1/estimate?run=none&epoch=9&x=step&y=random:1").status_code == 422


def blocks_of(content: bytes) -> list[bytes]:
    blocks, at = [], 0
    while at < len(content):
        length = int.from_bytes(content[at : at + 4], "little")
        blocks.append(content[at + 4 : at + 4 + length])
        at += 4 + length
    return blocks


def test_the_api_tells_what_lies_in_a_plane(tiny_runs, tmp_path):
    client = create_server(Settings(runs=tiny_runs, cache_dir=tmp_path / "cache")).test_client()
    told = client.get("/api/v1/plane?run=none&epoch=2&x=pca:1&y=hidden.1.linear.bias[0]&minibatch_size=16").get_json()
    assert [mark["epoch"] for mark in told["checkpoints"]] == [0, 1, 2]
    assert (told["checkpoints"][2]["x"], told["checkpoints"][2]["distance"]) == (0, 0)
    assert 0.5 < told["variance_share"] <= 1
    assert len(told["minibatches"]) == RunStore(tiny_runs).run("none").num_minibatches(16)
    assert client.get("/api/v1/plane?run=none&epoch=0&x=step&y=random:1").status_code == 422
