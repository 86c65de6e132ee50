"""The format of a table's numbers: decimal point or comma, and the separator of thousands; one for the whole table."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_EXPONENT = r"(?:[eE][+-]?\d{1,4})?"
_POINT = re.compile(rf"[+-]?(?:\d+\.?\d*|\.\d+){_EXPONENT}", re.ASCII)
_COMMA = re.compile(rf"[+-]?(?:\d+,\d*|,\d+){_EXPONENT}", re.ASCII)
_SPACES = " \u00a0\u2009\u202f"
_GROUPED = re.compile(
    rf"[+-]?[1-9]\d{{0,2}}(?P<group>[.,'’{_SPACES}])\d{{3}}(?:(?P=group)\d{{3}})*(?P<rest>[.,]\d*)?", re.ASCII
)
_GROUPS = {",": "commas", ".": "points", "'": "apostrophes", "’": "apostrophes"}
_LONGEST = 400  # the digits of the largest float64, and some


class MixedNumbers(Exception):
    """A number, its place, and another number in a different form (None: the number itself is ambiguous)."""

    def __init__(self, text: str, place: Any, other: tuple[str, Any] | None) -> None:
        super().__init__(text)
        self.text, self.place, self.other = text, place, other


@dataclass(frozen=True)
class NumberForm:
    """The decimal separator, and the separator of thousands ("" if there is none)."""

    decimal: str = "."
    groups: str = ""

    @property
    def said(self) -> tuple[str, ...]:
        said = ["decimal commas"] if self.decimal == "," else []
        if self.groups:
            said.append(f"thousands grouped by {_GROUPS.get(self.groups, 'spaces')}")
        return tuple(said)

    def value(self, text: str) -> float | None:
        """The number, or None if the text is not a number in this form."""
        if len(text) > _LONGEST:
            return None
        text = text.replace("\u2212", "-")
        if self.groups and (match := _GROUPED.fullmatch(text)) and match["group"] == self.groups:
            text = text.replace(self.groups, "")
        if self.decimal == ",":
            if "." in text:
                return None
            text = text.replace(",", ".", 1)
        return float(text) if _POINT.fullmatch(text) else None


def number_form(texts: Iterable[tuple[str, Any]]) -> NumberForm:
    """The one form of all numbers, from (text, place); ignores texts that are not numbers.

    MixedNumbers if two forms exclude each other, or if `1,234` could be either and no other number decides.
    """
    decimals: dict[str, tuple[str, Any]] = {}
    groups: dict[str, tuple[str, Any]] = {}
    either: dict[str, tuple[str, Any]] = {}  # one group of three digits: 1,234 or 1.234
    for text, place in texts:
        if len(text) > _LONGEST or (text.isdecimal() and text.isascii()):
            continue
        grouped = _GROUPED.fullmatch(text)
        if grouped is None:
            mark = "." if "." in text and _POINT.fullmatch(text) else "," if _COMMA.fullmatch(text) else ""
            if mark:
                decimals.setdefault(mark, (text, place))
            continue
        group, rest = grouped["group"], grouped["rest"]
        if rest and rest[0] == group:
            continue  # 1,234,5 is not a number
        if rest:
            decimals.setdefault(rest[0], (text, place))
        if rest or group not in ".," or text.count(group) > 1:
            groups.setdefault(group, (text, place))
        else:
            either.setdefault(group, (text, place))
    for group, decimal in ((".", ","), (",", ".")):
        if group in groups:
            decimals.setdefault(decimal, groups[group])
    for found in (decimals, groups):
        if len(found) > 1:
            other, (text, place) = list(found.values())[:2]
            raise MixedNumbers(text, place, other)
    if "," in either and not decimals:
        raise MixedNumbers(*either[","], None)
    decimal = next(iter(decimals), ".")
    group = next(iter(groups), "," if decimal == "." else ".")
    return NumberForm(decimal, group if group in groups or group in either else "")
