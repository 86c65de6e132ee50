"""Numbers as text."""

import pytest

from gradviz.evidence.values import Estimate
from gradviz.report.numbers import estimate, number, percent, spread


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9996, "1.00"),
        (1.0, "1"),
        (0.0, "0"),
        (3_553_401, "3,553,401"),
        (99.96, "100"),
        (-0.0648, "−0.0648"),
        (12345.6, "12,300"),
        (2.44e-15, "2.44 × 10⁻¹⁵"),
        (-3e-4, "−3.00 × 10⁻⁴"),
        (float("nan"), "–"),
        (None, "–"),
    ],
)
def test_numbers_have_three_digits(value: float | None, text: str):
    assert number(value) == text


def test_a_share_is_told_in_per_cent():
    assert percent(0.296) == "30\u00a0%"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (Estimate(value=1.0, low=0.9999, high=1.0), "", "1.00 [1.00, 1.00]"),
        (Estimate(value=0.5, low=0.2, high=1.0), "%", "50 [20, 100]\u00a0%"),
        (Estimate(value=41.2, low=40.0, high=43.0), "°", "41.2 [40.0, 43.0]°"),
        (Estimate(value=3.0), "times", "3\u00a0times"),
        (Estimate(value=None), "°", "–"),
    ],
)
def test_an_estimate_has_its_interval_and_unit(value: Estimate, unit: str, text: str):
    assert estimate(value, unit) == text


def test_a_spread_tells_mean_smallest_and_largest():
    assert spread([0.2, 0.3, None]) == "0.250 (0.200 to 0.300)"
    assert spread([0.2, 0.3], "%") == "25 (20 to 30)\u00a0%"
    assert spread([7.0, 7.0]) == "7"
    assert spread([None]) == "–"
