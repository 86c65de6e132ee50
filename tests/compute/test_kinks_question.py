"""`GET /api/v1/rows/kinks` sends the lines that Python finds, for runs of deliveries and of any study."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from gradviz.compute.kinks import KinksQuestion
from gradviz.compute.study_landscape import row_numbers
from gradviz.compute.workbench import Workbench
from gradviz.dashboard.factory import create_server
from gradviz.experiment.store import RunStore
from gradviz.experiment.study_loading import LoadedStudy
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.per_row.kinks import FRESH, kinks
from gradviz.landscape.per_row.net import Kinks
from gradviz.landscape.replay import Problem
from gradviz.settings import Settings
from tests.compute.conftest import STUDY_FILE

ADDRESS = "/api/v1/rows/kinks"
PAIR = {"x": "hidden.1.linear.bias[0]", "y": "hidden.2.linear.weight[1,2]"}
ASKED = {"run": "none", "epoch": 1, "points": 5, "half_width": 1.0, "minibatch": 1, "minibatch_size": 16, **PAIR}
OF_STUDY = {
    "run": "net",
    "epoch": 1,
    "minibatch": 2,
    "points": 3,
    "half_width": 1.0,
    "x": "conv1.bias[1]",
    "y": "conv2.bias[3]",
}


def decoded(content: bytes) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """The header, the segments and what is told of the lines."""
    (length,) = struct.unpack_from("<I", content)
    assert length % 4 == 0
    header = json.loads(content[4 : 4 + length])
    segments = np.frombuffer(content, "<f4", 4 * header["num_segments"], 4 + length).reshape(-1, 4)
    lines = np.frombuffer(content, "<u4", offset=4 + length + segments.nbytes).reshape(-1, 3)
    assert len(lines) == header["num_lines"] == sum(header["lines"])
    assert lines[:, 0].sum() == len(segments)
    return header, segments, lines


def check(content: bytes, found: Kinks, rows: list[int]) -> None:
    header, segments, lines = decoded(content)
    assert header["rows"] == rows
    assert header["counts"] == header["lines"] == found.count_B.tolist()
    assert header["sites"] == list(found.sites)
    assert (header["num_left_out"], header["note"]) == (0, found.note)
    np.testing.assert_array_equal(segments, found.segments_M4)
    np.testing.assert_array_equal(lines, np.stack([found.length_L, found.site_L, found.unit_L], 1))
    assert len(segments)


@pytest.fixture
def of_tiny(tiny_runs: Path, tmp_path: Path) -> FlaskClient:
    return create_server(Settings(runs=tiny_runs, cache_dir=tmp_path / "cache", read_only=True)).test_client()


@pytest.fixture
def of_study(recorded: Path, tmp_path: Path) -> FlaskClient:
    settings = Settings(runs=recorded, study=str(STUDY_FILE), cache_dir=tmp_path / "cache", read_only=True)
    return create_server(settings).test_client()


def test_lines_of_the_built_in_network(of_tiny: FlaskClient, tiny_store: RunStore):
    request = LandscapeRequest.of(**ASKED)
    minibatch = Workbench(tiny_store, device="cpu").minibatch(request)
    rows = tiny_store.run("none").minibatch(1, 16).rows_B.tolist()
    answer = of_tiny.get(ADDRESS, query_string=ASKED)
    assert answer.mimetype == "application/octet-stream"
    check(answer.data, kinks(minibatch, request.spec()), rows)
    known = {"If-None-Match": answer.headers["ETag"]}
    assert of_tiny.get(ADDRESS, query_string=ASKED, headers=known).status_code == 304
    one = of_tiny.get(ADDRESS, query_string=ASKED | {"row": rows[3]})
    check(one.data, kinks(minibatch, request.spec(), row=3), [rows[3]])


def test_lines_of_a_composed_minibatch_are_those_of_its_rows(of_tiny: FlaskClient, tiny_store: RunStore):
    rows = tiny_store.run("none").minibatch(1, 16).rows_B.tolist()
    places = [7, 2, 11]
    chosen = ASKED | {"rows": ",".join(str(rows[place]) for place in places)}
    header, segments, _ = decoded(of_tiny.get(ADDRESS, query_string=chosen).data)
    request = LandscapeRequest.of(**ASKED)
    every = kinks(Workbench(tiny_store, device="cpu").minibatch(request), request.spec())
    assert header["rows"] == [rows[place] for place in places]
    assert header["counts"] == [every.count_B[place] for place in places]
    np.testing.assert_allclose(segments, np.concatenate([every.of_row(place) for place in places]), atol=1e-5)


def test_lines_of_a_plane_along_directions(of_tiny: FlaskClient, tiny_store: RunStore):
    asked = ASKED | {"x": "pca:1", "y": "random:2", "points": 3}
    header, segments, _ = decoded(of_tiny.get(ADDRESS, query_string=asked).data)
    assert header["half_width"] == 1.0
    assert len(segments)
    assert np.abs(segments).max() <= 1.0


def test_lines_of_any_study(of_study: FlaskClient, recorded: Path, loaded: LoadedStudy):
    run = RunStore(recorded, loaded).any_run("net")
    request = LandscapeRequest.of(**OF_STUDY)
    problem = Problem(run.model(1), loaded.study.loss, run.minibatch(2))
    rows = row_numbers(run, request)
    assert rows[0] == 2 * len(rows)
    check(of_study.get(ADDRESS, query_string=OF_STUDY).data, kinks(problem, request.spec()), rows)


def test_fresh_masks_have_no_lines_and_say_why(of_tiny: FlaskClient):
    asked = ASKED | {"run": "dropout", "mode": "train"}
    header, segments, _ = decoded(of_tiny.get(ADDRESS, query_string=asked).data)
    assert (len(segments), header["note"]) == (0, FRESH)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"row": 9999}, "`row` must be the number of a row of this minibatch"),
        ({"row": -1}, "`row`"),
        ({"minibatch": 99}, "`minibatch` must be in"),
        ({"x": "hidden.1.linear.bias[10]"}, "out of range"),
    ],
)
def test_what_it_cannot_answer_is_one_sentence(of_tiny: FlaskClient, changes: dict[str, object], named: str):
    answer = of_tiny.get(ADDRESS, query_string=ASKED | changes)
    assert answer.status_code == 422
    assert named in answer.get_json()["error"]


def test_what_it_takes_grows_with_the_chosen_rows(tiny_store: RunStore):
    def passes(**values: object) -> float:
        return KinksQuestion(request=LandscapeRequest.of(**{**ASKED, "minibatch_size": 64} | values)).passes(tiny_store)

    assert passes(rows=list(range(256))) == 4 * passes()
    assert passes(rows=[1]) == passes()
