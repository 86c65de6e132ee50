"""Statistics of a recorded run: the numbers of float64 autograd over its minibatches, told as for any other run."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gradviz.compute.agreement import AgreementQuestion, AgreementRequest
from gradviz.compute.cosines import CosinesQuestion
from gradviz.compute.kinds import QUESTION, ActivityQuestion
from gradviz.compute.local import LocalCompute
from gradviz.compute.question import Question
from gradviz.compute.study_statistics import Draws, problems_of
from gradviz.compute.units import PairsQuestion, UnitsQuestion
from gradviz.dashboard.answers import AgreementAnswer, CosinesAnswer, PairsAnswer, UnitsAnswer
from gradviz.dashboard.factory import create_server
from gradviz.errors import UserError
from gradviz.experiment.study_run import StudyRun
from gradviz.landscape import LandscapeRequest
from gradviz.landscape.unit_gradients import units_of
from gradviz.settings import Settings
from tests.compute.conftest import STUDY_FILE

PAIR = "conv1.weight[2,0,1,1];conv2.bias[3]"


def by_autograd(run: StudyRun, epoch: int) -> dict[str, Tensor]:
    """(K, *shape) float64: the gradients of all minibatches in eval mode."""
    model = run.model(epoch).double()
    found: dict[str, list[Tensor]] = {name: [] for name, _ in model.named_parameters()}
    for images, labels in run.minibatches():
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(images.double()), labels).backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None
            found[name].append(parameter.grad.clone())
    return {name: torch.stack(each) for name, each in found.items()}


def agreement(compute: LocalCompute, **values: object) -> dict:
    asked = AgreementQuestion(request=AgreementRequest.of(**{"run": "net", "epoch": 1, **values}))
    content = compute.ask(QUESTION.validate_json(asked.model_dump_json()))
    AgreementAnswer.model_validate_json(content)
    return json.loads(content)


def cosines(compute: LocalCompute, **values: object) -> dict:
    asked = CosinesQuestion.model_validate({"run": "net", "epoch": 1, **values})
    content = compute.ask(QUESTION.validate_json(asked.model_dump_json()))
    CosinesAnswer.model_validate_json(content)
    return json.loads(content)


def test_agreement_is_that_of_autograd(compute: LocalCompute):
    told = agreement(compute, parts="model,norm,head.weight", pair=PAIR)
    run = compute.store.study_run("net")
    gradients = by_autograd(run, 1)
    parts = {
        "model": list(gradients),
        "norm": ["norm.weight", "norm.bias"],
        "head.weight": ["head.weight"],
    }
    flat = {part: torch.cat([gradients[name].flatten(1) for name in names], 1) for part, names in parts.items()}
    flat["conv1.weight[2,0,1,1] & conv2.bias[3]"] = torch.stack(
        [gradients["conv1.weight"][:, 2, 0, 1, 1], gradients["conv2.bias"][:, 3]], 1
    )
    assert [part["part"] for part in told["parts"]] == list(flat)
    for part, gradients_KP in zip(told["parts"], flat.values(), strict=True):
        units = torch.nn.functional.normalize(gradients_KP, dim=1)
        resultant = units.mean(0).norm().item()
        assert part["resultant"]["value"] == pytest.approx(resultant, rel=1e-4)  # float32's gradients
        assert (part["num_minibatches"], part["num_zero"]) == (4, 0)
        assert part["num_parameters"] == gradients_KP.shape[1]
    assert (told["num_minibatches"], told["num_rows"]) == (4, 48)


def test_a_study_s_facts_stand_where_the_share_below_the_target_stands(compute: LocalCompute):
    told = agreement(compute, parts="model")
    assert told["share_below"] is told["share_below_K"] is None
    run = compute.store.study_run("net")
    model = run.model(1)
    right = [(model(images).argmax(1) == labels).double().mean().item() for images, labels in run.minibatches()]
    assert [facts[0]["value"] for facts in told["facts"]] == right
    assert {facts[0]["name"] for facts in told["facts"]} == {"accuracy"}


def test_all_parts_are_the_model_its_modules_and_its_tensors(compute: LocalCompute):
    told = agreement(compute)
    names = [part["part"] for part in told["parts"]]
    assert names[:5] == ["model", "conv1", "norm", "conv2", "head"]
    assert names[5:] == [name for name, _ in compute.store.study_run("net").model(0).named_parameters()]


def test_what_batch_statistics_take_out_has_no_direction(compute: LocalCompute):
    [part] = agreement(compute, mode="train", masks="frozen", parts="conv1.bias")["parts"]
    assert part["num_zero"] == part["num_minibatches"] == 4
    assert part["resultant"] is part["cosine"] is None
    told = cosines(compute, mode="train", masks="frozen", part="conv1.bias")
    assert np.array(told["cosine"]).tolist() == [[None] * 4] * 4


def test_cosines_are_those_of_autograd_and_of_the_centre_arrows(compute: LocalCompute):
    told = cosines(compute, part="conv2")
    gradients = by_autograd(compute.store.study_run("net"), 1)
    units = torch.nn.functional.normalize(
        torch.cat([gradients["conv2.weight"].flatten(1), gradients["conv2.bias"]], 1), dim=1
    )
    np.testing.assert_allclose(told["cosine"], units @ units.T, atol=2e-6)
    assert sorted(told["order"]) == [0, 1, 2, 3]
    x, y = PAIR.split(";")
    request = LandscapeRequest.of(run="net", epoch=1, x=x, y=y, points=3)
    arrows = np.array([field.centre for _, field in compute.minibatches(request, range(4))])
    [pair] = agreement(compute, parts="conv1.bias", pair=PAIR)["parts"][1:]
    mean = (arrows / np.linalg.norm(arrows, axis=1, keepdims=True)).mean(0)
    assert pair["resultant"]["value"] == pytest.approx(np.linalg.norm(mean), rel=1e-4)


def units(compute: LocalCompute, layer: str, **values: object) -> dict:
    names = [each.name for each in compute.store.study_run("net").anatomy.layers]
    asked = UnitsQuestion.model_validate({"run": "net", "epoch": 1, "layer": names.index(layer), **values})
    content = compute.ask(QUESTION.validate_json(asked.model_dump_json()))
    UnitsAnswer.model_validate_json(content)
    return json.loads(content)


def test_a_unit_is_known_by_its_bias(compute: LocalCompute):
    told = units(compute, "conv2")
    run = compute.store.study_run("net")
    rms = by_autograd(run, 1)["conv2.bias"].square().mean(0).sqrt()
    np.testing.assert_allclose(told["gradient_rms"], rms, rtol=1e-4)  # float32's gradients
    assert told["parameters"] == [f"conv2.bias[{unit}]" for unit in range(5)]
    model: Any = run.model(1)
    images = torch.cat([images for images, _ in run.minibatches()])
    hidden = model.conv2(torch.relu(model.norm(model.conv1(images))))
    np.testing.assert_allclose(told["active"], (hidden > 0).double().mean((0, 2, 3)), rtol=1e-12)
    assert (told["tensor"], told["num_minibatches"]) == ("conv2.bias", 4)


def test_a_layer_without_relu_says_that_it_has_no_activity(compute: LocalCompute):
    told = units(compute, "head")
    assert told["active"] is None
    assert told["active_reason"] == "No ReLU follows head, so that its units are never off."
    assert told["parameters"][2] == "head.bias[2]"


def test_where_batch_statistics_take_the_bias_out_that_of_the_norm_stands_for_the_unit(compute: LocalCompute):
    assert units(compute, "conv1")["tensor"] == "conv1.bias"
    told = units(compute, "conv1", mode="train")
    assert told["parameters"] == [f"norm.bias[{unit}]" for unit in range(4)]
    assert min(told["gradient_rms"]) > 0
    assert len(told["active"]) == 4


def test_without_a_bias_the_largest_entry_of_its_weights_stands_for_a_unit(compute: LocalCompute):
    run = compute.store.study_run("net")
    anatomy = run.anatomy
    without = replace(anatomy, tensors=tuple(each for each in anatomy.tensors if each.name != "conv2.bias"))
    asked = UnitsQuestion(run="net", epoch=1, layer=2)
    problems = problems_of(run, asked, Draws(), torch.device("cpu"))
    found = units_of(problems, without, anatomy.layers[2])
    gradients = by_autograd(run, 1)["conv2.weight"].flatten(2)
    squares = gradients.square().mean(0)
    np.testing.assert_allclose(found.rms_N, squares.sum(1).sqrt(), rtol=1e-4)
    best = squares.argmax(1)
    places = [np.unravel_index(int(place), (4, 3, 3)) for place in best]
    assert found.parameters == tuple(f"conv2.weight[{n},{a},{b},{c}]" for n, (a, b, c) in enumerate(places))
    np.testing.assert_allclose(found.gradients_KN, gradients[:, range(5), best], rtol=1e-3, atol=1e-6)


def test_pairs_have_the_spread_of_the_minibatches_arrows(compute: LocalCompute):
    content = compute.ask(PairsQuestion(run="net", epoch=1, layer=2))
    PairsAnswer.model_validate_json(content)
    first = json.loads(content)["pairs"][0]
    biases = by_autograd(compute.store.study_run("net"), 1)["conv2.bias"]
    at = [int(first[axis].removeprefix("conv2.bias[").removesuffix("]")) for axis in "xy"]
    arrows = torch.nn.functional.normalize((biases / biases.square().mean(0).sqrt())[:, at], dim=1)
    assert 1 - first["spread"] == pytest.approx(arrows.mean(0).norm().item(), rel=1e-4)
    assert 0.05 <= first["x_active"] <= 0.95
    content = compute.ask(PairsQuestion(run="net", epoch=1, layer=3))
    assert json.loads(content)["pairs"][0]["x_active"] is None


def test_keys_change_with_all_that_the_answer_depends_on(compute: LocalCompute):
    values = [{}, {"epoch": 0}, {"mode": "train"}, {"parts": "model"}, {"pair": PAIR}, {"seed": 1}]
    asked = [AgreementQuestion(request=AgreementRequest.of(**{"run": "net", "epoch": 1, **each})) for each in values]
    assert len({each.key(compute.store) for each in asked}) == len(asked)


def test_the_cost_of_averaged_masks_is_that_of_all_their_sets(compute: LocalCompute):
    def passes(**values: object) -> float:
        asked = AgreementRequest.of(**{"run": "net", "epoch": 1, "num_masks": 4, **values})
        return AgreementQuestion(request=asked).passes(compute.store)

    once = passes()
    # 4 minibatches, each 3 forward passes in float32 and 6 in float64, of 0.02 for a network of a few weights
    assert once == pytest.approx(4 * 9 * 0.02)
    assert passes(mode="train") == passes(mode="train", masks="frozen") == passes(masks="averaged") == once
    assert passes(mode="train", masks="averaged") == 4 * once


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"parts": "conv9"}, "`conv9` is no part of this model; it has model, conv1, norm, conv2, head"),
        ({"pair": "conv1.weight[9,0,1,1];conv2.bias[3]"}, "conv1.weight takes"),
        ({"epoch": 7}, "`epoch` of the run net must be"),
        ({"minibatch_size": 16}, "`minibatch_size` cannot be chosen"),
    ],
)
def test_what_cannot_be_used_is_told(compute: LocalCompute, values: dict[str, object], told: str):
    with pytest.raises(UserError, match=told):
        agreement(compute, **values)


@pytest.mark.parametrize(
    "values", [{"pair": "conv2.bias[3];conv2.bias[3]"}, {"parts": "conv 1"}, {"parts": ","}, {"pair": "a[0]"}]
)
def test_what_no_model_has_is_refused_at_the_door(values: dict[str, object]):
    with pytest.raises(UserError):
        AgreementRequest.of(run="net", epoch=1, **values)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (UnitsQuestion(run="net", epoch=1, layer=4), r"`layer` of the run net must be in \[0, 3\], got 4"),
        (ActivityQuestion(run="net", epoch=1), "/units tells the activity of its units, layer by layer"),
    ],
)
def test_layers_that_are_not_there_are_told(compute: LocalCompute, asked: Question, told: str):
    with pytest.raises(UserError, match=told):
        compute.ask(asked)


def test_the_server_answers(recorded: Path, tmp_path: Path):
    settings = Settings(runs=recorded, study=str(STUDY_FILE), cache_dir=tmp_path / "cache", read_only=True)
    client = create_server(settings).test_client()
    query = {"run": "net", "epoch": 1, "parts": "model,conv1.weight", "pair": PAIR}
    answer = client.get("/api/v1/agreement", query_string=query)
    assert answer.status_code == 200
    assert answer.json is not None
    assert len(answer.json["parts"]) == 3
    answer = client.get("/api/v1/cosines/net/1", query_string={"part": "norm"})
    assert answer.status_code == 200
    wrong = client.get("/api/v1/cosines/net/1", query_string={"part": "norm9"})
    assert wrong.status_code == 422
    assert b"`norm9` is no part of this model" in wrong.data
    assert client.get("/api/v1/units/net/1/0?mode=train").status_code == 200
    assert client.get("/api/v1/pairs/net/1/0").status_code == 200
    assert client.get("/api/v1/activity/net/1").status_code == 422
