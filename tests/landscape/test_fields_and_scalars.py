"""A field holds one number for each point of its grid; a scalar lies within its tensor."""

from dataclasses import replace

import numpy as np
import pytest

from gradviz.errors import UserError
from gradviz.landscape.scalar import Scalar
from tests.drawing.fields import field_of


@pytest.mark.parametrize("name", ["u", "v", "loss", "is_zero", "zero_reason", "u_reason", "v_reason"])
def test_arrays_that_do_not_fit_the_grid_are_no_field(name: str):
    field = field_of(np.ones((5, 5)), np.ones((5, 5)))
    with pytest.raises(AssertionError, match=name):
        replace(field, **{name: getattr(field, name)[1:]})


@pytest.mark.parametrize("text", ["w[0,0]", "w[1,2]", "b[2]", "scale"])
def test_a_parameter_within_its_tensor_is_one(text: str):
    Scalar.parse(text).check({"w": (2, 3), "b": (3,), "scale": ()})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("w[2,0]", r"`w\[2,0\]` is out of range: w takes \[0..1,0..2\]"),
        ("w[0,3]", "out of range"),
        ("w[0]", "out of range"),
        ("b[0,0]", r"b takes \[0..2\]"),
        ("scale[0]", "scale has no axes: write it alone"),
        ("c[0]", "this model has no c, only w, b, scale"),
    ],
)
def test_a_parameter_outside_is_refused(text: str, said: str):
    with pytest.raises(UserError, match=said):
        Scalar.parse(text).check({"w": (2, 3), "b": (3,), "scale": ()})
