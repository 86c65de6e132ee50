"""The question of the sampling ellipse: for runs of all studies, and why there is none where there is none."""

import json

import numpy as np
import pytest
import torch

from gradviz.compute import sampling
from gradviz.compute.kinds import QUESTION
from gradviz.compute.local import LocalCompute
from gradviz.compute.sampling import SamplingQuestion, SamplingRequest
from gradviz.compute.workbench import Workbench
from gradviz.dashboard.statistics_answers import SamplingAnswer
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape import LandscapeRequest

X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"


def question(**values: object) -> SamplingQuestion:
    return SamplingQuestion(request=SamplingRequest.of(**{"run": "none", "epoch": 1, "x": X, "y": Y, **values}))


def answered(store: RunStore, **values: object) -> dict:
    content = question(**values).answer(Workbench(store, device="cpu"))
    SamplingAnswer.model_validate_json(content)
    return json.loads(content)


def test_the_mean_is_that_of_the_minibatches_shown(tiny_store: RunStore):
    told = answered(tiny_store, minibatch_size=16)["sampling"]
    run, bench = tiny_store.run("none"), Workbench(tiny_store, device="cpu")
    many = run.num_minibatches(16)
    asked = {"run": "none", "epoch": 1, "x": X, "y": Y, "points": 3, "minibatch_size": 16}
    centres = [bench.landscape(LandscapeRequest.of(**asked, minibatch=k)).centre for k in range(many)]
    assert (told["u"], told["v"]) == pytest.approx(tuple(np.mean(centres, axis=0)), rel=1e-4, abs=1e-6)
    assert (told["num_rows"], told["of_rows"]) == (16, 16 * many)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"run": "dropout", "mode": "train"}, sampling.MASKS),
        ({"run": "batchnorm", "mode": "train"}, sampling.BATCH_STATISTICS),
    ],
)
def test_without_gradients_of_rows_there_is_a_reason(tiny_store: RunStore, values: dict[str, object], reason: str):
    told = answered(tiny_store, minibatch_size=16, **values)
    assert (told["sampling"], told["reason"]) == (None, reason)
    assert answered(tiny_store, minibatch_size=16, **values | {"mode": "eval"})["reason"] is None


def test_a_recorded_run_has_an_ellipse_of_its_own_rows(compute: LocalCompute):
    asked = question(run="net", x="conv1.weight[2,0,1,1]", y="conv2.bias[3]")
    content = compute.ask(QUESTION.validate_json(asked.model_dump_json()))
    told = json.loads(content)["sampling"]
    run = compute.store.any_run("net")
    model = run.model(1).double()
    rows = []
    for images, labels in run.minibatches():  # pyright: ignore[reportAttributeAccessIssue, reportCallIssue]
        for image, label in zip(images.double(), labels, strict=True):
            model.zero_grad()
            torch.nn.functional.cross_entropy(model(image[None]), label[None]).backward()
            own = dict(model.named_parameters())
            rows.append([own["conv1.weight"].grad[2, 0, 1, 1].item(), own["conv2.bias"].grad[3].item()])  # pyright: ignore[reportOptionalSubscript]
    assert (told["u"], told["v"]) == pytest.approx(tuple(np.mean(rows, axis=0)), rel=1e-9)
    covariance = np.cov(np.array(rows).T) * (1 / told["num_rows"] - 1 / len(rows))
    assert (told["uu"], told["uv"], told["vv"]) == pytest.approx((*covariance[0], covariance[1, 1]), rel=1e-9)


def test_the_key_changes_with_all_that_the_answer_depends_on(tiny_store: RunStore):
    asked = [
        question(),
        question(epoch=2),
        question(mode="train"),
        question(minibatch_size=8),
        question(x="output.bias[0]"),
    ]
    assert len({each.key(tiny_store) for each in asked}) == len(asked)


def test_a_picture_asks_for_its_pair_alone():
    request = LandscapeRequest.of(
        run="none", epoch=1, x=X, y=Y, points=5, minibatch=3, masks="frozen", minibatch_size=8
    )
    assert SamplingRequest.of_picture(request) == question(minibatch_size=8).request


@pytest.mark.parametrize("values", [{"y": X}, {"x": "random:4"}, {"x": "hidden.9.linear.bias[0]"}])
def test_what_is_no_pair_is_told(tiny_store: RunStore, values: dict[str, object]):
    with pytest.raises(UserError):
        answered(tiny_store, **values)
