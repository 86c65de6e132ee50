"""What a row of pictures becomes when one of them is subtracted from the others."""

from dataclasses import replace

import numpy as np

from gradviz.dashboard.export_rows import as_drawn
from gradviz.drawing.shown import Shown
from tests.drawing.fields import random_field, turning_field
from tests.drawing.test_canvas import REQUEST

ROW = [
    Shown(turning_field(5), REQUEST),
    Shown(random_field(), REQUEST.model_copy(update={"run": "dropout"}), draws_masks=True),
    Shown(turning_field(5, 3.0), REQUEST.model_copy(update={"run": "batchnorm"})),
]


def test_all_but_the_reference_become_differences_that_say_of_what():
    first, reference, third = as_drawn(ROW, 1)
    assert reference is ROW[1]
    assert [each.minus for each in (first, reference, third)] == ["dropout", "", "dropout"]
    live = ~ROW[1].field.is_zero
    np.testing.assert_array_equal(first.field.u[live], (ROW[0].field.u - ROW[1].field.u)[live])


def test_a_difference_draws_masks_if_one_of_the_two_fields_does():
    assert [each.draws_masks for each in as_drawn(ROW, 1)] == [True, True, True]
    assert [each.draws_masks for each in as_drawn(ROW, 0)] == [False, True, False]
    assert [each.draws_masks for each in as_drawn([replace(each, draws_masks=False) for each in ROW], 1)] == [False] * 3


def test_without_a_reference_the_row_is_as_it_is():
    assert as_drawn(ROW, None) is ROW
