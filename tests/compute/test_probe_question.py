"""The question of the probe: the same numbers as pictures have, for runs of all studies and planes of all kinds."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from gradviz.compute import probe_minibatches
from gradviz.compute.kinds import QUESTION
from gradviz.compute.local import LocalCompute
from gradviz.compute.probe import ProbeQuestion
from gradviz.compute.probe_minibatches import spread_over
from gradviz.compute.probe_settings import ProbeSettings
from gradviz.compute.workbench import Checkpoint, Workbench
from gradviz.dashboard.probe_answers import ProbeAnswer
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest

X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"
SETTINGS = set(ProbeSettings.model_fields)


def question(**values: Any) -> ProbeQuestion:
    settings = {name: values.pop(name) for name in SETTINGS & set(values)}
    asked = {"run": "none", "epoch": 1, "x": X, "y": Y, "points": 5, "minibatch_size": 16, **values}
    return ProbeQuestion(request=LandscapeRequest.of(**asked), settings=ProbeSettings.of(**settings))


def answered(store: RunStore, bench: Workbench | None = None, **values: Any) -> dict[str, Any]:
    content = question(**values).answer(bench or Workbench(store, device="cpu"))
    ProbeAnswer.model_validate_json(content)
    return json.loads(content)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"run": "dropout", "mode": "train", "masks": "frozen"},
        {"run": "dropout", "mode": "train", "masks": "averaged", "num_masks": 3},
        {"run": "batchnorm", "mode": "train", "x": "hidden.1.norm.bias[0]"},
        {"x": "gradient:0", "y": "random:1", "half_width": 0.5},
    ],
    ids=str,
)
def test_the_first_step_goes_against_the_pictures_own_arrow(tiny_store: RunStore, values: dict[str, Any]):
    bench = Workbench(tiny_store, device="cpu")
    told = answered(tiny_store, bench, minibatch=2, rate=0.001, steps=1, **values)
    for path, minibatch in zip(told["paths"][:2], (2, 3), strict=True):
        # An axis along a gradient is another one for another minibatch, but not that of minibatch 0.
        field = bench.landscape(question(minibatch=minibatch, **values).request)
        u, v = field.centre
        assert path["loss"][0] == pytest.approx(float(field.loss[2, 2]), rel=1e-5)
        np.testing.assert_allclose([path["x"][1], path["y"][1]], [-0.001 * u, -0.001 * v], rtol=2e-3, atol=1e-8)


def test_four_paths_of_as_many_steps_part_from_one_start(tiny_store: RunStore):
    told = answered(tiny_store, start="0.05,-0.02", steps=12, minibatch=1)
    assert [path["schedule"] for path in told["paths"]] == ["this", "next", "alternating", "all"]
    assert {len(path["x"]) for path in told["paths"]} == {13}
    assert all((path["x"][0], path["y"][0]) == (0.05, -0.02) for path in told["paths"])
    assert len({(path["x"][-1], path["y"][-1]) for path in told["paths"]}) == 4
    assert [path["name"] for path in told["paths"][:2]] == ["this minibatch (1)", "the next one (2)"]
    assert told["rate"] == told["default_rate"]
    assert told["method"] == "engine"
    first = max(np.hypot(path["x"][1] - 0.05, path["y"][1] + 0.02) for path in told["paths"])
    assert first == pytest.approx(0.05 * 0.1, rel=0.06)
    again = answered(tiny_store, start="0.05,-0.02", steps=12, minibatch=1, rate=told["rate"])
    assert again["paths"] == told["paths"]


def test_all_rows_are_those_of_the_runs_minibatches(tiny_store: RunStore, monkeypatch: pytest.MonkeyPatch):
    told = answered(tiny_store, steps=1, rate=0.001)
    many = tiny_store.run("none").num_minibatches(16)
    assert told["minibatches"] == list(range(many))
    bench = Workbench(tiny_store, device="cpu")
    centres = [bench.landscape(question(minibatch=k).request).centre for k in range(many)]
    path = told["paths"][3]
    np.testing.assert_allclose([path["x"][1], path["y"][1]], -0.001 * np.mean(centres, axis=0), rtol=1e-3, atol=1e-9)
    assert told["sentences"][1] == f"All rows: the mean over the run's {many} minibatches ({16 * many} rows)."
    monkeypatch.setattr(probe_minibatches, "_PRODUCTS_OF_A_STEP", 1.0)
    fewer = answered(tiny_store, steps=1)
    assert len(fewer["minibatches"]) == probe_minibatches.FEWEST
    assert f"4 of the run's {many} minibatches (64 rows)" in fewer["sentences"][1]


def test_the_last_minibatch_is_followed_by_the_first(tiny_store: RunStore):
    many = tiny_store.run("none").num_minibatches(16)
    told = answered(tiny_store, steps=2, minibatch=many - 1)
    assert told["paths"][1]["name"] == "the next one (0)"


def test_a_run_of_one_minibatch_has_one_path(tiny_store: RunStore):
    size = tiny_store.run("none").record.rows_train
    told = answered(tiny_store, steps=2, minibatch_size=size)
    assert [path["schedule"] for path in told["paths"]] == ["this"]
    assert told["sentences"][1] == f"All rows: the run's only minibatch ({size} rows)."


@pytest.mark.parametrize("run", ["none", "batchnorm"])
def test_chosen_rows_are_a_minibatch_too(tiny_store: RunStore, run: str):
    rows = tuple(tiny_store.run(run).row_numbers(2, 16))
    values = {"run": run, "mode": "train", "steps": 3, "rate": 0.001}
    chosen, whole = answered(tiny_store, rows=rows, **values), answered(tiny_store, minibatch=2, **values)
    assert [path["name"] for path in chosen["paths"][:2]] == ["16 chosen rows", "minibatch 0"]
    for name in ("x", "y", "loss", "all_loss"):
        assert chosen["paths"][0][name] == pytest.approx(whole["paths"][0][name], rel=1e-6)
        assert chosen["paths"][3][name] == pytest.approx(whole["paths"][3][name], rel=1e-6)
    fewer = answered(tiny_store, rows=rows[:5], **values)
    assert fewer["paths"][0]["loss"] != chosen["paths"][0]["loss"]
    assert question(rows=rows).key(tiny_store) != question().key(tiny_store)


def test_fresh_masks_are_those_of_the_step(tiny_store: RunStore):
    values = {"run": "dropout", "mode": "train", "steps": 4, "rate": 0.001}
    fresh, frozen = (answered(tiny_store, masks=masks, **values) for masks in ("fresh", "frozen"))
    assert fresh == answered(tiny_store, masks="fresh", **values)
    assert fresh["paths"][0]["loss"][0] == frozen["paths"][0]["loss"][0]
    assert fresh["paths"][0]["loss"][1] != frozen["paths"][0]["loss"][1]
    assert fresh["sentences"][2] == "Each step draws masks of its own, the same for all paths."


def test_a_recorded_run_has_paths_of_its_own_loss(compute: LocalCompute):
    asked = question(run="net", x="conv1.weight[2,0,1,1]", y="conv2.bias[3]", minibatch_size=64, rate=0.05, steps=5)
    told = json.loads(compute.ask(QUESTION.validate_json(asked.model_dump_json())))
    assert told["method"] == "loop"
    run = compute.store.any_run("net")
    model = run.model(1).double()
    first, second = dict(model.named_parameters())["conv1.weight"], dict(model.named_parameters())["conv2.bias"]
    batches = run.minibatches()  # pyright: ignore[reportAttributeAccessIssue, reportCallIssue]
    own = first[2, 0, 1, 1].item(), second[3].item()
    path = told["paths"][2]
    for step in range(6):
        images, labels = batches[step % 2]
        model.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images.double()), labels)
        loss.backward()
        here = first[2, 0, 1, 1].item() - own[0], second[3].item() - own[1]
        np.testing.assert_allclose([path["x"][step], path["y"][step]], here, rtol=1e-4, atol=1e-6)
        assert path["loss"][step] == pytest.approx(loss.item(), rel=1e-5)
        with torch.no_grad():
            first[2, 0, 1, 1] -= 0.05 * first.grad[2, 0, 1, 1]  # pyright: ignore[reportOptionalSubscript]
            second[3] -= 0.05 * second.grad[3]  # pyright: ignore[reportOptionalSubscript]


def test_what_is_evaluated_together_is_kept_for_the_next_start(tiny_store: RunStore):
    bench = Workbench(tiny_store, device="cpu")
    second = question(minibatch=1).request
    with bench.together([question().request, second]) as first:
        assert bench.nbytes > first.nbytes
    with bench.together([question(x="output.bias[0]").request, second]) as again:
        assert again is first
    with bench.together([question(minibatch=2).request, second]) as other:
        assert other is not first


def test_what_is_evaluated_together_makes_room_after_the_answer(tiny_store: RunStore):
    small, large = (Workbench(tiny_store, device="cpu", memory_bytes=memory) for memory in (0, 2**30))
    assert answered(tiny_store, small, steps=3) == answered(tiny_store, large, steps=3)
    assert small.nbytes < large.nbytes
    [checkpoint] = small._checkpoints.values()
    assert isinstance(checkpoint, Checkpoint)
    assert checkpoint.together is None


@pytest.mark.parametrize("values", [{}, {"x": "gradient:0", "y": "random:1"}], ids=str)
def test_costs_are_those_of_the_rows_and_sets_of_masks(tiny_store: RunStore, values: dict[str, Any]):
    def passes(**more: Any) -> float:
        return question(**values, **more).passes(tiny_store)

    assert passes(rows=tuple(range(1024))) > 1.5 * passes(rows=tuple(range(16)))
    masked = {"run": "dropout", "mode": "train", "masks": "averaged"}
    assert passes(**masked, num_masks=16) > 4 * passes(**masked, num_masks=1)
    if not values:  # the passes of so many rows and sets are not kept
        frozen = passes(**masked | {"masks": "frozen"}, minibatch_size=1024)
        assert passes(**masked, num_masks=64, minibatch_size=1024) > 64 * frozen


def test_the_key_changes_with_all_that_the_answer_depends_on(tiny_store: RunStore):
    asked = [
        question(),
        question(epoch=2),
        question(mode="train"),
        question(minibatch=1),
        question(start="0.1,0"),
        question(rate=0.1),
        question(steps=31),
        question(x="output.bias[0]"),
    ]
    assert len({each.key(tiny_store) for each in asked}) == len(asked)
    assert question(start="0.10,-0e3").key(tiny_store) == question(start=".1,0").key(tiny_store)


@pytest.mark.parametrize("start", ["", "1", "1,2,3", "nan,0", "1e999,0", "0;0", "0, 0"])
def test_a_start_is_two_numbers(start: str):
    with pytest.raises(UserError, match="start"):
        question(start=start)


@pytest.mark.parametrize("values", [{"start": "1.1,0"}, {"x": "hidden.9.linear.bias[0]"}, {"minibatch": 999}])
def test_what_is_not_there_is_told(tiny_store: RunStore, values: dict[str, Any]):
    with pytest.raises(UserError):
        answered(tiny_store, **values)


def test_minibatches_for_all_rows_are_spread_evenly():
    assert spread_over(50, 5) == [0, 10, 20, 30, 40]
    assert spread_over(3, 5) == [0, 1, 2]
    assert spread_over(0, 5) == [0]
