"""The claim that normalized values drift away from mean 0 and standard deviation 1 again."""

from collections.abc import Sequence

from gradviz.evidence import rules
from gradviz.evidence.claims.claim import Beside, Claim, Decision
from gradviz.evidence.claims.remarks import chaos, placement
from gradviz.evidence.controls import Drift
from gradviz.evidence.deciding import at_least, every, kind_if, largest, told
from gradviz.evidence.figures import exact
from gradviz.evidence.picturing import line
from gradviz.evidence.readings import DRIFT
from gradviz.evidence.values import Estimate
from gradviz.evidence.verdict import Chart, Figure, Kind, Picture, Threshold


def _drifts(drifts: Sequence[Drift]) -> Decision:
    both = [largest(each.beta_rms for each in drifts), largest(each.gamma_rms for each in drifts)]
    kind = kind_if(every(at_least(value, rules.DRIFTS) for value in both))
    names = (("mean, β", "beta_rms"), ("standard deviation − 1, |γ| − 1", "gamma_rms"))
    figures = tuple(
        Figure(
            name=f"{name}, hidden layer {each.layer}",
            estimate=exact(getattr(each, field)),
            sample=f"root mean square over the units, epoch {each.epoch}",
            thresholds=(_LINE,),
        )
        for name, field in names
        for each in drifts
    )
    beta, gamma = (told(value) for value in both)
    by = (
        f"in the layer where each is largest, β is {beta} and |γ| − 1 is {gamma} (root mean squares over the units),"
        f" and {rules.DRIFTS:g} of both is asked"
    )
    return Decision(kind, figures, by=by, picture=_picture(drifts))


_LINE = Threshold(value=rules.DRIFTS, side="at least")


def _picture(drifts: Sequence[Drift]) -> Picture:
    layers = range(len(drifts))
    lines = (
        line("mean, β", layers, [Estimate(value=each.beta_rms) for each in drifts]),
        line("|γ| − 1", layers, [Estimate(value=each.gamma_rms) for each in drifts], "other"),
    )
    chart = Chart(
        x_title="hidden layer",
        y_title="moved, in standard deviations",
        lines=lines,
        threshold=_LINE,
        ticks=tuple(str(each.layer) for each in drifts),
    )
    caption = f"How far mean and standard deviation of the normalized values have moved at epoch {drifts[0].epoch}."
    return Picture(kind="chart", caption=caption, chart=chart)


NORM_DRIFT = Claim(
    key="norm-drift",
    question="Do normalized layers drift from mean 0 and standard deviation 1?",
    quotation="the transformed layer h″ has a mean and standard deviation can drift from the origin and unit value"
    " substantially.",
    rule="With batch statistics h″ has mean β and standard deviation |γ|, in standard deviations of h′. Holds if, at"
    f" the last checkpoint, the root mean square over the units is at least {rules.DRIFTS:g} both for β and for"
    " |γ| − 1, each in the layer where it is largest.",
    beside=Beside(
        null="β = 0 and |γ| = 1 for every unit, which is where training begins.",
        control="Both at every checkpoint from epoch 0 on; and the training with another number of CPU threads.",
        several="The layer counts in which a number is largest, so that several layers make the claim easier to hold;"
        " both numbers must reach the limit.",
    ),
    reads=(DRIFT,),
    decide=_drifts,
    answers={
        Kind.HOLDS: "Normalized values drift far from mean 0 and standard deviation 1",
        Kind.NOT: "Normalized values do not drift that far",
    },
    pictures=("drift",),
    remarks=(chaos, placement),
)
