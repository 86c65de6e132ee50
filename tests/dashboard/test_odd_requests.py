"""A few hundred of the requests of `tests/benchmarks/fuzz.py`, within this process: none fails, no traceback."""

import logging
from urllib.parse import unquote_to_bytes

import pytest
from flask.testing import FlaskClient

from tests.benchmarks.odd_requests import OddRequests, Request

REQUESTS = 600
OF_OTHERS = ("/exports", "/evidence", "kind=gif")  # slow where nothing is cached yet


def environ_of(request: Request) -> dict[str, str]:
    """As a WSGI server reads it."""
    path, _, query = request.target.partition(b"?")
    environ = {
        f"HTTP_{name.upper().replace('-', '_')}": value.decode("latin-1") for name, value in request.headers.items()
    }
    kind = environ.pop("HTTP_CONTENT_TYPE", "")
    return environ | {
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query.decode("latin-1"),
        "CONTENT_TYPE": kind,
        "CONTENT_LENGTH": str(len(request.body)),
    }


@pytest.mark.parametrize("part", [0, 1, 2, *(pytest.param(part, marks=pytest.mark.slow) for part in (3, 4, 5))])
def test_no_odd_request_fails_the_server(
    shared_client: FlaskClient, caplog: pytest.LogCaptureFixture, part: int
) -> None:
    caplog.set_level(logging.WARNING)
    requests = OddRequests(seed=1)
    for number in range(part, REQUESTS, 6):
        request = requests.request(number)
        if any(name.encode() in request.target for name in OF_OTHERS):
            continue
        answer = shared_client.open(
            "/", method=request.method, data=request.body, environ_overrides=environ_of(request), buffered=True
        )
        assert answer.status_code < 500, (number, request)
        if answer.status_code >= 400 and request.method != "HEAD":
            assert answer.get_json()["error"].isprintable(), (number, request)
        assert "\n" not in "".join(value for _, value in answer.headers)
    assert not [record.getMessage() for record in caplog.records if record.exc_info]


def test_the_same_requests_in_every_run() -> None:
    first, again, another = (OddRequests(seed) for seed in (1, 1, 2))
    numbers = range(200)
    assert [first.request(k) for k in numbers] == [again.request(k) for k in numbers]
    assert [first.request(k) for k in numbers] != [another.request(k) for k in numbers]
    assert len({first.request(k).as_bytes() for k in numbers}) > 150
