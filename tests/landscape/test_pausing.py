"""Whatever takes long asks between its parts whether to go on, so that it can be paused or ended there."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from gradviz.experiment.model import MLP
from gradviz.landscape import LandscapeSpec, gradient_landscape, network_of
from gradviz.landscape.pausing import asking, between_tiles
from gradviz.landscape.statistics.null_model import null_agreement
from gradviz.landscape.statistics.variance_split import masks_split

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
