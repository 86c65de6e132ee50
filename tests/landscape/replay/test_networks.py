"""Replay = the plain loop = an independent autograd computation, for networks of the usual kinds."""

import functools

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gradviz.landscape.replay import Plane, Prepared, Problem, Scalar, network_landscape
from gradviz.landscape.replay.choosing import LOOP, compute
from gradviz.landscape.replay.evaluating import Replayer
from gradviz.landscape.replay.examples import (
    CharTransformer,
    ConvolutionalNet,
    Example,
    RecurrentNet,
    ResidualNet,
    example,
)
from gradviz.landscape.replay.known import Known
from gradviz.landscape.replay.loop import by_loop
from gradviz.landscape.request import Masks, Mode
from tests.landscape.replay.independent import FLOAT64, by_autograd, error_of

MAKERS = {
    "cnn": lambda: example(ConvolutionalNet(channels=3, units=6), rows=5),
    "cnn with dropout": lambda: example(ConvolutionalNet(channels=3, units=6, drops=True), rows=5),
    "resnet": lambda: example(ResidualNet(widths=(3, 4)), rows=3),
    "transformer": lambda: example(
        CharTransformer(characters=9, positions=6, width=8, heads=2, blocks=2), rows=4, positions=6
    ),
    "gru": lambda: example(RecurrentNet(nn.GRU, characters=7, width=6), rows=4, positions=5),
    "lstm": lambda: example(RecurrentNet(nn.LSTM, characters=7, width=6), rows=4, positions=5),
}
PAIRS = {
    "cnn": [
        ("conv1.weight[1,0,0,2]", "conv1.bias[1]"),
        ("norm1.weight[0]", "conv2.weight[2,1,1,0]"),
        ("conv2.bias[3]", "norm2.bias[3]"),
        ("fc1.weight[2,7]", "fc1.bias[2]"),
        ("conv2.weight[0,0,1,1]", "fc2.weight[4,5]"),
    ],
    "resnet": [
        ("conv1.weight[1,2,0,0]", "bn1.weight[1]"),
        ("layers.0.0.conv2.weight[0,1,2,2]", "layers.0.1.bn1.bias[2]"),
        ("layers.1.0.shortcut.0.weight[3,1,0,0]", "layers.1.0.conv1.weight[3,1,1,1]"),
        ("layers.1.1.bn2.weight[2]", "fc.weight[7,3]"),
    ],
    "transformer": [
        ("embedding.weight[3,2]", "embedding.weight[5,2]"),
        ("head.weight[1,4]", "position[2,3]"),
        ("blocks.0.attention.qkv.weight[9,3]", "blocks.0.attention.qkv.bias[17]"),
        ("blocks.0.norm2.weight[1]", "blocks.1.fc1.weight[20,6]"),
        ("blocks.1.fc2.bias[4]", "norm.bias[4]"),
        ("blocks.1.fc2.bias[4]", "blocks.1.fc2.weight[2,3]"),
        ("blocks.1.norm1.bias[0]", "embedding.weight[0,0]"),
    ],
    "gru": [
        ("embedding.weight[2,1]", "cell.weight_ih_l0[3,2]"),
        ("cell.weight_hh_l1[5,5]", "cell.bias_ih_l1[7]"),
        ("cell.bias_hh_l0[1]", "output.weight[3,2]"),
        ("output.bias[0]", "output.bias[1]"),
    ],
}
PAIRS |= {"cnn with dropout": [PAIRS["cnn"][0], *PAIRS["cnn"][3:]], "lstm": PAIRS["gru"]}
WAYS = [("eval", "frozen"), ("train", "fresh"), ("train", "frozen"), ("train", "averaged")]
CASES = [
    pytest.param(name, *way, marks=[pytest.mark.slow] if name == "lstm" and way[1] != "frozen" else [])
    for name in MAKERS
    for way in (WAYS[:2] if name in ("cnn", "resnet") else WAYS)
]
"""Without dropout, one kind of masks is enough."""


@functools.cache
def made(name: str) -> Example:
    torch.manual_seed(0)
    return MAKERS[name]()


def problem_of(name: str, mode: Mode, masks: Masks) -> Problem:
    own = made(name)
    return Problem(own.model, own.loss, own.batch, mode, masks, num_masks=2, seed=3, dtype=torch.float64)


