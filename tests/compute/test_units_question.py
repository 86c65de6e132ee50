"""Questions about a layer's units: the same numbers as the landscape room's."""

import json

import numpy as np
import pytest
import torch

from gradviz.compute.kinds import QUESTION
from gradviz.compute.units import ACTIVITY_ROWS, PairsQuestion, UnitsQuestion
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape import find_pairs, network_of, unit_activity


@pytest.fixture
def bench(tiny_store: RunStore) -> Workbench:
    return Workbench(tiny_store, device="cpu")


def test_sizes_are_those_of_plain_autograd(bench: Workbench, tiny_store: RunStore) -> None:
    asked = UnitsQuestion(run="none", epoch=2, layer=1, minibatch_size=16)
    told = json.loads(asked.answer(bench))
    run = tiny_store.run("none")
    model = run.model(2)
    squares = []
    for k in range(run.num_minibatches(16)):
        minibatch = run.minibatch(k, 16)
        model.zero_grad()
        (model(minibatch.inputs_BI) - minibatch.targets_B).abs().mean().backward()
        squares.append(model.get_parameter("hidden.1.linear.bias").grad.square())  # pyright: ignore[reportOptionalMemberAccess]
    expected = torch.stack(squares).mean(0).sqrt().numpy()
    np.testing.assert_allclose(told["gradient_rms"], expected, rtol=1e-4, atol=1e-6 * expected.max())
    active = unit_activity(model, run.training_inputs(limit=ACTIVITY_ROWS))[1]
    np.testing.assert_allclose(told["active"], active, rtol=1e-6)
    assert (told["tensor"], told["num_minibatches"]) == ("hidden.1.linear.bias", len(squares))


def test_pairs_are_those_of_the_finder(bench: Workbench, tiny_store: RunStore) -> None:
    told = json.loads(PairsQuestion(run="batchnorm", epoch=1, layer=0, minibatch_size=16, mode="train").answer(bench))
    run = tiny_store.run("batchnorm")
    rows = [run.minibatch(k, 16) for k in range(run.num_minibatches(16))]
    inputs, targets = torch.stack([each.inputs_BI for each in rows]), torch.stack([each.targets_B for each in rows])
    network = network_of(run.model(1))
    found = find_pairs(network, run.training_inputs(limit=ACTIVITY_ROWS), inputs, targets, 0, mode="train")
    assert [(pair["x"], pair["y"]) for pair in told["pairs"]] == [(pair.x, pair.y) for pair in found]
    assert found
    assert all(".norm.bias[" in pair.x for pair in found)


@pytest.mark.parametrize("kind", [UnitsQuestion, PairsQuestion])
@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"layer": 3}, r"0\.\.2"),
        ({"minibatch_size": 1000}, "minibatch_size"),
        ({"run": "batchnorm", "mode": "train", "minibatch_size": 1}, "at least 2"),
    ],
)
def test_what_cannot_be_used_is_told(bench: Workbench, kind: type, values: dict[str, object], told: str) -> None:
    with pytest.raises(UserError, match=told):
        kind(**{"run": "none", "epoch": 1, "layer": 1, **values}).answer(bench)


@pytest.mark.parametrize("kind", [UnitsQuestion, PairsQuestion])
def test_it_travels_as_json_and_its_key_tells_it_apart(tiny_store: RunStore, kind: type) -> None:
    asked = [kind(run="none", epoch=1, layer=layer, mode=mode) for layer in (0, 1) for mode in ("eval", "train")]
    assert QUESTION.validate_json(asked[0].model_dump_json()) == asked[0]
    assert len({each.key(tiny_store) for each in asked}) == len(asked)
