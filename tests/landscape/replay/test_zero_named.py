"""By the parameters of six networks: what is zero in float64 is called zero and named, and nothing that lives is."""

import itertools
import random
from collections.abc import Sequence

import pytest

from gradviz.landscape.field import ZeroReason
from gradviz.landscape.replay import Problem, Scalar, why_zero
from tests.landscape.replay.test_networks import MAKERS, problem_of
from tests.landscape.replay.test_zero import TAKEN_OUT, gradients

NAMES = {"cnn": ZeroReason.BATCH_STATISTICS, "transformer": ZeroReason.KEYS}
"""What takes out the biases in `TAKEN_OUT`, in train mode."""


def every_scalar(problem: Problem) -> list[Scalar]:
    named = problem.model.named_parameters()
    return [Scalar(name, index) for name, t in named for index in itertools.product(*map(range, t.shape))]


def taken_out(name: str, scalar: Scalar) -> bool:
    taken = TAKEN_OUT.get(name, {}).get(scalar.name, slice(0, 0))
    return scalar.index[0] in range(10_000)[taken]


def check(name: str, scalars: Sequence[Scalar], problem: Problem) -> None:
    exact = gradients(problem)
    for scalar in scalars:
        found, gradient = why_zero(problem, scalar), exact[scalar.name][scalar.index].item()
        if taken_out(name, scalar):
            assert found.reason is NAMES[name], scalar
        elif gradient == 0:
            assert found.is_zero, scalar
        else:
            assert not found.is_zero, (scalar, found)
            assert found.reason is None, scalar
            assert found.double == pytest.approx(gradient, rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("name", MAKERS)
def test_some_parameters_of_each(name):
    problem = problem_of(name, "train", "frozen")
    every = every_scalar(problem)
    zeros = [scalar for scalar in every if taken_out(name, scalar)]
    draw = random.Random(0)
    check(name, draw.sample(every, 12) + draw.sample(zeros, min(2, len(zeros))), problem)


@pytest.mark.slow
@pytest.mark.parametrize("name", MAKERS)
def test_every_parameter_of_each(name):
    problem = problem_of(name, "train", "frozen")
    check(name, every_scalar(problem), problem)
