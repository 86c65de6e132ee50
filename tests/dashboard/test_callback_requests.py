"""Dash's own addresses: what its page sends is answered, all else gets 4xx in one line, and the log no traceback."""

import copy
import json
import logging
from typing import Any

import pytest
from flask.testing import FlaskClient

from gradviz.dashboard import ids
from gradviz.dashboard.callback_requests import CALLBACKS
from gradviz.dashboard.permalink import read

CALL: dict[str, Any] = {
    "output": f"{ids.OPENED}.data",
    "outputs": {"id": ids.OPENED, "property": "data"},
    "inputs": [{"id": ids.ADDRESS, "property": "data", "value": {"search": "?variant=none"}}],
    "changedPropIds": [f"{ids.ADDRESS}.data"],
    "parsedChangedPropsIds": [f"{ids.ADDRESS}.data"],
}
"""As the page sends it."""


def changed(*place: str | int, to: Any) -> bytes:
    call = copy.deepcopy(CALL)
    part: Any = call
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = to
    return json.dumps(call).encode()


def without(name: str) -> bytes:
    return json.dumps({key: value for key, value in CALL.items() if key != name}).encode()


CLIENTSIDE = changed("output", to=f"{ids.SHELL}.navbar")
BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "not UTF-8": b'{"output": "\xff"}',
    "a list": b"[]",
    "null": b"null",
    "text": b'"opened.data"',
    "an empty object": b"{}",
    "nested": b'{"output": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "nested a little": b'{"output": ' + b"[" * 200 + b"]" * 200 + b"}",
    "NaN": b'{"output": NaN}',
    "1e999": b'{"output": 1e999}',
    "a huge integer": b'{"output": ' + b"9" * 5000 + b"}",
    "half a character": json.dumps({**CALL, "output": "\ud800"}).encode(),
    "twice": b'{"output": "a", "output": "b"}',
    "no output": without("output"),
    "no outputs": without("outputs"),
    "no inputs": without("inputs"),
    "output: a number": changed("output", to=7),
    "output: a list": changed("output", to=["a"]),
    "output: unknown": changed("output", to="no.data"),
    "output: two": changed("output", to="..a.data...b.data.."),
    "output: an explicit direction": changed("output", to="\u202eatad.denepo"),
    "output: of the browser's": CLIENTSIDE,
    "output: long": changed("output", to="x" * 60_000),
    "outputs: null": changed("outputs", to=None),
    "outputs: text": changed("outputs", to="x"),
    "outputs: a list": changed("outputs", to=[CALL["outputs"]]),
    "outputs: another": changed("outputs", "property", to="children"),
    "outputs: a pattern": changed("outputs", "id", to={"type": "x", "index": 0}),
    "inputs: null": changed("inputs", to=None),
    "inputs: an object": changed("inputs", to={}),
    "inputs: none": changed("inputs", to=[]),
    "inputs: two": changed("inputs", to=CALL["inputs"] * 2),
    "inputs: many": changed("inputs", to=[{"id": "a", "property": "b"}] * 1000),
    "inputs: numbers": changed("inputs", to=[1]),
    "inputs: lists": changed("inputs", to=[CALL["inputs"]]),
    "inputs: of another": changed("inputs", 0, "id", to="another"),
    "inputs: no property": changed("inputs", to=[{"id": ids.ADDRESS}]),
    "value: none": changed("inputs", to=[{"id": ids.ADDRESS, "property": "data"}]),
    "value: null": changed("inputs", 0, "value", to=None),
    "value: text": changed("inputs", 0, "value", to="?variant=none"),
    "value: a list": changed("inputs", 0, "value", to=[1]),
    "value: without": changed("inputs", 0, "value", to={}),
    "value: a number": changed("inputs", 0, "value", "search", to=1.5),
    "state": json.dumps({**CALL, "state": [{"id": "a", "property": "b"}]}).encode(),
    "state: null": json.dumps({**CALL, "state": None}).encode(),
    "changed: null": changed("changedPropIds", to=None),
    "changed: numbers": changed("changedPropIds", to=[1]),
    "changed: an object": changed("changedPropIds", to={}),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_malformed_call_is_refused_in_one_line(
    shared_client: FlaskClient, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    caplog.set_level(logging.INFO)
    answer = shared_client.post(CALLBACKS, data=body, content_type="application/json", buffered=True)
    assert answer.status_code == 422
    told = json.loads(answer.data)
    assert list(told) == ["error"]
    assert told["error"].isprintable()
    assert len(told["error"]) < 300
    assert [(record.name, record.exc_info) for record in caplog.records] == [("gradviz.dashboard.access", None)]


def link(text: str) -> dict[str, Any]:
    return {**CALL, "inputs": [{"id": ids.ADDRESS, "property": "data", "value": {"search": text}}]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "?variant=none&epoch=1",
        "?variant=%00",
        "?variant=%E2%80%8E",
        "?variant=none%E2%80%8E",
        "?variant=%ED%A0%80",
        "?epoch=" + "9" * 5000,
        "?width=1e999",
        "?width=nan",
        "?epoch=%EF%BC%91",
        "?" + "&".join(f"a{k}=" for k in range(2000)),
        "?x1=" + "hidden." * 2000,
        "?x1=hidden.1.linear.bias[" + "9" * 4000 + "]",
        "?%00=%0a&=&==&&&%",
        "#" * 10_000,
    ],
    ids=lambda text: text[:20],
)
def test_any_address_opens_a_view(shared_client: FlaskClient, text: str) -> None:
    answer = shared_client.post(CALLBACKS, json=link(text), buffered=True)
    assert answer.status_code == 200
    assert json.loads(answer.data)["response"][ids.OPENED]["data"]["view"]["run"] == "none"


def test_a_link_of_more_parts_than_any_view_has_is_left_out() -> None:
    view, notices = read("?epoch=1" + "&epoch=2" * 200)
    assert view.epoch is None
    assert notices == ["The link has more than 100 parts and is ignored."]


@pytest.mark.parametrize(
    "path",
    [
        "/_dash-component-suites/a/b",
        "/_dash-component-suites/none%E2%80%8E/none%E2%80%8E",
        "/_dash-component-suites/os/path.py",
        "/_dash-component-suites/dash/dash.py",
        "/_dash-component-suites/dash/..%2f..%2f..%2fetc/passwd",
        "/_dash-component-suites/dash/../../../etc/passwd",
        "/_dash-component-suites/dash/./etc/passwd",
        "/_dash-component-suites/dash/%00",
        "/_dash-component-suites/dash/deps/polyfill@7.v1m1.12.1.min.js.map",
        "/_dash-component-suites/dash/%ff.js",
        "/_dash-component-suites/dash/" + "a/" * 1000,
        "/assets/..%2f..%2fpyproject.toml",
        "/assets/%00",
        "/assets/" + "x" * 5000,
    ],
    ids=lambda path: path[:60],
)
def test_a_file_that_is_not_there_is_not_found(
    shared_client: FlaskClient, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    answer = shared_client.get(path, buffered=True)
    assert answer.status_code == 404
    assert not [record for record in caplog.records if record.exc_info]


def test_each_file_that_dash_names_is_there_or_not_found(make_app, tiny_runs, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(tiny_runs)
    client = app.server.test_client()
    client.get("/")
    paths = {
        f"/_dash-component-suites/{name}/{path}" for name, all_of in app.registered_paths.items() for path in all_of
    }
    assert len(paths) > 20
    assert {client.get(path, headers={"Range": "bytes=0-1"}).status_code for path in paths} <= {200, 404}
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("path", [CALLBACKS, "/", "/_dash-layout", "/_reload-hash", "/healthz", "/assets/gradviz.css"])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "PATCH", "BREW"])
def test_another_method_is_not_allowed(shared_client: FlaskClient, path: str, method: str) -> None:
    answer = shared_client.open(path, method=method, buffered=True)
    assert answer.status_code == 405
    assert answer.headers["Allow"]


def test_invented_methods_are_one_series(make_app, tiny_runs, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client = make_app(tiny_runs, metrics=True, password="password").server.test_client()
    for k in range(30):
        client.open(f"/{k}", method=f"M{k}", buffered=True)
        client.open("/", method=f"M{k}", headers={"Host": "a..b"}, buffered=True)
    text = client.get("/metrics", auth=("", "password")).get_data(as_text=True)
    series = [line for line in text.splitlines() if line.startswith("gradviz_request_seconds_count")]
    assert sorted(series) == [
        'gradviz_request_seconds_count{method="other",route="unknown",status="400"} 30.0',
        'gradviz_request_seconds_count{method="other",route="unknown",status="401"} 30.0',
    ]
    methods = [vars(record)["facts"]["method"] for record in caplog.records]
    assert methods.count("other") == 60
