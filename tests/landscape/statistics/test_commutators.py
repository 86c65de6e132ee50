"""Two steps in both orders: the map equals plain loops of SGD, and is zero where no order can matter."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from gradviz.errors import UserError
from gradviz.landscape.replay import Problem
from gradviz.landscape.statistics.commutators import commutators


def problems(model: nn.Module, loss, num: int = 4) -> list[Problem]:
    generator = torch.Generator().manual_seed(0)
    batches = [(torch.randn((6, 3), generator=generator), torch.randn(6, generator=generator)) for _ in range(num)]
    return [Problem(model, loss, batch) for batch in batches]


def squares(model, batch):
    return (model(batch[0])[:, 0] - batch[1]) ** 2


def made() -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def by_sgd(problem: Problem, order: list[Problem], rate: float) -> np.ndarray:
    model = copy.deepcopy(problem.model).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for each in order:
        optimizer.zero_grad()
        each.loss(model, tuple(part.double() for part in each.batch)).mean().backward()
        optimizer.step()
    return nn.utils.parameters_to_vector(model.parameters()).detach().numpy()


def test_the_map_is_that_of_plain_sgd():
    each, rate = problems(made(), squares), 0.1
    before = [parameter.clone() for parameter in each[0].model.parameters()]
    found = commutators(each, rate)
    start = by_sgd(each[0], [], rate)
    for a in range(4):
        assert found[a, a] == 0
        for b in range(a):
            ab, ba = (by_sgd(each[0], order, rate) for order in ([each[a], each[b]], [each[b], each[a]]))
            steps = (np.linalg.norm(ab - start) + np.linalg.norm(ba - start)) / 2
            assert found[a, b] == found[b, a] == pytest.approx(np.linalg.norm(ab - ba) / steps, rel=1e-9)
            assert found[a, b] > 1e-4
    assert all(torch.equal(a, b) for a, b in zip(before, each[0].model.parameters(), strict=True))


def test_a_loss_linear_in_the_parameters_does_not_mind_the_order():
    found = commutators(problems(nn.Linear(3, 1), lambda model, batch: model(batch[0])[:, 0] * batch[1]), 0.3)
    assert found.max() < 1e-14


def test_two_equal_minibatches_commute_and_the_difference_grows_with_the_rate():
    each = problems(made(), squares, 2)
    twice = commutators([each[0], each[0]], 0.1)
    assert twice[0, 1] == 0
    slow, fast = (commutators(each, rate)[0, 1] for rate in (1e-4, 2e-4))
    assert fast / slow == pytest.approx(2, rel=1e-2)  # η² over η


def test_steps_that_move_nothing_have_no_commutator():
    assert np.isnan(commutators(problems(made(), lambda model, batch: 0 * squares(model, batch), 2), 0.1)[0, 1])


@pytest.mark.parametrize("rate", [0, -1.0])
def test_a_rate_that_is_none_is_refused(rate: float):
    with pytest.raises(UserError, match="`rate` must be above 0"):
        commutators(problems(made(), squares, 2), rate)
