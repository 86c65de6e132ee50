"""The claims that the order and the composition of minibatches determine the path of training: four verdicts, for each
of the two and for the run's own optimizer and plain SGD."""

from collections.abc import Callable

from gradviz.evidence import rules
from gradviz.evidence.claims.claim import Beside, Claim, Decision
from gradviz.evidence.controls import ConditionSpread, PathsFound, PathsOptimizer
from gradviz.evidence.deciding import any_of, at_least, told
from gradviz.evidence.figures import exact, ratio
from gradviz.evidence.path_taking import paths_request
from gradviz.evidence.picturing import line
from gradviz.evidence.readings import paths_of
from gradviz.evidence.verdict import Chart, Figure, Kind, Mark, Picture, Shown, Threshold
from gradviz.landscape.paths.request import WORDS, Condition

_QUOTATION = (
    "both the identity of the inputs per minibatch and the order in which the same inputs are used to update a network"
    " determine the path of stochastic gradient descent"
)
_OPTIMIZER: dict[PathsOptimizer, str] = {"own": "the run's own optimizer", "sgd": "plain SGD"}


def _decided(condition: Condition) -> Callable[[PathsFound], Decision]:
    def decide(found: PathsFound) -> Decision:
        own = found.of(condition)
        figures, picture = _figures(found, own), _picture(found, own)
        failed = _failed_control(found, own)
        if failed:
            return Decision(Kind.UNTOLD, figures, why=failed, picture=picture)
        apart = [at_least(each.low, rules.PATHS_APART) for each in own.ratios]
        if apart[-1] is None:
            return Decision(Kind.UNTOLD, figures, picture=picture)
        kind = Kind.HOLDS if apart[-1] else Kind.BRIDGE if any_of(apart) else Kind.NOT
        return Decision(kind, figures, by=_by(found, own), picture=picture)

    return decide


def _by(found: PathsFound, own: ConditionSpread) -> str:
    end, random = own.ratios[-1], found.of("resampled").ratios[-1]
    most = max((each for each in own.ratios if each.value is not None), key=lambda each: each.value or 0.0, default=end)
    return (
        f"at the end replicas spread over {told(end)} of their way, at least {told(end.low)} by the interval, and on"
        f" the way over up to {told(most)} ({told(rules.PATHS_APART)} is asked); with rows drawn anew it is"
        f" {told(random)}"
    )


def shown_of(found: PathsFound) -> Shown:
    """The Paths view with these replicas."""
    return Shown(view="paths", paths=paths_request(found.run, found.epoch, found.by))


_LINE = Threshold(value=rules.PATHS_APART, side="at least", end="lower end", what=f"ways {rules.LEAST_ANGLE:g}° apart")


def _picture(found: PathsFound, own: ConditionSpread) -> Picture:
    resampled = found.of("resampled")
    chart = Chart(
        x_title="steps from the checkpoint",
        y_title="spread / way",
        lines=(
            line("rows drawn anew", found.steps, resampled.ratios, "null"),
            line(WORDS[own.condition], found.steps, own.ratios),
        ),
        threshold=_LINE,
    )
    caption = (
        f"Spread of {own.num_replicas} replicas over the length of their mean way, from epoch {found.epoch} of"
        f" {found.run}, with its 95 % intervals; and of replicas whose rows are drawn anew."
    )
    return Picture(kind="chart", caption=caption, chart=chart, shown=shown_of(found))


def _failed_control(found: PathsFound, own: ConditionSpread) -> str:
    """Which control fails, in a sentence; empty if none does."""
    if found.of("same").largest_spread != 0:
        return "Cannot be told: replicas with the same minibatches in the same order differ, and must not at all."
    if found.of("rows").largest_spread > rules.PATHS_ROUNDING * own.largest_spread:
        return (
            "Cannot be told: rounding alone, by rows in another order within their minibatches, spreads the paths by"
            f" more than {100 * rules.PATHS_ROUNDING:g} % of this."
        )
    return ""


