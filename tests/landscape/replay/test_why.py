"""Whether the gradient by a parameter is zero, and why."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.landscape.field import ZeroReason
from gradviz.landscape.replay import Problem, Scalar
from gradviz.landscape.replay.examples import CharTransformer, ConvolutionalNet, example
from gradviz.landscape.replay.why import Verdict, Why, why_zero


def verdict(problem: Problem, text: str) -> Verdict:
    return why_zero(problem, Scalar.parse(text))


def judged(problem: Problem, text: str) -> Why:
    return verdict(problem, text).why


def named(problem: Problem, text: str) -> ZeroReason | None:
    return verdict(problem, text).reason


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_bias_before_batch_norm_is_taken_out_in_train_mode_alone(dtype):
    torch.manual_seed(0)
    own = example(ConvolutionalNet(channels=3, units=6), rows=6)
    train, evaluated = (Problem(own.model, own.loss, own.batch, mode, dtype=dtype) for mode in ("train", "eval"))
    for unit in range(3):
        assert judged(train, f"conv1.bias[{unit}]") is Why.TAKEN_OUT
        assert named(train, f"conv1.bias[{unit}]") is ZeroReason.BATCH_STATISTICS
        assert judged(train, f"norm1.bias[{unit}]") is Why.NOT_ZERO
        assert judged(evaluated, f"conv1.bias[{unit}]") is Why.NOT_ZERO


def test_the_biases_of_keys_are_taken_out_and_those_of_queries_and_values_live():
    torch.manual_seed(0)
    own = example(CharTransformer(characters=9, positions=8, width=8, heads=2, blocks=1), rows=4, positions=6)
    problem = Problem(own.model, own.loss, own.batch)
    found = [judged(problem, f"blocks.0.attention.qkv.bias[{k}]") for k in range(24)]
    assert found == [Why.NOT_ZERO] * 8 + [Why.TAKEN_OUT] * 8 + [Why.NOT_ZERO] * 8
    assert named(problem, "blocks.0.attention.qkv.bias[9]") is ZeroReason.KEYS
    assert judged(problem, "position[7,0]") is Why.NOT_REACHED
    assert judged(problem, "position[5,0]") is Why.NOT_ZERO


class _Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(2, 3), nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(F.relu(self.a(x)))[:, 0]


def squares(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return (model(batch[0]) - batch[1]).square()


def test_inactive_units_and_terms_that_cancel_are_told_apart():
    torch.manual_seed(0)
    model, x = _Gated().double(), torch.randn(8, 2).double()  # in float32 the mean would be missed by a rounding
    with torch.no_grad():
        highest = (x @ model.a.weight[1]).max()
        model.a.bias[1] = -highest - 0.4  # off within a half-width of 0.1, and on within ten
        targets = model(x) + torch.tensor([1.0, -1.0] * 4).double()  # whose mean the last bias meets
    problem = Problem(model, squares, (x, targets))
    assert judged(problem, "a.bias[1]") is Why.INACTIVE
    assert named(problem, "a.bias[1]") is ZeroReason.DEAD_UNIT
    assert judged(problem, "b.bias[0]") is Why.TERMS_CANCEL
    assert named(problem, "b.bias[0]") is None
    with torch.no_grad():
        model.a.bias[1] -= 100
    assert judged(problem, "a.bias[1]") is Why.NOT_REACHED
    assert judged(problem, "a.weight[1,0]") is Why.NOT_REACHED
    assert named(problem, "a.weight[1,0]") is ZeroReason.DEAD_UNIT
    assert named(problem, "b.weight[0,1]") is ZeroReason.INPUT_IS_ZERO


def test_a_shift_of_all_logits_is_taken_out():
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear, self.shift = nn.Linear(3, 4), nn.Parameter(torch.tensor(0.3))

        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x) + self.shift

    torch.manual_seed(0)
    batch = torch.randn(6, 3), torch.tensor([0, 1, 2, 3, 0, 1])
    problem = Problem(Shifted(), lambda model, batch: F.cross_entropy(model(batch[0]), batch[1]), batch)
    found = verdict(problem, "shift")
    assert found.why is Why.TAKEN_OUT
    assert found.reason is ZeroReason.LOGITS
    assert abs(found.double) < 1e-15
    assert judged(problem, "linear.bias[0]") is Why.NOT_ZERO


class _Written(nn.Module):
    """Attention written by hand, a shift before a norm, dropout, an embedding: nothing that its names would tell."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)
        self.table = nn.Embedding(5, 4)
        self.shift = nn.Parameter(torch.tensor(0.2))

    def forward(self, x: Tensor) -> Tensor:
        h = self.table(x)
        h = h + (self.one(h) @ self.two(h).mT).softmax(-1) @ h
        h = F.layer_norm(h + self.shift, (4,), torch.tensor([1.0, 2.0, -1.0, 0.5]).to(h.dtype))
        return self.three(F.dropout(h.mean(1), 0.9, self.training))


def test_names_are_found_by_computation_and_not_by_names_of_modules():
    torch.manual_seed(0)
    batch = torch.tensor([[0, 1, 2], [3, 2, 1]]), torch.tensor([0, 2])
    problem = Problem(_Written(), lambda model, batch: F.cross_entropy(model(batch[0]), batch[1]), batch)
    assert named(problem, "two.bias[1]") is ZeroReason.SOFTMAX
    assert named(problem, "shift") is ZeroReason.ROW_STATISTICS
    assert named(problem, "table.weight[4,1]") is ZeroReason.NOT_LOOKED_UP
    for live in ("one.bias[1]", "two.weight[1,2]", "table.weight[3,1]", "three.bias[0]"):
        assert verdict(problem, live) == Verdict(
            Why.NOT_ZERO, verdict(problem, live).single, verdict(problem, live).double
        )
    train = Problem(problem.model, problem.loss, batch, "train", seed=1)
    dropped = {named(train, f"three.weight[0,{k}]") for k in range(4)}
    assert ZeroReason.INPUT_IS_ZERO in dropped
