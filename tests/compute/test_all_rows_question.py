"""The question of all training rows: its answer for runs of all studies, and why there is none where there is none."""

import json

import numpy as np
import pytest
import torch

from gradviz.compute import all_rows
from gradviz.compute.all_rows import AllRowsQuestion, AllRowsRequest
from gradviz.compute.kinds import QUESTION
from gradviz.compute.local import LocalCompute
from gradviz.compute.rows_part import NO_DIRECTIONS
from gradviz.compute.workbench import Workbench
from gradviz.dashboard.influence_answers import AllRowsAnswer
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.experiment.studies.deliveries.rows import Rows
from gradviz.landscape import LandscapeRequest

X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"


def question(**values: object) -> AllRowsQuestion:
    return AllRowsQuestion(request=AllRowsRequest.of(**{"run": "none", "epoch": 1, "x": X, "y": Y, **values}))


def answered(store: RunStore, **values: object) -> dict:
    content = question(**values).answer(Workbench(store, device="cpu"))
    AllRowsAnswer.model_validate_json(content)
    return json.loads(content)


def test_the_mean_over_a_minibatch_s_rows_is_its_arrow(tiny_store: RunStore):
    told = answered(tiny_store)
    run = tiny_store.run("none")
    assert told["row"] == run.rows().train_rows.tolist()
    place = {row: at for at, row in enumerate(told["row"])}
    at = [place[row] for row in run.minibatch(2, 16).rows_B.tolist()]
    asked = LandscapeRequest.of(run="none", epoch=1, x=X, y=Y, points=3, minibatch=2, minibatch_size=16)
    centre = Workbench(tiny_store, device="cpu").landscape(asked).centre
    mean = np.mean(told["u"], where=np.isin(np.arange(len(place)), at)), np.array(told["v"])[at].mean()
    assert mean == pytest.approx(centre, rel=1e-5, abs=1e-7)
    assert np.hypot(told["u"], told["v"]) == pytest.approx(np.array(told["length"]), rel=1e-6)


def test_a_layer_is_that_of_x_and_the_plane_is_told(tiny_store: RunStore):
    told, named = answered(tiny_store, part="layer"), answered(tiny_store, part="hidden.1")
    assert told["u"] == named["u"]
    assert 0.1 < told["share"] < 1
    assert "principal directions" in told["sentence"]
    assert answered(tiny_store, part="layer", x="output.bias[0]")["u"] == answered(tiny_store, part="output")["u"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"run": "dropout", "mode": "train"}, all_rows.MASKS),
        ({"run": "batchnorm", "mode": "train"}, all_rows.BATCH_STATISTICS),
        ({"x": "random:1"}, NO_DIRECTIONS),
        ({"x": "random:1", "part": "layer"}, NO_DIRECTIONS),
    ],
)
def test_without_gradients_of_rows_there_is_a_reason(tiny_store: RunStore, values: dict[str, object], reason: str):
    told = answered(tiny_store, **values)
    assert (told["is_there"], told["sentence"], told["row"]) == (False, reason, [])
    assert answered(tiny_store, **values | {"mode": "eval", "part": "model"})["is_there"]


def test_rows_of_a_recorded_run_are_counted_through_its_minibatches(compute: LocalCompute):
    run = compute.store.any_run("net")
    for part in ("pair", "layer", "model"):
        asked = question(run="net", x="conv2.bias[2]", y="conv2.bias[3]", part=part)
        told = json.loads(compute.ask(QUESTION.validate_json(asked.model_dump_json())))
        assert told["row"] == list(range(sum(len(labels) for _, labels in run.minibatches())))  # pyright: ignore
        assert len(told["u"]) == len(told["length"]) == len(told["row"])
        assert 0 < told["share"] <= 1


def test_of_more_rows_so_many_are_drawn_and_encoded(tiny_store: RunStore, monkeypatch: pytest.MonkeyPatch):
    whole, encoded, encode = answered(tiny_store), [], Rows.inputs

    def counted(rows: Rows, wanted: torch.Tensor) -> torch.Tensor:
        encoded.append(len(wanted))
        return encode(rows, wanted)

    monkeypatch.setattr(all_rows, "MOST_ROWS", 30)
    monkeypatch.setattr(Rows, "inputs", counted)
    told = answered(tiny_store)
    assert encoded == [30]
    assert len(set(told["row"])) == 30 < len(whole["row"])
    at = [whole["row"].index(row) for row in told["row"]]
    assert at == sorted(at)
    assert at != list(range(30))
    assert told["u"] == pytest.approx([whole["u"][place] for place in at], rel=1e-5, abs=1e-7)
    assert told["sentence"].endswith(f"Of {len(whole['row'])} rows 30 are shown, drawn with a fixed seed.")
    assert answered(tiny_store)["row"] == told["row"]


def test_so_many_rows_are_drawn_of_a_recorded_run(compute: LocalCompute, monkeypatch: pytest.MonkeyPatch):
    asked = question(run="net", x="conv2.bias[2]", y="conv2.bias[3]", part="layer")
    bench = Workbench(compute.store, device="cpu")
    whole = json.loads(asked.answer(bench))
    monkeypatch.setattr(all_rows, "MOST_ROWS", 5)
    told = json.loads(asked.answer(bench))
    assert len(set(told["row"])) == 5
    assert (told["u"], told["length"]) == tuple([whole[name][row] for row in told["row"]] for name in ("u", "length"))
    assert told["share"] == whole["share"]


def test_the_key_changes_with_all_that_the_answer_depends_on(tiny_store: RunStore):
    asked = [
        question(),
        question(epoch=2),
        question(mode="train"),
        question(part="model"),
        question(x="output.bias[0]"),
    ]
    assert len({each.key(tiny_store) for each in asked}) == len(asked)


@pytest.mark.parametrize("values", [{"part": "hidden.9"}, {"x": "hidden.9.linear.bias[0]"}])
def test_what_is_not_there_is_told(tiny_store: RunStore, values: dict[str, object]):
    with pytest.raises(UserError):
        answered(tiny_store, **values)
