"""Comparisons of numbers that may be missing: yes, no, or open (None). A missing number never counts as a no."""

import math
from collections.abc import Iterable, Sequence

from gradviz.evidence import rules
from gradviz.evidence.measurements import Null
from gradviz.evidence.values import Estimate
from gradviz.evidence.verdict import Figure, Kind, Side, Threshold
from gradviz.numbers import number, percent


def at_least(value: float | None, limit: float | None) -> bool | None:
    return None if value is None or limit is None or math.isnan(value + limit) else value >= limit


def below(value: float | None, limit: float | None) -> bool | None:
    return None if value is None or limit is None or math.isnan(value + limit) else value < limit


def is_rough(angle: float | None, control: float | None) -> bool | None:
    """Whether neighbouring arrows differ by enough degrees, and by enough times the control's angle."""
    enough = None if control is None else rules.ROUGH_RATIO * control
    return every([at_least(angle, rules.LEAST_ANGLE), at_least(angle, enough)])


def rough_words(control: str) -> str:
    """What `is_rough` asks, after "neighbouring arrows differ"."""
    return f"by at least {rules.ROUGH_RATIO:g} times the angle {control}, and by at least {rules.LEAST_ANGLE:g}°"


def rough_line(control: float | None, words: str) -> tuple[Threshold, ...]:
    """What `is_rough` asks, as a line on the angle's bar; none without a control."""
    if control is None:
        return ()
    enough = rules.ROUGH_RATIO * control
    what = f"{rules.ROUGH_RATIO:g} × {words}" if enough >= rules.LEAST_ANGLE else ""
    return line_at(max(enough, rules.LEAST_ANGLE), "at least", what)


def line_at(value: float | None, side: Side, what: str) -> tuple[Threshold, ...]:
    """A line that another number draws; none where that is missing."""
    return () if value is None or math.isnan(value) else (Threshold(value=value, side=side, what=what),)


def every(answers: Iterable[bool | None]) -> bool | None:
    """No if any answer is no; open if none is no and one is open, or if there are none; yes otherwise."""
    given = list(answers)
    return False if False in given else None if None in given or not given else True


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """Yes if any answer is yes; open if none is yes and one is open, or if there are none; no otherwise."""
    given = list(answers)
    return True if True in given else None if None in given or not given else False


def largest(values: Iterable[float | None]) -> float | None:
    """The largest of the values that are not missing; None if all are."""
    return max((value for value in values if value is not None and not math.isnan(value)), default=None)


def kind_if(holds: bool | None, otherwise: Kind = Kind.NOT) -> Kind:
    return Kind.UNTOLD if holds is None else Kind.HOLDS if holds else otherwise


def kind_beside_random(nulls: Sequence[Null]) -> Kind:
    """Whether minibatches differ at all and, in every one of these parts, more than random rows make them."""
    differ = any_of(at_least(rules.LEAST_APART, null.measured_resultant.value) for null in nulls)
    if differ is False:
        return Kind.NOT
    beyond = every(below(null.measured_resultant.value, null.random_resultant.low) for null in nulls)
    return Kind.UNTOLD if differ is None else kind_if(beyond, Kind.SAMPLING)


def kind_of_most(answers: Sequence[bool | None]) -> Kind:
    """Holds at most checkpoints, or at some; cannot be told where an open answer would decide."""

    def of(num: int) -> Kind:
        return Kind.HOLDS if 2 * num > len(answers) else Kind.IN_PART if num else Kind.NOT

    least, most = answers.count(True), len(answers) - answers.count(False)
    return of(least) if of(least) == of(most) else Kind.UNTOLD


def noted(by: str, kind: Kind, own: Kind) -> str:
    """Whether the verdict is the same by another choice."""
    return f"By {by} the verdict is the same." if kind == own else f"By {by} it would be: {kind}."


def why_untold(figures: Sequence[Figure]) -> str:
    """Says which numbers a verdict lacks that cannot be told."""
    names = [figure.name for figure in figures if figure.estimate.value is None]
    what = ", ".join(names) or "a number that the rule needs"
    return (
        f"Cannot be told: {what} cannot be measured here. R, cosines, pairs and angles need at least two gradients that"
        " are not zero; R² needs targets that differ."
    )


def told(found: Estimate | float | None, unit: str = "") -> str:
    """A number within a sentence: `0.97`, `50°`, `31 %`; "none" where there is none."""
    value = found.value if isinstance(found, Estimate) else found
    if value is None or math.isnan(value):
        return "none"
    return percent(value) if unit == "%" else number(value, 3) + unit


def listed(parts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`; what is the same is said once."""
    *first, last = dict.fromkeys(parts) or [""]
    return f"{', '.join(first)} and {last}" if first else last
