"""Chosen rows in all that leaves the page: links, files with their names and captions, lines that reproduce them."""

import json
import random
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from gradviz.cli import main
from gradviz.compute.recipe import command_lines, file_name, python_text
from gradviz.dashboard import permalink
from gradviz.dashboard.evidence_links import view_of
from gradviz.dashboard.permalink import View
from gradviz.drawing.labels import facts_of
from gradviz.experiment.store import RunStore
from gradviz.landscape import GradientField, LandscapeRequest
from gradviz.landscape.composed import rows_text
from tests.dashboard.conftest import MakeApp
from tests.dashboard.test_exports import PANELS, asked, npz, numbers_of, told_in

ROWS = [9, 3, 20, 21, 22]
CHOSEN = [panel | {"rows": ROWS} for panel in PANELS]


def request(rows: list[int], **values: Any) -> LandscapeRequest:
    return LandscapeRequest.of(**{**PANELS[0], "points": 3, **values}, rows=rows)


def app_beside(make_app: MakeApp, runs: Path, directory: Path, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """An app of these runs, which lie in the working directory: recipes name that place."""
    (directory / "runs").symlink_to(runs)
    monkeypatch.chdir(directory)
    return make_app(directory / "runs").server.test_client()


def test_a_hundred_lists_survive_links_addresses_recipes_and_command_lines(
    make_app: MakeApp, tiny_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    client = app_beside(make_app, tiny_runs, tmp_path, monkeypatch)
    chance = random.Random(3)
    lists = [chance.sample(range(240), chance.randint(1, 64)) for _ in range(100)]
    for count, rows in enumerate(lists):
        one = request(rows)
        view, notices = permalink.read(permalink.write(view_of(one)))
        assert (view.rows, notices) == (tuple(rows), [])
        told = client.get("/api/v1/landscape", query_string=one.model_dump(exclude={"variant"})).get_json()
        assert LandscapeRequest.of(**told["request"]) == one
        recipe = client.post("/api/v1/recipes", json={"panels": [one.model_dump(exclude={"variant"})]}).get_json()
        assert f"run.rows_batch({rows})" in recipe["python"]
        words = shlex.split(recipe["command_lines"])
        assert words[words.index("--rows") + 1] == rows_text(rows)
        assert not {"--minibatch", "--minibatch-size"} & set(words)
        if count % 10 == 0:  # all of the command, with the numbers that it writes
            assert main(words[1:]) == 0
            found = np.load(words[-1])
            np.testing.assert_array_equal(found["u"].astype("<f4"), np.array(told["u"], "<f4"))
            assert LandscapeRequest.from_json(str(found["request"])) == one


def test_the_python_lines_give_the_numbers_of_the_api(
    make_app: MakeApp, tiny_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    client = app_beside(make_app, tiny_runs, tmp_path, monkeypatch)
    panels = [*CHOSEN, CHOSEN[0] | {"x": "gradient:1", "y": "random:2", "minibatch_size": 16}]
    for shown in (panels[:2], panels):
        scope: dict[str, Any] = {}
        exec(
            client.post("/api/v1/recipes", json={"panels": shown}).get_json()["python"], scope
        )  # as a reader pastes it
        for panel, field in zip(shown, scope["fields"], strict=True):
            exact = npz(client, panel | {"rows": rows_text(ROWS)})
            for key in ("u", "v", "loss"):
                np.testing.assert_array_equal(getattr(field, key), exact[key])


def test_a_recipe_along_directions_names_the_size_of_the_minibatches_that_make_them(tiny_store: RunStore):
    along = request(ROWS, x="gradient:1", minibatch_size=16)
    line = command_lines([along], tiny_store, Path("runs"))
    assert "--minibatch-size 16" in line
    assert "--rows 9,3,20-22" in line
    assert "--minibatch " not in line
    assert "rows=[9, 3, 20, 21, 22]" in python_text([along], tiny_store, Path("runs"))


def test_the_page_that_stands_alone_is_of_the_chosen_rows(client: FlaskClient):
    answer = client.post("/api/v1/exports", json=asked(panels=CHOSEN))
    assert answer.headers["Content-Disposition"].endswith('"none-dropout-5-chosen-rows-over-epochs.html"')
    page = answer.data.decode()
    assert "none, dropout, 5 chosen rows</title>" in page
    for panel, shown in zip(CHOSEN, told_in(page)["panels"], strict=True):
        assert shown["request"]["rows"] == "9,3,20-22"
        for frame in shown["frames"]:
            about, numbers = numbers_of(frame)
            exact = npz(client, panel | {"epoch": about["index"], "rows": rows_text(ROWS)})
            np.testing.assert_array_equal(numbers[0], exact["u"].ravel().astype("<f4"))


@pytest.mark.parametrize("kind", ["gif", "pdf"])
@pytest.mark.parametrize("panels", [CHOSEN, CHOSEN * 2], ids=["large", "small"])
def test_pictures_are_named_after_the_chosen_rows(client: FlaskClient, kind: str, panels: list):
    answer = client.post("/api/v1/exports", json=asked(kind, panels=panels, show=["spread", "sampling"]))
    assert answer.status_code == 200, answer.data[:300]
    assert "5-chosen-rows" in answer.headers["Content-Disposition"]
    if kind == "gif":
        assert b'"rows":"9,3,20-22"' in answer.data


def test_a_file_over_minibatches_refuses_chosen_rows_in_one_sentence(client: FlaskClient):
    answer = client.post("/api/v1/exports", json=asked(panels=CHOSEN, over="minibatches"))
    assert (answer.status_code, answer.get_json()["error"].count(".")) == (422, 1)
    assert answer.get_json()["error"].startswith("Chosen `rows` are one minibatch")


def test_captions_say_how_many_rows_are_chosen(client: FlaskClient):
    binary = client.get("/api/v1/landscape", query_string=PANELS[0] | {"rows": "9,3,20-22", "format": "binary"}).data
    field = GradientField.from_bytes(binary)
    _, minibatch, _ = facts_of(field, request(ROWS))
    assert re.fullmatch(r"5 chosen rows \(\d+ % of them below target\)", minibatch.replace("\u00a0", " "))
    assert facts_of(field, request(ROWS), is_difference=True)[1] == "5 chosen rows"
    assert facts_of(field, request([9]))[1].startswith("1 chosen row (")
    assert file_name(request(ROWS)).startswith("none-epoch-1-5-chosen-rows-hidden")


def test_files_of_numbers_name_the_rows(client: FlaskClient):
    query = PANELS[0] | {"rows": "9,3,20-22"}
    assert json.loads(str(npz(client, query)["request"]))["rows"] == "9,3,20-22"


def test_a_link_with_rows_that_cannot_be_is_noticed_and_shows_the_minibatch():
    for text in ("", "x", "3,3", "0-1024"):
        view, [notice] = permalink.read(f"?minibatch=2&rows={text}")
        assert (view.rows, view.minibatch) == (None, 2)
        assert notice.startswith("The link's `rows` is ignored: `rows` must ")
    assert permalink.write(View(rows=(3, 17, 20, 21, 22))) == "?rows=3,17,20-22"
