"""Agreement of minibatches: every number equals a plain loop over plain gradients, and zeros are zeros."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from gradviz.errors import UserError
from gradviz.landscape import network_of
from gradviz.landscape.backward import backward, layer_of
from gradviz.landscape.clean import CleanPass, draw_gains
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.resolving_tensors import Resolution
from gradviz.landscape.statistics import agreement_of, inner_products_of, minibatch_agreement, pair_name, parts_of
from gradviz.landscape.statistics import inner_products as inner_products_module
from gradviz.landscape.zero import round_off
from gradviz.landscape.zero_tensors import RoundOff
from tests.landscape.cases import KINDS, Case, parameters_of, random_case
from tests.landscape.statistics.loops import NUM_MINIBATCHES, SIZE, agreement_by_loops, gradients_by_autograd

STATISTICS = ("resultant", "cosine", "opposite", "beyond_150", "norm_variation", "sign_agreement")


def case_of(regularizer: str, placement: str = "before") -> tuple[Case, torch.Tensor, torch.Tensor]:
    case = random_case(regularizer, placement, seed=7, hidden=(12, 9, 7), num_rows=NUM_MINIBATCHES * SIZE)
    case.inputs.sub_(0.5).mul_(6)
    return case, case.inputs.reshape(NUM_MINIBATCHES, SIZE, -1), case.targets.reshape(NUM_MINIBATCHES, SIZE)


def measured(case: Case, inputs, targets, dtype=torch.float64, **values):
    network = network_of(case.model, dtype=dtype)
    return minibatch_agreement(network, inputs, targets, generator=np.random.default_rng(0), **values)


def modes(regularizer: str) -> Iterator[tuple[dict[str, Any], list[list[int]] | None]]:
    yield {"mode": "eval"}, None
    if regularizer == "batchnorm":
        yield {"mode": "train"}, None
    if regularizer == "dropout":
        yield {"mode": "train", "masks": "fresh", "seed": 3}, [[k] for k in range(NUM_MINIBATCHES)]
        yield {"mode": "train", "masks": "frozen", "seed": 3}, [[0]] * NUM_MINIBATCHES
        yield {"mode": "train", "masks": "averaged", "num_masks": 3, "seed": 3}, [[0, 1, 2]] * NUM_MINIBATCHES


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_every_statistic_equals_loops_over_autograd(regularizer, placement, monkeypatch):
    monkeypatch.setattr(inner_products_module, "ENTRIES_AT_ONCE", 150)  # several blocks, the last one smaller
    case, inputs, targets = case_of(regularizer, placement)
    pair = ("hidden.1.linear.weight[2,3]", "hidden.2.linear.bias[1]")
    if regularizer == "batchnorm":
        pair = ("hidden.1.norm.weight[4]", "hidden.2.norm.bias[1]")
    for mode, numbers in modes(regularizer):
        plain = gradients_by_autograd(case, mode=mode["mode"], numbers=numbers, seed=mode.get("seed", 0))
        found = measured(case, inputs, targets, pairs=[pair], **mode)
        tensors = parts_of(network_of(case.model))
        assert list(found.parts) == [*tensors, pair_name(pair)]
        for part, own in found.parts.items():
            if part in tensors:
                vectors = [np.concatenate([g[name].ravel() for name in tensors[part]]) for g in plain]
            else:
                refs = [ParameterRef.parse(text) for text in pair]
                vectors = [np.array([g[ref.tensor_name][ref.index] for ref in refs]) for g in plain]
            # What float64 finds below 1e-12 is what the norm takes out.
            vectors = [np.where(abs(vector) < 1e-12, 0, vector) for vector in vectors]
            assert own.num_parameters == len(vectors[0])
            assert own.num_zero == sum(not vector.any() for vector in vectors), (part, mode)
            zero_share = np.mean([(vector == 0).mean() for vector in vectors])
            assert own.zero_share.value == pytest.approx(zero_share, abs=1e-12), (part, mode)
            live = [vector for vector in vectors if vector.any()]
            if len(live) < 2:
                assert own.resultant is None
                continue
            for name, value in agreement_by_loops(live).items():
                one = getattr(own, name)
                assert one.value == pytest.approx(value, rel=1e-9, abs=1e-7), (part, mode, name)
                assert one.low <= one.value <= one.high


def test_linear_bias_under_batch_statistics_is_zero_and_not_disagreement():
    case, inputs, targets = case_of("batchnorm")
    for dtype in (torch.float32, torch.float64):
        found = measured(case, inputs, targets, dtype, mode="train")
        own = found.parts["hidden.1.linear.bias"]
        assert (own.num_zero, own.zero_share.value) == (NUM_MINIBATCHES, 1.0)
        assert own.resultant is own.cosine is own.opposite is own.sign_agreement is None
        assert found.parts["hidden.1.norm.bias"].num_zero == 0


def test_residuals_of_one_sign_above_a_norm_after_the_activation_leave_no_gradient_below():
    case, inputs, targets = case_of("batchnorm", "after")
    found = measured(case, inputs, targets + 1e4, torch.float32, mode="train")
    assert found.share_below.value == 1.0
    for part in ("hidden.0", "hidden.1.linear.weight", "hidden.2.linear.bias"):
        assert found.parts[part].num_zero == NUM_MINIBATCHES, part
    assert found.parts["hidden.2.norm.bias"].resultant is not None


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
@pytest.mark.parametrize("mode", ["eval", "train"])
def test_round_off_of_tensors_is_that_of_each_parameter(regularizer, placement, mode):
    case, inputs, targets = case_of(regularizer, placement)
    network = network_of(case.model)
    drops = regularizer == "dropout" and mode == "train"
    gains = draw_gains(network, 0, 0, SIZE) if drops else None
    passed = backward(network, inputs, targets, mode=mode, gains=gains)
    limits = RoundOff(passed)
    for name in parameters_of(case):
        ref = ParameterRef.parse(name)
        k = network.output if ref.layer is None else ref.layer
        for number in range(NUM_MINIBATCHES):
            statistics = mode == "train" and network.has_norm
            clean = CleanPass(network, inputs[number], batch_statistics=statistics, gains=gains)
            if ref.kind == "weight":
                limit_KM = limits.weight(k, slice(ref.unit, ref.unit + 1))[:, 0]
                own = limit_KM.expand(NUM_MINIBATCHES, -1)[number, ref.index[1]]
            else:
                limit_KN = getattr(limits, ref.kind)(k)
                own = limit_KN.expand(NUM_MINIBATCHES, -1)[number, ref.unit]
            assert own.item() == pytest.approx(round_off(clean, ref), rel=1e-4), name


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_the_bound_of_an_entry_does_not_depend_on_other_minibatches(regularizer, placement):
    case, inputs, targets = case_of(regularizer, placement)
    network = network_of(case.model, dtype=torch.float64)
    passed = backward(network, inputs, targets, mode="train")
    limits, alone = RoundOff(passed), RoundOff(backward(network, inputs[1:2], targets[1:2], mode="train"))
    for k, layer in passed.layers.items():
        shape = (NUM_MINIBATCHES, layer.gradient_KBN.shape[2], layer.inputs_KBM.shape[2])
        wanted = limits.weight(k, slice(None)).expand(shape)[1:2]
        assert torch.allclose(alone.weight(k, slice(None)), wanted, rtol=1e-9, atol=0), k


@pytest.mark.parametrize("share", [0.01, 0.9])
@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_small_entries_are_held_against_the_bound_of_their_own(regularizer, placement, share):
    case, inputs, targets = case_of(regularizer, placement)
    passed = backward(network_of(case.model), inputs, targets, mode="train")
    limits = RoundOff(passed)
    generator = torch.Generator().manual_seed(0)
    for k in passed.layers:
        shape = (NUM_MINIBATCHES, passed.layers[k].gradient_KBN.shape[2], passed.layers[k].inputs_KBM.shape[2])
        limit_KNM = limits.weight(k, slice(None)).expand(shape)
        is_low = torch.rand(shape, generator=generator) < share
        nearly = torch.where(torch.rand(shape, generator=generator) < 0.5, 0.99, 1.01)
        gradients_KNM = limit_KNM * torch.where(is_low, nearly, 1000.0)
        found = limits.of_small(k, slice(None), gradients_KNM)
        is_below = (gradients_KNM.abs() <= (0 if found is None else found)) & (gradients_KNM != 0)
        assert torch.equal(is_below, is_low & (nearly < 1) & (gradients_KNM != 0)), k


@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_entries_of_five_layers_are_zero_where_float64_finds_none(shift):
    """Norm after the activation, 1,024 rows: the bound alone called up to half of these entries zero."""
    case = random_case("batchnorm", "after", seed=1, hidden=(16, 14, 12, 10, 8), num_rows=4 * 512)
    inputs, targets = case.inputs.reshape(4, 512, -1), case.targets.reshape(4, 512) + shift
    single, double = (network_of(case.model, dtype=dtype) for dtype in (torch.float32, torch.float64))
    exact = backward(double, inputs, targets, mode="train")
    passed = backward(single, inputs, targets, mode="train")
    resolution = Resolution(passed, lambda: exact)
    num_flagged = 0
    for name in parts_of(single)["model"]:
        if name.endswith("linear.weight") or name == "output.weight":
            own = resolution.block(layer_of(single, name), slice(None))
        else:
            own = resolution.vector(name)
        is_zero = exact.tensor(name).abs() < 1e-12
        assert torch.equal(own.reshape(is_zero.shape) == 0, is_zero), name
        kind = {"linear.bias": "bias", "norm.bias": "beta", "norm.weight": "gamma"}.get(name.split(".", 2)[-1])
        if kind is not None:
            limit = getattr(RoundOff(passed), kind)(int(name.split(".")[1]))
            num_flagged += int(((passed.tensor(name).abs() <= limit) & ~is_zero).sum())
    assert num_flagged > 0 or shift


@pytest.mark.parametrize("num_holed", [0, 2, 300])
def test_pairs_of_entries_that_are_not_zero_are_counted(num_holed):
    gradients_KP = torch.randn((5, 400), generator=torch.Generator().manual_seed(0))
    gradients_KP[1::2, torch.randperm(400, generator=torch.Generator().manual_seed(1))[:num_holed]] = 0
    counts = [
        [sum(bool(a) and bool(b) for a, b in zip(one, two, strict=True)) for two in gradients_KP]
        for one in gradients_KP
    ]
    assert inner_products_of(gradients_KP).both_KK.tolist() == counts


def test_share_below_is_that_of_the_rows():
    case, inputs, targets = case_of("none")
    with torch.no_grad():
        below = case.model(case.inputs) < case.targets
    found = measured(case, inputs, targets, parts=["output"])
    assert found.share_below.value == pytest.approx(below.double().mean().item())
    assert found.share_below_K == pytest.approx(below.reshape(NUM_MINIBATCHES, SIZE).double().mean(1).tolist())
    assert (found.num_rows, found.num_minibatches) == (NUM_MINIBATCHES * SIZE, NUM_MINIBATCHES)


def test_parts_asked_for_alone_have_the_same_numbers():
    case, inputs, targets = case_of("none")
    everything = measured(case, inputs, targets).parts
    for part in ("hidden.2", "hidden.1.linear.bias", "output"):
        alone = measured(case, inputs, targets, parts=[part]).parts
        assert list(alone) == [part]
        first, second = alone[part].resultant, everything[part].resultant
        assert first is not None
        assert second is not None
        assert first.value == pytest.approx(second.value, rel=1e-12)


def test_nothing_is_changed_by_measuring():
    case, inputs, targets = case_of("batchnorm")
    before = {name: tensor.clone() for name, tensor in case.model.state_dict().items()}
    state = torch.get_rng_state()
    measured(case, inputs, targets, mode="train")
    assert torch.equal(state, torch.get_rng_state())
    for name, tensor in case.model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_an_unknown_part_is_refused():
    case, inputs, targets = case_of("none")
    with pytest.raises(UserError, match=r"hidden\.7.*model, hidden\.0"):
        measured(case, inputs, targets, parts=["hidden.7"])
    with pytest.raises(UserError, match="out of range"):
        measured(case, inputs, targets, parts=[], pairs=[("hidden.1.linear.bias[0]", "hidden.1.linear.bias[99]")])


def test_known_arrows_have_known_agreement():
    """Two minibatches upwards, one downwards, one without gradient."""
    gradients = torch.tensor([[0.0, 1.0], [0.0, 3.0], [0.0, -2.0], [0.0, 0.0]], dtype=torch.float64)
    own = agreement_of("pair", inner_products_of(gradients), np.random.default_rng(0))
    assert (own.num_zero, own.num_minibatches, own.mean_norm) == (1, 4, 1.5)
    assert own.zero_share.value == pytest.approx(5 / 8)
    values = {name: getattr(own, name).value for name in STATISTICS}
    expected = {"resultant": 1 / 3, "cosine": -1 / 3, "opposite": 2 / 3, "beyond_150": 2 / 3, "norm_variation": 0.5}
    assert values == pytest.approx(expected | {"sign_agreement": 1 / 3})


def test_two_minibatches_are_enough_and_one_is_none():
    gradients = torch.tensor([[1.0, 0.0], [0.0, 2.0]], dtype=torch.float64)
    two = agreement_of("pair", inner_products_of(gradients), np.random.default_rng(0))
    assert two.resultant is not None
    assert two.resultant.value == pytest.approx(2**-0.5)
    assert two.norm_variation is not None
    assert two.norm_variation.value == pytest.approx(np.std([1, 2], ddof=1) / 1.5)
    one = agreement_of("pair", inner_products_of(gradients[:1]), np.random.default_rng(0))
    assert one.resultant is one.norm_variation is one.sign_agreement is None
