"""Over all parameters of networks of the usual kinds, what is zero and what is not lie far apart by the rule."""

import copy

import pytest
import torch
from torch import Tensor

from gradviz.landscape.replay import Problem
from gradviz.landscape.replay.loop import mean_loss
from gradviz.landscape.replay.private import PrivateModel, private_batch
from gradviz.landscape.replay.randomness import Seeded, Source
from gradviz.landscape.replay.zero import UNRESOLVED, ZERO
from tests.landscape.replay.test_networks import MAKERS, problem_of

TAKEN_OUT = {
    "cnn": {"conv1.bias": slice(None), "conv2.bias": slice(None)},
    "transformer": {f"blocks.{k}.attention.qkv.bias": slice(8, 16) for k in range(2)},
}
"""What batch norm, and attention's softmax over the keys, takes out in train mode."""


def gradients(problem: Problem) -> dict[str, Tensor]:
    """By all parameters, in float64."""
    model, batch = PrivateModel(problem), private_batch(problem)
    with Seeded(Source(problem.seed, 0), exact=problem.dtype == torch.float64):
        mean_loss(problem.loss(model.module, batch)).backward()
    own = model.module.named_parameters()
    return {name: torch.zeros_like(p).double() if p.grad is None else p.grad.double() for name, p in own}


@pytest.mark.parametrize("name", MAKERS)
def test_zeros_and_others_lie_far_apart(name):
    problem = problem_of(name, "train", "frozen")
    errors, generator = {}, torch.Generator().manual_seed(0)
    centre = gradients(problem)
    for step in (0.0, 0.01, 0.01, 0.01, 0.01):  # the centre and four points around it
        moved = copy.deepcopy(problem.model)
        with torch.no_grad():
            for parameter in moved.parameters():
                parameter.add_(step * torch.randn(parameter.shape, generator=generator))
        around = Problem(moved, problem.loss, problem.batch, "train", "frozen", seed=problem.seed)
        double, single = (gradients(around.computed_in(dtype)) for dtype in (torch.float64, torch.float32))
        for tensor, value in double.items():
            found = (single[tensor] - value).abs()
            errors[tensor] = torch.maximum(errors[tensor], found) if tensor in errors else found
    for tensor, value in centre.items():
        ratio = value.abs() / errors[tensor].clamp_min(1e-300)
        is_zero = (value == 0) | (ratio <= ZERO)
        expected = torch.zeros_like(is_zero)
        expected[TAKEN_OUT.get(name, {}).get(tensor, slice(0, 0))] = True
        assert is_zero[expected].all(), tensor
        # what is zero is so by a wide margin, or not reached at all; all else is far from the rule's bound
        assert (ratio[is_zero & (value != 0)] < 1e-5).all(), tensor
        assert (ratio[~is_zero] > 50 * ZERO).all(), (tensor, ratio[~is_zero].min())
        assert not (is_zero & ~expected & (value != 0)).any(), tensor
        if not is_zero.all():
            assert (ratio[~is_zero] > UNRESOLVED).double().mean() > 0.9, tensor
