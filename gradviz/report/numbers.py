"""Numbers as text: few digits, the interval beside them, the unit behind."""

import math
from collections.abc import Sequence

from gradviz.evidence.values import Estimate
from gradviz.numbers import signed

NOTHING = "–"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, unit: str = "") -> str:
    """Three significant digits; whole numbers in full; very small and very large ones as powers of ten."""
    if value is None or not math.isfinite(value):
        return NOTHING
    whole = value == int(value) and abs(value) < 1e9
    return signed(f"{int(value):,}") + _spaced(unit) if whole else _digits(value) + _spaced(unit)


def percent(value: float | None) -> str:
    return NOTHING if value is None else signed(f"{100 * value:.0f}\u00a0%")


def quantity(value: float | None, unit: str = "") -> str:
    """A number with its unit; a share as per cent if that is its unit."""
    return percent(value) if unit == "%" else number(value, unit)


def estimate(value: Estimate, unit: str = "") -> str:
    """`0.97 [0.94, 0.99]`: the value and its 95 % interval, if it has one, with the unit behind."""
    if value.value is None:
        return NOTHING
    if value.low is None or value.high is None:
        return quantity(value.value, unit)
    middle, low, high = _row([value.value, value.low, value.high], unit)
    return f"{middle} [{low}, {high}]{_spaced(unit)}"


def spread(values: Sequence[float | None], unit: str = "") -> str:
    """`0.95 (0.93 to 0.97)`: the mean over seeds, the smallest and the largest."""
    there = [value for value in values if value is not None]
    if not there:
        return NOTHING
    if min(there) == max(there):
        return quantity(there[0], unit)
    mean, low, high = _row([sum(there) / len(there), min(there), max(there)], unit)
    return f"{mean} ({low} to {high}){_spaced(unit)}"


def _row(values: Sequence[float], unit: str) -> list[str]:
    """Numbers side by side: all in full if all are whole, else all with three digits."""
    if unit == "%":
        return [percent(value).removesuffix("\u00a0%") for value in values]
    return [number(value) for value in values] if all(value == int(value) for value in values) else _all_digits(values)


def _all_digits(values: Sequence[float]) -> list[str]:
    return [_digits(value) for value in values]


def _digits(value: float) -> str:
    """Three significant digits of a finite number."""
    rounded = float(f"{value:.2e}")
    if rounded == 0:
        return "0"
    exponent = math.floor(math.log10(abs(rounded)))
    if -3 <= exponent < 5:
        return signed(f"{rounded:,.{max(0, 2 - exponent)}f}")
    mantissa = signed(f"{rounded / 10.0**exponent:.2f}")
    return f"{mantissa} × 10{str(exponent).translate(_SUPERSCRIPTS)}"


def _spaced(unit: str) -> str:
    return unit if unit in ("", "°") else f"\u00a0{unit}"
