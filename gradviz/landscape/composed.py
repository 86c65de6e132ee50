"""The rows of a composed minibatch by their numbers, as one text for links, command lines, messages and files."""

import re
from collections.abc import Iterable, Sequence
from operator import index
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from gradviz.errors import UserError, shown

MAX_ROWS = 1024
"""As many as a minibatch may have."""

MAX_LETTERS = 10 * MAX_ROWS

_TOKEN = re.compile(r"\s*([0-9]{1,9})(?:-([0-9]{1,9}))?\s*", re.ASCII)
_FEWEST_OF_A_RANGE = 3
PATTERN = r"^ *[0-9]{1,9}(-[0-9]{1,9})? *(, *[0-9]{1,9}(-[0-9]{1,9})? *){0,1023}$"


def rows_text(rows: Sequence[int]) -> str:
    """Such as `3,17,20-24`: in their order, where three or more neighbours that ascend are one range."""
    parts, at = [], 0
    while at < len(rows):
        end = at + 1
        while end < len(rows) and rows[end] == rows[end - 1] + 1:
            end += 1
        if end - at >= _FEWEST_OF_A_RANGE:
            parts.append(f"{rows[at]}-{rows[end - 1]}")
        else:
            parts += map(str, rows[at:end])
        at = end
    return ",".join(parts)


def rows_of(text: str) -> tuple[int, ...]:
    """The inverse of `rows_text`, which also reads spaces and shorter ranges; `UserError` as `checked_rows`, and for
    what is no list of rows."""
    if not text.strip():
        return checked_rows(())
    if len(text) > MAX_LETTERS:
        raise UserError(f"`rows` must be a text of at most {MAX_LETTERS} letters, got {len(text)}.")
    rows: list[int] = []
    for part in text.split(","):
        found = _TOKEN.fullmatch(part)
        if found is None:
            raise _no_rows(part)
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise UserError(f"`rows` must count upwards within a range such as 20-24, got {part.strip()}.")
        if len(rows) + last - first + 1 > MAX_ROWS:
            raise _wrong_number(f"more: {shown(text)}")
        rows += range(first, last + 1)
    return checked_rows(rows)


def checked_rows(rows: Iterable[object]) -> tuple[int, ...]:
    """The rows, if they are whole numbers that are not negative, each of them once, and 1 to 1024; else `UserError`."""
    whole = tuple(map(_number, rows))
    if not 1 <= len(whole) <= MAX_ROWS:
        raise _wrong_number(str(len(whole) or "none"))
    seen: set[int] = set()
    for row in whole:
        if row in seen:
            raise UserError(f"`rows` must name each row once, got {row} more than once.")
        seen.add(row)
    return whole


def _number(row: Any) -> int:
    try:
        number = -1 if isinstance(row, bool) else index(row)
    except TypeError:
        number = -1
    if not 0 <= number < 10**9:
        raise UserError(f"`rows` must be whole numbers, counted from 0, got {shown(repr(row))}.")
    return number


def _wrong_number(given: str) -> UserError:
    return UserError(f"`rows` must name 1 to {MAX_ROWS} rows, got {given}.")


def _no_rows(given: object) -> UserError:
    return UserError(f"`rows` must be row numbers such as 3,17,20-24, got {shown(repr(given))}.")


def _read(value: object) -> object:
    if isinstance(value, str):
        return rows_of(value)
    if isinstance(value, list | tuple | range):
        return checked_rows(value)
    if value is None:
        return None
    raise _no_rows(value)


RowNumbers = Annotated[
    tuple[int, ...],
    BeforeValidator(_read),
    PlainSerializer(rows_text, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": PATTERN, "maxLength": MAX_LETTERS, "examples": ["3,17,20-24"]},
    ),
]
"""Rows as a tuple of numbers, read from a list too, or from their text, which they are written as."""
