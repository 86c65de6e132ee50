"""The network against torch's own layers, and what depends on nothing but its arguments."""

import pytest
import torch
from torch import nn

from gradviz.experiment.model import MLP, draw_masks, num_parameters
from gradviz.experiment.regularizers import DEFAULT_NAMES, NORM_PLACEMENTS, Dropout, placed, regularizer_of

SMALL = {"num_inputs": 7, "hidden": (6, 5), "output_scale": 3.0}


def inputs(num_rows: int = 11) -> torch.Tensor:
    return torch.randn(num_rows, 7, generator=torch.Generator().manual_seed(1))


def torchs_own(model: MLP) -> nn.Sequential:
    """The same network built from torch's modules alone."""
    layers: list[nn.Module] = []
    for block in model.blocks():
        layers.append(block.linear)
        norm = None
        if block.norm is not None:
            norm = nn.BatchNorm1d(block.norm.num_features)
            norm.load_state_dict(
                {**block.norm.state_dict(), "num_batches_tracked": torch.tensor(0)},
            )
        layers += [norm, nn.ReLU()] if norm and not model.regularizer.norm_after else [nn.ReLU()]
        layers += [norm] if norm and model.regularizer.norm_after else []
    return nn.Sequential(*layers, model.output)


@pytest.mark.parametrize("placement", NORM_PLACEMENTS)
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("variant", ["none", "batchnorm"])
def test_it_computes_what_torchs_layers_compute(variant, placement, training):
    model = MLP(**SMALL, regularizer=placed(regularizer_of(variant), placement)).train(training)
    theirs = torchs_own(model).train(training)
    for _ in range(3):  # running statistics move with each call in train mode
        assert torch.equal(model(inputs()), 3.0 * theirs(inputs()).squeeze(-1))
    norms = [module for module in theirs if isinstance(module, nn.BatchNorm1d)]
    for block, norm in zip(model.blocks(), norms, strict=False):
        assert block.norm is not None
        theirs_state = norm.state_dict()
        assert all(torch.equal(tensor, theirs_state[name]) for name, tensor in block.norm.state_dict().items())


def test_the_full_size_network_has_3_553_401_parameters():
    with torch.device("meta"):
        assert num_parameters(MLP()) == 3_553_401
        assert num_parameters(MLP(regularizer="batchnorm")) == 3_553_401 + 2 * 3200


def test_the_state_has_the_documented_names():
    state = MLP(**SMALL, regularizer="batchnorm").state_dict()
    linear = [f"hidden.{k}.linear.{kind}" for k in (0, 1) for kind in ("weight", "bias")]
    norm = [f"hidden.{k}.norm.{kind}" for k in (0, 1) for kind in ("weight", "bias", "running_mean", "running_var")]
    assert set(state) == {*linear, *norm, "output.weight", "output.bias"}
    assert set(MLP(**SMALL).state_dict()) == {*linear, "output.weight", "output.bias"}


@pytest.mark.parametrize("variant", DEFAULT_NAMES)
def test_every_variant_starts_from_the_same_linear_parameters(variant):
    def draw(regularizer) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(5)
        return MLP(**SMALL, regularizer=regularizer, generator=generator).state_dict()

    plain, other = draw("none"), draw(variant)
    assert all(torch.equal(other[name], plain[name]) for name in plain)


def test_the_initialisation_has_the_spread_of_torchs_default():
    # U(-a, a) with a = 1 / sqrt(fan in) has the standard deviation a / sqrt(3); 1.35 million draws tell it to 0.1 %.
    weight = MLP().blocks()[0].linear.weight
    assert weight.abs().max() <= 675**-0.5
    assert weight.std().item() == pytest.approx(675**-0.5 / 3**0.5, rel=0.005)


def test_building_and_running_leave_the_global_random_state_alone():
    before = torch.get_rng_state()
    model = MLP(**SMALL, regularizer="dropout").train()
    model(inputs(), draw_masks(model.regularizer, model.widths, 11, torch.Generator().manual_seed(0)))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_mask_multiplies_the_output_of_its_layer():
    model = MLP(**SMALL, regularizer="dropout(0.25)").train()
    masks = draw_masks(model.regularizer, model.widths, 11, torch.Generator().manual_seed(2))
    first, second = model.blocks()
    h = torch.relu(first.linear(inputs())) * masks[0] / 0.75
    h = torch.relu(second.linear(h)) * masks[1] / 0.75
    expected = 3.0 * model.output(h).squeeze(-1)
    assert torch.equal(model(inputs(), masks), expected)
    assert torch.equal(model(inputs(), [mask.bool() for mask in masks]), expected)


def test_masks_keep_the_share_asked_for_and_repeat_with_the_seed():
    masks = draw_masks(Dropout(), (300, 200), 100, torch.Generator().manual_seed(2))
    again = draw_masks(Dropout(), (300, 200), 100, torch.Generator().manual_seed(2))
    assert all(torch.equal(a, b) for a, b in zip(masks, again, strict=True))
    # 50,000 draws of 0.7 have a standard deviation of 0.002.
    assert torch.cat([mask.flatten() for mask in masks]).mean().item() == pytest.approx(0.7, abs=0.01)


def test_eval_mode_ignores_dropout():
    model = MLP(**SMALL, regularizer="dropout").eval()
    masks = draw_masks(Dropout(p=0.9), model.widths, 11, torch.Generator().manual_seed(2))
    assert torch.equal(model(inputs(), masks), MLP(**SMALL).eval()(inputs()))


@pytest.mark.parametrize("masks", [None, []])
def test_dropout_in_train_mode_demands_its_masks(masks):
    with pytest.raises(ValueError, match="one mask for each of the 2 hidden layers"):
        MLP(**SMALL, regularizer="dropout").train()(inputs(), masks)


@pytest.mark.parametrize("hidden", [(3,), (5, 4, 3, 2, 1)])
def test_any_depth_works(hidden):
    model = MLP(num_inputs=7, hidden=hidden, regularizer="batchnorm")
    assert model(inputs()).shape == (11,)
    assert model.widths == hidden


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("regularizer", "l2"),
        ("regularizer", "batchnorm(inside)"),
        ("regularizer", "dropout(1.0)"),
        ("hidden", ()),
        ("hidden", (3, 0)),
    ],
)
def test_values_that_make_no_network_are_named(argument, value):
    with pytest.raises(ValueError, match=f"`{argument}`"):
        MLP(**{**SMALL, argument: value})


def test_shapes_are_known_without_a_network_in_memory():
    with torch.device("meta"):
        model = MLP(hidden=(20, 10, 5), regularizer="batchnorm")
    assert all(tensor.is_meta for tensor in model.state_dict().values())
    real = MLP(hidden=(20, 10, 5), regularizer="batchnorm").state_dict()
    assert {name: tensor.shape for name, tensor in model.state_dict().items()} == {
        name: tensor.shape for name, tensor in real.items()
    }
    assert not any(tensor.is_meta for tensor in real.values())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"regularizer": "dropout", "dropout": 0.5, "norm_placement": "after"}, "dropout(0.5)"),
        ({"regularizer": "batchnorm", "dropout": 0.5, "norm_placement": "after"}, "batchnorm(after)"),
        ({"regularizer": "none", "dropout": 0.5, "norm_placement": "after"}, "none"),
    ],
)
def test_the_arguments_of_version_0_1_are_taken(old: dict, new: str):
    assert MLP(**SMALL, **old).regularizer == regularizer_of(new)


def test_a_share_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"`dropout` must be in \[0, 1\), got 1.0"):
        MLP(**SMALL, regularizer="dropout", dropout=1.0)
