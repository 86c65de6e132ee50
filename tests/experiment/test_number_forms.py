"""Numbers in the one form of their table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradviz.experiment.studies.deliveries.number_forms import MixedNumbers, NumberForm, number_form


def read(*texts: str) -> list[float | None]:
    form = number_form((text, place) for place, text in enumerate(texts))
    return [form.value(text) for text in texts]


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (("7", "+7", "-7", "7.", ".5", "7.50", "7e2", "7.5E-1"), [7, 7, -7, 7, 0.5, 7.5, 700, 0.75]),
        (("1.234", "7"), [1.234, 7]),
        (("1,5", "7", "-,5", "1,25e2"), [1.5, 7, -0.5, 125]),
        (("1,234", "7,0"), [1.234, 7]),
        (("1,234", "7.0"), [1234, 7]),
        (("1,234", "12,345.5", "1,234,567"), [1234, 12345.5, 1234567]),
        (("1.234", "7,5"), [1234, 7.5]),
        (("1.234.567", "1.234", "0,5"), [1234567, 1234, 0.5]),
        (("0,123", "1,234"), [0.123, 1.234]),
        (("1 234", "12\u202f345,5"), None),
        (("1 234", "12 345,5", "7"), [1234, 12345.5, 7]),
        (("1'234'567.5", "0.5"), [1234567.5, 0.5]),
        (("\u22127", "\u22127.5"), [-7, -7.5]),
    ],
)
def test_numbers_are_read_in_one_form(texts: tuple[str, ...], values: list[float] | None):
    if values is None:
        with pytest.raises(MixedNumbers):
            read(*texts)
    else:
        assert read(*texts) == values


@pytest.mark.parametrize(
    ("texts", "wrong", "other"),
    [
        (("1,234", "7"), 0, None),
        (("1,5", "1.5"), 1, 0),
        (("7.0", "1.234,5"), 1, 0),
        (("1,234.5", "1.234.567"), 1, 0),
        (("1,234.5", "1 234.5"), 1, 0),
    ],
)
def test_two_forms_are_refused_at_the_number_that_differs(texts: tuple[str, ...], wrong: int, other: int | None):
    with pytest.raises(MixedNumbers) as refused:
        read(*texts)
    assert (refused.value.place, refused.value.other and refused.value.other[1]) == (wrong, other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1x",
        "0x10",
        "1_000",
        "1,23,4",
        "1,234,5",
        "1.2.3",
        "--1",
        "+-1",
        "inf",
        "nan",
        "1e",
        "e5",
        ".",
        ",",
        "-",
        "$5",
        "5%",
        "１２",
        "1 23",
        "1e99999",
        "9" * 401,
        "1;2",
        "True",
        "1 234 56",
    ],
)
def test_what_is_no_number_is_none(text: str):
    assert read(text, "7.5")[0] is None
    assert NumberForm(",", ".").value(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_is_read_as_python_writes_it(value: float):
    assert read(repr(value)) == [value]
    assert NumberForm(",").value(repr(value).replace(".", ",")) == value


@given(st.integers(min_value=0, max_value=10**15), st.sampled_from([",", ".", " ", "'"]))
def test_groups_of_thousands_do_not_change_a_number(value: int, group: str):
    decimal = "," if group == "." else "."
    assert read(f"{value:,}".replace(",", group) + f"{decimal}5", f"0{decimal}5")[0] == value + 0.5
