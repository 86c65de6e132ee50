"""The HTTP API of a search for rows: the question's own bytes, which are kept."""

from flask.testing import FlaskClient

from gradviz.compute.found_rows import FoundRowsQuestion
from gradviz.compute.workbench import Workbench
from gradviz.experiment.store import RunStore


def test_the_answer_is_the_question_s_and_is_kept(shared_client: FlaskClient, tiny_store: RunStore):
    asked = {"run": "none", "text": "2"}
    answer = shared_client.get("/api/v1/rows/found", query_string=asked)
    assert answer.status_code == 200
    assert answer.data == FoundRowsQuestion(run="none", text="2").answer(Workbench(tiny_store, device="cpu"))
    assert answer.get_json()["num_found"] > 0
    again = shared_client.get(
        "/api/v1/rows/found", query_string=asked, headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert again.status_code == 304


def test_a_run_that_is_not_there_is_told(shared_client: FlaskClient):
    answer = shared_client.get("/api/v1/rows/found", query_string={"run": "other", "text": "2"})
    assert answer.status_code == 422
    assert "other" in answer.get_json()["error"]
