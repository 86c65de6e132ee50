"""Rows as characters."""

import string
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradviz.errors import UserError
from gradviz.experiment.studies.deliveries.encoding import decode, encode, number_text, one_hot, text_codes
from gradviz.experiment.studies.deliveries.fields import CHARACTERS, FIELDS, NUM_CHARACTERS, NUM_INPUTS
from gradviz.experiment.studies.deliveries.synthetic import synthetic_table


def one_row(**changes: object) -> pd.DataFrame:
    values = {field.column: 1.0 for field in FIELDS} | {"created_at": np.datetime64("2015-02-18T15:46:59")}
    return pd.DataFrame({column: [value] for column, value in (values | changes).items()})


def field_text(column: str, value: object) -> str:
    text, start = decode(encode(one_row(**{column: value})))[0], 0
    for field in FIELDS:
        if field.column == column:
            return text[start : start + field.width]
        start += field.width
    raise AssertionError(column)


def slow_encoding(table: Any) -> list[str]:
    """The obvious reference: one row and one field after the other."""
    rows = []
    for _, row in table.iterrows():
        text = ""
        for field in FIELDS:
            value = row[field.column]
            if pd.isna(value):
                cell = ""
            elif field.is_date:
                cell = pd.Timestamp(value).strftime("%y%m%d %H:%M:%S")
            else:
                cell = str(int(value)) if value == int(value) else repr(float(value))
            text += cell[: field.width].ljust(field.width, "_")
        rows.append(text)
    return rows


def test_nine_fields_of_45_characters_give_675_inputs():
    assert [(field.name, field.width) for field in FIELDS] == [
        ("Store Number", 4),
        ("Market", 1),
        ("Order Made", 15),
        ("Cost", 5),
        ("Total Deliverers", 4),
        ("Busy Deliverers", 4),
        ("Total Orders", 4),
        ("Estimated Transit Time", 4),
        ("Linear Estimation", 4),
    ]
    assert (CHARACTERS, NUM_CHARACTERS, NUM_INPUTS) == ("0123456789. -:_", 45, 675)


def test_a_row_of_the_real_table_is_written_as_documented():
    row = one_row(
        store_id=4810,
        market_id=4.0,
        subtotal=6985,
        total_onshift_dashers=2.0,
        total_busy_dashers=-1.0,
        total_outstanding_orders=np.nan,
        estimated_store_to_consumer_driving_duration=167.0,
        linear_ests=2204.0,
    )
    assert decode(encode(row)) == ["48104150218 15:46:596985_2___-1______167_2204"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7.0, "7____"),
        (3.25, "3.25_"),
        (-5.0, "-5___"),
        (-0.0, "0____"),
        (0.1, "0.1__"),
        (1e-9, "0.000"),
        (123456.0, "12345"),
        (1e20, "10000"),
        (np.nan, "_____"),
    ],
)
def test_numbers_are_plain_cut_on_the_right_and_padded(value: float, text: str):
    assert field_text("subtotal", value) == text


def test_a_missing_date_is_all_padding():
    assert field_text("created_at", np.datetime64("NaT")) == "_" * 15


def test_the_fast_encoding_is_that_of_one_row_after_the_other():
    table = synthetic_table(500, seed=3)
    table["subtotal"] += 0.25
    assert decode(encode(table)) == slow_encoding(table)


def test_integer_columns_are_encoded_as_float_columns_are():
    table = synthetic_table(50, seed=1).dropna()
    whole = table.astype({field.column: "int64" for field in FIELDS if not field.is_date})
    assert np.array_equal(encode(whole), encode(table))


def test_an_infinite_value_is_refused_with_its_column():
    with pytest.raises(UserError, match=r"column 'subtotal'.* infinite"):
        encode(one_row(subtotal=np.inf))


def test_a_character_outside_the_fifteen_is_refused_by_name():
    with pytest.raises(UserError, match=r"character 'x' of '1x__' cannot be encoded"):
        text_codes(["12", "1x"], 4)
    with pytest.raises(UserError, match="character 'é'"):
        text_codes(["é"], 1)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_number_text_is_the_number_in_the_fifteen_characters(value: float):
    text = number_text(value)
    assert set(text) <= set(CHARACTERS) - set("_ :")
    assert float(text) == value


@given(st.lists(st.text(alphabet="0123456789. -:", max_size=6), min_size=1, max_size=5))
def test_decode_is_the_inverse_of_text_codes(texts: list[str]):
    assert decode(text_codes(texts, 6)) == [text.ljust(6, "_") for text in texts]


def test_one_hot_has_one_one_for_each_character():
    codes = encode(synthetic_table(20, seed=0))
    inputs = one_hot(codes)
    assert (inputs.shape, inputs.dtype) == ((20, 675), torch.float32)
    assert torch.equal(inputs.reshape(20, 45, 15).argmax(-1), torch.as_tensor(codes).long())
    assert torch.equal(inputs.sum(1), torch.full((20,), 45.0))
    assert torch.equal(one_hot(torch.as_tensor(codes)), inputs)


def test_every_code_is_a_character():
    assert not set(string.ascii_letters) & set(CHARACTERS)
    assert encode(synthetic_table(1000, seed=5)).max() < len(CHARACTERS)
