"""The claim on composition, tested where random minibatches cannot: on minibatches of chosen rows."""

import math
from collections.abc import Iterator, Sequence

from gradviz.evidence import rules
from gradviz.evidence.claims.claim import Beside, Claim, Decision
from gradviz.evidence.controls import ChosenRows
from gradviz.evidence.deciding import any_of, at_least, every, kind_if, told
from gradviz.evidence.figures import DIFFERS, exact
from gradviz.evidence.picturing import line
from gradviz.evidence.readings import CHOSEN, Chosen
from gradviz.evidence.verdict import SHARE, Chart, Figure, Kind, Mark, Picture, Shown, Threshold
from gradviz.landscape.parameters import default_pair
from gradviz.landscape.request import LandscapeRequest


def _differs(found: ChosenRows) -> bool | None:
    return every(
        [
            at_least(rules.LEAST_APART, found.resultant.value),
            at_least(found.sensitivity.low, rules.CHOSEN_RATIO),
        ]
    )


def _chosen(chosen: Chosen) -> Decision:
    whole = [each for each in chosen.least_balanced if each.scope == "model"]
    kind = kind_if(any_of(map(_differs, whole)))
    drawn = [each for each in chosen.drawn if each.scope == "model"]
    figures = (*_figures(whole, "signs least balanced"), *_figures(drawn, "signs most balanced"))
    return Decision(kind, figures, by=_by(whole), picture=_picture(whole) if whole else None)


def _by(found: Sequence[ChosenRows]) -> str:
    """The composition that comes nearest to the rule, or passes it."""
    known = [each for each in found if each.sensitivity.low is not None and each.resultant.value is not None]
    if not known:
        return ""
    most = max(known, key=lambda each: (_differs(each) is True, each.sensitivity.low or 0.0))
    return (
        f"sorted by {most.by}, R is {told(most.resultant)} and 1 − R {told(most.sensitivity)} times that of random"
        f" rows, at least {told(most.sensitivity.low)} times by its lower end, and {rules.CHOSEN_RATIO:g} is asked"
    )


def _picture(found: Sequence[ChosenRows]) -> Picture:
    places, first = range(len(found)), found[0]
    chart = Chart(
        x_title="training rows sorted by",
        y_title="R, all parameters",
        lines=(
            line("random rows", places, [each.random_resultant for each in found], "null"),
            line("chosen rows", places, [each.resultant for each in found]),
        ),
        range=(_below(found), 1.0),
        threshold=DIFFERS,
        ticks=tuple(each.by for each in found),
    )
    x, y = default_pair(rules.LAYERS[0])
    view = LandscapeRequest(x=x, y=y, run=first.run, epoch=first.epoch, minibatch_size=first.minibatch_size)
    caption = (
        f"R of {first.num_minibatches} minibatches of chosen rows at epoch {first.epoch}, beside that of random rows"
        " with the middle 95 % of their draws. The link shows the run's own, random minibatches."
    )
    return Picture(
        kind="chart", caption=caption, chart=chart, shown=Shown(view="minibatches", request=view, part="model")
    )


def _below(found: Sequence[ChosenRows]) -> float:
    """A round number below every R of them."""
    ends = [exact(end).value for each in found for end in (each.resultant.value, each.random_resultant.low)]
    every = [end for end in ends if end is not None]
    return max(0.0, math.floor(10 * min(every, default=0.0) - 0.5) / 10)


def _figures(found: Sequence[ChosenRows], where: str) -> Iterator[Figure]:
    """R of random rows and of each composition, then how much farther from 1 the latter is."""
    if not found:
        return
    first = found[0]
    sample = f"epoch {first.epoch}, {first.num_minibatches} minibatches of {first.minibatch_size} rows, all parameters"
    yield Figure(name=f"R of random rows, {where}", estimate=first.random_resultant, sample=sample, range=SHARE)
    for each in found:
        mark = Mark(name="random rows", estimate=each.random_resultant)
        own = Figure(name=f"R by {each.by}, {where}", estimate=each.resultant, sample=sample, range=SHARE)
        yield own.against(DIFFERS, marks=(mark,))
        name = f"1 − R by {each.by} over that of random rows, {where}"
        asked = Threshold(value=rules.CHOSEN_RATIO, side="at least", end="lower end")
        yield Figure(name=name, estimate=each.sensitivity, unit="times", sample=sample, thresholds=(asked,))


CHOSEN_ROWS = Claim(
    key="chosen-rows",
    question="Do minibatches of chosen rows disagree more than random ones?",
    quotation="we should see significant differences in the gradient vectors depending on the exact composition of our"
    " inputs, regardless of whether or not their informational content is identical",
    rule="The training rows are sorted by d, by store, by hour and by day, and cut into minibatches in that order."
    " Holds if for at least one of the four, at the checkpoint of mid-training whose signs are least balanced (where"
    f" random minibatches agree best), R of the whole model is at most {rules.LEAST_APART:.3g} and 1 − R at least"
    f" {rules.CHOSEN_RATIO:g} times that of random rows, even by the lower end of what random draws give.",
    beside=Beside(
        null="Minibatches of random rows, from the same gradients.",
        control="Rows of equal value come in random order; and the checkpoint whose signs are most balanced, where"
        " random rows disagree as well.",
        several="One of four orders is enough: chance alone passes the end of the draws in one of them in 10 % of"
        " cases at most, and the factor is asked beyond that.",
    ),
    reads=(CHOSEN,),
    decide=_chosen,
    answers={
        Kind.HOLDS: "Minibatches of chosen rows disagree more than random ones",
        Kind.NOT: "Minibatches of chosen rows do not disagree more than random ones by this rule",
    },
)
