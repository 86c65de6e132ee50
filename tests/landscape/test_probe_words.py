"""What the paths of a probe say: losses that are told apart, and where a path leaves the picture and ends."""

import pytest

from gradviz.landscape.probe import Path, Schedule
from gradviz.landscape.probe_words import path_line


def line_of(
    *, x=(0.0, 0.1), loss=(2.0, 1.0), all_loss=3.0, start_loss=3.0, ended=None, schedule: Schedule = "this"
) -> str:
    path = Path(schedule, tuple(x), (0.0,) * len(x), tuple(loss), all_loss, ended)
    return path_line(path, start_loss, half_width=1.0)


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ((18.69, 18.5), "J 18.69 → 18.50"),
        ((20.8, 20.797), "J 20.800 → 20.797"),
        ((20.8, 20.7996), "J 20.8000 → 20.7996"),
        ((20.8, 20.8 - 1e-9), "J 20.800000 → 20.800000"),
        ((20.8, 20.8), "J 20.80 → 20.80"),
        ((0.5, 0.0), "J 0.5000 → 0.0000"),
        ((0.0, 0.0), "J 0 → 0"),
        ((-9.999, 12345.0), "J −10 → 12345"),
        ((2e-5, 1.23456e-5), "J 2e−5 → 1.235e−5"),
        ((2e7, 3e7), "J 2e+7 → 3e+7"),
    ],
)
def test_losses_have_as_many_decimals_as_tell_them_apart(loss, told):
    assert line_of(loss=loss, schedule="all") == told


def test_all_rows_are_told_apart_from_their_start():
    assert line_of(start_loss=20.8, all_loss=20.797) == "J 2.000 → 1.000 · all rows 20.797"
    assert line_of(start_loss=20.8, all_loss=20.797, schedule="alternating") == "J of all rows 20.800 → 20.797"


@pytest.mark.parametrize(
    ("x", "ended", "told"),
    [
        ((0.5, 0.9, 1.0), None, ""),  # its edge belongs to the picture
        ((0.9, -1.1, 0.2), None, " · leaves at step 1"),
        ((0.5, 0.9, 1.5, 8.0), "left", " · leaves at step 2, ends at 4"),
        ((0.5, 0.9), "left", " · leaves at step 2"),
        ((0.5, 0.9), "not finite", " · not finite after 2 steps"),
        ((0.5, 2.0), "not finite", " · leaves at step 1 · not finite after 2 steps"),
    ],
)
def test_a_path_says_where_it_leaves_the_picture_and_where_it_ends(x, ended, told):
    assert line_of(x=x, ended=ended, schedule="all") == f"J 2.000 → 1.000{told}"
