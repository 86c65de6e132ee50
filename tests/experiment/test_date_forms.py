"""Dates in each form that cannot mean two of them, and no others."""

from datetime import datetime

import pytest

from gradviz.experiment.studies.deliveries.date_forms import MixedDates, date_form, what_is_wrong

MOMENTS = [datetime(2015, 2, 18 + n, 10 + n, 10 + n, 20 + n) for n in range(3)]
SECONDS = [int((moment - datetime(1970, 1, 1)).total_seconds()) for moment in MOMENTS]
ISO = "year-month-day"


def read(*texts: str) -> tuple[str, list[int | None]]:
    form = date_form((text, place) for place, text in enumerate(texts))
    return form.name, [form.parse(text) for text in texts]


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("%Y-%m-%d %H:%M:%S", ISO),
        ("%Y-%m-%dT%H:%M:%S", ISO),
        ("%Y-%m-%dT%H:%M:%SZ", ISO),
        ("%Y-%m-%d %H:%M:%S UTC", ISO),
        ("%Y-%m-%d %H:%M:%S.75+00:00", ISO),
        ("%Y/%m/%d %H:%M:%S", ISO),
        ("%Y.%m.%d %I:%M:%S %p", ISO),
        ("%Y%m%d%H%M%S", "yyyymmdd"),
        ("%Y%m%dT%H%M%SZ", "yyyymmdd"),
        ("%m/%d/%Y %H:%M:%S", "month/day/year"),
        ("%m/%d/%Y, %I:%M:%S %p", "month/day/year"),
        ("%m-%d-%Y %I:%M:%S%p", "month/day/year"),
        ("%d.%m.%Y %H:%M:%S", "day/month/year"),
        ("%d/%m/%Y %H:%M:%S", "day/month/year"),
        ("%d %b %Y %H:%M:%S", "day, name of the month, year"),
        ("%d-%B-%Y %H:%M:%S", "day, name of the month, year"),
        ("%a, %d %b %Y %H:%M:%S GMT", "day, name of the month, year"),
        ("%A, %B %d, %Y %H:%M:%S", "name of the month, day, year"),
    ],
)
def test_a_date_is_the_same_in_each_form(pattern: str, name: str):
    assert read(*(moment.strftime(pattern) for moment in MOMENTS)) == (name, SECONDS)


@pytest.mark.parametrize(
    ("write", "unit"),
    [
        ("{}", "seconds"),
        ("{}.0", "seconds"),
        ("{}.75", "seconds"),
        ("{}000", "milliseconds"),
        ("{}000000", "microseconds"),
        ("{}000000000", "nanoseconds"),
    ],
)
def test_a_number_of_seconds_is_known_by_its_digits(write: str, unit: str):
    assert read(*(write.format(seconds) for seconds in SECONDS)) == (f"{unit} since 1970", SECONDS)


def test_a_date_is_taken_to_utc_and_a_day_alone_is_midnight():
    texts = (
        "2015-02-18T15:46:59.7+02:00",
        "2015-02-18",
        "2015-2-8 5:46",
        "2015-02-18 00:10 -0130",
        "1960-01-01T00:00Z",
    )
    _, seconds = read(*texts)
    assert [datetime(1970, 1, 1).fromtimestamp(second or 0).year for second in seconds] == [
        2015,
        2015,
        2015,
        2015,
        1960,
    ]
    assert [second % 86400 for second in seconds if second is not None] == [49619, 0, 20760, 6000, 0]


def test_one_date_that_cannot_be_two_decides_for_its_column():
    assert read("2/3/2015", "2/18/2015") == ("month/day/year", [1422921600, 1424217600])
    assert read("2/3/2015", "18/2/2015") == ("day/month/year", [1425254400, 1424217600])


@pytest.mark.parametrize(
    ("texts", "wrong", "reason"),
    [
        (("2/3/2015", "4/5/2015"), 0, "could have the month first or the day"),
        (("3.4.2015",), 0, "could have the month first or the day"),
        (("2/18/2015", "18/2/2015"), 1, "is written as day/month/year, not as month/day/year like"),
        (("2015-02-18", "2/18/2015", "2/3/2015"), 1, "is written as month/day/year, not as year-month-day like"),
        (("2015-02-18", "2/3/2015"), 1, "is not written as year-month-day like"),
        (("1424274419", "1424274419000"), 1, "is written as milliseconds since 1970, not as seconds since 1970 like"),
        (("20150218", "2015-02-18"), 1, "is written as year-month-day, not as yyyymmdd like"),
    ],
)
def test_a_column_in_two_forms_is_refused_at_the_date_that_differs(texts: tuple[str, ...], wrong: int, reason: str):
    with pytest.raises(MixedDates) as refused:
        read(*texts)
    assert (refused.value.place, refused.value.reason) == (wrong, reason)


@pytest.mark.parametrize(
    "text",
    [
        "now",
        "today",
        "2015",
        "2015-02",
        "2015Q1",
        "2015-W08-3",
        "2015-049",
        "20150230",
        "2015-02-30",
        "14242744190",
        "2/18/2015 13:00 PM",
        "2/18/2015 0:30 am",
        "13/32/2015",
        "32 Jan 2015",
        "18 Foo 2015",
        "2015-02-18 24:00:00",
        "2015-02-18 10:60",
        "2015-02-18 10:00 PST",
        "2015-02-18 10:00+24:00",
        "٢٠١٥-٠٢-١٨",
        "12015-02-18",
        "-2015-02-18",
        "9999-12-31 23:59:59-00:01",
        "0001-01-01 00:00+00:01",
        "99999999999999999999",
        "1e9",
        "-1424274419",
        "",
    ],
)
def test_what_is_no_date_in_any_form_is_none(text: str):
    assert read(text)[1] == [None]
    assert what_is_wrong(text)


def test_dates_of_the_first_and_the_last_year_are_dates():
    assert read("0001-01-01 00:00:00Z", "9999-12-31 23:59:59")[1] == [-62135596800, 253402300799]
