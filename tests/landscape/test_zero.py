"""Arrows that are round-off are marked as zero, and nothing else is."""

from typing import Any

import numpy as np
import pytest
import torch

from gradviz.landscape import LandscapeSpec, ZeroReason, gradient_landscape, resolving, zero_message
from gradviz.landscape.masks import numbered_masks
from gradviz.landscape.reference import mask_numbers
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


CHAINS = [
    # (regularizer, placement, rows, seed, shift of the targets, half width): each had false zeros or missed true ones.
    ("batchnorm", "after", 1024, 0, 0.0, 0.1),
    ("batchnorm", "after", 512, 1, 1e6, 0.1),
    ("batchnorm", "after", 64, 2, 0.0, 10.0),
    ("batchnorm", "before", 64, 0, 0.0, 100.0),
    ("batchnorm", "before", 512, 1, 1e6, 10.0),
    ("none", "before", 512, 0, 0.0, 100.0),
]


@pytest.mark.parametrize(("regularizer", "placement", "rows", "seed", "shift", "half_width"), CHAINS)
def test_five_layers_have_no_false_zeros_and_miss_none_on_any_grid(
    regularizer, placement, rows, seed, shift, half_width
):
    """By component, against the same engine in float64, where what is zero is below 1e-12."""
    case = random_case(regularizer, placement, seed=seed, hidden=(16, 14, 12, 10, 8), num_rows=rows)
    case.targets.add_(shift)
    names = parameters_of(case)
    zeros = others = 0
    for x, y in zip(names[::2], names[3::2], strict=False):
        spec = LandscapeSpec(x=x, y=y, points=3, half_width=half_width, mode=modes_of(regularizer)[-1]["mode"])
        single = gradient_landscape(case.model, case.inputs, case.targets, spec)
        double = gradient_landscape(case.model, case.inputs, case.targets, spec, dtype=torch.float64)
        for name in ("u", "v"):
            is_zero = abs(getattr(double, name)) < 1e-12
            np.testing.assert_array_equal(getattr(single, f"{name}_reason") != ZeroReason.NONE, is_zero, (x, y, name))
            zeros, others = zeros + is_zero.sum(), others + (~is_zero).sum()
    assert others > 20
    assert zeros > 0 or not shift


def test_nothing_is_computed_twice_where_nothing_is_flagged(monkeypatch):
    twins = []
    monkeypatch.setattr(resolving, "_twin", lambda *args: twins.append(args))
    for regularizer, placement in KINDS:
        case = random_case(regularizer, placement, seed=3, hidden=(40, 30, 20), num_rows=64)
        for mode in modes_of(regularizer):
            float32_field(case, x="hidden.1.linear.weight[0,0]", y="hidden.2.linear.weight[1,1]", **mode)
    case = random_case("batchnorm", "before")
    assert float32_field(case, mode="train").is_zero.all()  # known without another look: the norm takes a bias out
    assert twins == []


def test_a_component_that_float32_cannot_resolve_is_drawn_with_the_number_of_float64():
    """Two units of nearly opposite effect: what is left of their sum is far below the rounding of either."""
    case = random_case("none", hidden=(2, 2), num_inputs=3, num_rows=4)
    with torch.no_grad():
        parameters = dict(case.model.named_parameters())
        for parameter in parameters.values():
            parameter.zero_()
        parameters["hidden.0.linear.bias"].fill_(1)
        parameters["hidden.1.linear.weight"].fill_(1)
        parameters["output.weight"][:] = torch.tensor([[1.0, 1.0]])
        case.inputs[:] = torch.tensor([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]])
        # A balance of signs, and inputs of the weight that differ by one in ten million between the two sides.
        case.inputs[0, 0], case.inputs[1, 0] = 1.0, 1 + 2**-23
        case.targets[:] = torch.tensor([0.0, 1e3, 0.0, 1e3])
    spec = LandscapeSpec(x="hidden.0.linear.weight[0,0]", y="hidden.0.linear.weight[1,1]", points=3, half_width=1e-2)
    field = gradient_landscape(case.model, case.inputs, case.targets, spec)
    u, _, _ = autograd_field(case, spec)
    assert 0 < abs(u[1, 1]) < 1e-6
    assert field.u_reason[1, 1] == ZeroReason.NONE
    assert field.v_reason[1, 1] == ZeroReason.TERMS_CANCEL
    assert field.u[1, 1] == pytest.approx(u[1, 1], rel=1e-3)


