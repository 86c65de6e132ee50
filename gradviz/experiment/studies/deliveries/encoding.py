"""Rows as characters: nine fields of fixed width over fifteen characters, one-hot encoded into 675 inputs.

Numbers are written plainly: whole numbers without decimal point, others with all their decimals, never with an
exponent. Dates are written `YYMMDD HH:MM:SS`, which fills 15 characters exactly and loses only the century
(`2015-02-18 15:46:59` becomes `150218 15:46:59`; cutting it would lose the minutes instead). Values longer than their
field are cut on the right, shorter ones are padded with `_`, and a missing value is all `_`.
"""

# Shape suffixes: R = rows of the table, C = 45 characters of a row, I = 675 inputs.

from __future__ import annotations

from decimal import Decimal
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch

from gradviz.errors import UserError
from gradviz.experiment.studies.deliveries.fields import CHARACTERS, FIELDS, PADDING, Field

if TYPE_CHECKING:
    import pandas as pd

# The code of each byte; 255 marks bytes that are not among the fifteen characters.
_CODE_OF_BYTE = np.full(256, 255, dtype=np.uint8)
_CODE_OF_BYTE[np.frombuffer(CHARACTERS.encode("ascii"), dtype=np.uint8)] = np.arange(len(CHARACTERS), dtype=np.uint8)

_PLACES = tuple(slice(*ends) for ends in pairwise(accumulate((field.width for field in FIELDS), initial=0)))

# YYMMDD HH:MM:SS, picked from numpy's YYYY-MM-DDTHH:MM:SS (position 10, the "T", is written as a space).
_DATE_POSITIONS = (2, 3, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)


def encode(table: pd.DataFrame) -> np.ndarray:
    """The characters of every row as codes (R, 45) uint8: positions in `CHARACTERS`, fields in the order of `FIELDS`.

    `table` has the columns of `FIELDS`: numbers, and dates in the column of Order Made. 200,000 rows take half a
    second.
    """
    columns = [
        _date_codes(table[field.column].to_numpy(), field)
        if field.is_date
        else _number_codes(table[field.column].to_numpy(), field)
        for field in FIELDS
    ]
    return np.concatenate(columns, axis=1)


def decode(codes_RC: np.ndarray) -> list[str]:
    """The 45 characters of each row as text: the inverse of `encode`, except for cut characters."""
    characters = np.frombuffer(CHARACTERS.encode("ascii"), dtype=np.uint8)[np.asarray(codes_RC)]
    return [bytes(row).decode("ascii") for row in characters]


def field_texts(codes_RC: np.ndarray) -> list[dict[str, str]]:
    """Each field of each row by its name, as the network reads it, without the padding; "" for a missing value."""
    texts = decode(codes_RC)
    return [
        {field.name: text[place].rstrip(PADDING) for field, place in zip(FIELDS, _PLACES, strict=True)}
        for text in texts
    ]


def one_hot(codes_RC: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Inputs (R, 675) float32: each character as fifteen zeros and ones. Costs 2.7 kB per row."""
    codes = torch.as_tensor(codes_RC)
    inputs = torch.zeros(*codes.shape, len(CHARACTERS), device=codes.device)
    inputs.scatter_(-1, codes.long().unsqueeze(-1), 1.0)
    return inputs.flatten(-2)


def text_codes(texts: list[str], width: int) -> np.ndarray:
    """Codes (len(texts), width) of texts cut or padded to `width`; UserError for a character outside the fifteen."""
    cells = [text[:width].ljust(width, PADDING) for text in texts]
    codes = _CODE_OF_BYTE[np.frombuffer("".join(cells).encode("ascii", "replace"), dtype=np.uint8)]
    if (codes == 255).any():
        cell = cells[int(np.flatnonzero(codes == 255)[0]) // width]
        bad = next(character for character in cell if character not in CHARACTERS)
        raise UserError(f"The character {bad!r} of {cell!r} cannot be encoded: allowed are {CHARACTERS!r}.")
    return codes.reshape(-1, width)


def number_text(value: float) -> str:
    """The text of a number: `7` for 7.0, `3.25`, `0.00001`; never an exponent; "" for a missing value."""
    if np.isnan(value):
        return ""
    if value == int(value):
        return str(int(value))
    return format(Decimal(repr(float(value))), "f")


def _number_codes(values_R: np.ndarray, field: Field) -> np.ndarray:
    values_R = values_R.astype(np.float64)
    if np.isinf(values_R).any():
        raise UserError(f"{field.name} (column {field.column!r}) has an infinite value: numbers must be finite.")
    # A column has few different values, so Python formats each only once.
    unique, where_R = np.unique(values_R, return_inverse=True)
    return text_codes([number_text(value) for value in unique], field.width)[where_R]


def _date_codes(values_R: np.ndarray, field: Field) -> np.ndarray:
    seconds = values_R.astype("datetime64[s]")
    missing = np.isnat(seconds)
    texts = np.datetime_as_string(np.where(missing, np.datetime64(0, "s"), seconds), unit="s").astype("S19")
    characters = np.frombuffer(texts.tobytes(), dtype=np.uint8).reshape(-1, 19)[:, _DATE_POSITIONS].copy()
    characters[:, _DATE_POSITIONS.index(10)] = ord(" ")
    characters[missing] = ord(PADDING)
    assert characters.shape[1] == field.width
    return _CODE_OF_BYTE[characters]
