"""A small study, as somebody makes it in a cell."""

import torch
from torch import nn

import gradviz

INPUTS = torch.randn(240, 4, generator=torch.Generator().manual_seed(0))
MINIBATCHES = list(zip(INPUTS.split(60), INPUTS[:, :3].argmax(1).split(60), strict=True))


def make_model() -> nn.Module:
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(1)
        return nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))


def flowers() -> tuple[gradviz.Study, nn.Module]:
    return gradviz.Study("flowers", make_model, gradviz.CrossEntropy()), make_model()
