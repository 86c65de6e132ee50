"""Chosen rows through the HTTP API: the numbers of the minibatch with the same rows; one line for what cannot be."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient

from gradviz.experiment.store import RunStore
from gradviz.landscape.composed import rows_of, rows_text
from gradviz.landscape.field import GradientField
from tests.drawing.test_frames import blocks_of, decode

PAIR = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]"}
PICTURE = {"run": "none", "epoch": 1, "points": 5, **PAIR}
MANY = ",".join(str(row) for row in range(0, 240, 2))


@pytest.fixture
def rows(tiny_store: RunStore) -> str:
    """Those of minibatch 1."""
    return rows_text(tiny_store.run("none").row_numbers(1))


def test_a_landscape_of_a_minibatch_s_rows_is_that_minibatch_s(client: FlaskClient, rows: str) -> None:
    own = client.get("/api/v1/landscape", query_string={**PICTURE, "minibatch": 1, "format": "binary"})
    composed = client.get("/api/v1/landscape", query_string={**PICTURE, "rows": rows, "format": "binary"})
    assert composed.data == own.data
    assert composed.headers["ETag"] != own.headers["ETag"]


def test_chosen_rows_are_sent_as_a_text_or_a_list_and_told_as_a_text(client: FlaskClient) -> None:
    texts = [client.get("/api/v1/landscape", query_string={**PICTURE, "rows": "9,3,20-22"}).get_json()]
    for rows in ("9,3,20-22", [9, 3, 20, 21, 22]):
        texts.append(client.post("/api/v1/landscape", json={**PICTURE, "rows": rows}).get_json())
    assert texts[0] == texts[1] == texts[2]
    assert texts[0]["request"]["rows"] == "9,3,20-22"
    assert texts[0]["num_rows"] == 5


def test_the_stable_address_of_an_answer_names_the_rows(client: FlaskClient) -> None:
    answer = client.get("/api/v1/landscape", query_string={**PICTURE, "rows": "9,3"})
    stable = urlsplit(answer.headers["Content-Location"])
    assert dict(parse_qsl(stable.query))["rows"] == "9,3"
    assert client.get(answer.headers["Content-Location"]).get_json() == answer.get_json()


def test_without_chosen_rows_an_answer_says_nothing_of_them(client: FlaskClient) -> None:
    answer = client.get("/api/v1/landscape", query_string=PICTURE)
    assert "rows" not in answer.get_json()["request"]
    assert "rows" not in answer.headers["Content-Location"]


def test_all_epochs_of_chosen_rows_are_streamed(client: FlaskClient, rows: str) -> None:
    header, *blocks = blocks_of(client.get("/api/v1/frames", query_string={**PICTURE, "rows": rows}).data)
    assert json.loads(header)["indices"] == [1, 2, 0]
    assert json.loads(header)["request"]["rows"] == rows
    _, *own = blocks_of(client.get("/api/v1/frames", query_string={**PICTURE, "minibatch": 1}).data)
    assert blocks == own
    assert len(decode(blocks[0])) == len(decode(own[0]))


def test_a_list_as_long_as_may_be_is_answered(client: FlaskClient) -> None:
    answer = client.get("/api/v1/landscape", query_string={**PICTURE, "points": 3, "rows": MANY, "format": "binary"})
    assert GradientField.from_bytes(answer.data).num_rows == len(rows_of(MANY))


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("why", {"run": "none", "epoch": 1, "parameter": PAIR["x"]}),
        ("sampling", {"run": "none", "epoch": 1, **PAIR}),
        ("course", PICTURE),
    ],
)
def test_what_is_told_of_a_minibatch_s_rows_is_what_is_told_of_it(
    client: FlaskClient, rows: str, address: str, values: dict
) -> None:
    one = {} if address == "sampling" else {"minibatch": 1}
    own = client.get(f"/api/v1/{address}", query_string={**values, **one}).get_json()
    composed = client.get(f"/api/v1/{address}", query_string={**values, "rows": rows}).get_json()
    assert composed | {"request": None} == own | {"request": None}


def test_the_ellipse_is_that_of_minibatches_of_as_many_rows(client: FlaskClient) -> None:
    asked = {"run": "none", "epoch": 1, **PAIR}
    chosen = client.get("/api/v1/sampling", query_string={**asked, "rows": "3,5-8"}).get_json()["sampling"]
    of_all = client.get("/api/v1/sampling", query_string=asked).get_json()["sampling"]
    assert (chosen["num_rows"], chosen["of_rows"]) == (5, of_all["of_rows"])
    assert (chosen["u"], chosen["v"]) == (of_all["u"], of_all["v"])
    assert chosen["uu"] > of_all["uu"]
    none = client.get("/api/v1/sampling", query_string={**asked, "rows": "0-199"}).get_json()
    assert none["sampling"] is None
    assert "more rows are chosen" in none["reason"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("", "`rows` must name 1 to 1024 rows, got none."),
        ("3,x", "`rows` must be row numbers such as 3,17,20-24, got 'x'."),
        ("3,4,3", "`rows` must name each row once, got 3 more than once."),
        ("0-1024", "`rows` must name 1 to 1024 rows, got more: 0-1024."),
        ("3,240", "`rows` must be training rows of the run, in [0, 239], got 240, a test row."),
        ("999", "`rows` must be training rows of the run, in [0, 239], got 999, which the run does not have."),
    ],
)
@pytest.mark.parametrize("address", ["landscape", "frames", "why"])
def test_rows_that_cannot_be_are_one_line(client: FlaskClient, address: str, rows: str, says: str) -> None:
    asked = {"run": "none", "epoch": 1, "parameter": PAIR["x"]} if address == "why" else PICTURE
    answer = client.get(f"/api/v1/{address}", query_string={**asked, "rows": rows})
    assert (answer.status_code, answer.get_json()["error"]) == (422, says)


def test_chosen_rows_over_minibatches_are_refused_in_one_sentence(client: FlaskClient) -> None:
    answer = client.get("/api/v1/frames", query_string={**PICTURE, "rows": "3,5", "over": "minibatches"})
    assert answer.status_code == 422
    assert answer.get_json()["error"].startswith("Chosen `rows` are one minibatch")
