"""What is exactly 0 in float32 at many points is confirmed in float64 at some of them, and at all where that fails."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from gradviz.landscape.field import ZeroReason
from gradviz.landscape.replay import Plane, Prepared, Problem, Scalar, zero
from gradviz.landscape.replay.choosing import Computed, compute
from gradviz.landscape.replay.coarser import Order
from tests.landscape.replay.difficulties import cross_entropy

HALF_WIDTH = 2.9
ORDERS = {"at once": Order.at_once(21), "coarser first": Order.coarser_first(21)}


def plane_of_a_dead_unit(order: Order) -> Computed:
    """Unit 1 is inactive but at one edge of the plane."""
    torch.manual_seed(4)
    below = nn.Linear(6, 5)
    with torch.no_grad():
        below.bias[1] = -3.0
    model = nn.Sequential(below, nn.ReLU(), nn.Linear(5, 3))
    batch = {"x": torch.rand(40, 6), "y": torch.randint(0, 3, (40,))}
    plane = Plane(Scalar.parse("0.bias[1]"), Scalar.parse("0.bias[0]"), HALF_WIDTH, 21)
    return compute(Prepared(Problem(model, cross_entropy, batch)), plane, order)


def counting(computed: Computed, *, wrong_at: int | None = None) -> tuple[Computed, set[int]]:
    """The same, with the points that float64 is asked for; at one of them it finds another number than 0."""
    asked: set[int] = set()

    def again(dtype: torch.dtype, points: Sequence[int]) -> torch.Tensor:
        asked.update(points if dtype == torch.float64 else ())
        return computed.again(dtype, points) + torch.tensor([[0, 1e-20 * (point == wrong_at), 0] for point in points])

    return replace(computed, again=again), asked


@pytest.mark.parametrize("order", ORDERS)
def test_some_points_confirm_the_others(order: str, monkeypatch: pytest.MonkeyPatch):
    computed = plane_of_a_dead_unit(replace(ORDERS[order]))
    counted, some = counting(computed)
    found = zero.resolve(counted, HALF_WIDTH)
    monkeypatch.setattr(zero, "MOST_CONFIRMED", 21**2)
    counted, all_of_them = counting(computed)
    for one, other in zip(found, zero.resolve(counted, HALF_WIDTH), strict=True):
        for name in ("values", "reason", "is_unresolved"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    num_zero = int((found[0].reason != ZeroReason.NONE).sum())
    assert 200 < num_zero < 21**2
    assert len(some) < num_zero / 2
    assert len(all_of_them) >= num_zero


def test_all_are_computed_where_one_is_not_confirmed():
    computed = plane_of_a_dead_unit(Order.at_once(21))
    zeros = (computed.values[:, 1] == 0).nonzero()[:, 0].tolist()
    counted, asked = counting(computed, wrong_at=zeros[0])
    u, _ = zero.resolve(counted, HALF_WIDTH)
    assert set(zeros) <= asked
    assert u.reason[zeros[0]] == ZeroReason.NONE
    assert {*u.reason[zeros[1:]].tolist()} == {ZeroReason.NOT_REACHED}
