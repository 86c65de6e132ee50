"""The ReLU behind a layer is found through what hands its units on, and their activity counted; nothing else is one."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.landscape.gates import active_rows, gated
from gradviz.landscape.replay import Problem
from tests.landscape.replay.test_networks import made


class Layer(nn.Module):
    """A layer and what its output goes through."""

    def __init__(self, layer: nn.Module, behind: Callable[[Any, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.norm, self.behind = layer, nn.BatchNorm1d(4), behind

    def forward(self, x: Tensor) -> Tensor:
        return self.behind(self, self.layer(x))


def residual(self: Layer, h: Tensor) -> Tensor:
    h = self.norm(h)
    h += h.mean()
    return F.relu(h, inplace=True)


GATES = {
    "relu": lambda self, h: h.relu(),
    "relu in place": lambda self, h: h.relu_(),
    "relu6": lambda self, h: nn.ReLU6()(h),
    "clamp": lambda self, h: h.clamp(min=0),
    "clamp between": lambda self, h: torch.clamp(h, 0.0, 2.0),
    "maximum": lambda self, h: torch.maximum(h, torch.zeros(())),
    "norm": lambda self, h: F.relu(self.norm(h)),
    "sum": lambda self, h: torch.relu(1.5 + h.clone() - torch.ones(4)),
    "residual": residual,
    "dropout": lambda self, h: F.relu(F.dropout(h, 0.5, self.training)),
}
NOT_GATES = {
    "gelu": lambda self, h: F.gelu(h),
    "leaky": lambda self, h: F.leaky_relu(h),
    "another layer": lambda self, h: F.relu(F.linear(h, torch.eye(4))),
    "limit": lambda self, h: h.clamp(min=-1.0),
    "product": lambda self, h: F.relu(h * h),
    "transposed": lambda self, h: F.relu(h.T).T,
    "maximum of two": lambda self, h: torch.maximum(h, torch.ones(())),
    "only in sigmoid": lambda self, h: h.sigmoid_().relu(),
}


def problems(model: nn.Module) -> list[Problem]:
    batches = torch.randn(2, 6, 5, generator=torch.Generator().manual_seed(0))
    return [Problem(model, lambda model, batch: model(batch).mean(1), batch) for batch in batches]


@pytest.fixture
def layer() -> nn.Linear:
    torch.manual_seed(1)
    return nn.Linear(5, 4)


@pytest.mark.parametrize("name", GATES)
def test_units_are_active_where_their_relu_lets_them_through(name: str, layer: nn.Linear):
    model = Layer(layer, GATES[name]).train()
    state = torch.get_rng_state()
    found = gated(problems(model), ["layer.weight", "layer.bias"])
    seen = torch.cat([GATES[name](model.eval(), layer(problem.batch)) for problem in problems(model)])
    assert found.active_N is not None
    torch.testing.assert_close(found.active_N, (seen > 0).double().mean(0))
    assert 0 < found.active_N.mean() < 1
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize("name", NOT_GATES)
def test_what_is_no_relu_of_these_units_tells_no_activity(name: str, layer: nn.Linear):
    assert gated(problems(Layer(layer, NOT_GATES[name])), ["layer.weight", "layer.bias"]).active_N is None


def test_channels_are_counted_over_all_positions_and_the_norm_behind_is_named():
    own = made("cnn")
    problem = Problem(own.model, own.loss, own.batch, "train")
    found = gated([problem], ["conv1.weight", "conv1.bias"])
    model: Any = own.model.eval()
    out = F.relu(model.norm1(model.conv1(own.batch["x"])))
    torch.testing.assert_close(found.active_N, (out > 0).double().mean((0, 2, 3)))
    assert found.norm == "norm1.weight"
    assert gated([problem], ["fc2.weight", "fc2.bias"]).active_N is None


def test_sequences_are_counted_over_all_positions_and_a_gelu_has_no_activity():
    own = made("transformer")
    problem = Problem(own.model, own.loss, own.batch)
    assert gated([problem], ["blocks.0.fc1.weight", "blocks.0.fc1.bias"]).active_N is None
    assert gated([problem], ["embedding.weight"]).active_N is None


def test_both_layers_before_a_residual_sum_have_its_relu():
    own = made("resnet")
    problem = Problem(own.model, own.loss, own.batch)
    first, second = (gated([problem], [f"layers.1.0.bn{k}.weight", f"layers.1.0.bn{k}.bias"]) for k in (1, 2))
    shortcut = gated([problem], ["layers.1.0.shortcut.1.weight", "layers.1.0.shortcut.1.bias"])
    assert first.active_N is not None
    assert second.active_N is not None
    assert shortcut.active_N is not None
    torch.testing.assert_close(second.active_N, shortcut.active_N)
    assert not torch.equal(first.active_N, second.active_N)


class Sequences(nn.Module):
    """Positions first."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(3, 4), nn.Linear(4, 1)

    def forward(self, x_BSN: Tensor) -> Tensor:
        return self.head(F.relu(self.layer(x_BSN.transpose(0, 1)))).mean((0, 2))


class Transposed(nn.Module):
    def __init__(self, groups: int = 1) -> None:
        super().__init__()
        self.layer = nn.ConvTranspose1d(2, 4, 3, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.layer(x) - 0.5).mean((1, 2))


NAMES = ["layer.weight", "layer.bias"]


def of_rows(model: nn.Module, *shape: int) -> Problem:
    batch = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    return Problem(model, lambda model, batch: model(batch), batch)


@pytest.mark.parametrize("positions", [6, 7])
def test_where_positions_come_first_rows_are_not_told(positions: int):
    torch.manual_seed(1)
    problem = of_rows(Sequences(), 6, positions, 3)
    assert gated([problem], NAMES).active_N is not None
    assert active_rows(problem, "layer.bias", [0], NAMES) is None


@pytest.mark.parametrize(
    ("tensor", "index"), [("layer.weight", [0, 3, 1]), ("layer.weight", [1, 2, 0]), ("layer.bias", [3])]
)
def test_the_unit_of_a_transposed_convolution_is_the_channel_that_comes_out(tensor: str, index: list[int]):
    torch.manual_seed(1)
    problem = of_rows(model := Transposed(), 6, 2, 2)
    unit = index[1] if len(index) > 1 else index[0]
    wanted = (model.layer(problem.batch)[:, unit] > 0.5).any(1)
    found = active_rows(problem, tensor, index, NAMES)
    assert found is not None
    assert found.tolist() == wanted.tolist()
    assert 0 < wanted.sum() < 6
    assert active_rows(of_rows(Transposed(groups=2), 6, 2, 2), "layer.weight", [0, 1, 1], NAMES) is None


def test_a_model_made_for_one_number_of_rows_tells_none():
    torch.manual_seed(1)
    model = Layer(nn.Linear(5, 4), lambda self, h: F.relu(h.reshape(6, 4)))
    problem = of_rows(model, 6, 5)
    problem = Problem(model, lambda model, batch: model(batch).mean(1), problem.batch)
    assert active_rows(problem, "layer.bias", [0], NAMES) is None
