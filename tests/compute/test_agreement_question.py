"""The question of agreement: the same numbers as the landscape room's, addressed by all that they depend on."""

import json

import numpy as np
import pytest
import torch

from gradviz.compute.agreement import AgreementQuestion, AgreementRequest
from gradviz.compute.kinds import QUESTION
from gradviz.compute.workbench import Workbench
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape import network_of
from gradviz.landscape.statistics import minibatch_agreement, pair_name

PAIR = ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]")


def question(**values: object) -> AgreementQuestion:
    return AgreementQuestion(request=AgreementRequest.of(**{"run": "none", "epoch": 1, **values}))


def test_the_answer_is_that_of_the_landscape_room(tiny_store: RunStore):
    asked = question(run="dropout", mode="train", masks="frozen", seed=3, minibatch_size=16, pair=";".join(PAIR))
    told = json.loads(asked.answer(Workbench(tiny_store, device="cpu")))
    run = tiny_store.run("dropout")
    minibatches = [run.minibatch(k, 16) for k in range(run.num_minibatches(16))]
    found = minibatch_agreement(
        network_of(run.model(1)),
        torch.stack([each.inputs_BI for each in minibatches]),
        torch.stack([each.targets_B for each in minibatches]),
        generator=np.random.default_rng(0),
        mode="train",
        masks="frozen",
        seed=3,
        pairs=[PAIR],
    )
    assert [part["part"] for part in told["parts"]] == list(found.parts)
    assert told["parts"][-1]["part"] == pair_name(PAIR)
    for part, own in zip(told["parts"], found.parts.values(), strict=True):
        assert part["num_zero"] == own.num_zero
        if own.resultant is not None:
            assert part["resultant"]["value"] == pytest.approx(own.resultant.value, rel=1e-6)
    assert told["num_rows"] == 16 * len(minibatches)
    assert len(told["share_below_K"]) == len(minibatches)


def test_zero_gradients_are_told_as_none_and_not_as_disagreement(tiny_store: RunStore):
    asked = question(run="batchnorm", mode="train", minibatch_size=16, parts="hidden.1.linear.bias")
    [part] = json.loads(asked.answer(Workbench(tiny_store, device="cpu")))["parts"]
    assert part["num_zero"] == part["num_minibatches"]
    assert part["resultant"] is part["cosine"] is None


def test_the_key_changes_with_all_that_the_answer_depends_on(tiny_store: RunStore):
    asked = [question(), question(epoch=2), question(mode="train"), question(parts="model"), question(minibatch_size=8)]
    assert len({each.key(tiny_store) for each in asked}) == len(asked)
    assert question().key(tiny_store) == question().key(tiny_store)


def test_it_travels_as_json(tiny_store: RunStore):
    asked = question(pair="hidden.1.linear.bias[0]; hidden.1.linear.weight[2, 3]")
    assert QUESTION.validate_json(asked.model_dump_json()) == asked
    assert asked.request.pairs == [("hidden.1.linear.bias[0]", "hidden.1.linear.weight[2,3]")]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"parts": "hidden.9"}, r"no part of this model.*hidden\.0"),
        ({"pair": "hidden.1.linear.bias[0];hidden.1.linear.bias[0]"}, "twice"),
        ({"pair": "hidden.1.linear.bias[0];hidden.1.linear.bias[99]"}, "out of range"),
        ({"run": "batchnorm", "mode": "train", "minibatch_size": 1}, "at least 2"),
        ({"minibatch_size": 1000}, "minibatch_size"),
    ],
)
def test_what_cannot_be_used_is_told(tiny_store: RunStore, values: dict[str, object], told: str):
    with pytest.raises(UserError, match=told):
        question(**values).answer(Workbench(tiny_store, device="cpu"))
