"""Whether the gradient by a parameter is zero, and why."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.landscape.replay import Problem, Scalar
from gradviz.landscape.replay.examples import CharTransformer, ConvolutionalNet, example
from gradviz.landscape.replay.why import Why, why_zero


def judged(problem: Problem, text: str) -> Why:
    return why_zero(problem, Scalar.parse(text)).why


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_bias_before_batch_norm_is_taken_out_in_train_mode_alone(dtype):
    torch.manual_seed(0)
    own = example(ConvolutionalNet(channels=3, units=6), rows=6)
    train, evaluated = (Problem(own.model, own.loss, own.batch, mode, dtype=dtype) for mode in ("train", "eval"))
    for unit in range(3):
        assert judged(train, f"conv1.bias[{unit}]") is Why.TAKEN_OUT
        assert judged(train, f"norm1.bias[{unit}]") is Why.NOT_ZERO
        assert judged(evaluated, f"conv1.bias[{unit}]") is Why.NOT_ZERO


def test_the_biases_of_keys_are_taken_out_and_those_of_queries_and_values_live():
    torch.manual_seed(0)
    own = example(CharTransformer(characters=9, positions=8, width=8, heads=2, blocks=1), rows=4, positions=6)
    problem = Problem(own.model, own.loss, own.batch)
    found = [judged(problem, f"blocks.0.attention.qkv.bias[{k}]") for k in range(24)]
    assert found == [Why.NOT_ZERO] * 8 + [Why.TAKEN_OUT] * 8 + [Why.NOT_ZERO] * 8
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
    assert judged(problem, "b.bias[0]") is Why.TERMS_CANCEL
    with torch.no_grad():
        model.a.bias[1] -= 100
    assert judged(problem, "a.bias[1]") is Why.NOT_REACHED
    assert judged(problem, "a.weight[1,0]") is Why.NOT_REACHED


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
    verdict = why_zero(problem, Scalar.parse("shift"))
    assert verdict.why is Why.TAKEN_OUT
    assert abs(verdict.double) < 1e-15
    assert judged(problem, "linear.bias[0]") is Why.NOT_ZERO
