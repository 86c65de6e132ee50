"""Forms, keys and statuses of the HTTP API: what a client can rely on beyond the numbers."""

import io
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient

from gradviz.compute.cache import FieldCache
from gradviz.compute.export import landscape_bytes
from gradviz.compute.interface import Busy, Priority, StillWanted, Ticket
from gradviz.compute.kinds import LandscapeQuestion
from gradviz.compute.local import LocalCompute
from gradviz.compute.question import Question
from gradviz.dashboard.factory import create_app
from gradviz.dashboard.openapi import document
from gradviz.dashboard.query import MAX_BODY_BYTES
from gradviz.dashboard.routes import PREFIX
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape.request import LandscapeRequest
from gradviz.settings import Settings
from tests.drawing.test_frames import blocks_of, decode

PAIR = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]"}
GOOD = {"run": "none", "epoch": 1, "points": 5, **PAIR}
LANDSCAPE = f"{PREFIX}/landscape"


def get(client: FlaskClient, headers: dict[str, str] | None = None, **change: object) -> Any:
    return client.get(LANDSCAPE, query_string={**GOOD, **change}, headers=headers)


# Forms


@pytest.mark.parametrize("suffix", ["json", "csv", "npz"])
def test_a_landscape_is_the_file_that_the_command_line_writes(
    client: FlaskClient, tiny_store: RunStore, tmp_path: Path, suffix: str
) -> None:
    request = LandscapeRequest.of(**GOOD)
    with FieldCache(tmp_path / "of-the-command") as cache:
        field = LocalCompute(tiny_store, cache, device="cpu").landscape(request)
    assert get(client, format=suffix).data == landscape_bytes(field, request, f".{suffix}")


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/html,*/*;q=0.8", "application/json"),
        ("text/csv", "text/csv"),
        ("application/zip", "application/zip"),
        ("application/json;q=0.5, application/octet-stream", "application/octet-stream"),
    ],
)
def test_the_accept_header_chooses_the_form(client: FlaskClient, accept: str, mimetype: str) -> None:
    answer = get(client, {"Accept": accept} if accept else None)
    assert (answer.status_code, answer.mimetype) == (200, mimetype)
    assert "Accept" in answer.vary


def test_a_form_that_nobody_offers_is_refused(client: FlaskClient) -> None:
    answer = get(client, {"Accept": "image/png"})
    assert answer.status_code == 406
    assert "application/json" in answer.get_json()["error"]


def test_a_minibatch_tells_its_rows(client: FlaskClient, tiny_store: RunStore) -> None:
    expected = tiny_store.run("dropout").minibatch(2, 16)
    path = f"{PREFIX}/minibatches/dropout/2?minibatch_size=16"
    told = client.get(path).get_json()
    assert told["rows"] == expected.rows_B.tolist()
    assert told["targets"] == expected.targets_B.tolist()
    arrays = np.load(io.BytesIO(client.get(f"{path}&format=npz").data))
    np.testing.assert_array_equal(arrays["inputs"], expected.inputs_BI)
    np.testing.assert_array_equal(arrays["rows"], expected.rows_B)


def test_one_run_is_what_all_runs_say_of_it(client: FlaskClient) -> None:
    assert client.get(f"{PREFIX}/runs/dropout").get_json() == client.get(f"{PREFIX}/runs").get_json()["runs"]["dropout"]


def test_one_layer_is_what_all_layers_say_of_it(client: FlaskClient) -> None:
    layers = client.get(f"{PREFIX}/activity/none/1").get_json()["layers"]
    assert client.get(f"{PREFIX}/activity/none/1/2").get_json() == {"layer": 2, "active": layers[2]}
    refused = client.get(f"{PREFIX}/activity/none/1/3")
    assert refused.status_code == 422
    assert "0..2" in refused.get_json()["error"]


# Keys


def test_an_answer_asked_for_by_its_key_may_be_kept_for_ever(client: FlaskClient) -> None:
    first = get(client)
    assert first.headers["Cache-Control"] == "no-cache"
    second = client.get(first.headers["Content-Location"])
    assert second.data == first.data
    assert "immutable" in second.headers["Cache-Control"]
    known = {"If-None-Match": second.headers["ETag"]}
    third = client.get(first.headers["Content-Location"], headers=known)
    assert (third.status_code, third.data) == (304, b"")
    assert "immutable" in third.headers["Cache-Control"]


def test_a_body_gets_the_address_of_its_answer(client: FlaskClient) -> None:
    posted = client.post(LANDSCAPE, json={**GOOD, "format": "csv"})
    assert client.get(posted.headers["Content-Location"]).data == posted.data


def test_a_key_of_other_content_is_a_conflict(client: FlaskClient) -> None:
    answer = get(client, expected_key="0" * 40)
    assert answer.status_code == 409
    assert "checkpoint" in answer.get_json()["error"]


def test_tags_differ_where_only_the_configuration_does(make_app: Any, own_runs: Path) -> None:
    # At the initialisation, two dropout rates have one checkpoint: its content alone does not tell them apart.
    asked = {**GOOD, "run": "dropout", "epoch": 0, "mode": "train"}
    first = make_app(own_runs).server.test_client().get(LANDSCAPE, query_string=asked)
    record = own_runs / "dropout" / "run.json"
    text = record.read_text()
    assert '"p": 0.3' in text
    record.write_text(text.replace('"p": 0.3', '"p": 0.5'))
    known = {"If-None-Match": first.headers["ETag"]}
    second = make_app(own_runs).server.test_client().get(LANDSCAPE, query_string=asked, headers=known)
    assert second.status_code == 200
    assert second.data != first.data
    assert second.headers["Content-Location"] != first.headers["Content-Location"]


def test_tags_differ_by_form_and_by_what_is_repeated(client: FlaskClient) -> None:
    changes: list[dict[str, Any]] = [{}, {"format": "csv"}, {"seed": 1}]
    tags = [get(client, **change).headers["ETag"] for change in changes]
    assert len(set(tags)) == 3


# Statuses


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/runs/none/0", "/openapi", "/landscape/", "/activity/none"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "BREW"])
def test_an_unknown_path_is_404_whatever_is_asked(client: FlaskClient, method: str, path: str) -> None:
    answer = client.open(PREFIX + path, method=method)
    assert answer.status_code == 404
    assert "openapi.json" in answer.get_json()["error"]


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [("/runs", "POST", {"GET"}), ("/landscape", "PUT", {"GET", "POST"}), ("/training", "BREW", {"GET", "POST"})],
)
def test_a_method_that_is_not_done_is_405(client: FlaskClient, path: str, method: str, allowed: set[str]) -> None:
    answer = client.open(PREFIX + path, method=method)
    assert answer.status_code == 405
    assert answer.get_json()["error"]
    assert answer.allow.as_set(preserve_casing=True) == {*allowed, "HEAD", "OPTIONS"}


@pytest.mark.parametrize("path", ["/landscape", "/training"])
@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_body_that_is_not_declared_as_json_is_415(client: FlaskClient, path: str, kind: str) -> None:
    answer = client.post(PREFIX + path, data=json.dumps(GOOD), headers={"Content-Type": kind} if kind else {})
    assert answer.status_code == 415
    assert "application/json" in answer.get_json()["error"]


def test_a_large_body_is_413_even_of_unknown_length(client: FlaskClient) -> None:
    answer = client.post(
        LANDSCAPE,
        input_stream=io.BytesIO(b" " * (MAX_BODY_BYTES + 1)),
        content_type="application/json",
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == 413


BODIES = {
    "not closed": "{",
    "nested too deep": '{"x":' + "[" * 50_000,
    "a number with too many digits": '{"epoch": ' + "9" * 5000 + "}",
    "a large number": '{"epoch": ' + "9" * 50 + "}",
    "infinite": '{"half_width": 1e999}',
    "not a number": '{"half_width": NaN}',
    "true for 1": '{"epoch": true}',
    "text for a number": '{"epoch": "1"}',
    "null": '{"points": null}',
    "a list": '{"x": ["a"]}',
    "half a character": '{"x": "\\ud800"}',
    "a line end": '{"x": "a\\nb\\u2028c"}',
    "a line end in a key": '{"a\\nb": 1}',
    "given twice": '{"epoch": 1, "epoch": 2}',
    "nothing": "{}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_with_a_mistake_gets_one_sentence(client: FlaskClient, body: str) -> None:
    answer = client.post(LANDSCAPE, data=body, content_type="application/json")
    assert answer.status_code == 422
    sentence = answer.get_json()["error"]
    assert sentence.isprintable()
    assert len(sentence) < 400


def test_a_whole_number_may_be_written_with_a_point_in_json(client: FlaskClient) -> None:
    body = json.dumps(GOOD).replace('"epoch": 1', '"epoch": 1.0')
    assert client.post(LANDSCAPE, data=body, content_type="application/json").status_code == 200


@pytest.mark.parametrize("text", ["1.0", "1e0", "0x1", " 1", "1_0", "\uff11", "1" * 400, "", "true"])
def test_only_plain_digits_are_a_whole_number_in_an_address(client: FlaskClient, text: str) -> None:
    answer = get(client, epoch=text)
    assert answer.status_code == 422
    assert "epoch" in answer.get_json()["error"]


class Exploding(LocalCompute):
    """A compute with a mistake of ours in it."""

    def ask(self, question: Question, still_wanted: Any = None) -> Any:
        raise ZeroDivisionError("the secret of the house")


@pytest.mark.parametrize("path", ["landscape", "frames"])
def test_a_mistake_of_ours_is_logged_and_not_shown(
    tiny_store: RunStore, trainer: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    compute = Exploding(tiny_store, FieldCache(tmp_path / "cache"), device="cpu")
    client = create_app(Settings(runs=tiny_store.root), compute, tiny_store, trainer).server.test_client()
    with caplog.at_level(logging.ERROR):
        answer = client.get(f"{PREFIX}/{path}?{urlencode(GOOD)}")
    assert answer.status_code == 500
    assert list(answer.get_json()) == ["error"]
    assert b"secret" not in answer.data
    assert b"Traceback" not in answer.data
    assert "the secret of the house" in caplog.text


GONE = 3


class Vanishing(LocalCompute):
    """What one minibatch needs is gone."""

    def result(self, ticket: Ticket, still_wanted: StillWanted = lambda: True) -> bytes:
        if isinstance(ticket.question, LandscapeQuestion) and ticket.question.request.minibatch == GONE:
            raise UserError("gone")
        return super().result(ticket, still_wanted)


def test_minibatches_that_cannot_be_had_are_told_one_by_one(tiny_store: RunStore, trainer: Any, tmp_path: Path) -> None:
    compute = Vanishing(tiny_store, FieldCache(tmp_path / "cache"), device="cpu")
    client = create_app(Settings(runs=tiny_store.root), compute, tiny_store, trainer).server.test_client()
    asked = {**GOOD, "over": "minibatches", "minibatch_size": 16, "only": "0,1,2,3,5"}
    _, *blocks = blocks_of(client.get(f"{PREFIX}/frames", query_string=asked).data)
    abouts = [decode(block)[0] for block in blocks]
    assert [(about["index"], about.get("error")) for about in abouts] == [
        (0, None),
        (1, None),
        (2, None),
        (3, "gone"),
        (5, None),
    ]


class BusySoon(LocalCompute):
    """Answers one question; then too many wait."""

    def submit(self, questions: Sequence[Question], priority: Priority = "interactive") -> list[Ticket]:
        if priority == "sweep":
            raise Busy(7)
        return super().submit(questions, priority)


def test_what_can_be_had_later_is_told_to_be_asked_for_again(
    tiny_store: RunStore, trainer: Any, tmp_path: Path
) -> None:
    compute = BusySoon(tiny_store, FieldCache(tmp_path / "cache"), device="cpu")
    client = create_app(Settings(runs=tiny_store.root), compute, tiny_store, trainer).server.test_client()
    _, *blocks = blocks_of(client.get(f"{PREFIX}/frames", query_string={**GOOD, "over": "epochs"}).data)
    first, last = [decode(block)[0] for block in blocks]
    assert "error" not in first
    assert last["later"] is True
    assert last["error"].startswith("Busy: 7 computations are waiting")


class Away(LocalCompute):
    def submit(self, questions: Sequence[Question], priority: Priority = "interactive") -> list[Ticket]:
        raise Busy(7)


def test_who_is_too_busy_says_when_to_ask_again(tiny_store: RunStore, trainer: Any, tmp_path: Path) -> None:
    compute = Away(tiny_store, FieldCache(tmp_path / "cache"), device="cpu")
    client = create_app(Settings(runs=tiny_store.root), compute, tiny_store, trainer).server.test_client()
    for path in ("landscape", "frames"):
        answer = client.get(f"{PREFIX}/{path}", query_string=GOOD)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.get_json() == {"error": "Busy: 7 computations are waiting. Try again in a moment."}


# The document


def test_the_document_is_served(client: FlaskClient) -> None:
    answer = client.get(f"{PREFIX}/openapi.json")
    assert answer.get_json() == document()
    assert answer.get_json()["openapi"].startswith("3.1")


def test_the_document_names_every_address_and_no_other(client: FlaskClient) -> None:
    server = client.application
    assert isinstance(server, Flask)
    served = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in server.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.startswith("api.") and rule.endpoint != "api.nothing"
    }
    told = {(path, method) for path, methods in document()["paths"].items() for method in methods}
    assert told == served


def test_the_document_cannot_be_spoiled_by_who_reads_it() -> None:
    document()["paths"].clear()
    assert document()["paths"]
