"""The question of rows' influence: its numbers are those of minibatches without a row, for runs of all studies."""

import json

import numpy as np
import pytest

from gradviz.compute.influence import FRESH_MASKS, InfluenceQuestion, InfluenceRequest
from gradviz.compute.kinds import QUESTION
from gradviz.compute.local import LocalCompute
from gradviz.compute.workbench import Workbench
from gradviz.dashboard.influence_answers import InfluenceAnswer
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest

X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"
NET_PAIR = {"run": "net", "x": "conv1.weight[2,0,1,1]", "y": "conv2.bias[3]"}


def question(**values: object) -> InfluenceQuestion:
    asked = {"run": "none", "epoch": 1, "x": X, "y": Y, "minibatch_size": 16, **values}
    return InfluenceQuestion(request=InfluenceRequest.of(**asked))


def answered(store: RunStore, **values: object) -> dict:
    content = question(**values).answer(Workbench(store, device="cpu"))
    InfluenceAnswer.model_validate_json(content)
    return json.loads(content)


def resultant(arrows: list[tuple[float, float]]) -> float:
    units = [np.array(each) / np.hypot(*each) for each in arrows if np.hypot(*each) > 0]
    return float(np.linalg.norm(np.mean(units, axis=0)))


def pair_of_alive_units(store: RunStore) -> tuple[str, str]:
    """Two biases with a gradient at minibatch 2."""
    answer = store.run("none").model(1)
    own = store.run("none").minibatch(2, 16)
    (answer(own.inputs_BI) - own.targets_B).abs().mean().backward()
    alive = answer.get_parameter("hidden.1.linear.bias").grad.abs().argsort(descending=True)[:2].tolist()  # pyright: ignore
    return (f"hidden.1.linear.bias[{alive[0]}]", f"hidden.1.linear.bias[{alive[1]}]")


@pytest.mark.parametrize("kind", ["none", "batchnorm"])
def test_without_a_row_the_picture_s_arrow_is_that_of_the_rows_that_are_left(tiny_store: RunStore, kind: str):
    """Beside landscapes of chosen rows, which share no line with it."""
    bench, run = Workbench(tiny_store, device="cpu"), tiny_store.run(kind)
    x, y = pair_of_alive_units(tiny_store) if kind == "none" else ("hidden.1.norm.bias[0]", "hidden.1.norm.bias[2]")
    at = {"run": kind, "epoch": 1, "x": x, "y": y, "minibatch_size": 16, "mode": "train"}
    told = answered(tiny_store, **at, minibatch=2)
    asked = LandscapeRequest.of(**at, points=3, minibatch=2)
    numbers = run.row_numbers(2, 16)
    assert [row["row"] for row in told["rows"]] == numbers
    arrows = [bench.landscape(asked.model_copy(update={"minibatch": k})).centre for k in range(run.num_minibatches(16))]
    assert told["resultant"] == pytest.approx(resultant(arrows), abs=1e-4)
    own = complex(*arrows[2])
    assert told["length"] == pytest.approx(abs(own), rel=1e-4)
    for place in (0, 7, 15):
        left = tuple(row for row in numbers if row != numbers[place])
        arrow = bench.landscape(asked.model_copy(update={"minibatch": 0, "rows": left})).centre
        found = told["rows"][place]
        assert found["turn"] == pytest.approx(np.degrees(np.angle(complex(*arrow) / own)), abs=0.01)
        assert found["length_change"] == pytest.approx(np.hypot(*arrow) / abs(own) - 1, abs=1e-4)
        wanted = resultant([*arrows[:2], arrow, *arrows[3:]]) - resultant(arrows)
        assert found["resultant_change"] == pytest.approx(wanted, abs=1e-4)
    assert told["is_recomputed"] == (kind == "batchnorm")


