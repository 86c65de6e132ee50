"""A composed minibatch's field by sums is the field computed from scratch for its rows."""

import numpy as np
import pytest
import torch

from gradviz.errors import UserError
from gradviz.landscape import LandscapeSpec, Minibatch, network_of
from gradviz.landscape.per_row import Increments, row_fields
from tests.landscape.cases import Case, random_case

SWAPS = 1000
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Of the largest number: the rows' own numbers have the rounding of their precision, and the sums that of float64."""

PLANES = [
    ("hidden.1.linear.bias[0]", "hidden.1.linear.bias[1]"),
    ("hidden.0.linear.weight[2,3]", "hidden.2.linear.weight[1,4]"),
]


def minibatch_of(case: Case, rows: list[int], dtype: torch.dtype) -> Minibatch:
    return Minibatch(network_of(case.model, dtype=dtype), case.inputs[rows], case.targets[rows])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize(("x", "y"), PLANES)
@pytest.mark.parametrize("kind", ["none", "batchnorm"])
def test_after_a_thousand_swaps_it_is_the_field_from_scratch(kind, x, y, dtype):
    case = random_case(kind, seed=11, num_rows=60)
    spec = LandscapeSpec(x=x, y=y, points=5, half_width=0.4)
    fields = row_fields(minibatch_of(case, list(range(60)), dtype), spec)
    generator = np.random.default_rng(0)
    inside, outside = list(range(16)), list(range(16, 60))
    composed = Increments(fields, inside)
    for _ in range(SWAPS):
        out, by = generator.integers(len(inside)), generator.integers(len(outside))
        composed.exchange((fields, inside[out]), (fields, outside[by]))
        inside[out], outside[by] = outside[by], inside[out]
    assert set(inside) != set(range(16))
    wanted = minibatch_of(case, inside, torch.float64).landscape(spec)
    u, v, loss = composed.mean()
    scale = max(abs(wanted.u).max(), abs(wanted.v).max())
    assert max(abs(u - wanted.u).max(), abs(v - wanted.v).max()) < TOLERANCE[dtype] * scale
    assert abs(loss - wanted.loss).max() < TOLERANCE[dtype] * wanted.loss.max()
    for own, other in zip((u, v, loss), fields.mean(inside), strict=True):  # the sums themselves lose nothing
        np.testing.assert_allclose(own, other, rtol=0, atol=1e-13 * abs(other).max())


def test_rows_that_come_and_go_leave_the_mean_of_those_that_stay():
    case = random_case("none", seed=12)
    spec = LandscapeSpec(x=PLANES[0][0], y=PLANES[0][1], points=3)
    fields = row_fields(minibatch_of(case, list(range(16)), torch.float64), spec)
    others = row_fields(minibatch_of(case, [3, 5], torch.float64), spec)
    composed = Increments(fields)
    assert len(composed) == 16
    np.testing.assert_allclose(composed.mean(), fields.mean(), rtol=1e-12)
    for row in range(16):
        if row not in (3, 5, 9):
            composed.remove(fields, row)
    composed.remove(others, 0)  # the same row, of other fields
    np.testing.assert_allclose(composed.mean(), fields.mean([5, 9]), rtol=1e-10, atol=1e-14)
    composed.add(fields, 0)
    assert len(composed) == 3
    composed.remove(fields, 5)
    composed.remove(fields, 9)
    np.testing.assert_allclose(composed.mean(), fields.mean([0]), rtol=1e-10, atol=1e-14)
    with pytest.raises(UserError, match="at least one row"):
        composed.remove(fields, 0)


def test_what_cannot_be_summed_is_told():
    spec = LandscapeSpec(x=PLANES[0][0], y=PLANES[0][1], points=3)
    trained = spec.model_copy(update={"mode": "train"})
    coupled, masked, apart = (
        row_fields(minibatch_of(random_case(kind), list(range(16)), torch.float32), asked)
        for kind, asked in (("batchnorm", trained), ("dropout", trained), ("none", spec))
    )
    with pytest.raises(UserError, match="depend on each other"):
        Increments(coupled)
    with pytest.raises(UserError, match="masks belong to places"):
        Increments(masked)
    composed = Increments(apart, [0])
    with pytest.raises(UserError, match=r"in \[0, 15\], got 16"):
        composed.add(apart, 16)
    wider = row_fields(minibatch_of(random_case("none"), [0], torch.float32), spec.model_copy(update={"half_width": 1}))
    with pytest.raises(UserError, match="another grid"):
        composed.add(wider, 0)
    with pytest.raises(UserError, match="at least one row"):
        Increments(apart, [])
