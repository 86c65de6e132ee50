"""Random networks of random layers, random scalars, modes and masks: replay gives the plain loop's numbers."""

import itertools
import random

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.landscape.replay import Plane, Prepared, Problem, Scalar
from gradviz.landscape.replay.choosing import LOOP, compute
from gradviz.landscape.replay.loop import by_loop
from tests.landscape.replay.independent import FLOAT64, error_of


class Residual(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        return x + self.inner(x)


class Gated(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(x)


def _activation(draw: random.Random) -> nn.Module:
    in_place = draw.random() < 0.5
    return draw.choice(
        [nn.ReLU(in_place), nn.LeakyReLU(0.1, in_place), nn.GELU(), nn.Tanh(), nn.ELU(inplace=in_place), Gated()]
    )


def _dense(draw: random.Random, width: int, depth: int) -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(depth):
        after = draw.randint(2, 7)
        layers.append(nn.Linear(width, after, bias=draw.random() < 0.8))
        width = after
        norms = [nn.BatchNorm1d(width), nn.LayerNorm(width), nn.RMSNorm(width), nn.Identity()]
        layers += draw.sample([draw.choice(norms), _activation(draw), nn.Dropout(draw.choice([0.0, 0.3]))], 3)
        if draw.random() < 0.3:
            layers.append(Residual(nn.Sequential(nn.Linear(width, width), _activation(draw))))
    return nn.Sequential(*layers, nn.Linear(width, 3))


def _convolutional(draw: random.Random, channels: int, depth: int) -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(depth):
        groups = draw.choice([1, 1, channels])
        after = groups * draw.randint(1, 3)
        kernel, dilation = draw.choice([1, 2, 3]), draw.choice([1, 2])
        layers.append(nn.Conv2d(channels, after, kernel, draw.choice([1, 2]), 2, dilation, groups))
        channels = after
        norms = [nn.BatchNorm2d(channels), nn.GroupNorm(1, channels), nn.InstanceNorm2d(channels), nn.Identity()]
        drops = [nn.Dropout2d(0.3), nn.Identity()]
        layers += draw.sample([draw.choice(norms), _activation(draw), draw.choice(drops)], 3)
        layers.append(draw.choice([nn.MaxPool2d(2, 1, 1), nn.AvgPool2d(2, 1, 1), nn.Identity()]))
        if draw.random() < 0.3:
            layers.append(Residual(nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), _activation(draw))))
    layers += [nn.AdaptiveAvgPool2d(2), nn.Flatten()]
    return nn.Sequential(*layers, _dense(draw, 4 * channels, 1))


LOSSES = [
    lambda model, batch: F.cross_entropy(model(batch["x"]), batch["y"], reduction="none"),
    lambda model, batch: F.mse_loss(model(batch["x"])[:, 0], batch["y"].to(batch["x"].dtype)),
    lambda model, batch: (model(batch["x"]).sum(1) - 1).abs(),
]


def check(seed: int) -> str:
    """Computes a random request both ways; returns the method."""
    draw = random.Random(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if draw.random() < 0.5:
            model, x = _dense(draw, 5, draw.randint(1, 3)), torch.randn(6, 5)
        else:
            model, x = _convolutional(draw, 2, draw.randint(1, 2)), torch.randn(6, 2, 5, 5)
        batch = {"x": x, "y": torch.randint(0, 3, (6,))}
    every = [
        Scalar(name, tuple(draw.randrange(n) for n in tensor.shape))
        for name, tensor in itertools.chain.from_iterable([model.named_parameters()] * 2)
    ]
    a, b = draw.sample(sorted(set(every), key=str), 2)
    plane = Plane(a, b, half_width=draw.choice([0.1, 0.5, 2.0]), points=3)
    problem = Problem(
        model,
        draw.choice(LOSSES),
        batch,
        draw.choice(["eval", "train"]),
        draw.choice(["fresh", "frozen", "averaged"]),
        num_masks=2,
        seed=draw.randrange(100),
        dtype=torch.float64,
    )
    found = compute(Prepared(problem), plane)
    assert error_of(found.values, by_loop(problem, plane, range(9))) < FLOAT64, (seed, model, plane)
    return found.method


def test_random_requests_give_the_loops_numbers():
    methods = [check(seed) for seed in range(30)]
    assert LOOP not in methods


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1500, 50))
def test_500_more(start):
    methods = [check(seed) for seed in range(start, start + 50)]
    assert LOOP not in methods