def test_a_composed_minibatch_is_one_more_of_the_run(tiny_store: RunStore):
    rows = tiny_store.run("batchnorm").row_numbers(1, 16)[:10]
    told = answered(tiny_store, run="batchnorm", rows=rows, part="hidden.0")
    assert [row["row"] for row in told["rows"]] == rows
    assert told["num_minibatches"] == tiny_store.run("batchnorm").num_minibatches(16) + 1
    assert sum(row["share"] for row in told["rows"]) == pytest.approx(1)
    named = {(pair["row"], pair["other"]) for pair in told["opposing"]}
    assert named
    assert all(a in rows and b in rows and a != b for a, b in named)


@pytest.mark.parametrize(
    "values", [NET_PAIR, {"run": "net", "part": "conv2"}, {"run": "net", "part": "model"}], ids=str
)
def test_a_recorded_run_has_its_own_rows(compute: LocalCompute, values: dict[str, object]):
    asked = question(minibatch_size=64, minibatch=1, **values)
    told = json.loads(compute.ask(QUESTION.validate_json(asked.model_dump_json())))
    run = compute.store.any_run("net")
    assert [row["row"] for row in told["rows"]] == run.row_numbers(1)
    assert sum(row["share"] for row in told["rows"]) == pytest.approx(1)
    assert told["num_minibatches"] == run.num_minibatches(64)
    composed = question(minibatch_size=64, rows=run.row_numbers(1)[::-1], **values)
    again = json.loads(compute.ask(composed))
    assert again["length"] == pytest.approx(told["length"], rel=1e-6)
    assert [row["turn"] for row in again["rows"]][::-1] == pytest.approx(
        [row["turn"] for row in told["rows"]], rel=1e-4
    )


def test_the_key_changes_with_all_that_the_answer_depends_on(tiny_store: RunStore):
    asked = [
        question(),
        question(epoch=2),
        question(mode="train"),
        question(minibatch_size=8),
        question(minibatch=1),
        question(part="model"),
        question(rows=(0, 1)),
        question(x="output.bias[0]"),
    ]
    assert len({each.key(tiny_store) for each in asked}) == len(asked)
    assert question(part="model").key(tiny_store) == question(part="model", x="output.bias[0]").key(tiny_store)
    assert question(part="layer").key(tiny_store) == question(part="layer", y="output.bias[0]").key(tiny_store)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"part": "hidden.9"}, "no part of this model"),
        ({"x": "hidden.9.linear.bias[0]"}, "hidden.9"),
        ({"y": X}, "different"),
        ({"x": ""}, "must name a parameter"),
        ({"minibatch": 999}, "minibatch"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_told(tiny_store: RunStore, values: dict[str, object], words: str):
    with pytest.raises(UserError, match=words):
        answered(tiny_store, **values)


def test_the_cost_is_that_of_the_rows_that_are_chosen(tiny_store: RunStore):
    """Beside the run's minibatches of 16; under batch statistics also without each."""

    def passes(**values: object) -> float:
        return question(**values).passes(tiny_store)

    assert passes(rows=(0, 1)) == pytest.approx(passes() * (1 + 1 / tiny_store.run("none").num_minibatches(16)))
    coupled = {"run": "batchnorm", "mode": "train", "minibatch_size": 80}
    assert passes(**coupled, rows=(0, 1)) < 0.2 * passes(**coupled)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"x": "random:1"}, "choose the whole model"),
        ({"minibatch_size": 1}, "one row"),
        ({"run": "batchnorm", "mode": "train", "minibatch_size": 80}, "at most 64, got 80"),
    ],
    ids=str,
)
def test_where_nothing_can_be_told_the_answer_is_the_reason(
    tiny_store: RunStore, values: dict[str, object], words: str
):
    told = answered(tiny_store, **values)
    assert (told["rows"], told["opposing"], told["resultant"]) == ([], [], None)
    assert words in told["sentence"]


@pytest.mark.parametrize(
    ("values", "is_said"),
    [
        ({"mode": "train", "masks": "fresh"}, True),
        ({"mode": "train", "masks": "frozen"}, False),
        ({"mode": "eval", "masks": "fresh"}, False),
    ],
)
def test_it_is_said_where_masks_are_not_those_of_the_picture(tiny_store: RunStore, values: dict, is_said: bool):
    assert answered(tiny_store, run="dropout", **values)["sentence"].endswith(FRESH_MASKS) == is_said
