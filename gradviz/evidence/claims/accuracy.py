"""The claim that the network performs its task: by its error, and by what it reads."""

from gradviz.evidence import rules
from gradviz.evidence.claims.claim import Beside, Claim, Decision
from gradviz.evidence.deciding import at_least, every, kind_if, line_at, told
from gradviz.evidence.figures import exact
from gradviz.evidence.measurements import Ablation
from gradviz.evidence.readings import ABLATION, LAST_PLAIN, LastEpoch
from gradviz.evidence.verdict import SHARE, Figure, Kind, Picture, Shown, Threshold


def _accurate(last: LastEpoch, found: Ablation) -> Decision:
    # An error of exactly 0 grows without bound, if it grows.
    times = found.permuted_loss / found.loss if found.loss > 0 else None
    grown = found.permuted_loss > 0 if times is None else at_least(times, rules.READS)
    cost = None if found.r2 is None or found.permuted_r2 is None else found.r2 - found.permuted_r2
    rows, unit = f"{found.num_rows} test rows", "mean |error| in units of y = 10 d"
    losses = (
        ("test error", found.loss),
        (f"test error, {found.field} permuted among the rows", found.permuted_loss),
        (f"test error, {found.field} blank", found.blank_loss),
    )
    figures = (
        Figure(
            name="R² on the test rows",
            estimate=exact(last.checkpoint.test_r2),
            sample=f"{last.record.rows_test} rows",
            range=SHARE,
            thresholds=(Threshold(value=rules.ACCURATE_R2, side="at least"),),
            shown=Shown(view="training"),
        ),
        Figure(name="parameters", estimate=exact(last.record.num_parameters), sample="without regularizer"),
        *(Figure(name=name, estimate=exact(value), sample=f"{rows}, {unit}") for name, value in losses),
        Figure(
            name="permuted over as it is",
            estimate=exact(times),
            unit="times",
            sample=rows,
            thresholds=(Threshold(value=rules.READS, side="at least"),),
        ),
        Figure(
            name=f"R² with {found.field} permuted",
            estimate=exact(found.permuted_r2),
            sample=rows,
            range=SHARE,
            thresholds=line_at(
                None if found.r2 is None else found.r2 - rules.READS_R2,
                "at most",
                f"{rules.READS_R2:g} below that of the rows",
            ),
        ),
    )
    reads = every([grown, at_least(cost, rules.READS_R2)])
    kind = kind_if(every([at_least(last.checkpoint.test_r2, rules.ACCURATE_R2), reads]))
    grows = "makes an error of nothing" if times is None else f"multiplies the test error by {told(times)}"
    by = f"R² on the test rows is {told(last.checkpoint.test_r2)}, and permuting {found.field} {grows} and costs"
    picture = Picture(
        kind="losses",
        caption=f"The losses of the run {last.record.name} over its epochs.",
        losses=last.record.name,
        shown=Shown(view="training"),
    )
    return Decision(kind, figures, by=f"{by} {told(cost)} of R²", picture=picture)


ACCURATE = Claim(
    key="accurate",
    question="Does the network learn the task?",
    quotation="A modest network of 3.5 million parameters across 3 hidden layers is capable of performing this task"
    " extremely accurately.",
    rule=f"Holds if, after the last epoch without regularizer, R² on the test rows reaches {rules.ACCURATE_R2:g} and"
    f" the network reads d: the test error grows at least {rules.READS:g} times when Total Deliverers is permuted among"
    f" the test rows, which also costs at least {rules.READS_R2:g} of R². R² alone does not show that: the busy"
    " deliverers alone give a high one.",
    beside=Beside(
        null="R² is 0 for a network that tells the mean of the test rows whatever it reads.",
        control="The same network with Total Deliverers permuted among the test rows, and with it blank: what the"
        " other fields give.",
        several="One checkpoint, and three limits that must all be reached: nothing is chosen among several.",
    ),
    reads=(LAST_PLAIN, ABLATION),
    decide=_accurate,
    answers={
        Kind.HOLDS: "The network learns the task, and reads the number of deliverers",
        Kind.NOT: "The network does not learn the task by this rule",
    },
    pictures=("losses",),
)
