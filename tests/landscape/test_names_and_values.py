"""Names of parameters, requests and fields: what is accepted, what is refused and how it travels."""

import doctest
import json
from typing import Any

import numpy as np
import pytest
import torch

import gradviz.landscape.landscape
from gradviz.errors import UserError
from gradviz.experiment.regularizers import Dropout
from gradviz.landscape import (
    GradientField,
    LandscapeRequest,
    LandscapeSpec,
    ParameterRef,
    check_spec,
    gradient_landscape,
    network_of,
    parameter_shapes,
    unit_activity,
)
from gradviz.landscape.masks import numbered_masks
from gradviz.landscape.parameters import ParameterTensor
from tests.landscape.cases import KINDS, random_case

PAIR: dict[str, Any] = {"x": "hidden.1.linear.bias[0]", "y": "hidden.1.linear.bias[1]"}
REQUEST = {**PAIR, "run": "none", "epoch": 3}


@pytest.mark.parametrize(
    ("name", "layer", "kind", "index"),
    [
        ("hidden.1.linear.bias[0]", 1, "bias", (0,)),
        ("hidden.2.linear.weight[3,17]", 2, "weight", (3, 17)),
        ("hidden.1.norm.bias[5]", 1, "beta", (5,)),
        ("hidden.1.norm.weight[5]", 1, "gamma", (5,)),
        ("output.bias[0]", None, "bias", (0,)),
        ("output.weight[0,199]", None, "weight", (0, 199)),
    ],
)
def test_a_parameter_is_named_as_in_the_state_dict(name, layer, kind, index):
    ref = ParameterRef.parse(name)
    assert (ref.layer, ref.kind, ref.index) == (layer, kind, index)
    assert str(ref) == name
    assert ParameterRef.parse(name.replace(",", " , ")) == ref


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "not the name of a parameter"),
        ("hidden.1.linear.bias", "not the name"),
        ("hidden.1.linear.bias[-1]", "not the name"),
        ("hidden.1.linear.running_mean[0]", "not the name"),
        ("hidden.1.linear.bias[0,1]", "one index"),
        ("hidden.1.linear.weight[0]", "two indices"),
        ("output.norm.bias[0]", "not the name"),
        ("hidden.1.linear.bias[0]" * 100, "not the name"),
        ("hidden.9.linear.bias[0]", "this model has no hidden.9.linear.bias"),
        ("hidden.1.norm.bias[0]", "this model has no hidden.1.norm.bias"),
        ("hidden.1.linear.bias[9]", "takes [0..8]"),
        ("hidden.1.linear.weight[8,12]", "takes [0..8,0..11]"),
    ],
)
def test_a_wrong_name_gets_one_sentence(name, said):
    shapes = parameter_shapes(network_of(random_case("none").model))
    with pytest.raises(UserError) as error:
        check_spec(shapes, LandscapeRequest.of(**REQUEST | {"x": name}))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "change",
    [
        {"points": 20},
        {"points": 1},
        {"points": 203},
        {"half_width": 0},
        {"half_width": -1},
        {"half_width": float("nan")},
        {"half_width": float("inf")},
        {"num_masks": 0},
        {"seed": -1},
        {"mode": "test"},
        {"masks": "some"},
        {"epoch": -1},
        {"minibatch": -1},
        {"minibatch_size": 0},
        {"minibatch_size": 1025},
        {"run": "../none"},
        {"x": PAIR["y"]},
        {"colour": "red"},
    ],
)
def test_a_request_out_of_bounds_is_refused_with_the_value(change):
    with pytest.raises(UserError) as error:
        LandscapeRequest.of(**REQUEST | change)
    assert next(iter(change)) in str(error.value) or str(next(iter(change.values()))) in str(error.value)


def test_canonical_json_is_one_text_that_gives_the_request_back():
    request = LandscapeRequest.of(**REQUEST)
    again = LandscapeRequest.of(**dict(reversed(REQUEST.items())))
    assert request.canonical() == again.canonical()
    assert LandscapeRequest.from_json(request.canonical()) == request
    assert list(json.loads(request.canonical())) == sorted(json.loads(request.canonical()))


def test_the_key_changes_with_what_matters_only():
    def key(digest="a", **change) -> str:
        return LandscapeRequest.of(**REQUEST | change).key(digest)

    assert key() == key()
    different = [
        key(),
        key("b"),
        key(points=5),
        key(mode="train"),
        key(minibatch=1),
        key(half_width=0.2),
        key(x=PAIR["y"], y=PAIR["x"]),
    ]
    assert len(set(different)) == len(different)
    assert key(seed=1) == key(seed=2)
    assert key(mode="train", seed=1) != key(mode="train", seed=2)
    assert key(mode="train", num_masks=1) == key(mode="train", num_masks=2)
    assert key(mode="train", masks="averaged", num_masks=1) != key(mode="train", masks="averaged", num_masks=2)


