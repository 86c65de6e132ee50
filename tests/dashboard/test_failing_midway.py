"""Errors after an answer has begun, and memory that runs out: said in one sentence, in the form of the answer."""

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from flask.testing import FlaskClient

from gradviz.compute.kinds import LandscapeQuestion
from gradviz.dashboard import export_api
from gradviz.dashboard.routes import PREFIX
from gradviz.dashboard.sending import UNEXPECTED
from tests.drawing.test_frames import blocks_of, decode

ASKED = {
    "run": "none",
    "x": "hidden.1.linear.bias[0]",
    "y": "hidden.1.linear.bias[1]",
    "minibatch_size": 4,
    "points": 3,
}
OUT_OF_MEMORY = "This machine has too little memory"
ERRORS = [
    (RuntimeError("an index is out of bounds"), UNEXPECTED),
    (KeyError("weights"), UNEXPECTED),
    (AssertionError("never"), UNEXPECTED),
    (OSError(5, "Input/output error"), UNEXPECTED),
    (RecursionError("maximum recursion depth exceeded"), UNEXPECTED),
    (torch.OutOfMemoryError("CUDA out of memory."), OUT_OF_MEMORY),
    (MemoryError(), OUT_OF_MEMORY),
]
IDS = [type(error).__name__ for error, _ in ERRORS]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> dict[int, BaseException]:
    """Epochs at which an error is raised in place of the landscape."""
    errors: dict[int, BaseException] = {}
    answer = LandscapeQuestion.answer

    def fail(self: LandscapeQuestion, bench) -> bytes:
        if self.request.epoch in errors:
            raise errors[self.request.epoch]
        return answer(self, bench)

    monkeypatch.setattr(LandscapeQuestion, "answer", fail)
    return errors


@pytest.mark.parametrize(("error", "said"), ERRORS, ids=IDS)
def test_a_frame_says_what_failed_and_the_stream_goes_on(
    client: FlaskClient, failing: dict[int, BaseException], error: BaseException, said: str, caplog
):
    failing[1] = error
    with caplog.at_level(logging.ERROR):
        answer = client.get(f"{PREFIX}/frames", query_string={**ASKED, "over": "epochs", "epoch": 0})
    _, *blocks = blocks_of(answer.data)
    told = {about["index"]: about.get("error") for about, _ in map(decode, blocks)}
    assert f"{told.pop(1)}".startswith(said)
    assert len(told) >= 1
    assert set(told.values()) == {None}
    assert ("Traceback" in caplog.text) == (said == UNEXPECTED)


@pytest.mark.parametrize("error", [RuntimeError("boom"), MemoryError()], ids=["unexpected", "memory"])
def test_an_export_says_what_failed_in_place_of_the_file(
    client: FlaskClient, failing: dict[int, BaseException], error: BaseException, caplog
):
    failing[1] = error
    panel = {**ASKED, "minibatch": 0, "epoch": 0}
    body = {"kind": "gif", "panels": [panel], "progress": True}
    answer = client.post(f"{PREFIX}/exports", json=body)
    *steps, last = [json.loads(block) for block in blocks_of(answer.data)]
    assert steps[0]["done"] == 1
    assert set(last) == {"error"}
    assert last["error"].startswith(OUT_OF_MEMORY if isinstance(error, MemoryError) else UNEXPECTED)
    failing.clear()
    again = client.post(f"{PREFIX}/exports", json={**body, "progress": False})
    assert again.status_code == 200
    assert again.data.startswith(b"GIF89a")


def test_an_export_that_takes_long_says_that_it_goes_on(
    client: FlaskClient, failing: dict[int, BaseException], monkeypatch: pytest.MonkeyPatch
):
    panel = {**ASKED, "minibatch": 0, "epoch": 0}
    body = {"kind": "html", "panels": [panel]}
    at_once = client.post(f"{PREFIX}/exports", json=body)
    content, headers = at_once.data, at_once.headers
    may_go_on = threading.Event()
    steps = export_api.steps

    def slow_steps(*arguments: Any) -> Iterator[Any]:
        assert may_go_on.wait(60)
        yield from steps(*arguments)

    def late(**values: Any) -> tuple[bytes, bytes]:
        """The first part of the answer and the rest, which is computed only then."""
        may_go_on.clear()
        answer = client.post(f"{PREFIX}/exports", json=body | values)
        named = None if "progress" in values else headers["Content-Disposition"]
        assert answer.headers.get("Content-Disposition") == named
        parts = iter(answer.response)
        first = next(parts)
        may_go_on.set()
        return first, b"".join(parts)  # pyright: ignore[reportArgumentType,reportReturnType,reportCallIssue]

    monkeypatch.setattr(export_api, "steps", slow_steps)
    monkeypatch.setattr(export_api, "PULSE_SECONDS", 0.1)
    first, rest = late()
    assert first == b"\n"
    assert rest.lstrip() == content
    first, rest = late(progress=True)
    assert json.loads(blocks_of(first)[0]) == {"done": 0, "total": 1, "doing": "waiting"}
    assert rest.endswith(content[-100:])
    failing[1] = RuntimeError("boom")
    first, rest = late(panels=[panel | {"y": "hidden.1.linear.bias[2]"}])
    assert rest.decode().strip() == f"<!doctype html><title>No file</title><p>{UNEXPECTED}"


def test_a_landscape_for_which_there_is_no_memory_is_a_503_and_the_next_is_answered(
    client: FlaskClient, failing: dict[int, BaseException]
):
    failing[0] = torch.OutOfMemoryError("CUDA out of memory.")
    for path, asked in (("landscape", {}), ("frames", {"over": "epochs"})):
        answer = client.get(f"{PREFIX}/{path}", query_string={**ASKED, "epoch": 0, **asked})
        assert answer.status_code == 503
        assert answer.get_json()["error"].startswith(OUT_OF_MEMORY)
        assert "Retry-After" in answer.headers
    failing.clear()
    assert client.get(f"{PREFIX}/landscape", query_string={**ASKED, "epoch": 0}).status_code == 200
