"""Planes along directions everywhere on the page: links, addresses, recipes, exports, and wrong axes."""

import base64
import io
import json
import random
import re
import shlex
import shutil
import struct
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pytest
from flask.testing import FlaskClient
from safetensors.torch import load_file, save_file
from werkzeug.datastructures import MultiDict

from gradviz.cli import main
from gradviz.commands.landscape import _request
from gradviz.compute.recipe import command_line, python_text
from gradviz.dashboard import permalink
from gradviz.dashboard.overview import runs_of
from gradviz.dashboard.permalink import View
from gradviz.dashboard.query import from_arguments
from gradviz.experiment.run_directory import checkpoint_path
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest
from gradviz.parser import parser
from tests.dashboard.conftest import MakeApp
from tests.landscape.directions.test_axis import any_axis

PLANE = {"run": "none", "epoch": 2, "points": 3, "minibatch_size": 16}
STEPS = {**PLANE, "x": "gradient:1", "y": "step"}


def random_planes() -> list[LandscapeRequest]:
    choose, planes = random.Random(3), []
    while len(planes) < 200:
        x, y = any_axis(choose), any_axis(choose)
        if x == y or "scale.gain" in (x, y):
            continue
        values: dict[str, Any] = {
            "run": choose.choice(["none", "adam-3"]),
            "epoch": choose.randrange(31),
            "x": x,
            "y": y,
        }
        if choose.random() < 0.5:
            values["half_width"] = choose.choice([0.1, 1, 0.003, 2.5])
        if choose.random() < 0.5:
            values |= {
                "minibatch": choose.randrange(50),
                "mode": "train",
                "masks": "frozen",
                "seed": choose.randrange(99),
            }
        planes.append(LandscapeRequest.of(**values))
    return planes


PLANES = random_planes()
NOT_RANDOM = ("run", "epoch", "x", "y", "half_width", "points", "minibatch", "minibatch_size", "mode")


def test_200_planes_come_back_from_links():
    for plane in PLANES:
        view = View(
            run=plane.run, epoch=plane.epoch, x_a=plane.x, y_a=plane.y, x_b=plane.y, half_width=plane.half_width
        )
        link = permalink.write(view)
        assert permalink.read(link) == (view, [])
        assert permalink.write(permalink.read(link)[0]) == link


def test_200_planes_come_back_from_the_address_of_the_api():
    for plane in PLANES:
        address = urlencode(plane.model_dump(exclude={"variant"}))
        assert from_arguments((LandscapeRequest,), MultiDict(parse_qsl(address))) == (plane,)


def test_200_planes_come_back_from_their_recipes(tiny_store):
    for plane in PLANES:
        line = command_line(plane, "field.npz", is_random=True)
        assert _request(parser().parse_args(shlex.split(line)[1:])) == plane
    along = [plane.model_copy(update={"run": "none"}) for plane in PLANES if plane.has_directions]
    text = python_text(along, tiny_store, Path("runs"))
    made = re.findall(r"bench\.landscape\((LandscapeRequest\(.*\))\)\)\n", text)
    for written, plane in zip(made, along, strict=True):
        again = eval(written)  # noqa: S307  (our own text)
        assert all(getattr(again, name) == getattr(plane, name) for name in NOT_RANDOM)


