"""The built-in network: its own engine, replay and both loops give one field, with the same masks."""

import numpy as np
import pytest
import torch

from gradviz.experiment.studies.deliveries.study import loss
from gradviz.landscape import LandscapeSpec, gradient_landscape
from gradviz.landscape.replay import Plane, Problem, Scalar, network_landscape
from tests.landscape.cases import KINDS, modes_of, random_case, relative_error
from tests.landscape.replay.independent import FLOAT64

PAIRS = [
    ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"),
    ("hidden.0.linear.weight[2,3]", "hidden.2.linear.weight[1,4]"),
    ("output.weight[0,2]", "hidden.0.linear.bias[1]"),
]


@pytest.mark.parametrize(("x", "y"), PAIRS)
@pytest.mark.parametrize(("regularizer", "placement"), KINDS)
def test_the_engine_replay_and_the_loop_agree(regularizer, placement, x, y):
    case = random_case(regularizer, placement, seed=5)
    plane = Plane(Scalar.parse(x), Scalar.parse(y), half_width=0.4, points=3)
    for mode in modes_of(regularizer):
        spec = LandscapeSpec(x=x, y=y, half_width=0.4, points=3, seed=7, **mode)
        own = gradient_landscape(case.model, case.inputs, case.targets, spec, dtype=torch.float64)
        problem = Problem(case.model, loss, (case.inputs, case.targets), seed=7, dtype=torch.float64, **mode)
        for method in ("replay", "reference"):
            found = network_landscape(problem, plane, method=method)
            assert found.method.startswith(method), found.passed_over
            np.testing.assert_allclose(found.field.loss, own.loss, rtol=FLOAT64)
            np.testing.assert_array_equal(found.field.x, own.x)
            if not own.is_zero.all():
                assert relative_error(found.field.u, found.field.v, own.u, own.v) < FLOAT64
            np.testing.assert_array_equal(found.field.is_zero, own.is_zero)
