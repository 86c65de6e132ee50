"""The HTTP API through Flask's client: the numbers are those of the rooms below, and mistakes are one sentence."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from flask.testing import FlaskClient

from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.dashboard.query import MAX_BODY_BYTES
from gradviz.experiment.store import RunStore
from gradviz.landscape import network_of
from gradviz.landscape.field import GradientField
from gradviz.landscape.request import LandscapeRequest
from gradviz.landscape.statistics import minibatch_cosines
from tests.drawing.test_frames import blocks_of, decode

PAIR = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]"}
GOOD = {"run": "none", "epoch": 1, "points": 5, **PAIR}


@pytest.fixture
def compute(tiny_store: RunStore, tmp_path: Path) -> LocalCompute:
    return LocalCompute(tiny_store, FieldCache(tmp_path / "other-cache"), device="cpu")


def test_the_page_and_the_health_check_answer(client: FlaskClient) -> None:
    assert client.get("/").status_code == 200
    assert client.get("/healthz").status_code == 200


def test_runs_say_what_is_there(client: FlaskClient) -> None:
    answer = client.get("/api/v1/runs").get_json()
    assert list(answer["runs"]) == ["none", "dropout", "batchnorm"]
    run = answer["runs"]["batchnorm"]
    assert run["epochs"] == [0, 1, 2]
    assert run["shapes"]["hidden.1.norm.weight"] == [10]
    assert run["tensors"]["hidden.1.norm.weight"] == {"layer": "1", "label": "hidden layer 1", "kind": "gamma"}
    assert run["tensors"].keys() == run["shapes"].keys()
    assert len(run["metrics"]["test_loss"]) == 3
    assert run["broken"] == []
    assert answer["training"]["state"] == "finished"
    assert answer["training"]["polls"] is False


def test_unchanged_runs_are_not_sent_again(client: FlaskClient) -> None:
    tag = client.get("/api/v1/runs").headers["ETag"]
    again = client.get("/api/v1/runs", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_a_landscape_is_what_compute_says(client: FlaskClient, compute: LocalCompute) -> None:
    expected = compute.landscape(LandscapeRequest(**GOOD))
    by_query = client.get("/api/v1/landscape", query_string=GOOD).get_json()
    by_body = client.post("/api/v1/landscape", json=GOOD).get_json()
    assert by_query == by_body
    np.testing.assert_array_equal(np.array(by_query["u"], np.float32), expected.u)
    assert by_query["num_rows"] == 64


def test_a_landscape_can_be_had_in_binary(client: FlaskClient, compute: LocalCompute) -> None:
    answer = client.post("/api/v1/landscape", json=GOOD, headers={"Accept": "application/octet-stream"})
    assert answer.mimetype == "application/octet-stream"
    np.testing.assert_array_equal(
        GradientField.from_bytes(answer.data).v, compute.landscape(LandscapeRequest(**GOOD)).v
    )


def test_an_unchanged_landscape_is_not_sent_again(client: FlaskClient) -> None:
    tag = client.get("/api/v1/landscape", query_string=GOOD).headers["ETag"]
    again = client.get("/api/v1/landscape", query_string=GOOD, headers={"If-None-Match": tag})
    assert again.status_code == 304


def test_frames_hold_all_epochs_the_one_looked_at_first(client: FlaskClient, compute: LocalCompute) -> None:
    header, *blocks = blocks_of(client.get("/api/v1/frames", query_string=GOOD).data)
    assert json.loads(header)["indices"] == [1, 2, 0]
    assert [decode(block)[0]["index"] for block in blocks] == [1, 2, 0]
    for block in blocks:
        about, arrays = decode(block)
        expected = compute.landscape(LandscapeRequest(**{**GOOD, "epoch": about["index"]}))
        np.testing.assert_array_equal(arrays["u"], expected.u.ravel())


def test_frames_hold_all_minibatches_of_an_epoch(client: FlaskClient, compute: LocalCompute) -> None:
    asked = {**GOOD, "over": "minibatches", "minibatch_size": 16, "minibatch": 3}
    _, *blocks = blocks_of(client.get("/api/v1/frames", query_string=asked).data)
    indices = [decode(block)[0]["index"] for block in blocks]
    assert indices[0] == 3
    assert sorted(indices) == list(range(15))  # 240 training rows
    expected = compute.landscape(LandscapeRequest(**GOOD, minibatch=indices[1], minibatch_size=16))
    np.testing.assert_array_equal(decode(blocks[1])[1]["loss"], expected.loss.ravel())


def test_unchanged_frames_are_not_sent_again(make_app, own_runs: Path) -> None:
    client = make_app(own_runs).server.test_client()
    tag = client.get("/api/v1/frames", query_string=GOOD).headers["ETag"]
    known = {"If-None-Match": tag}
    assert client.get("/api/v1/frames", query_string=GOOD, headers=known).status_code == 304
    (own_runs / "none" / "epoch-0002.safetensors").unlink()
    assert client.get("/api/v1/frames", query_string=GOOD, headers=known).status_code == 200


def test_frames_are_packed_for_who_can_unpack(client: FlaskClient) -> None:
    plain = client.get("/api/v1/frames", query_string=GOOD)
    packed = client.get("/api/v1/frames", query_string=GOOD, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data


def test_frames_can_be_limited_to_what_is_missing(client: FlaskClient) -> None:
    _, *blocks = blocks_of(client.get("/api/v1/frames", query_string={**GOOD, "only": "2,0,77"}).data)
    assert [decode(block)[0]["index"] for block in blocks] == [2, 0]


def test_a_broken_checkpoint_is_named_and_the_rest_is_served(make_app, own_runs: Path) -> None:
    broken = own_runs / "none" / "epoch-0002.safetensors"
    broken.write_bytes(broken.read_bytes()[:100])
    client = make_app(own_runs).server.test_client()
    run = client.get("/api/v1/runs").get_json()["runs"]["none"]
    assert run["epochs"] == [0, 1]
    assert run["broken"][0]["file"] == "epoch-0002.safetensors"
    _, *blocks = blocks_of(client.get("/api/v1/frames", query_string=GOOD).data)
    assert len(blocks) == 2


def test_a_checkpoint_with_damaged_numbers_is_one_missing_frame(make_app, own_runs: Path) -> None:
    damaged = own_runs / "none" / "epoch-0002.safetensors"
    content = bytearray(damaged.read_bytes())
    content[-4:] = b"\xff\xff\xff\xff"  # not a number
    damaged.write_bytes(bytes(content))
    client = make_app(own_runs).server.test_client()
    _, *blocks = blocks_of(client.get("/api/v1/frames", query_string=GOOD).data)
    abouts = [decode(block)[0] for block in blocks]
    assert [about["index"] for about in abouts] == [1, 2, 0]
    assert "epoch-0002" in abouts[1]["error"]


def test_cosines_are_those_of_the_library_and_null_where_a_gradient_is_zero(
    client: FlaskClient, tiny_store: RunStore
) -> None:
    run = tiny_store.run("batchnorm")
    rows = [run.minibatch(k, 16) for k in range(run.num_minibatches(16))]
    inputs, targets = (torch.stack([getattr(each, name) for each in rows]) for name in ("inputs_BI", "targets_B"))
    network = network_of(run.model(1))
    asked = {"minibatch_size": 16, "mode": "train"}
    for part in ("hidden.1.linear.bias", "hidden.1", "model"):
        told = client.get("/api/v1/cosines/batchnorm/1", query_string={"part": part, **asked}).get_json()
        expected = minibatch_cosines(network, inputs, targets, part, mode="train")
        found = np.array(told["cosine"], float)
        np.testing.assert_allclose(found, expected, atol=1e-5)
        assert np.isnan(found).all() == (part == "hidden.1.linear.bias")
    answer = client.get("/api/v1/cosines/batchnorm/1", query_string={"part": "hidden.9"})
    assert answer.status_code == 422
    assert "hidden.9" in answer.get_json()["error"]


def test_activity_is_a_share_for_each_unit(client: FlaskClient) -> None:
    layers = client.get("/api/v1/activity/none/1").get_json()["layers"]
    assert [len(layer) for layer in layers] == [20, 10, 5]
    assert all(0 <= share <= 1 for layer in layers for share in layer)


def test_an_empty_directory_is_no_mistake(make_app, tmp_path: Path) -> None:
    client = make_app(tmp_path / "nothing").server.test_client()
    assert client.get("/api/v1/runs").get_json()["runs"] == {}
    assert client.get("/").status_code == 200


BAD = [
    ({"run": "ridge"}, "ridge"),
    ({"run": "../none"}, "run"),
    ({"run": ""}, "run"),
    ({"epoch": 77}, "77"),
    ({"epoch": -1}, "epoch"),
    ({"epoch": "last"}, "epoch"),
    ({"epoch": 1.5}, "epoch"),
    ({"points": 4}, "odd"),
    ({"points": 1}, "points"),
    ({"points": 203}, "201"),
    ({"half_width": 0}, "half_width"),
    ({"half_width": -1}, "half_width"),
    ({"half_width": "nan"}, "half_width"),
    ({"half_width": "inf"}, "half_width"),
    ({"x": "hidden.1.linear.bias[10]"}, "out of range"),
    ({"x": "hidden.9.linear.bias[0]"}, "hidden.9"),
    ({"x": "hidden.1.norm.bias[0]"}, "norm"),
    ({"x": "hidden.1.linear.weight[0]"}, "indices"),
    ({"x": "bias"}, "bias"),
    ({"x": PAIR["y"]}, "different"),
    ({"minibatch": 99}, "99"),
    ({"minibatch": -1}, "minibatch"),
    ({"minibatch_size": 0}, "minibatch_size"),
    ({"minibatch_size": 4096}, "1024"),
    ({"mode": "both"}, "mode"),
    ({"masks": "none"}, "masks"),
    ({"num_masks": 0}, "num_masks"),
    ({"seed": -1}, "seed"),
    ({"colour": "red"}, "colour"),
]


@pytest.mark.parametrize(("change", "word"), BAD, ids=[json.dumps(change) for change, _ in BAD])
@pytest.mark.parametrize("path", ["landscape", "frames"])
def test_a_mistake_gets_one_clear_sentence(client: FlaskClient, path: str, change: dict, word: str) -> None:
    answer = client.get(f"/api/v1/{path}", query_string={**GOOD, **change})
    assert answer.status_code == 422
    sentence = answer.get_json()["error"]
    assert word in sentence
    assert "\n" not in sentence
    assert len(sentence) < 400


@pytest.mark.parametrize("missing", sorted(GOOD.keys() - {"points"}))
def test_what_must_be_said_and_is_not_is_named(client: FlaskClient, missing: str) -> None:
    asked = {key: value for key, value in GOOD.items() if key != missing}
    answer = client.post("/api/v1/landscape", json=asked)
    assert answer.status_code == 422
    assert missing in answer.get_json()["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"null", b'{"epoch": NaN}', b"\xff\xfe", b'"text"'])
def test_a_body_that_is_no_json_object_is_refused(client: FlaskClient, body: bytes) -> None:
    answer = client.post("/api/v1/landscape", data=body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.get_json()["error"]


def test_a_large_body_is_refused(client: FlaskClient) -> None:
    answer = client.post("/api/v1/landscape", data=b" " * (MAX_BODY_BYTES + 1), content_type="application/json")
    assert answer.status_code == 413
    assert "768 kB" in answer.get_json()["error"]


@pytest.mark.parametrize(
    ("query", "word"),
    [("over=layers", "over"), ("only=a", "only"), ("only=1,,2", "only"), ("only=-1", "only"), ("epoch=1", "more than")],
)
def test_frames_refuse_what_they_do_not_know(client: FlaskClient, query: str, word: str) -> None:
    good = "&".join(f"{key}={value}" for key, value in GOOD.items())
    answer = client.get(f"/api/v1/frames?{good}&{query}")
    assert answer.status_code == 422
    assert word in answer.get_json()["error"]


@pytest.mark.parametrize(("path", "code"), [("/api/v1/nothing", 404), ("/api/v1/activity/ridge/0", 422)])
def test_what_is_not_there_is_said_in_json_or_by_its_status(client: FlaskClient, path: str, code: int) -> None:
    assert client.get(path).status_code == code


def test_the_trainer_is_told_what_was_asked(client: FlaskClient, trainer) -> None:
    deletion = {"action": "delete", "run": "dropout", "confirm": True}
    for action in ({"action": "start"}, {"action": "stop"}, {"action": "start_again", "confirm": True}, deletion):
        assert client.post("/api/v1/training", json=action).status_code == 200
    assert trainer.told == ["start", "stop", "start_again", "delete dropout"]


@pytest.mark.parametrize(
    "body",
    [
        {"action": "pause"},
        {},
        {"action": "start_again"},
        {"action": "start", "epochs": 3},
        {"action": ["stop"]},
        {"action": "delete", "run": "dropout"},
        {"action": "delete", "confirm": True},
        {"action": "delete", "run": "../none", "confirm": True},
    ],
)
def test_what_the_trainer_cannot_do_is_refused(client: FlaskClient, trainer, body: dict) -> None:
    assert client.post("/api/v1/training", json=body).status_code == 422
    assert trainer.told == []


def test_a_form_cannot_tell_the_trainer_anything(client: FlaskClient, trainer) -> None:
    assert client.post("/api/v1/training", data='{"action": "stop"}', content_type="text/plain").status_code == 415
    assert trainer.told == []


def test_a_read_only_server_trains_nothing(make_app, tiny_runs: Path, trainer) -> None:
    client = make_app(tiny_runs, read_only=True).server.test_client()
    for action in ({"action": "start"}, {"action": "delete", "run": "none", "confirm": True}):
        assert client.post("/api/v1/training", json=action).status_code == 422
    assert trainer.told == []
