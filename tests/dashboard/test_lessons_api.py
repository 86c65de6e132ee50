"""The lessons' addresses: the list with its mistakes, and one lesson."""

from pathlib import Path

from flask.testing import FlaskClient

from tests.dashboard.conftest import MakeApp
from tests.dashboard.test_lesson_files import FRONT, STEP, written


def test_the_list_has_the_package_s_lessons_in_order(client: FlaskClient):
    told = client.get("/api/v1/lessons").get_json()
    assert [each["key"] for each in told["lessons"]][:2] == ["arrow", "start"]
    assert told["broken"] == []
    assert all(each["num_steps"] >= 1 for each in told["lessons"])


def test_a_lesson_has_all_its_steps(client: FlaskClient):
    listed = client.get("/api/v1/lessons").get_json()["lessons"]
    for each in listed:
        lesson = client.get(f"/api/v1/lessons/{each['key']}").get_json()
        assert len(lesson["steps"]) == each["num_steps"]
        assert {key: lesson[key] for key in ("title", "summary", "minutes", "needs")} == {
            key: each[key] for key in ("title", "summary", "minutes", "needs")
        }


def test_an_unknown_lesson_is_refused_with_those_that_there_are(client: FlaskClient):
    answer = client.get("/api/v1/lessons/nothing")
    assert answer.status_code == 422
    assert "There is no lesson `nothing`: there are arrow, start" in answer.get_json()["error"]


def test_a_file_with_a_mistake_is_named_and_the_rest_is_served(make_app: MakeApp, tiny_runs: Path, tmp_path: Path):
    folder = written(written(tmp_path / "own"), "2-bad.md", FRONT + STEP + "\n{{nothing}}\n")
    client = make_app(tiny_runs, lessons=folder).server.test_client()
    told = client.get("/api/v1/lessons").get_json()
    assert told["lessons"][-1]["key"] == "mine"
    assert len(told["broken"]) == 1
    assert told["broken"][0].startswith("2-bad.md, step 1 “First”: text: `nothing` names no number")
    assert str(tmp_path) not in told["broken"][0]
    assert client.get("/api/v1/lessons/mine").get_json()["steps"][0]["title"] == "First"
