"""Still pictures of a view: panels and scales as asked for, the same from the command line and the server."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

from gradviz.cli import main

PANEL = {"run": "none", "epoch": 1, "x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]", "points": 5}
IN_A_ROW = [PANEL | {"run": run, "epoch": epoch} for run in ("none", "dropout") for epoch in (0, 1, 2)]
TEXT = "{http://www.w3.org/2000/svg}text"


def made(client: FlaskClient, **values: Any) -> bytes:
    answer = client.post("/api/v1/exports", json={"kind": "svg", "width_in": 6.75, "panels": [PANEL], **values})
    assert answer.status_code == 200, answer.data
    return answer.data


def texts(svg: bytes) -> list[str]:
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter(TEXT)]


def test_the_command_and_the_server_make_the_same_file(client: FlaskClient, tiny_runs: Path, tmp_path: Path):
    recipe = {"panels": IN_A_ROW, "columns": 3, "share_scale": True, "show": ["path", "spread"], "width_in": 5.5}
    (tmp_path / "recipe.json").write_text(json.dumps({"kind": "svg", **recipe}))
    out = tmp_path / "f.svg"
    assert main(["figure", str(tmp_path / "recipe.json"), "--runs", str(tiny_runs), "--out", str(out)]) == 0
    assert out.read_bytes() == made(client, **recipe)


def test_epochs_of_runs_lie_in_rows_with_one_scale(client: FlaskClient):
    words = texts(made(client, panels=IN_A_ROW, columns=3, share_scale=True))
    for title in ("None, epoch 0", "Dropout, epoch 2"):
        assert title in words
    assert [word for word in words if len(word) == 1 and word.isalpha()] == list("abcdef")
    assert sum("log10" in word for word in words) == 1
    assert sum("log10" in word for word in texts(made(client, panels=IN_A_ROW, columns=3))) > 1


def test_colours_and_lengths_are_measured_over_what_is_asked_for(client: FlaskClient):
    ways = [{"range": way, "fixed_lengths": fixed} for way in ("epochs", "frame") for fixed in (True, False)]
    pictures = {made(client, **way) for way in ways}
    assert len(pictures) == 3  # lengths can be measured over no more than is computed


def test_the_answer_tells_the_caption_beside_the_file(client: FlaskClient):
    body = {"kind": "pdf", "panels": [PANEL], "range": "frame", "progress": True}
    answer = client.post("/api/v1/exports", json=body).data
    [about] = [json.loads(found) for found in re.findall(rb'\{"name".*?"\}(?=.{4}%PDF)', answer, re.DOTALL)]
    assert about["caption"].startswith("Gradient landscape: run none; epoch 1; minibatch 0")
    assert about["type"] == "application/pdf"


@pytest.mark.parametrize(("kind", "begin"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("webp", b"RIFF")])
def test_each_kind_has_its_type(client: FlaskClient, kind: str, begin: bytes):
    answer = client.post("/api/v1/exports", json={"kind": kind, "panels": [PANEL], "range": "frame"})
    assert answer.mimetype == {"png": "image/png", "svg": "image/svg+xml", "webp": "image/webp"}[kind]
    assert answer.data.startswith(begin)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"content": "rose", "panels": [PANEL] * 2}, "`rose` is of one panel"),
        ({"width_in": 21}, "width_in"),
        ({"columns": 0}, "columns"),
        ({"colours": "rainbow"}, "colours"),
        ({"panels": [PANEL, PANEL | {"epoch": 77}]}, "no epoch 77"),
        ({"over": "minibatches", "panels": [PANEL | {"minibatch": 99999}]}, "no minibatch 99999"),
    ],
)
def test_a_mistake_is_one_sentence(client: FlaskClient, values: dict[str, Any], words: str):
    answer = client.post("/api/v1/exports", json={"kind": "pdf", "panels": [PANEL], **values})
    assert answer.status_code == 422
    assert words in answer.get_json()["error"]


def test_a_matrix_of_gradients_that_are_all_zero_is_empty_and_says_so(client: FlaskClient):
    """The biases before a norm, in train mode: no gradient has a direction, and so there is no mean one."""
    silent = {"content": "matrix", "panels": [PANEL | {"run": "batchnorm", "mode": "train"}], "progress": True}
    answer = client.post("/api/v1/exports", json={"kind": "svg", **silent})
    assert b"Grey: one of the two is zero up to round-off" in answer.data
    assert b"Mean cosine" not in answer.data
