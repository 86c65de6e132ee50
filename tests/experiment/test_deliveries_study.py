"""Deliveries are a study like any other: its model, loss and facts are those of the engine."""

import pytest
import torch

from gradviz.experiment import asking
from gradviz.experiment.batches import num_rows
from gradviz.experiment.model import MLP
from gradviz.experiment.randomness import generator
from gradviz.experiment.run import model_of
from gradviz.experiment.studies.deliveries.prepare import prepare_rows
from gradviz.experiment.studies.deliveries.presets import run_configs
from gradviz.experiment.study_loading import load_study
from gradviz.landscape import LandscapeSpec, gradient_landscape

STUDY = load_study("deliveries").study


@pytest.fixture(scope="module")
def batches() -> list[tuple[torch.Tensor, torch.Tensor]]:
    return asking.minibatches(STUDY)


def test_its_minibatches_are_those_of_a_run_of_seed_0(batches: list):
    config = run_configs()[0]
    rows = prepare_rows(config).rows
    assert len(batches) == 50
    for index in (0, 49):
        expected = rows.minibatch(index, 64, 0)
        assert torch.equal(batches[index][0], expected.inputs_BI)
        assert torch.equal(batches[index][1], expected.targets_B)


def test_its_model_is_that_of_a_run_of_the_same_configuration():
    config = run_configs(variants=["batchnorm"], hidden=(6, 5, 4))[0]
    model = asking.made_model(STUDY, {"hidden": "6,5,4", "regularizer": "batchnorm"})
    assert model.state_dict().keys() == model_of(config, generator(0, "initialisation")).state_dict().keys()
    assert asking.made_model(STUDY).widths == (2000, 1000, 200)


def test_its_loss_gradient_and_fact_are_those_of_the_engine(batches: list):
    model = MLP(hidden=(6, 5, 4)).double()
    inputs, targets = (tensor.double() for tensor in batches[3])
    x, y = "hidden.1.linear.bias[0]", "output.bias[0]"
    field = gradient_landscape(model, inputs, targets, LandscapeSpec(x=x, y=y, points=3), dtype=torch.float64)
    mean = asking.losses(STUDY, model, (inputs, targets)).mean()
    mean.backward()
    # Sums of 64 terms of about 20 in another order.
    assert field.loss[1, 1] == pytest.approx(mean.item(), rel=1e-12)
    gradients = dict(model.named_parameters())
    for got, name in ((field.u, "hidden.1.linear.bias"), (field.v, "output.bias")):
        gradient = gradients[name].grad
        assert gradient is not None
        assert got[1, 1] == pytest.approx(gradient[0].item(), rel=1e-12, abs=1e-15)
    [fact] = asking.facts(STUDY, model, (inputs, targets))
    assert fact.value == field.share_below


def test_its_rows_are_described_by_their_fields_and_target(batches: list):
    lines = asking.descriptions(STUDY, batches[0])
    assert len(lines) == num_rows(batches[0]) == 64
    for line, target in zip(lines, batches[0][1].tolist(), strict=True):
        fields, _, told = line.partition(" → ")
        assert float(told) == target
        # Store (4), market (1), date (15), cost (5), then the deliverers, of whom the target is ten times the number.
        assert 10 * float(fields[29:33].strip("_")) == target
