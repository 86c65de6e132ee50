"""The paths that training takes, over HTTP: started once, told as they are, cancelled, and bounded."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from dash import Dash
from flask.testing import FlaskClient
from torch.nn import functional as F

from gradviz.compute.paths import continuation_of, paths
from gradviz.compute.paths_export import paths_told
from gradviz.dashboard import paths_answers
from gradviz.experiment.device import resolve_device
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.request import PathsRequest

ASKED = {"run": "none", "epoch": 1, "replicas": 3, "conditions": ["same", "order"]}
QUERY = {**ASKED, "conditions": "same,order"}


def started(client: FlaskClient, **changes: object) -> dict:
    answer = client.post("/api/v1/paths", json={**ASKED, **changes})
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def test_paths_are_asked_for_computed_and_told(client: FlaskClient, tiny_store: RunStore, tmp_path: Path) -> None:
    before = client.get("/api/v1/paths", query_string=QUERY).get_json()
    assert (before["is_known"], before["refusal"], before["job"]) == (False, "", None)
    assert client.get(f"/api/v1/paths/results/{before['key']}").status_code == 404
    # The recorded path, 2 of same, 3 of order; the optimizer's state at epoch 1 takes one epoch of training.
    assert (before["cost"]["epochs"], before["cost"]["before"], before["cost"]["steps"]) == (6, 1, 3)

    after = started(client)
    assert after["key"] == before["key"]
    assert after["is_known"]
    assert after["job"]["state"] == "finished"
    assert client.get("/api/v1/paths/job").get_json() == {"job": after["job"]}
    answer = client.get(f"/api/v1/paths/results/{after['key']}")
    told = answer.get_json()
    paths_answers.PathsResultAnswer.model_validate(told)
    expected = json.loads(json.dumps(paths_told(paths(tiny_store, PathsRequest.of(**ASKED), tmp_path, device="cpu"))))
    for each in (expected["recorded"], *expected["conditions"].values()):
        assert len(each.pop("minibatch_losses"))
    assert told == expected
    assert not any(told["conditions"]["same"]["spread"])
    again = client.get(f"/api/v1/paths/results/{after['key']}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_paths_in_a_chosen_plane_are_told_with_it(client: FlaskClient, tiny_store: RunStore, tmp_path: Path) -> None:
    plane = {"x": "hidden.1.linear.bias[0]", "y": "gradient:mean"}
    asked = client.get("/api/v1/paths", query_string={**QUERY, **plane}).get_json()
    assert {name: asked["request"][name] for name in "xy"} == plane
    key = started(client, **plane)["key"]
    assert key == asked["key"]
    told = client.get(f"/api/v1/paths/results/{key}").get_json()
    paths_answers.PathsResultAnswer.model_validate(told)
    assert [told["plane"]["axes"][axis]["text"] for axis in "xy"] == list(plane.values())
    found = paths(tiny_store, PathsRequest.of(**ASKED, **plane), tmp_path, device="cpu")
    assert told["recorded"]["way"][1:] == found.shown_MTA[0].tolist()
    assert told["conditions"]["order"]["within"] == found.within_M[3:].tolist()
    principal = client.get("/api/v1/paths", query_string=QUERY).get_json()
    assert principal["is_known"]  # the same replicas
    assert principal["key"] != key
    at = {**QUERY, **plane, "condition": "order", "replica": 2, "step": 1}
    assert client.get("/api/v1/paths/step", query_string=at).get_json()["loss"] == found.of("order").losses_KS[2, 0]


def test_a_condition_that_tells_nothing_of_a_run_says_why(client: FlaskClient) -> None:
    for run, lacking, reason in (("none", "masks", "draws no masks"), ("dropout", "rows", "draws masks")):
        asked = client.get("/api/v1/paths", query_string={**QUERY, "run": run}).get_json()
        assert {each["condition"]: each["absent"] != "" for each in asked["conditions"]} == {
            name: name == lacking for name in ("same", "order", "composition", "resampled", "rows", "masks")
        }
        refused = client.post("/api/v1/paths", json={**ASKED, "run": run, "conditions": [lacking]})
        assert refused.status_code == 422
        assert reason in refused.get_json()["error"]


@pytest.mark.parametrize(
    ("changes", "settings", "sentence"),
    [
        ({}, {"read_only": True}, "read-only"),
        ({"replicas": 64, "epochs": 3}, {}, "a server takes 128 at most"),
        ({"replicas": 64, "points": 3}, {"cache_bytes": 2**20}, "or raise GRADVIZ_CACHE_BYTES"),
        ({"epoch": 9}, {}, "`epoch` of the run none must be one of 0-2, got 9"),
        ({"replicas": "3"}, {}, "`replicas`"),
        ({"conditions": ["order", "other"]}, {}, "`conditions.1`"),
        ({"rate": 1}, {}, "`rate` is unknown"),
        ({"x": "pca:1"}, {}, "`y` is missing beside `x`"),
        ({"x": "pca:1", "y": "other.bias[0]"}, {}, "no parameter other.bias"),
        ({"x": "pca:1", "y": "pca:9"}, {}, "2 principal components"),
    ],
)
def test_what_a_server_does_not_compute_is_refused(
    make_app: Callable[..., Dash], tiny_runs: Path, changes: dict, settings: dict, sentence: str
) -> None:
    answer = make_app(tiny_runs, **settings).server.test_client().post("/api/v1/paths", json={**ASKED, **changes})
    assert answer.status_code == 422
    assert sentence in answer.get_json()["error"]


def test_a_read_only_server_shows_what_is_known(make_app: Callable[..., Dash], tiny_runs: Path) -> None:
    key = started(make_app(tiny_runs).server.test_client())["key"]
    reader = make_app(tiny_runs, read_only=True).server.test_client()
    asked = reader.get("/api/v1/paths", query_string=QUERY).get_json()
    assert (asked["is_known"], asked["refusal"]) == (True, "")
    assert reader.get(f"/api/v1/paths/results/{key}").status_code == 200
    assert reader.post("/api/v1/paths", json=ASKED).status_code == 200  # nothing is left to compute


def test_the_landscape_of_a_step_is_that_of_its_rows(client: FlaskClient, tiny_store: RunStore) -> None:
    pair = {"x": "hidden.1.linear.bias[0]", "y": "output.bias[0]"}
    at = {**QUERY, "conditions": "resampled", "condition": "resampled", "replica": 1, "step": 2}
    rows = client.get("/api/v1/paths/step", query_string=at).get_json()["rows"]
    told = client.get("/api/v1/paths/landscape", query_string={**at, **pair}).get_json()
    paths_answers.PathsLandscapeAnswer.model_validate(told)
    run = tiny_store.run("none")
    model = run.model(1)
    loss = F.l1_loss(model(run.training_inputs()[rows]), run.training_targets()[rows])
    tensors = dict(model.named_parameters())
    bias, output = torch.autograd.grad(loss, [tensors["hidden.1.linear.bias"], tensors["output.bias"]])
    middle = len(told["grid"]["x"]) // 2
    found = [told["grid"][name][middle][middle] for name in ("u", "v", "loss")]
    # Float32 sums of 64 rows in another order.
    assert found == pytest.approx([bias[0].item(), output[0].item(), loss.item()], rel=1e-4)
    assert told["num_rows"] == 64
    assert told["grid"]["x"][middle] == pytest.approx(tensors["hidden.1.linear.bias"][0].item(), rel=1e-6)
    same = client.get("/api/v1/paths/landscape", query_string={**at, "x": pair["y"], "y": pair["y"]})
    assert "a plane needs two different parameters" in same.get_json()["error"]


def test_another_site_s_page_starts_and_cancels_nothing(client: FlaskClient) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
    assert client.post("/api/v1/paths", json=ASKED, headers=foreign).status_code == 403
    assert client.post("/api/v1/paths/cancel", json={"key": "0" * 64}, headers=foreign).status_code == 403
    assert client.post("/api/v1/paths", data=json.dumps(ASKED), content_type="text/plain").status_code == 415


def test_a_step_tells_its_minibatch(client: FlaskClient, tiny_store: RunStore, tmp_path: Path) -> None:
    at = {**QUERY, "condition": "order", "replica": 2, "step": 1}
    assert client.get("/api/v1/paths/step", query_string=at).get_json()["loss"] is None  # nothing is computed yet
    started(client)
    result = paths(tiny_store, PathsRequest.of(**ASKED), tmp_path, device="cpu")
    own_SB = continuation_of(tiny_store, "none", resolve_device("cpu")).minibatches(2).tolist()
    seen = []
    for step in (1, 2, 3):
        told = client.get("/api/v1/paths/step", query_string={**at, "step": step}).get_json()
        seen.append(told["own_step"])
        assert told["rows"] == own_SB[told["own_step"] - 1]
        assert told["minibatch"] is None  # training draws other minibatches than landscapes are drawn at
        assert told["loss"] == result.of("order").losses_KS[2, step - 1]
    assert sorted(seen) == [1, 2, 3]
    for changes, sentence in (
        ({"step": 4}, "`step` must be in [1, 3]"),
        ({"replica": 3}, "`replica` of order must be in [0, 2]"),
        ({"condition": "masks"}, "`condition` must be one of same, order"),
    ):
        assert sentence in client.get("/api/v1/paths/step", query_string={**at, **changes}).get_json()["error"]