def test_recipes_of_directions_reproduce_the_numbers(
    make_app: MakeApp, tiny_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    runs = tmp_path / "runs"
    runs.symlink_to(tiny_runs)
    client = make_app(runs).server.test_client()
    recipe = client.post("/api/v1/recipes", json={"panels": [STEPS]}).get_json()
    monkeypatch.chdir(tmp_path)
    scope: dict[str, Any] = {}
    exec(recipe["python"], scope)  # what a reader pastes
    assert main(shlex.split(recipe["command_lines"])[1:]) == 0
    by_command = np.load(tmp_path / f"{recipe['names'][0]}.npz")
    exact = np.load(io.BytesIO(client.get("/api/v1/landscape", query_string={**STEPS, "format": "npz"}).data))
    for key in ("u", "v", "loss"):
        np.testing.assert_array_equal(by_command[key], getattr(scope["fields"][0], key))
        np.testing.assert_array_equal(by_command[key], exact[key])


def told_of(frame: str) -> dict[str, Any]:
    block = base64.b64decode(frame)
    (length,) = struct.unpack_from("<I", block)
    return json.loads(block[4 : 4 + length])


def test_a_page_that_stands_alone_tells_of_the_plane_and_draws_no_path(shared_client: FlaskClient):
    asked = {"kind": "html", "over": "minibatches", "every": 2, "show": ["path"], "panels": [STEPS]}
    html = shared_client.post("/api/v1/exports", json=asked).get_data(as_text=True)
    [written] = re.findall(r'<script type="application/json" id="told">(.*?)</script>', html, re.DOTALL)
    told = json.loads(written)
    [panel] = told["panels"]
    assert panel["path"] == []
    assert (told["tensors"], panel["request"]["x"], panel["request"]["half_width"]) == ({}, "gradient:1", 1)
    plane = told_of(panel["frames"][0])["plane"]
    assert plane["x"]["unit"] == "as long as the step from epoch 1 to 2"
    assert 0 < plane["y"]["part"] <= 1


def test_a_still_picture_has_the_axes_in_words(shared_client: FlaskClient):
    pdf = shared_client.post("/api/v1/exports", json={"kind": "pdf", "panels": [STEPS], "range": "frame"})
    assert pdf.data.startswith(b"%PDF")


def test_there_is_no_difference_along_directions(shared_client: FlaskClient):
    panels = [STEPS, {**STEPS, "run": "dropout"}]
    answer = shared_client.post("/api/v1/exports", json={"kind": "html", "panels": panels, "minus": 0})
    assert answer.status_code == 422
    assert "each run has a plane of its own" in answer.get_json()["error"]


def test_there_are_no_curves_along_directions(shared_client: FlaskClient):
    answer = shared_client.get("/api/v1/course", query_string=STEPS)
    assert (answer.status_code, "a plane of its own" in answer.get_json()["error"]) == (422, True)


def test_the_axes_of_a_plane_are_told_without_what_lies_in_it(shared_client: FlaskClient):
    told = shared_client.get("/api/v1/plane", query_string={**STEPS, "parts": "axes"}).get_json()
    whole = shared_client.get("/api/v1/plane", query_string=STEPS).get_json()
    assert {name: whole[name] for name in told} == told
    assert set(whole) - set(told) == {"checkpoints", "variance_share", "minibatches"}


def test_an_epoch_without_the_direction_says_so_among_the_others(shared_client: FlaskClient):
    stream = shared_client.get(
        "/api/v1/frames", query_string={**STEPS, "over": "epochs"}, headers={"Accept-Encoding": ""}
    )
    assert b"no step leads to epoch 0, the first" in stream.data


def test_a_stream_is_made_anew_when_a_checkpoint_that_an_axis_is_made_from_has_changed(
    make_app: MakeApp, tiny_runs: Path, tmp_path: Path
):
    runs = shutil.copytree(tiny_runs, tmp_path / "runs")
    client = make_app(runs).server.test_client()
    asked = {**PLANE, "x": "towards:dropout/1", "y": "random:1", "over": "minibatches", "only": "0"}
    tag = client.get("/api/v1/frames", query_string=asked).headers["ETag"]
    assert client.get("/api/v1/frames", query_string=asked, headers={"If-None-Match": tag}).status_code == 304
    path = checkpoint_path(runs / "dropout", 1)
    state = load_file(path)
    state["output.bias"] += 1
    save_file(state, path)
    assert client.get("/api/v1/frames", query_string=asked, headers={"If-None-Match": tag}).status_code == 200


def test_each_epoch_has_directions_of_its_own(shared_client: FlaskClient):
    asked = {**PLANE, "x": "gradient:0", "y": "random:5"}
    shares = {
        epoch: shared_client.get("/api/v1/plane", query_string={**asked, "epoch": epoch}).get_json()["gradient_share"]
        for epoch in (1, 0, 2)  # the first two have the same last step
    }
    assert shares == pytest.approx(dict.fromkeys((0, 1, 2), 1.0))


# What this run, of two epochs of training and few minibatches, does not have: the axis, and a word of the sentence.
LACKING = {
    "step@hidden.7": "hidden.7",
    "step@hidden.1.linear.bias[0]": "hidden.1",
    "step@Hidden": "begins with Hidden",
    "random:1@conv": "begins with conv",
    "random:1@hidden.1.lin": "hidden.1.lin",
    "random-all:1@0": "begin with hidden, output",
    "gradient:0@norm": "norm",
    "gradient:mean@output.linear": "output.linear",
    "gradient:999999": "minibatches of this run are 0 to",
    "gradient:50": "minibatches of this run are 0 to",
    "towards:none/2": "does not move any parameter",
    "towards:none/3": "`towards:none/3`",
    "towards:none/9999": "9999",
    "towards:dropout/7": "one of 0-2, got 7",
    "towards:nobody/1": "nobody",
    "towards:None/1": "None",
    "towards:-/0": "-",
    "pca:3": "2 principal components",
    "pca:100": "2 principal components",
    "hidden.1.norm.bias[0]": "hidden.1.norm.bias",
    "hidden.1.linear.bias[10]": "out of range",
    "hidden.1.linear.weight[1]": "hidden.1.linear.weight",
    "nothing.at.all[0]": "nothing.at.all",
    "random:2": "different",
    "hidden.1.linear.bias[nan]": "not the name",
}
FIRST = {
    "step": "no step leads to epoch 0",
    "step@output": "no step leads to epoch 0",
    "towards:none/0": "does not move",
}
FORMS = [
    *("random:", "random:x", "random:nan", "random:-1", "random:1@a:b", "Random:1", "@output", ":1", "eigen:1"),
    *("gradient:", "gradient:all", "gradient:NaN", "gradient:0@", "step:1", "step@", "step:@output"),
    *("towards:", "towards:none", "towards:none/x", "towards:none/nan", "towards:../x/1", "towards:none/-1"),
    *("towards:none/1@a", "pca", "pca:", "pca:0", "pca:nan", "pca:1@output", "pca:-1", "hessian:", "hessian:0"),
    "hessian:inf",
]


def error_of(client: FlaskClient, x: str, **values: object) -> str:
    answer = client.get("/api/v1/landscape", query_string={**PLANE, "x": x, "y": "random:2", **values})
    assert answer.status_code == 422, (x, answer.data[:200])
    sentence = answer.get_json()["error"]
    assert len(sentence.splitlines()) == 1
    assert len(sentence) < 400
    return sentence


def test_60_wrong_axes_get_one_clear_line_each(shared_client: FlaskClient):
    assert len(LACKING) + len(FIRST) + len(FORMS) >= 60
    for x, words in LACKING.items():
        assert words in error_of(shared_client, x), x
    for x, words in FIRST.items():
        assert words in error_of(shared_client, x, epoch=0), x
    for x in FORMS:
        assert x[:8].strip() in error_of(shared_client, x), x


def test_networks_of_other_shapes_a_single_checkpoint_and_one_that_is_gone(
    make_app: MakeApp, tiny_runs: Path, tmp_path: Path
):
    runs = shutil.copytree(tiny_runs, tmp_path / "runs")
    path = checkpoint_path(runs / "dropout", 1)
    path.unlink()
    for epoch in (0, 1):
        checkpoint_path(runs / "batchnorm", epoch).unlink()
    client = make_app(runs).server.test_client()
    assert "must be one of 0, 2, got 1" in error_of(client, "towards:dropout/1")
    for x in ("gradient:0", "step", "hessian:1"):
        assert "has one checkpoint" in error_of(client, x, run="batchnorm")
    assert "has one checkpoint, and a path has two or more" in error_of(client, "pca:1", run="batchnorm")
    # batchnorm has tensors that none has not, so that none's network is another one seen from it
    assert "has another network than batchnorm" in error_of(client, "towards:none/2", run="batchnorm")


def test_a_link_to_what_a_run_has_not_opens_and_says_it_in_its_picture(tiny_store: RunStore):
    for x in LACKING:
        if "[" not in x:
            view, notices = permalink.settle(View(x_a=x, y_a="random:9"), runs_of(tiny_store))
            assert (view.x_a, notices) == (x, [])
