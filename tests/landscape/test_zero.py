"""Arrows that are round-off are marked as zero, and nothing else is."""

from typing import Any

import numpy as np
import pytest
import torch

from gradviz.landscape import LandscapeSpec, ZeroReason, gradient_landscape, zero_message
from tests.landscape.cases import KINDS, autograd_field, modes_of, parameters_of, random_case

METHODS = ["engine", "reference"]


def float32_field(case, method: Any = "engine", **values):
    values = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]", "points": 5} | values
    return gradient_landscape(case.model, case.inputs, case.targets, LandscapeSpec(**values), method=method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("layer", [0, 1, 2])
def test_linear_bias_under_batch_statistics_is_zero_everywhere(layer, method):
    case = random_case("batchnorm", "before", hidden=(40, 30, 20), num_rows=64)
    x, y = f"hidden.{layer}.linear.bias[0]", f"hidden.{layer}.linear.bias[1]"
    field = float32_field(case, method, x=x, y=y, mode="train")
    assert field.is_zero.all()
    assert (field.zero_reason == ZeroReason.BATCH_STATISTICS).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["bias", "weight"])
def test_beta_and_gamma_under_batch_statistics_are_not_zero(kind, method):
    case = random_case("batchnorm", "before", hidden=(40, 30, 20), num_rows=64)
    field = float32_field(case, method, x=f"hidden.1.norm.{kind}[0]", y=f"hidden.1.norm.{kind}[1]", mode="train")
    assert not field.is_zero.any()


@pytest.mark.parametrize("method", METHODS)
def test_linear_bias_in_eval_mode_is_not_zero(method):
    case = random_case("batchnorm", "before", hidden=(40, 30, 20), num_rows=64)
    assert not float32_field(case, method, mode="eval").is_zero.any()


@pytest.mark.parametrize("method", METHODS)
def test_residuals_of_one_sign_above_a_norm_after_the_activation_are_zero(method):
    case = random_case("batchnorm", "after", hidden=(40, 30, 20), num_rows=64)
    case.targets.fill_(1e4)
    for layer in (0, 1, 2):
        x, y = f"hidden.{layer}.linear.bias[0]", f"hidden.{layer}.linear.bias[1]"
        field = float32_field(case, method, x=x, y=y, mode="train")
        assert field.is_zero.all()
        assert (field.zero_reason[field.u != 0] == ZeroReason.SHARED_SIGN).all()
        assert not float32_field(case, method, x=x, y="hidden.2.norm.bias[0]", mode="train").is_zero.any()


@pytest.mark.parametrize("method", METHODS)
def test_residuals_of_both_signs_above_a_norm_after_the_activation_are_not_zero(method):
    case = random_case("batchnorm", "after", hidden=(40, 30, 20), num_rows=64)
    assert float32_field(case, method, mode="train").is_zero.mean() < 0.1


def test_dead_units_are_named_dead():
    case = random_case("none")
    with torch.no_grad():
        dict(case.model.named_parameters())["hidden.1.linear.bias"][:2] = -1e3
    field = float32_field(case)
    assert (field.zero_reason == ZeroReason.DEAD_UNIT).all()
    assert (field.x_active, field.y_active) == (0.0, 0.0)


def test_units_without_a_path_to_the_output_are_not_reached():
    case = random_case("none")
    with torch.no_grad():
        parameters = dict(case.model.named_parameters())
        parameters["hidden.2.linear.weight"][:, :2] = 0
        parameters["hidden.1.linear.bias"][:2] = 10
    field = float32_field(case)
    assert (field.zero_reason == ZeroReason.NOT_REACHED).all()
    assert field.x_active == 1.0


def test_balanced_signs_cancel_and_are_zero():
    """Half of the rows below their target: the output bias has no gradient; the terms ±scale cancel."""
    case = random_case("none")
    with torch.no_grad():
        predictions = case.model(case.inputs)
    case.targets.copy_(predictions + torch.tensor([5.0, -5.0]).repeat(8))
    field = float32_field(case, x="output.bias[0]", y="hidden.1.linear.bias[0]", half_width=1e-3)
    assert abs(field.u).max() == 0
    assert not field.is_zero.all()


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_float32_marks_what_float64_finds_zero(regularizer, placement):
    """Against float64 autograd: marked arrows are zero there to 1e-4 of the largest one, unmarked ones are not zero."""
    for seed in range(4):
        case = random_case(regularizer, placement, seed=seed, hidden=(30, 25, 20), num_rows=32)
        if seed % 2:
            case.targets.add_(1e3)
        names = parameters_of(case)
        for number, (x, y) in enumerate(zip(names[::2], names[3::2], strict=False)):
            modes = modes_of(regularizer)
            values = {"x": x, "y": y, "points": 3, "seed": seed} | modes[number % len(modes)]
            field = float32_field(case, **values)
            u, v, _ = autograd_field(case, LandscapeSpec(**values))
            size = np.hypot(u, v)
            everything = max(1.0, size.max())
            assert (size[field.is_zero] < 1e-4 * everything).all(), (x, y, values)
            assert (size[~field.is_zero] > 1e-12 * everything).all(), (x, y, values)


def test_every_reason_has_a_sentence():
    assert len({zero_message(reason) for reason in ZeroReason}) == len(ZeroReason)
    assert "batch" in zero_message(ZeroReason.BATCH_STATISTICS)
