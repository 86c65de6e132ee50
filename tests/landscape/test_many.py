"""Many landscapes at once, the gradients of all minibatches, and the pairs that are worth a look."""

import numpy as np
import pytest
import torch

from gradviz.errors import UserError
from gradviz.landscape import (
    LandscapeSpec,
    Minibatch,
    centre_gradients,
    find_pairs,
    gradient_landscape,
    minibatch_landscapes,
    network_of,
    parameter_shapes,
)
from gradviz.landscape import many as many_module
from tests.landscape.cases import KINDS, Case, modes_of, random_case

NUM_MINIBATCHES, SIZE = 6, 8


def minibatches_of(regularizer: str, placement: str) -> tuple[Case, torch.Tensor, torch.Tensor]:
    case = random_case(regularizer, placement, seed=7, hidden=(20, 16, 9), num_rows=NUM_MINIBATCHES * SIZE)
    case.inputs.sub_(0.5).mul_(6)  # units that are active on some rows and not on others
    return case, case.inputs.reshape(NUM_MINIBATCHES, SIZE, -1), case.targets.reshape(NUM_MINIBATCHES, SIZE)


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
@pytest.mark.parametrize("rows_at_once", [4096, 20])
def test_many_minibatches_give_the_fields_of_each(regularizer, placement, rows_at_once, monkeypatch):
    monkeypatch.setattr(many_module, "ROWS_AT_ONCE", rows_at_once)
    case, inputs, targets = minibatches_of(regularizer, placement)
    network = network_of(case.model, dtype=torch.float64)
    for mode in modes_of(regularizer):
        spec = LandscapeSpec(x="hidden.1.linear.bias[0]", y="hidden.1.linear.weight[1,2]", points=5, **mode)
        told = []
        fields = minibatch_landscapes(network, zip(inputs, targets, strict=True), spec, on_progress=told.append)
        for number, field in enumerate(fields):
            alone = gradient_landscape(case.model, inputs[number], targets[number], spec, dtype=torch.float64)
            np.testing.assert_allclose(field.u, alone.u, rtol=1e-10, atol=1e-14)
            np.testing.assert_allclose(field.loss, alone.loss, rtol=1e-12)
            assert (field.num_rows, field.share_below) == (SIZE, alone.share_below)
        assert told == list(range(1, NUM_MINIBATCHES + 1))


def test_fields_come_as_they_are_ready():
    case, inputs, targets = minibatches_of("none", "before")
    asked = []

    def minibatches():
        for number, minibatch in enumerate(zip(inputs, targets, strict=True)):
            asked.append(number)
            yield minibatch

    spec = LandscapeSpec(x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", points=3, mode="eval")
    many = minibatch_landscapes(network_of(case.model), minibatches(), spec)
    assert asked == []
    next(many)
    assert asked == list(range(NUM_MINIBATCHES))


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_centre_gradients_equal_autograd_minibatch_by_minibatch(regularizer, placement, mode):
    if regularizer == "dropout" and mode == "train":
        mode = "eval"
    case, inputs, targets = minibatches_of(regularizer, placement)
    model = case.model.double().train(mode == "train")
    network = network_of(model, dtype=torch.float64)
    names = list(parameter_shapes(network))
    found = centre_gradients(network, inputs, targets, names, mode=mode)
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    for number in range(NUM_MINIBATCHES):
        model.zero_grad()
        loss = (model(inputs[number].double()) - targets[number].double()).abs().mean()
        loss.backward()
        for name, parameter in model.named_parameters():
            torch.testing.assert_close(found[name][number], parameter.grad, rtol=1e-9, atol=1e-12)
    assert buffers.keys() == dict(model.named_buffers()).keys()


def test_centre_gradient_is_the_arrow_at_the_centre():
    case, inputs, targets = minibatches_of("none", "before")
    found = centre_gradients(network_of(case.model), inputs, targets, ["hidden.1.linear.bias"])["hidden.1.linear.bias"]
    spec = LandscapeSpec(x="hidden.1.linear.bias[3]", y="hidden.1.linear.bias[4]", points=3)
    for number in range(NUM_MINIBATCHES):
        field = gradient_landscape(case.model, inputs[number], targets[number], spec)
        np.testing.assert_allclose(found[number, 3:5], field.centre, rtol=1e-4, atol=1e-6)


def test_an_unknown_tensor_is_refused():
    case, inputs, targets = minibatches_of("none", "before")
    with pytest.raises(UserError, match=r"hidden\.1\.norm\.bias"):
        centre_gradients(network_of(case.model), inputs, targets, ["hidden.1.norm.bias"])


def test_suggested_pairs_are_alive_and_not_on_a_line():
    case, inputs, targets = minibatches_of("none", "before")
    with torch.no_grad():
        case.model.blocks()[1].linear.bias[:3] = -1e3
        case.model.blocks()[1].linear.bias[3] = 1e3
    network = network_of(case.model)
    pairs = find_pairs(network, case.inputs, inputs, targets, layer=1)
    assert pairs
    gradients = centre_gradients(network, inputs, targets, ["hidden.1.linear.bias"])["hidden.1.linear.bias"]
    suggested = []
    for pair in pairs:
        units = [int(name.split("[")[1][:-1]) for name in (pair.x, pair.y)]
        suggested += units
        for active in (pair.x_active, pair.y_active):
            assert active is not None
            assert 0.05 <= active <= 0.95
        # The obvious computation of the score: unit arrows one by one.
        size = gradients.square().mean(0).sqrt()
        arrows = [np.array([gradients[k, u].item() / size[u].item() for u in units]) for k in range(NUM_MINIBATCHES)]
        arrows = [arrow / np.linalg.norm(arrow) if np.linalg.norm(arrow) else arrow for arrow in arrows]
        assert pair.spread == pytest.approx(1 - np.linalg.norm(np.mean(arrows, axis=0)), abs=1e-4)
        moments = np.mean([np.outer(arrow, arrow) for arrow in arrows], axis=0)
        assert pair.planarity == pytest.approx(2 * np.linalg.eigvalsh(moments)[0], abs=1e-4)
        assert pair.score == pytest.approx(np.sqrt(pair.spread * pair.planarity), abs=1e-4)
    assert not {0, 1, 2, 3} & set(suggested)
    assert len(suggested) == len(set(suggested))
    assert [pair.score for pair in pairs] == sorted((pair.score for pair in pairs), reverse=True)


def test_beta_is_suggested_where_batch_statistics_cancel_the_bias():
    case, inputs, targets = minibatches_of("batchnorm", "before")
    pairs = find_pairs(network_of(case.model), case.inputs, inputs, targets, layer=1, mode="train")
    assert pairs
    assert all(".norm.bias[" in pair.x for pair in pairs)


def test_no_live_units_no_suggestions():
    case, inputs, targets = minibatches_of("none", "before")
    with torch.no_grad():
        case.model.blocks()[1].linear.bias.fill_(-1e3)
    assert find_pairs(network_of(case.model), case.inputs, inputs, targets, layer=1) == []


def test_masks_of_an_averaged_landscape_are_not_all_kept():

    case = random_case("dropout")
    minibatch = Minibatch(network_of(case.model), case.inputs, case.targets)
    spec = LandscapeSpec(
        x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", points=3, mode="train", masks="averaged", num_masks=16
    )
    minibatch.landscape(spec)
    assert len(minibatch._passes) <= 2
