"""Numbers in sentences and labels, for people; assets/pure/formats.js says shares alike to the browser, and
tests/fixtures/shares.json holds both. What programs read keeps Python's own form."""

import math
import re

MINUS = "−"

ALL = 0.9995
"""A larger share is written as 100 %."""

_EXPONENT = re.compile(r"e([+-])0*(\d)")


def number(value: float, digits: int = 4) -> str:
    """As few digits as are needed, and at most so many: `0.25`, `−636.3`, `1.2e−5`."""
    return signed(_EXPONENT.sub(r"e\1\2", f"{value:.{digits}g}")) if value else "0"


def signed(text: str) -> str:
    """A number as Python writes it, with the sign for minus."""
    return text.replace("-", MINUS)


def percent(share: float) -> str:
    """A share in whole per cent; what is not none and not all never looks so."""
    if 0 < share < 0.005:
        return "<1 %"
    if 0.995 <= share < 1:
        return ">99 %"
    return f"{math.floor(100 * share + 0.5)} %"


def percent_of(share: float) -> str:
    """A share with two digits, however small: 0.031 % is not 0 %."""
    if share > ALL:
        return "100 %"
    if not 0 < share < 0.1:
        return percent(share)
    two = f"{100 * share:#.2g}" if share >= 1e-5 else f"{100 * share:.1e}"
    return signed(_EXPONENT.sub(r"e\1\2", two.rstrip("."))) + " %"
