"""A difference as Compare draws it: equal up to round-off is equal, what is zero counts as zero."""

from dataclasses import replace

import numpy as np

from gradviz.compute.difference import difference_of
from tests.drawing.fields import random_field


def test_a_difference_is_that_of_arrows_and_losses_over_offsets():
    field, other = random_field(), replace(random_field(), x=random_field().x + 0.7)
    none = np.zeros_like(field.is_zero)
    reference = replace(other, u=other.u + 1, v=2 * other.v, loss=other.loss - 3, is_zero=none)
    made = difference_of(replace(field, is_zero=none), reference)
    np.testing.assert_allclose(made.u, -1, rtol=1e-5)
    np.testing.assert_allclose(made.v, -field.v, rtol=1e-5)
    np.testing.assert_allclose(made.loss, 3, rtol=1e-5)
    assert not made.is_zero.any()
    np.testing.assert_allclose(made.x, field.x - field.x[2], atol=1e-12)  # both begin at their own checkpoint


def test_what_is_equal_up_to_round_off_is_equal_and_a_zero_arrow_counts_as_zero():
    field = random_field()
    nearly = replace(field, u=field.u * np.float32(1 + 5e-6), v=field.v * np.float32(1 + 5e-6))
    assert difference_of(nearly, field).is_zero.all()
    alone = difference_of(field, replace(field, is_zero=~field.is_zero))
    np.testing.assert_array_equal(alone.u, np.where(field.is_zero, -field.u, field.u))
    assert not alone.zero_reason.any()
