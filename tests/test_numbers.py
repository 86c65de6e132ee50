"""Numbers in sentences: the sign for minus, few digits, and shares as the page says them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradviz.numbers import number, percent, percent_of

SHARES = json.loads((Path(__file__).parent / "fixtures" / "shares.json").read_text())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((0.0, "0"), (-0.0, "0"), (0.25, "0.25"), (-636.3, "−636.3"), (12345.6, "1.235e+4"), (-1.2e-5, "−1.2e−5")),
        *((3, "3"), (float("nan"), "nan"), (float("-inf"), "−inf"), (1e-300, "1e−300")),
    ],
)
def test_a_number_has_as_few_digits_as_it_needs(value: float, text: str):
    assert number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 8))
def test_no_number_has_a_hyphen_and_each_can_be_read_back(value: float, digits: int):
    text = number(value, digits)
    assert "-" not in text
    assert float(text.replace("−", "-")) == float(f"{value:.{digits}g}")


@pytest.mark.parametrize("case", SHARES, ids=lambda case: str(case["share"]))
def test_shares_are_said_as_on_the_page(case: dict):
    assert percent(case["share"]) == case["percent"]
    assert percent_of(case["share"]) == case["percent_of"]


@given(st.floats(0, 1))
def test_what_is_not_none_and_not_all_never_looks_so(share: float):
    assert (percent(share) == "0 %") == (share == 0)
    assert (percent(share) == "100 %") == (share == 1)
    assert (percent_of(share) == "0 %") == (share == 0)
