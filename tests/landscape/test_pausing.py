"""Whatever takes long asks between its parts whether to go on, so that it can be paused or ended there."""

import sys
from collections.abc import Callable
from functools import cached_property

import numpy as np
import pytest
import torch
from torch import nn

from gradviz.experiment.model import MLP
from gradviz.landscape import LandscapeSpec, gradient_landscape, network_of
from gradviz.landscape.pausing import asking, between_tiles
from gradviz.landscape.replay import Plane, Problem, Scalar, network_landscape
from gradviz.landscape.statistics.null_model import null_agreement
from gradviz.landscape.statistics.variance_split import masks_split
from tests.landscape.replay.difficulties import cross_entropy

MODEL = MLP(num_inputs=6, hidden=(5, 4, 3), regularizer="dropout").eval()
INPUTS, TARGETS = torch.rand(3, 8, 6, generator=torch.Generator().manual_seed(1)), torch.ones(3, 8)
X, Y = "hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"
SPEC = LandscapeSpec(x=X, y=Y, mode="train", masks="averaged", num_masks=3, points=5)


class Ended(Exception):
    pass


def engine() -> None:
    gradient_landscape(MODEL, INPUTS[0], TARGETS[0], SPEC)


def loop() -> None:
    gradient_landscape(MODEL, INPUTS[0], TARGETS[0], SPEC, method="reference")


def null_model() -> None:
    null_agreement(torch.eye(24), 8, np.random.default_rng(0), draws=3)


def masks() -> None:
    masks_split(network_of(MODEL), INPUTS, TARGETS, np.random.default_rng(0), num_masks=3, tensors=["output.bias"])


@pytest.mark.parametrize("compute", [engine, loop, null_model, masks], ids=lambda function: function.__name__)
def test_what_takes_long_asks_more_than_once_and_ends_when_told(compute: Callable[[], None]):
    asked = []

    def end_at_the_second() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise Ended

    with asking(end_at_the_second), pytest.raises(Ended):
        compute()
    assert len(asked) == 2


def test_nothing_is_asked_outside():
    with asking(lambda: pytest.fail("asked")):
        pass
    between_tiles()
    engine()


def held() -> list[str]:
    """Calls that hold a lock: in Python 3.11 a `cached_property` has one for all its instances."""
    frames, frame = [], sys._getframe()
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    getter = cached_property.__get__.__code__
    return [each.f_back.f_code.co_qualname for each in frames if each.f_code is getter and each.f_back is not None]


@pytest.mark.parametrize("rows", [12, 64])
@pytest.mark.parametrize("method", ["replay", "reference"])
def test_nothing_is_held_while_others_have_their_turn(rows: int, method: str):
    """Another computation that waited for it in its turn would wait for ever."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3))
    batch = {"x": torch.randn(rows, 6), "y": torch.randint(0, 3, (rows,))}
    plane = Plane(Scalar.parse("0.bias[1]"), Scalar.parse("3.weight[0,1]"), points=5)
    asked: list[list[str]] = []
    with asking(lambda: asked.append(held())):
        network_landscape(Problem(model, cross_entropy, batch), plane, method=method)
    assert len(asked) > 2
    assert [names for names in asked if names] == []
