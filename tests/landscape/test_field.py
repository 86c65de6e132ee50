"""A field holds one number for each point of its grid."""

from dataclasses import replace

import numpy as np
import pytest

from tests.drawing.fields import field_of


@pytest.mark.parametrize("name", ["u", "v", "loss", "is_zero", "zero_reason", "u_reason", "v_reason"])
def test_arrays_that_do_not_fit_the_grid_are_no_field(name: str):
    field = field_of(np.ones((5, 5)), np.ones((5, 5)))
    with pytest.raises(AssertionError, match=name):
        replace(field, **{name: getattr(field, name)[1:]})
