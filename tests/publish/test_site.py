"""A site's files are the server's own answers, bit by bit, and hold nothing else."""

import gzip
import html
import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from gradviz.dashboard.factory import create_server
from gradviz.dashboard.standalone import hash_of
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.field import GradientField
from gradviz.publish.choices import Choices, RunHeld
from gradviz.publish.questions import question_of
from gradviz.settings import Settings
from tests.publish.made import PAIR


@pytest.fixture(scope="module")
def client(tiny_runs: Path, publish_cache: Path) -> FlaskClient:
    return create_server(Settings(runs=tiny_runs, cache_dir=publish_cache)).test_client()


def content(site: Path, name: str) -> bytes:
    return gzip.decompress((site / "data" / f"{name}.bin").read_bytes())


def frames_of(stream: bytes) -> dict[int, tuple[Any, ...]]:
    """JSON, u, v, loss, is_zero and zero_reason of each frame, by its index."""
    blocks, frames = [], {}
    while stream:
        (length,) = struct.unpack_from("<I", stream)
        blocks.append(stream[4 : 4 + length])
        stream = stream[4 + length :]
    for block in blocks[1:]:
        (length,) = struct.unpack_from("<I", block)
        about, numbers = json.loads(block[4 : 4 + length]), block[4 + length :]
        size = len(numbers) // 14
        marks = (numbers[12 * size : 13 * size], numbers[13 * size :])
        frames[about["index"]] = (about, *(numbers[4 * k * size : 4 * (k + 1) * size] for k in range(3)), *marks)
    return frames


@pytest.fixture(scope="module")
def start(site: Path) -> dict[str, Any]:
    return json.loads(content(site, "start"))


def stacks(start: dict[str, Any]) -> list[tuple[str, str]]:
    return [(question, name) for question, name in start["index"].items() if question.startswith("frames?")]


def test_every_file_of_the_index_is_there_and_no_other(site: Path, start: dict[str, Any]) -> None:
    named = {*start["index"].values(), "start", "renderer", "page", "plotly"}
    assert {path.stem for path in (site / "data").glob("*.bin")} == named
    assert {path.stem for path in (site / "data").glob("*.js")} == named  # it is small: it opens from disk too


def test_the_pictures_are_all_there(start: dict[str, Any]) -> None:
    # 2 runs × 2 pairs × (eval + train) × (2 epochs + 2 minibatches)
    assert len(stacks(start)) == 2 * 2 * 2 * (2 + 2)


def test_a_stack_holds_the_servers_fields_bit_by_bit(site: Path, start: dict[str, Any], client: FlaskClient) -> None:
    for question, name in stacks(start):
        query = dict(pair.split("=", 1) for pair in question.partition("?")[2].split("&"))
        over = query.pop("over")
        index = {"epochs": "epoch", "minibatches": "minibatch"}[over]
        frames = frames_of(content(site, name))
        assert sorted(frames) == ([0, 2] if over == "epochs" else [0, 1])
        for number, (about, u, v, loss, is_zero, reason) in frames.items():
            asked = {**query, index: str(number), "format": "binary"}
            field = GradientField.from_bytes(client.get("/api/v1/landscape", query_string=asked).get_data())
            for held, told in ((u, field.u), (v, field.v), (loss, field.loss)):
                assert held == np.asarray(told, "<f4").tobytes()
            assert is_zero == np.asarray(field.is_zero, "u1").tobytes()
            assert reason == np.asarray(field.zero_reason, "u1").tobytes()
            assert about["num_rows"] == 16


@pytest.mark.parametrize("kind", ["sampling", "cosines/none", "measures/dropout", "activity/none"])
def test_other_answers_are_the_servers(site: Path, start: dict[str, Any], client: FlaskClient, kind: str) -> None:
    found = [question for question in start["index"] if question.startswith(kind)]
    assert found
    for question in found:
        answer = client.get(f"/api/v1/{question}").get_json()
        assert json.loads(content(site, start["index"][question]))[question] == answer


def test_the_page_is_told_of_what_is_there_alone(start: dict[str, Any]) -> None:
    told = start["answers"]["runs"]
    assert list(told["runs"]) == ["none", "dropout"]
    for run in told["runs"].values():
        assert run["epochs"] == [0, 2]
        assert run["minibatches"]["16"] == 2
        assert not any(many for size, many in run["minibatches"].items() if size != "16")
        assert run["suggested"]["a"] == list(PAIR)
    assert not told["training"]["polls"]
    assert start["site"]["pairs"]["none"][0] == list(PAIR)
    for what in ("the rows", "the lessons", "the scenes"):
        assert any(what in lack for lack in start["site"]["lacks"]), what
    assert not any(question.startswith(("scenes", "lessons")) for question in start["index"])


def test_the_policy_allows_the_scripts_of_the_site_and_no_other(site: Path) -> None:
    document = (site / "index.html").read_text()
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', document)
    assert found
    policy = html.unescape(found[1])
    assert "default-src 'none'" in policy
    scripts = next(part for part in policy.split("; ") if part.startswith("script-src"))
    assert "unsafe" not in scripts
    for name in ("renderer", "page", "plotly"):
        assert hash_of(content(site, name).decode()) in scripts
    assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))", document)


def test_it_tells_nothing_of_the_machine(
    site: Path, start: dict[str, Any], tiny_runs: Path, publish_cache: Path
) -> None:
    own = {*start["index"].values(), "start"}
    texts = [content(site, name) for name in own] + [path.read_bytes() for path in site.glob("*.*")]
    for secret in (str(tiny_runs), str(publish_cache), str(site), str(Path.home()) + "/", str(Path.cwd())):
        assert not any(secret.encode() in text for text in texts), secret
    assert re.search(r'"python_version": ""', (site / "index.html").read_text())


def test_no_row_of_the_data_is_in_it_unless_asked_for(site: Path, start: dict[str, Any]) -> None:
    assert not any(question.startswith(("rows", "minibatches")) for question in start["index"])


def test_the_page_asks_for_a_landscape_as_the_site_names_it() -> None:
    asked = LandscapeRequest(run="none", epoch=2, x=PAIR[0], y=PAIR[1])
    told = {"run": "none", "cannot": None, "epochs": [2], "capabilities": {"draws_masks": True}}
    told |= {"minibatch_sizes": [64], "minibatches": {"64": 5}}
    run = RunHeld(told, Choices())
    [evaluated] = run.settings(("eval",))
    selection = run.selection(PAIR, evaluated)
    assert {name: str(getattr(asked, name)) for name in selection} == selection
    assert run.settings(("train", "frozen"))[1] == {"mode": "train", "masks": "frozen", "seed": "0"}
    assert "minibatch=3" in question_of("frames?over=epochs&epoch=2&minibatch=3&run=none")
