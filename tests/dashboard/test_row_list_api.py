"""The API of rows: the list, and rows that are found by number or text."""

from flask.testing import FlaskClient

from gradviz.dashboard.row_list_api import MOST_FOUND
from gradviz.experiment.store import RunStore

PLANE = {"run": "none", "epoch": 1, "x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]", "points": 5}


def test_the_list_is_of_chosen_rows_too(client: FlaskClient):
    answer = client.get("/api/v1/rows", query_string=PLANE | {"rows": "5,3,8"}).json
    assert answer is not None
    assert [row["row"] for row in answer["rows"]] == [5, 3, 8]
    whole = client.get("/api/v1/rows", query_string=PLANE | {"rows": "0-9"}).json
    assert whole is not None
    own = {row["row"]: row for row in whole["rows"]}
    for row in answer["rows"]:
        assert row["u"] == own[row["row"]]["u"], "a row's own arrow is the same in every minibatch"
        assert row["text"] == own[row["row"]]["text"]


def test_a_row_is_found_by_its_number_and_by_words_of_its_text(client: FlaskClient, tiny_store: RunStore):
    rows = tiny_store.run("none").rows()
    texts = {row: " ".join(fields.values()) for row, fields in enumerate(rows.texts(rows.train_rows))}
    found = client.get("/api/v1/rows/found", query_string={"run": "none", "text": "17"}).json
    assert found is not None
    assert found["rows"][0] == 17
    assert found["num_found"] == 1 + sum("17" in text for row, text in texts.items() if row != 17)
    assert len(found["rows"]) == min(MOST_FOUND, found["num_found"])
    store, date = texts[40].split()[0], texts[40].split()[2]
    both = client.get("/api/v1/rows/found", query_string={"run": "none", "text": f"{date} {store}"}).json
    assert both is not None
    assert both["rows"] == [row for row, text in texts.items() if store in text and date in text][:MOST_FOUND]
    assert 40 in both["rows"]


def test_what_no_row_has_finds_none(client: FlaskClient):
    answer = client.get("/api/v1/rows/found", query_string={"run": "none", "text": "nowhere"}).json
    assert answer == {"rows": [], "num_found": 0}


def test_a_search_needs_a_text_and_a_run(client: FlaskClient):
    for query in ({"run": "none"}, {"run": "none", "text": ""}, {"text": "1"}, {"run": "none", "text": "1" * 101}):
        assert client.get("/api/v1/rows/found", query_string=query).status_code == 422, query
