"""A dozen requests on networks of the product's own size: float32 against float64, grid points on a kink counted."""

import numpy as np
import pytest
import torch

from gradviz.landscape import LandscapeSpec, gradient_landscape
from tests.landscape.cases import autograd_field, modes_of, random_case, relative_error

PAIRS = [
    ("hidden.0.linear.bias[0]", "hidden.0.linear.bias[1]"),
    ("hidden.1.linear.bias[0]", "hidden.1.linear.weight[1,7]"),
    ("hidden.1.linear.bias[3]", "hidden.2.linear.bias[5]"),
]
MODES = [
    (kind, mode)
    for kind in (("none", "before"), ("dropout", "before"), ("batchnorm", "after"))
    for mode in modes_of(kind[0])
]


def full_size(regularizer: str, placement: str):
    """675-2000-1000-200-1 with one-hot inputs, weights of a fresh initialisation."""
    case = random_case(regularizer, placement, hidden=(2000, 1000, 200), num_inputs=675, num_rows=64)
    model = type(case.model)(regularizer=case.model.regularizer).eval()
    generator = torch.Generator().manual_seed(3)
    characters = torch.randint(0, 15, (64, 45), generator=generator)
    inputs = torch.nn.functional.one_hot(characters, 15).float().reshape(64, 675)
    with torch.no_grad():
        targets = model(inputs) + 5 * torch.randn(64, generator=generator)
    return type(case)(model, inputs, targets)


@pytest.mark.parametrize(("kind", "mode"), MODES)
def test_float32_at_full_size_equals_float64(kind, mode, record_property):
    case = full_size(*kind)
    for x, y in PAIRS:
        spec = LandscapeSpec(x=x, y=y, points=3, **mode)
        u, v, _ = autograd_field(case, spec)
        exact = gradient_landscape(case.model, case.inputs, case.targets, spec, dtype=torch.float64)
        single = gradient_landscape(case.model, case.inputs, case.targets, spec)
        assert relative_error(exact.u, exact.v, u, v) < 1e-10
        differs = np.maximum(abs(single.u - u), abs(single.v - v)) >= 1e-5 * np.hypot(u, v).max()
        record_property(f"points on a kink, {x} {y}", int(differs.sum()))
        # A kink moves one row of 64 across one gate; more than one such grid point in nine would be another fault.
        assert differs.sum() <= 1