def _figures(found: PathsFound, own: ConditionSpread) -> tuple[Figure, ...]:
    top = max(range(len(own.ratios)), key=lambda k: own.ratios[k].value or 0.0)
    resampled, rows, same = (found.of(each) for each in ("resampled", "rows", "same"))
    about = f"{found.optimizer}, rate {found.learning_rate:.3g}, from epoch {found.epoch}"
    replicas = f"{own.num_replicas} replicas, {about}"
    null, shown = (Mark(name="rows drawn anew", estimate=resampled.ratios[-1]),), shown_of(found)
    return (
        Figure(
            name="spread over way at the epoch's end",
            estimate=own.ratios[-1],
            sample=replicas,
            thresholds=(_LINE,),
            marks=null,
            shown=shown,
        ),
        Figure(
            name="largest spread over way on the way",
            estimate=own.ratios[top],
            sample=f"step {found.steps[top]} of {found.steps[-1]}; {replicas}",
            thresholds=(_LINE,),
            shown=shown,
        ),
        Figure(
            name="null: spread over way at the end, rows drawn anew",
            estimate=resampled.ratios[-1],
            sample=f"{resampled.num_replicas} replicas, {about}",
            shown=shown,
        ),
        Figure(
            name="control: spread with same minibatches and order",
            estimate=exact(same.largest_spread),
            sample=f"{same.num_replicas} replicas, must be exactly 0",
            shown=shown,
        ),
        Figure(
            name="control: rounding over this spread",
            estimate=ratio(rows.largest_spread, own.largest_spread),
            sample=f"{WORDS['rows']}: {rows.num_replicas} replicas, must be at most {rules.PATHS_ROUNDING:g}",
            thresholds=(Threshold(value=rules.PATHS_ROUNDING, side="at most"),),
            shown=shown,
        ),
    )


def _claim(key: str, condition: Condition, optimizer: PathsOptimizer, what: str) -> Claim:
    return Claim(
        key=key,
        question=f"Does the {what} determine the path of {_OPTIMIZER[optimizer]}?",
        quotation=_QUOTATION,
        rule=f"Replicas train one more epoch from the checkpoint of mid-training, with {_OPTIMIZER[optimizer]}:"
        f" {WORDS[condition]}. Spread is their distance from their mean way, and counts over that way's length. Holds"
        f" if at the end the 95 % interval of this ratio lies at or above {rules.PATHS_APART:.3g}, as of ways"
        f" {rules.LEAST_ANGLE:g}° from their mean; holds on the way alone if it does at an earlier one of the times"
        " that are compared. Cannot be told unless the controls hold: replicas with the same minibatches in the same"
        " order are equal to the bit, and rows in another order within minibatches, which is rounding, spread by at"
        f" most {rules.PATHS_ROUNDING:g} of it. `gradviz paths` measures it, and nothing else starts that.",
        beside=Beside(
            null="Replicas whose rows are drawn anew with replacement, as if every minibatch were another sample.",
            control="Replicas with the same minibatches in the same order, and with the rows of each in another order:"
            " nothing, and rounding alone.",
            several="One of four verdicts on one sentence, of order and composition and of two optimizers: each is"
            " told, and none stands for another. Only the epoch's end can make it hold; one of several earlier times is"
            " enough for holding on the way, which chance reaches more easily.",
        ),
        reads=(paths_of(optimizer),),
        decide=_decided(condition),
        answers={
            Kind.HOLDS: f"The {what} determines where the path goes",
            Kind.BRIDGE: f"The {what} turns the path on the way, and not where it ends",
            Kind.NOT: f"The {what} does not determine the path",
        },
    )


PATH_CLAIMS = (
    _claim("path-order", "order", "own", "order of the minibatches"),
    _claim("path-composition", "composition", "own", "composition of the minibatches"),
    _claim("path-order-sgd", "order", "sgd", "order of the minibatches"),
    _claim("path-composition-sgd", "composition", "sgd", "composition of the minibatches"),
)
