"""The HTTP API of a minibatch's rows: the question's own bytes, once, and sentences for what cannot be had."""

import pytest
from flask.testing import FlaskClient

from gradviz.compute.row_fields import RowFieldsQuestion
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest

ASKED = {
    "run": "none",
    "epoch": 1,
    "minibatch_size": 16,
    "points": 5,
    "x": "hidden.1.linear.bias[0]",
    "y": "hidden.1.linear.bias[1]",
}
ADDRESS = "/api/v1/rows/fields"


def test_the_answer_is_the_question_s_and_is_kept(shared_client: FlaskClient, tiny_store: RunStore):
    answer = shared_client.get(ADDRESS, query_string=ASKED)
    assert answer.status_code == 200
    assert answer.mimetype == "application/octet-stream"
    request = LandscapeRequest.of(**ASKED)
    assert answer.data == RowFieldsQuestion(request=request).answer(Workbench(tiny_store, device="cpu"))
    again = shared_client.get(ADDRESS, query_string=ASKED, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_rows_of_the_run_may_be_asked_on_the_same_plane(shared_client: FlaskClient, tiny_store: RunStore):
    answer = shared_client.get(ADDRESS, query_string=ASKED | {"of": "9,3,20-22"})
    question = RowFieldsQuestion(request=LandscapeRequest.of(**ASKED), of=(9, 3, 20, 21, 22))
    assert answer.data == question.answer(Workbench(tiny_store, device="cpu"))
    composed = shared_client.get(ADDRESS, query_string=ASKED | {"rows": "9,3,20-22"})
    assert composed.data[-5 * 25 * 8 :] == answer.data[-5 * 25 * 8 :]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"points": 201, "minibatch_size": 120}, "120 rows on 201 × 201 points"),
        ({"minibatch": 99}, "minibatch"),
        ({"epoch": 9}, "epoch"),
        ({"x": "hidden.1.linear.bias[99]"}, "out of range"),
        ({"of": "3,2-"}, "row numbers such as"),
        ({"of": "3,99999"}, "99999"),
        ({"of": "1", "run": "dropout", "mode": "train"}, "masks belong to places"),
        ({"with": "1"}, "unknown"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(shared_client: FlaskClient, values: dict[str, object], sentence: str):
    answer = shared_client.get(ADDRESS, query_string=ASKED | values)
    assert answer.status_code == 422
    assert sentence in answer.get_json()["error"]