@pytest.mark.parametrize("masks", ["frozen", "fresh"])
def test_a_unit_that_only_the_mask_drops_is_not_called_dead(masks):
    case = random_case("dropout", num_rows=2)
    with torch.no_grad():
        parameters = dict(case.model.named_parameters())
        parameters["hidden.1.linear.bias"][0], parameters["hidden.1.linear.bias"][1] = 10, -1e3
    found = set()
    for seed in range(8):
        field = float32_field(case, mode="train", masks=masks, seed=seed)
        assert (field.v_reason == ZeroReason.DEAD_UNIT).all()  # inactive with or without masks
        found |= set(field.u_reason.ravel().tolist())
    assert ZeroReason.DROPPED in found
    assert ZeroReason.DEAD_UNIT not in found


def test_each_component_has_a_reason_of_its_own():
    case = random_case("none")
    with torch.no_grad():
        parameters = dict(case.model.named_parameters())
        parameters["hidden.1.linear.bias"][0], parameters["hidden.1.linear.bias"][1] = -1e3, 10
        parameters["hidden.2.linear.weight"][:, 1] = 0
    field = float32_field(case)
    assert (field.u_reason == ZeroReason.DEAD_UNIT).all()
    assert (field.v_reason == ZeroReason.NOT_REACHED).all()
    both = zero_message(ZeroReason.DEAD_UNIT, ZeroReason.NOT_REACHED)
    assert both.startswith("∂J/∂x is exactly zero: the unit is inactive")
    assert "∂J/∂y is exactly zero: no row has an active path" in both


def test_a_weight_is_taken_out_only_while_its_input_is_the_same_on_all_rows():
    """The input is constant at the checkpoint; the other parameter of the plane makes it differ off the centre."""
    case = random_case("batchnorm", "before", num_rows=16)
    with torch.no_grad():
        parameters = dict(case.model.named_parameters())
        parameters["hidden.0.norm.weight"][0], parameters["hidden.0.norm.bias"][0] = 0, 1
    field = float32_field(case, x="hidden.1.linear.weight[0,0]", y="hidden.0.norm.weight[0]", mode="train", points=3)
    np.testing.assert_array_equal(field.u_reason != ZeroReason.NONE, np.array([[False], [True], [False]]).repeat(3, 1))
    assert (field.u_reason[1] == ZeroReason.BATCH_STATISTICS).all()


@pytest.mark.parametrize("masks", ["fresh", "frozen", "averaged"])
def test_share_below_is_that_of_the_masks_of_the_centre_arrow(masks):
    """By the model itself, with the masks that the plain loop has at the centre."""
    case = random_case("dropout", seed=6, num_rows=64)
    case.targets.zero_()
    spec = LandscapeSpec(x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", mode="train", masks=masks, points=3,
                         num_masks=4, seed=2)  # fmt: skip
    shares = []
    for number in mask_numbers(spec, 4):
        drawn = numbered_masks(case.model.regularizer, spec.seed, number, 64, case.model.widths)
        with torch.no_grad():
            shares.append((case.model.train()(case.inputs, drawn) < case.targets).double().mean().item())
    case.model.eval()
    with torch.no_grad():
        without = (case.model(case.inputs) < case.targets).double().mean().item()
    field = gradient_landscape(case.model, case.inputs, case.targets, spec)
    assert field.share_below == pytest.approx(np.mean(shares))
    assert np.mean(shares) != pytest.approx(without)


def test_every_reason_has_a_sentence():
    assert len({zero_message(reason) for reason in ZeroReason}) == len(ZeroReason)
    assert "batch" in zero_message(ZeroReason.BATCH_STATISTICS)