@pytest.mark.parametrize(("name", "mode", "masks"), CASES)
def test_replay_equals_the_loop_and_independent_autograd(name, mode, masks):
    problem = problem_of(name, mode, masks)
    by_hand = name not in ("gru", "lstm") or mode == "eval"  # torch drops between the layers where no hand reaches
    for x, y in PAIRS[name]:
        plane = Plane(Scalar.parse(x), Scalar.parse(y), half_width=0.3, points=3)
        found = compute(Prepared(problem), plane)
        assert found.method.startswith("replay"), found.passed_over
        assert error_of(found.values, by_loop(problem, plane, range(9))) < FLOAT64
        if by_hand:
            points = [0, 5]
            assert error_of(found.values[points], by_autograd(problem, plane, points)) < FLOAT64


class _LayerByLayer(nn.Module):
    """The same recurrent network written out, with dropout between its layers."""

    def __init__(self, net: RecurrentNet) -> None:
        super().__init__()
        self.net = net
        self.cells = nn.ModuleList(type(net.cell)(6, 6, 1, batch_first=True) for _ in range(2))
        for layer, cell in enumerate(self.cells):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                setattr(cell, f"{name}_l0", getattr(net.cell, f"{name}_l{layer}"))

    def forward(self, x_BT):
        below, above = self.cells
        h = F.dropout(below(self.net.embedding(x_BT))[0], 0.2, self.training)
        return self.net.output(above(h)[0][:, -1])


@pytest.mark.parametrize("name", ["gru", "lstm"])
def test_dropout_between_recurrent_layers_is_dropout(name):
    problem = problem_of(name, "train", "fresh")
    assert isinstance(problem.model, RecurrentNet)
    written = Problem(
        _LayerByLayer(problem.model), problem.loss, problem.batch, "train", "fresh", seed=3, dtype=torch.float64
    )
    for x, y in (("cell.weight_hh_l1[5,5]", "cell.bias_ih_l0[7]"), ("output.bias[0]", "embedding.weight[2,1]")):
        plane = Plane(Scalar.parse(x), Scalar.parse(y), points=3)
        hidden = Plane(Scalar.parse(f"net.{x}"), Scalar.parse(f"net.{y}"), points=3)
        found = compute(Prepared(problem), plane)
        assert error_of(found.values, by_autograd(written, hidden)) < FLOAT64


@pytest.mark.parametrize("name", MAKERS)
def test_the_field_is_the_derivative_of_the_loss_under_it(name):
    problem = problem_of(name, "train", "frozen")
    x, y = PAIRS[name][-1]
    plane = Plane(Scalar.parse(x), Scalar.parse(y), half_width=1e-6, points=3)
    field = network_landscape(problem, plane).field
    slopes = np.array([field.loss[1, 2] - field.loss[1, 0], field.loss[2, 1] - field.loss[0, 1]]) / 2e-6
    # central differences over 2e-6: the loss's own rounding, 1e-16 J / 1e-6
    assert abs(slopes - field.centre).max() < 1e-8 * field.loss[1, 1]


@pytest.mark.parametrize("name", MAKERS)
def test_float32_is_float64_up_to_rounding(name):
    problem = problem_of(name, "train", "fresh")
    x, y = PAIRS[name][0]
    plane = Plane(Scalar.parse(x), Scalar.parse(y), half_width=0.05, points=3)
    single, double = compute(Prepared(problem.computed_in(torch.float32)), plane), compute(Prepared(problem), plane)
    assert single.method == double.method != LOOP
    # float32's 6e-8 through some hundred terms and a batch norm of five rows
    assert error_of(single.values, double.values) < 1e-3


@pytest.mark.parametrize("name", MAKERS)
def test_planes_share_what_is_known_and_get_the_same_bytes(name):
    problem = problem_of(name, "train", "frozen").computed_in(torch.float32)
    shared = Prepared(problem)
    for x, y in [*PAIRS[name], PAIRS[name][0]]:
        plane = Plane(Scalar.parse(x), Scalar.parse(y), half_width=0.3, points=3)
        own = network_landscape(problem, plane)
        both = network_landscape(shared, plane)
        assert both.method == own.method
        assert both.field.to_bytes() == own.field.to_bytes()
    before = shared.nbytes
    network_landscape(shared, plane)
    assert shared.nbytes == before  # nothing is computed that was known


@pytest.mark.parametrize("name", MAKERS)
def test_what_a_point_costs_does_not_depend_on_what_is_known(name):
    problem = problem_of(name, "train", "fresh")
    for x, y in PAIRS[name]:
        replayer = Replayer(Known(problem), problem, Plane(Scalar.parse(x), Scalar.parse(y), points=3))
        assert replayer.probe() == replayer.probe()
