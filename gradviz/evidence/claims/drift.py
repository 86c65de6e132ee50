"""The claim that normalized values drift away from mean 0 and standard deviation 1 again."""

from collections.abc import Sequence

from gradviz.evidence import rules
from gradviz.evidence.claims.claim import Claim, Decision
from gradviz.evidence.claims.remarks import chaos, placement
from gradviz.evidence.controls import Drift
from gradviz.evidence.deciding import at_least, every, kind_if, largest
from gradviz.evidence.figures import exact
from gradviz.evidence.readings import DRIFT
from gradviz.evidence.verdict import Figure


def _drifts(drifts: Sequence[Drift]) -> Decision:
    both = [largest(each.beta_rms for each in drifts), largest(each.gamma_rms for each in drifts)]
    kind = kind_if(every(at_least(value, rules.DRIFTS) for value in both))
    names = (("mean, β", "beta_rms"), ("standard deviation − 1, |γ| − 1", "gamma_rms"))
    figures = tuple(
        Figure(
            name=f"{name}, hidden layer {each.layer}",
            estimate=exact(getattr(each, field)),
            sample=f"root mean square over the units, epoch {each.epoch}",
        )
        for name, field in names
        for each in drifts
    )
    return Decision(kind, figures)


NORM_DRIFT = Claim(
    key="norm-drift",
    question="Do normalized layers drift from mean 0 and standard deviation 1?",
    quotation="the transformed layer h″ has a mean and standard deviation can drift from the origin and unit value"
    " substantially.",
    rule="With batch statistics h″ has mean β and standard deviation |γ|, in standard deviations of h′. Holds if, at"
    f" the last checkpoint, the root mean square over the units is at least {rules.DRIFTS:g} both for β and for"
    " |γ| − 1, each in the layer where it is largest.",
    reads=(DRIFT,),
    decide=_drifts,
    pictures=("drift",),
    remarks=(chaos, placement),
)
