"""A point of the curves over the epochs: its numbers are those of the rooms below, asked for after all else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient

from gradviz.compute.agreement import AgreementQuestion, AgreementRequest
from gradviz.compute.cache import FieldCache
from gradviz.compute.local import LocalCompute
from gradviz.dashboard.course import Course
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest

PAIR = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]"}
ASKED = {"run": "none", "epoch": 1, "points": 7, "half_width": 0.5, "minibatch_size": 16, **PAIR}
FROZEN = {"run": "dropout", "mode": "train", "masks": "frozen", "seed": 3}


@pytest.fixture
def compute(tiny_store: RunStore, tmp_path: Path) -> LocalCompute:
    return LocalCompute(tiny_store, FieldCache(tmp_path / "other-cache"), device="cpu")


def told(client: FlaskClient, **change: object) -> Any:
    answer = client.get("/api/v1/course", query_string={**ASKED, **change})
    assert answer.status_code == 200, answer.data
    return answer.get_json()


def angle_by_loops(u: np.ndarray, v: np.ndarray) -> float:
    """The mean angle in degrees of each two arrows side by side or one above the other, by their cosines."""
    angles = []
    for j, i in np.ndindex(u.shape):
        for other in ((j, i + 1), (j + 1, i)):
            if other[0] < u.shape[0] and other[1] < u.shape[1]:
                a, b = np.array([u[j, i], v[j, i]]), np.array([u[other], v[other]])
                if a.any() and b.any():
                    angles.append(np.degrees(np.arccos(np.clip(a @ b / np.sqrt(a @ a * (b @ b)), -1, 1))))
    return float(np.mean(angles))


@pytest.mark.parametrize("change", [{}, FROZEN])
def test_a_point_is_what_agreement_and_landscape_say(
    client: FlaskClient, compute: LocalCompute, change: dict[str, object]
) -> None:
    point = told(client, **change)
    request = LandscapeRequest.of(**ASKED | change)
    arrows = [field for _, field in compute.minibatches(request, range(point["num_minibatches"]))]
    centre = np.array([[field.u[3, 3], field.v[3, 3]] for field in arrows], float)
    sizes = np.hypot(*centre.T)
    directions = centre[sizes > 0] / sizes[sizes > 0, None]
    assert len(directions) == point["num_minibatches"] - point["num_zero"] > 1
    assert point["resultant"]["value"] == pytest.approx(np.hypot(*directions.mean(0)), abs=1e-5)  # float32 arrows
    cosines = directions @ directions.T
    assert point["cosine"]["value"] == pytest.approx(cosines[np.triu_indices_from(cosines, 1)].mean(), abs=1e-5)
    assert point["balance"] == pytest.approx(abs(2 * np.mean([field.share_below for field in arrows]) - 1), abs=1e-6)
    field = compute.landscape(request)
    assert point["angle"] > 0
    # the cosine of a small angle has lost half of its digits
    assert point["angle"] == pytest.approx(angle_by_loops(field.u.astype(float), field.v.astype(float)), abs=1e-4)


def test_gradients_that_are_zero_have_no_agreement_and_no_angle(client: FlaskClient) -> None:
    point = told(client, run="batchnorm", mode="train")
    assert point["resultant"] is point["cosine"] is point["angle"] is None
    assert point["num_zero"] == point["num_minibatches"]


def test_what_is_not_there_is_a_sentence(client: FlaskClient) -> None:
    answer = client.get("/api/v1/course", query_string=ASKED | {"epoch": 99})
    assert answer.status_code == 422
    assert "99" in answer.get_json()["error"]


def test_an_unchanged_point_is_not_sent_again(client: FlaskClient) -> None:
    first = client.get("/api/v1/course", query_string=ASKED)
    again = client.get("/api/v1/course", query_string=ASKED, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


class Watched(LocalCompute):
    """Remembers with which priority it was asked."""

    def submit(self, questions, priority="interactive"):
        self.priorities = [*getattr(self, "priorities", []), priority]
        return super().submit(questions, priority)


def test_a_point_waits_behind_all_that_somebody_waits_for(tiny_store: RunStore, tmp_path: Path) -> None:
    compute = Watched(tiny_store, FieldCache(tmp_path / "watched"), device="cpu")
    Course(LandscapeRequest.of(**ASKED), tiny_store).point(compute)
    assert set(compute.priorities) == {"sweep"}


def test_masks_that_are_not_drawn_do_not_count(tiny_store: RunStore) -> None:
    one, other = (Course(LandscapeRequest.of(**ASKED, seed=seed, masks="averaged"), tiny_store) for seed in (1, 2))
    assert one.key() == other.key()
    drawn = [Course(LandscapeRequest.of(**ASKED | FROZEN | {"seed": seed}), tiny_store) for seed in (1, 2)]
    assert drawn[0].key() != drawn[1].key()


def test_the_interval_is_that_of_the_question_of_agreement(client: FlaskClient, compute: LocalCompute) -> None:
    asked = AgreementRequest.of(
        run="none", epoch=1, minibatch_size=16, parts="output.bias", pair=f"{PAIR['x']};{PAIR['y']}"
    )
    expected = json.loads(compute.ask(AgreementQuestion(request=asked)))["parts"][-1]
    assert told(client)["resultant"] == expected["resultant"]
