"""The question of the literature's measures: the numbers of the landscape room, for runs of all studies, by part."""

import json

import numpy as np
import pytest

from gradviz.compute.kinds import QUESTION
from gradviz.compute.local import LocalCompute
from gradviz.compute.measures import MeasuresQuestion, MeasuresRequest
from gradviz.compute.workbench import Workbench
from gradviz.dashboard.statistics_answers import MeasuresAnswer
from gradviz.errors import UserError
from gradviz.experiment.store import RunStore
from gradviz.landscape.statistics import OF_GRADIENTS
from gradviz.landscape.statistics.measures import BATCH_SHARPNESS

KEYS = [*(measure.key for measure, _ in OF_GRADIENTS), BATCH_SHARPNESS.key]


def question(**values: object) -> MeasuresQuestion:
    return MeasuresQuestion(request=MeasuresRequest.of(**{"run": "none", "epoch": 1, **values}))


def answered(store: RunStore, **values: object) -> dict[str, dict]:
    content = question(**values).answer(Workbench(store, device="cpu"))
    MeasuresAnswer.model_validate_json(content)
    return {measure["key"]: measure for measure in json.loads(content)["measures"]}


def by_autograd(store: RunStore, run: str, size: int, *, train: bool = False) -> list[dict[str, np.ndarray]]:
    own = store.run(run)
    found = []
    for inputs, targets in zip(*own.minibatches(size), strict=True):
        model = own.model(1).double().train(train)
        (model(inputs.double()) - targets.double()).abs().mean().backward()
        found.append({n: p.grad.numpy() for n, p in model.named_parameters() if p.grad is not None})
    return found


def test_measures_of_a_run_are_those_of_autograd(tiny_store: RunStore):
    told = answered(tiny_store, minibatch_size=16)
    assert list(told) == KEYS
    gradients = by_autograd(tiny_store, "none", 16)
    rows_KP = np.array([np.concatenate([part.ravel() for part in each.values()]) for each in gradients])
    mean, num = rows_KP.mean(0), len(rows_KP)
    coherence = num * (mean @ mean) / (rows_KP**2).sum(1).mean()
    assert told["m_coherence"]["value"] == pytest.approx(coherence, rel=1e-4)  # float32 against float64
    assert told["norm_noise_scale"]["value"] is None
    assert "no norm" in told["norm_noise_scale"]["reason"]
    assert told["batch_sharpness"]["value"] is not None


def test_norms_have_a_noise_scale_of_their_own_under_batch_statistics(tiny_store: RunStore):
    told = answered(tiny_store, run="batchnorm", mode="train", minibatch_size=8, which="gradients")
    assert list(told) == KEYS[:-1]
    gradients = by_autograd(tiny_store, "batchnorm", 8, train=True)

    def signal(names: list[str]) -> float:
        rows_KP = np.array([np.concatenate([each[name].ravel() for name in names]) for each in gradients])
        mean, num = rows_KP.mean(0), len(rows_KP)
        small, big = (rows_KP**2).sum(1).mean(), mean @ mean
        return (num * big - small) / (num - 1) / ((small - big) * num / (num - 1)) / 8

    norms, whole = signal([name for name in gradients[0] if ".norm." in name]), signal(list(gradients[0]))
    scale = told["norm_noise_scale"]
    assert (scale["value"] is None) == (norms <= 0)
    if norms > 0:
        assert scale["value"] == pytest.approx(1 / norms, rel=1e-3)
    if told["norm_noise_ratio"]["value"] is not None:
        assert told["norm_noise_ratio"]["value"] == pytest.approx(whole / norms, rel=1e-3)


def test_a_layer_of_relus_is_flat_and_the_reason_is_told(tiny_store: RunStore):
    told = answered(tiny_store, minibatch_size=16, part="hidden.1", which="curvature")
    assert list(told) == ["batch_sharpness"]
    assert told["batch_sharpness"]["value"] is None
    assert "piecewise linear" in told["batch_sharpness"]["reason"]


def test_a_recorded_run_is_measured_by_its_own_loss(compute: LocalCompute):
    asked = question(run="net", part="norm")
    content = compute.ask(QUESTION.validate_json(asked.model_dump_json()))
    MeasuresAnswer.model_validate_json(content)
    told = {measure["key"]: measure for measure in json.loads(content)["measures"]}
    assert list(told) == KEYS
    assert told["m_coherence"]["low"] <= told["m_coherence"]["value"] <= told["m_coherence"]["high"]
    assert told["batch_sharpness"]["value"] is not None  # cross entropy bends
    # the norm's parameters are all of this part
    assert told["norm_noise_scale"]["value"] == pytest.approx(told["noise_scale"]["value"])


def test_the_key_changes_with_all_that_the_answer_depends_on(tiny_store: RunStore):
    asked = [question(), question(epoch=2), question(mode="train"), question(part="hidden.1")]
    asked += [question(which="gradients"), question(minibatch_size=8), question(run="dropout", seed=1)]
    assert len({each.key(tiny_store) for each in asked}) == len(asked)


def test_what_takes_longer_is_known_to(tiny_store: RunStore):
    passes = [question(which=which).passes(tiny_store) for which in ("gradients", "curvature", "all")]
    assert passes[0] < passes[1]
    assert passes[2] == pytest.approx(passes[0] + passes[1])
    averaged = question(run="dropout", mode="train", masks="averaged", num_masks=4)
    assert averaged.passes(tiny_store) == pytest.approx(4 * question(run="dropout").passes(tiny_store))


def test_a_part_that_the_model_lacks_is_told(tiny_store: RunStore):
    with pytest.raises(UserError, match=r"`hidden\.9` is no part of this model; it has model, hidden\.0"):
        question(part="hidden.9").answer(Workbench(tiny_store, device="cpu"))
