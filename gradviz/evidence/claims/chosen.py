"""The claim on composition, tested where random minibatches cannot: on minibatches of chosen rows."""

from collections.abc import Iterator, Sequence

from gradviz.evidence import rules
from gradviz.evidence.claims.claim import Claim, Decision
from gradviz.evidence.controls import ChosenRows
from gradviz.evidence.deciding import any_of, at_least, every, kind_if
from gradviz.evidence.readings import CHOSEN, Chosen
from gradviz.evidence.verdict import SHARE, Figure


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
    return Decision(kind, (*_figures(whole, "signs least balanced"), *_figures(drawn, "signs most balanced")))


def _figures(found: Sequence[ChosenRows], where: str) -> Iterator[Figure]:
    """R of random rows and of each composition, then how much farther from 1 the latter is."""
    if not found:
        return
    first = found[0]
    sample = f"epoch {first.epoch}, {first.num_minibatches} minibatches of {first.minibatch_size} rows, all parameters"
    yield Figure(name=f"R of random rows, {where}", estimate=first.random_resultant, sample=sample, range=SHARE)
    for each in found:
        yield Figure(name=f"R by {each.by}, {where}", estimate=each.resultant, sample=sample, range=SHARE)
    for each in found:
        name = f"1 − R by {each.by} over that of random rows, {where}"
        yield Figure(name=name, estimate=each.sensitivity, unit="times", sample=sample)


CHOSEN_ROWS = Claim(
    key="chosen-rows",
    question="Do minibatches of chosen rows disagree more than random ones?",
    quotation="we should see significant differences in the gradient vectors depending on the exact composition of our"
    " inputs, regardless of whether or not their informational content is identical",
    rule="The training rows are sorted by d, by store, by hour and by day, and cut into minibatches in that order."
    " Holds if for at least one of the four, at the checkpoint of mid-training whose signs are least balanced (where"
    f" random minibatches agree best), R of the whole model is at most {rules.LEAST_APART:.3g} and 1 − R at least"
    f" {rules.CHOSEN_RATIO:g} times that of random rows, even by the lower end of what random draws give. Ratios of"
    " random minibatches lie near 1, so that four tries do not reach this by chance.",
    reads=(CHOSEN,),
    decide=_chosen,
)
