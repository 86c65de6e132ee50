"""The format of a column's dates: one for the whole column, accepted only if it is unambiguous."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

_ZONE = r"(?:\s*(?P<zone>Z|z|UTC|GMT|[+-]\d\d:?\d\d|[+-]\d\d))?"
_TIME = rf"(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d+)?)?(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?{_ZONE}"
_WEEKDAY = r"(?:(?:mon|tues?|wed|wednes|thu|thurs|fri|sat|satur|sun)(?:day)?\.?,?\s+)?"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_EPOCH, _SECOND = datetime(1970, 1, 1), timedelta(seconds=1)
_USUAL = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d", re.ASCII)  # Python parses this twice as fast
_PER_SECOND = {9: 1, 10: 1, 12: 10**3, 13: 10**3, 15: 10**6, 16: 10**6, 18: 10**9, 19: 10**9}
_UNITS = {1: "seconds", 10**3: "milliseconds", 10**6: "microseconds", 10**9: "nanoseconds"}


def _pattern(day: str, time: str = rf"(?:(?:[Tt]|,?\s+){_TIME})?") -> re.Pattern[str]:
    return re.compile(day + time, re.ASCII | re.IGNORECASE)


_YEAR_FIRST = _pattern(r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d\d?)(?P=mark)(?P<day>\d\d?)")
_COMPACT = _pattern(
    r"(?P<year>[12]\d{3})(?P<month>\d\d)(?P<day>\d\d)",
    rf"(?:[Tt ]?(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)(?:[.,]\d+)?{_ZONE})?",
)
_YEAR_LAST = _pattern(r"(?P<one>\d\d?)(?P<mark>[-/.])(?P<two>\d\d?)(?P=mark)(?P<year>\d{4})")
_DAY_AND_NAME = _pattern(rf"{_WEEKDAY}(?P<day>\d\d?)[\s.-]+{_MONTH}[\s.,-]+(?P<year>\d{{4}})")
_NAME_AND_DAY = _pattern(rf"{_WEEKDAY}{_MONTH}\.?\s+(?P<day>\d\d?),?\s+(?P<year>\d{{4}})")
_NUMBER = re.compile(r"(?P<whole>\d{9,19})(?:[.,](?P<rest>\d*))?", re.ASCII)
_SERIAL = re.compile(r"[2-8]\d{4}(?:[.,]\d*)?", re.ASCII)
_SHORT_YEAR = re.compile(r"\d\d?[-/.]\d\d?[-/.]\d\d(?!\d).*", re.ASCII)

Parse = Callable[[str], int | None]
"""Seconds since 1970, or None if the text is not a date in this form."""


class MixedDates(Exception):
    """A date, its place, and how it conflicts with the others of its column."""

    def __init__(self, text: str, place: Any, reason: str, other: tuple[str, Any] | None) -> None:
        super().__init__(text)
        self.text, self.place, self.reason, self.other = text, place, reason, other


@dataclass(frozen=True)
class DateForm:
    """A form of dates: its name for the user, and its parser."""

    name: str
    parse: Parse


def date_form(texts: Iterable[tuple[str, Any]]) -> DateForm:
    """The one form of all dates, from (text, place); ignores texts that are not dates.

    MixedDates if there are two forms, or if `02/03/2015` could be two dates and no other date decides.
    """
    found: dict[str, tuple[str, Any]] = {}
    either: tuple[str, Any] | None = None
    for text, place in texts:
        for name in _names(text):
            if name == _EITHER:
                either = either or (text, place)
            else:
                found.setdefault(name, (text, place))
    if len(found) > 1:
        other, (text, place) = list(found.values())[:2]
        first, second = list(found)[:2]
        raise MixedDates(text, place, f"is written as {second}, not as {first} like", other)
    name = next(iter(found), None)
    if either is not None:
        if name is None:
            raise MixedDates(*either, "could have the month first or the day", None)
        if name not in (_MONTH_FIRST, _DAY_FIRST):
            raise MixedDates(*either, f"is not written as {name} like", found[name])
    name = name or _ISO
    return DateForm(name, _PARSERS.get(name) or _epoch_parser(name))


def what_is_wrong(text: str) -> str:
    """Why a text is not a date, as exactly as possible."""
    if _SERIAL.fullmatch(text):
        return "looks like a spreadsheet's number of days: format the column there as 2015-02-18 15:46:59"
    if _SHORT_YEAR.fullmatch(text):
        return "has a year of two digits, which could be year, month or day: write 2015-02-18 15:46:59"
    if (match := _YEAR_FIRST.fullmatch(text)) and match["zone"] and match["year"] in ("0001", "9999"):
        return "is not a date of the years 1 to 9999 in UTC"
    return "is not a date such as 2015-02-18 15:46:59"


_ISO, _DIGITS = "year-month-day", "yyyymmdd"
_MONTH_FIRST, _DAY_FIRST, _EITHER = "month/day/year", "day/month/year", "either"
_NAMED, _NAMED_FIRST = "day, name of the month, year", "name of the month, day, year"


def _names(text: str) -> Iterator[str]:
    """The form of a text; nothing if it is not a date."""
    if _USUAL.fullmatch(text) or _YEAR_FIRST.fullmatch(text):
        yield _ISO
    elif match := _YEAR_LAST.fullmatch(text):
        one, two = int(match["one"]), int(match["two"])
        if one <= 12 or two <= 12:
            yield _EITHER if one <= 12 and two <= 12 else _DAY_FIRST if one > 12 else _MONTH_FIRST
    elif _COMPACT.fullmatch(text):
        yield _DIGITS
    elif match := _NUMBER.fullmatch(text):
        per_second = _PER_SECOND.get(len(match["whole"]))
        if per_second:
            yield f"{_UNITS[per_second]} since 1970"
    elif _DAY_AND_NAME.fullmatch(text):
        yield _NAMED
    elif _NAME_AND_DAY.fullmatch(text):
        yield _NAMED_FIRST


def _parser(pattern: re.Pattern[str], month: str, day: str) -> Parse:
    def parse(text: str) -> int | None:
        if _USUAL.fullmatch(text) and pattern is _YEAR_FIRST:
            try:
                return (datetime.fromisoformat(text) - _EPOCH) // _SECOND
            except ValueError:
                return None
        match = pattern.fullmatch(text)
        if match is None:
            return None
        written = match[month]
        number = int(written) if written.isdecimal() else _MONTHS.index(written[:3].lower()) + 1
        return _seconds(match, number, int(match[day]))

    return parse


def _seconds(match: re.Match[str], month: int, day: int) -> int | None:
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    half = match.groupdict().get("half")
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half in "Pp" else 0)
    try:
        moment = datetime(int(match["year"]), month, day, hour, minute, second)
        zone = match["zone"]
        if zone and zone[0] in "+-":
            hours, minutes = int(zone[1:3]), int(zone[-2:]) if len(zone) > 3 else 0
            if hours > 23 or minutes > 59:
                return None
            moment -= (1 if zone[0] == "+" else -1) * timedelta(hours=hours, minutes=minutes)
    except (ValueError, OverflowError):
        return None
    return (moment - _EPOCH) // _SECOND


def _epoch_parser(name: str) -> Parse:
    per_second = next(number for number, unit in _UNITS.items() if name.startswith(unit))

    def parse(text: str) -> int | None:
        match = _NUMBER.fullmatch(text)
        if match is None or _PER_SECOND.get(len(match["whole"])) != per_second:
            return None
        return int(match["whole"]) // per_second

    return parse


_PARSERS = {
    _ISO: _parser(_YEAR_FIRST, "month", "day"),
    _DIGITS: _parser(_COMPACT, "month", "day"),
    _MONTH_FIRST: _parser(_YEAR_LAST, "one", "two"),
    _DAY_FIRST: _parser(_YEAR_LAST, "two", "one"),
    _NAMED: _parser(_DAY_AND_NAME, "name", "day"),
    _NAMED_FIRST: _parser(_NAME_AND_DAY, "name", "day"),
}
