"""`variant`, as version 0.1 called the parameter `run`: read wherever `run` is, and written beside it."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient

from gradviz.cli import main
from gradviz.dashboard import permalink
from gradviz.landscape import LandscapeRequest

PAIR = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]"}
ASKED = {"epoch": 1, "points": 3, **PAIR}


@pytest.fixture
def client(shared_client: FlaskClient) -> FlaskClient:
    return shared_client


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("landscape", ASKED),
        ("frames", ASKED),
        ("agreement", {"epoch": 1, "minibatch_size": 16, "parts": "output.bias"}),
        ("course", ASKED | {"minibatch_size": 16}),
    ],
)
def test_either_key_gets_the_same_answer(client: FlaskClient, path: str, asked: dict) -> None:
    queries = ({key: "dropout", **asked} for key in ("variant", "run"))
    of_old, of_new = (client.get(f"/api/v1/{path}", query_string=query) for query in queries)
    assert of_old.status_code == of_new.status_code == 200
    assert of_old.data == of_new.data
    assert of_old.headers["ETag"] == of_new.headers["ETag"]


@pytest.mark.parametrize("key", ["variant", "run"])
def test_a_body_and_the_panels_in_it_take_either_key(client: FlaskClient, key: str) -> None:
    panel = {key: "none", **ASKED}
    answer = client.post("/api/v1/landscape", json=panel)
    assert answer.get_json()["request"] == answer.get_json()["request"] | {"run": "none", "variant": "none"}
    recipe = client.post("/api/v1/recipes", json={"panels": [panel]})
    assert "--run none" in recipe.get_json()["command_lines"]


def test_two_keys_that_differ_are_refused_and_in_a_path_there_is_one(client: FlaskClient) -> None:
    both = {"run": "none", "variant": "dropout"}
    for answer in (
        client.get("/api/v1/landscape", query_string=both | ASKED),
        client.post("/api/v1/landscape", json=both | ASKED),
        client.post("/api/v1/recipes", json={"panels": [both | ASKED]}),
    ):
        assert answer.status_code == 422
        assert "give only `run`" in answer.get_json()["error"]
    assert client.get("/api/v1/landscape", query_string={**both, "variant": "none"} | ASKED).status_code == 200
    assert client.get("/api/v1/runs/none?variant=none").status_code == 422


def test_answers_that_name_a_run_name_it_under_both_keys(client: FlaskClient) -> None:
    runs = client.get("/api/v1/runs").get_json()["runs"]
    assert {name: (run["run"], run["variant"]) for name, run in runs.items()} == {name: (name, name) for name in runs}
    rows = client.get("/api/v1/minibatches/dropout/1?minibatch_size=16").get_json()
    assert (rows["run"], rows["variant"]) == ("dropout", "dropout")


def test_a_link_of_either_key_opens_the_same_view() -> None:
    old, new = permalink.read("?variant=dropout&epoch=3"), permalink.read("?run=dropout&epoch=3")
    assert old == new
    assert old[0].run == "dropout"
    assert old[1] == []


def test_the_request_in_a_file_is_read_back_and_its_old_form_too() -> None:
    request = LandscapeRequest.of(run="dropout", **ASKED)
    told = json.loads(request.canonical())
    assert LandscapeRequest.from_json(request.canonical()) == request
    assert LandscapeRequest.of(**{key: value for key, value in told.items() if key != "run"}) == request


def test_the_command_line_takes_either_option(tiny_runs: Path, tmp_path: Path) -> None:
    fields = []
    for option in ("--run", "--variant"):
        path = tmp_path / f"{option.strip('-')}.npz"
        words = ("landscape", option, "none", "--epoch", 1, "--x", PAIR["x"], "--y", PAIR["y"], "--points", 3)
        assert main([*map(str, words), "--runs", str(tiny_runs), "--out", str(path)]) == 0
        with np.load(path, allow_pickle=False) as npz:
            fields.append(npz["u"])
    assert np.array_equal(*fields)


def test_the_address_of_a_field_is_that_of_version_0_1() -> None:
    """Made of these values alone, written out here: what is cached stays valid."""
    request = LandscapeRequest.of(run="none", **ASKED)
    values = {"half_width": 0.1, "minibatch": 0, "minibatch_size": 64, "mode": "eval", "points": 3, **PAIR}
    content = json.dumps([2, "digest", values], sort_keys=True, separators=(",", ":"))
    assert request.key("digest") == hashlib.blake2b(content.encode(), digest_size=20).hexdigest()