def some_field() -> GradientField:
    case = random_case("none")
    return gradient_landscape(case.model, case.inputs, case.targets, LandscapeSpec(**PAIR, points=5))


def test_a_field_travels_as_bytes_and_torn_bytes_are_refused():
    field = some_field()
    data = field.to_bytes()
    again = GradientField.from_bytes(data)
    np.testing.assert_array_equal(again.u, field.u)
    assert again.u.dtype == np.float32
    assert again.is_zero.dtype == bool
    assert (again.share_below, again.num_rows) == (field.share_below, field.num_rows)
    for torn in (b"", data[:-1], data[:20], data[:100] + bytes([data[100] ^ 1]) + data[101:], b"x" + data):
        with pytest.raises(ValueError, match="not a complete gradient field"):
            GradientField.from_bytes(torn)


def test_a_field_as_a_table_and_as_a_dict():
    field = some_field()
    table = field.to_pandas()
    assert len(table) == 25
    assert table["x"].iloc[1] == field.x[1]
    assert table["u"].iloc[6] == field.u[1, 1]
    data = field.to_dict()
    assert data["coords"].keys() == {"x", "y"}
    assert data["attrs"]["num_rows"] == 16


def test_inputs_that_do_not_fit_are_refused():
    case = random_case("batchnorm")
    train = LandscapeSpec(**PAIR, mode="train")
    with pytest.raises(UserError, match="must have shapes"):
        gradient_landscape(case.model, case.inputs[:, 1:], case.targets, train)
    with pytest.raises(UserError, match="use at least 2"):
        gradient_landscape(case.model, case.inputs[:1], case.targets[:1], train)


def test_masks_depend_on_the_seed_and_the_number_alone_and_keep_the_stated_share():
    first = numbered_masks(Dropout(), 1, 2, 64, (2000, 1000))
    again = numbered_masks(Dropout(), 1, 2, 64, (2000, 1000))
    other = numbered_masks(Dropout(), 1, 3, 64, (2000, 1000))
    assert [mask.shape for mask in first] == [(64, 2000), (64, 1000)]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
    kept = torch.cat([mask.flatten() for mask in first]).double()
    assert abs(kept.mean().item() - 0.7) < 5 * (0.21 / len(kept)) ** 0.5


@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_activity_is_the_share_of_rows_with_an_open_gate(regularizer, placement):
    case = random_case(regularizer, placement)
    gates, handles = [], []
    for block in case.model.blocks():
        module = block.norm if placement == "before" and block.norm is not None else block.linear
        handles.append(module.register_forward_hook(lambda _, __, z: gates.append((z > 0).float().mean(0))))
    with torch.no_grad():
        case.model(case.inputs)
    for handle in handles:
        handle.remove()  # a model with hooks is compared with its layers, and would call them again
    for found, expected in zip(unit_activity(case.model, case.inputs), gates, strict=True):
        torch.testing.assert_close(found, expected)


def test_the_example_in_the_docstring_runs():
    result = doctest.testmod(gradviz.landscape.landscape)
    assert result.attempted >= 6
    assert result.failed == 0


@pytest.mark.parametrize(
    ("text", "layer", "label", "kind"),
    [
        ("hidden.0.linear.weight", "0", "hidden layer 0", "weight"),
        ("hidden.12.linear.bias", "12", "hidden layer 12", "bias"),
        ("hidden.1.norm.weight", "1", "hidden layer 1", "gamma"),
        ("hidden.1.norm.bias", "1", "hidden layer 1", "beta"),
        ("output.weight", "output", "output layer", "weight"),
        ("output.bias", "output", "output layer", "bias"),
    ],
)
def test_what_a_tensor_is_called(text: str, layer: str, label: str, kind: str):
    assert ParameterTensor.parse(text) == ParameterTensor(layer, label, kind)  # pyright: ignore[reportArgumentType]  (a literal)


@pytest.mark.parametrize("text", ["", "hidden.0.linear.bias[0]", "hidden.0.norm.running_mean", "output.norm.bias"])
def test_what_is_no_tensor_of_parameters_is_refused(text: str):
    with pytest.raises(UserError, match=r"is not the name of a tensor of parameters\.$"):
        ParameterTensor.parse(text)
