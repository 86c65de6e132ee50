"""Claims on minibatches without a regularizer: when they agree, when they do not, and whether chance explains it."""

from collections.abc import Iterable, Sequence

from gradviz.evidence import rules
from gradviz.evidence.claims.claim import NULL_OF_OPPOSITE, Beside, Claim, Decision
from gradviz.evidence.controls import RandomPairs
from gradviz.evidence.deciding import (
    at_least,
    every,
    kind_beside_random,
    kind_if,
    kind_of_most,
    largest,
    listed,
    noted,
    told,
)
from gradviz.evidence.figures import (
    AGREES,
    MANY_OPPOSITE,
    layer_of,
    many_opposite_of,
    medians_of,
    nulls_of,
    opposite_of,
    resultant_of,
    views_of,
)
from gradviz.evidence.measurements import Checkpoint, Null, Scene
from gradviz.evidence.picturing import arrows_at, line
from gradviz.evidence.readings import FALLING, MID_PAIRS, NULLS, Falling, MidPairs, random_pairs, scene
from gradviz.evidence.readings import MID_TRAINING as ALL_MID_TRAINING
from gradviz.evidence.scenes import MID_PLAIN, START_PLAIN
from gradviz.evidence.values import BIASES, Estimate
from gradviz.evidence.verdict import SHARE, Chart, Kind, Picture, Plane, Shown
from gradviz.landscape.parameters import default_pair
from gradviz.landscape.request import LandscapeRequest

MEDIAN = "the median of pairs of random live units"


def start_of(start: Scene, pairs: Sequence[RandomPairs] = ()) -> Decision:
    """`pairs`: of random units, where they were measured."""
    kind = kind_if(every(at_least(panel.agreement.resultant.value, rules.AGREES) for panel in start.panels))
    by_median = kind_if(every(at_least(each.resultant.value, rules.AGREES) for each in pairs))
    figures = (
        *(resultant_of(panel).against(AGREES) for panel in start.panels),
        *medians_of(start, pairs, "resultant"),
    )
    each = listed(f"{told(panel.agreement.resultant)} in {layer_of(panel)}" for panel in start.panels)
    notes = (noted(MEDIAN, by_median, kind),) if pairs else ()
    by = f"R is {each}, and at least {rules.AGREES:g} is asked"
    return Decision(kind, figures, views_of(start), notes, by=by, picture=arrows_at(start))


START = Claim(
    key="start",
    question="Do minibatches agree at the start of training?",
    quotation="at the start of training the vectors … tend to yield gradients on x that are (somewhat weak)"
    " approximations of each other.",
    rule="Holds if the mean resultant length R of the centre arrows of the minibatches (at most 50) is at least"
    f" {rules.AGREES:g} in both layers, at epoch 0, without regularizer.",
    beside=Beside(
        null="Unrelated gradients of K minibatches have an R of about √π / (2√K): 0.125 for 50.",
        control="Pairs of random live units beside the first two, where they are measured.",
        several="Two pairs of parameters, of which both must reach the limit: looking twice makes the claim harder to"
        " hold.",
    ),
    reads=(scene(START_PLAIN), random_pairs(START_PLAIN)),
    decide=start_of,
    answers={
        Kind.HOLDS: "At the start of training minibatches agree",
        Kind.NOT: "At the start of training minibatches do not agree in every layer",
    },
    pictures=(START_PLAIN.key,),
)


def _mid_training(mid: Scene, checkpoints: Sequence[Checkpoint], falling: Falling, pairs: MidPairs) -> Decision:
    answers, by_median = _answers(checkpoints), _median_answers(pairs)
    without = f", {answers.count(None)} without two arrows" if None in answers else ""
    kind, by_falling = kind_of_most(answers), _answers(falling.checkpoints)
    figures = [
        many_opposite_of(answers, without),
        *(opposite_of(panel) for panel in mid.panels),
        many_opposite_of(by_median, where=", median of random units"),
        *medians_of(mid, pairs.get(mid.epoch, ()), "opposite"),
        many_opposite_of(by_falling, of="whose training loss falls", where=", every falling epoch"),
    ]
    notes = [
        noted("every falling epoch, without the limit of the loss,", kind_of_most(by_falling), kind),
        noted(MEDIAN, kind_of_most(by_median), kind),
    ]
    for other, others in falling.others:
        of_other = _answers([each for each in others if each.epoch in other.mid_training])
        where = f", preset {other.preset}"
        figures.append(many_opposite_of(of_other, f", run {other.run}", where=where))
        figures.append(many_opposite_of(_answers(others), of="whose training loss falls", where=f"{where}, falling"))
        known = kind_of_most(of_other) if of_other else Kind.UNKNOWN
        notes.append(noted(f"the run {other.run} of preset {other.preset}", known, kind))
    if not falling.others:
        notes.append(
            f"Measured with preset {falling.preset} alone: a run of the other preset beside it, as of `gradviz train"
            " --preset source --variants none --name source`, shows whether the verdict depends on the preset."
        )
    return Decision(
        kind, tuple(figures), views_of(mid), tuple(notes), by=many_by(answers), picture=_opposite_over(mid, checkpoints)
    )


def many_by(answers: Sequence[bool | None]) -> str:
    """At how many of these checkpoints minibatches disagree."""
    return (
        f"at {answers.count(True)} of {len(answers)} checkpoints of mid-training at least"
        f" {100 * rules.MANY_OPPOSITE:g} % of the pairs are opposite"
    )


def _opposite_over(mid: Scene, checkpoints: Sequence[Checkpoint]) -> Picture:
    """The larger share of opposite pairs at each checkpoint that the rule counts."""
    return opposite_over(
        mid, [each.epoch for each in checkpoints], [_opposite_of(each) for each in checkpoints], "layers"
    )


def opposite_over(mid: Scene, epochs: Sequence[int], shares: Sequence[float | None], of: str) -> Picture:
    """The larger share of opposite pairs of two layers, or planes, at each checkpoint that the rule counts."""
    chart = Chart(
        x_title="epoch",
        y_title="opposite pairs",
        lines=(line(f"larger of two {of}", epochs, [Estimate(value=share) for share in shares]),),
        unit="%",
        range=SHARE,
        threshold=MANY_OPPOSITE,
    )
    many = sum(at_least(share, rules.MANY_OPPOSITE) is True for share in shares)
    caption = (
        f"The share of opposite pairs of minibatches at each checkpoint of mid-training: {many} of {len(shares)} lie"
    )
    shown = Shown(view="minibatches", request=mid.panels[0].view)
    return Picture(kind="chart", caption=f"{caption} on or above the line.", chart=chart, shown=shown)


def _answers(checkpoints: Iterable[Checkpoint]) -> list[bool | None]:
    return [at_least(_opposite_of(checkpoint), rules.MANY_OPPOSITE) for checkpoint in checkpoints]


def _median_answers(pairs: MidPairs) -> list[bool | None]:
    """By the larger median of the two layers at each checkpoint."""
    shares = (largest(each.opposite.value for each in of_epoch) for of_epoch in pairs.values())
    return [at_least(share, rules.MANY_OPPOSITE) for share in shares]


def _opposite_of(checkpoint: Checkpoint) -> float | None:
    """The larger share of opposite pairs of the source's two pictures; a layer without two arrows is left out."""
    agreements = [checkpoint.agreement(scope) for scope in ("pair 1", "pair 2")]
    return largest(each.opposite.value for each in agreements if each is not None)


MID_TRAINING = Claim(
    key="mid-training",
    question="Do minibatches disagree during training?",
    quotation="for 50 different minibatches … (each of size 64) of the same training set, there are quite different"
    " (sometimes opposite) vectors",
    rule=f"Holds if at least {100 * rules.MANY_OPPOSITE:g} % of the pairs of minibatches are opposite at most"
    " checkpoints of mid-training; holds at some checkpoints if at fewer, but at least one. Mid-training: the"
    f" training loss is below {100 * rules.MID_LOSS:g} % of the initial one and lower than one epoch earlier."
    " The larger share of the two layers counts; a layer without two arrows has none.",
    beside=Beside(
        null=NULL_OF_OPPOSITE,
        control="The same at every epoch whose loss falls, in a run of the other preset, and by pairs of random live"
        " units.",
        several="The larger of two shares counts, at every checkpoint of mid-training. With so many looks one is found"
        " more easily, so one checkpoint is told apart from most of them.",
    ),
    reads=(scene(MID_PLAIN), ALL_MID_TRAINING, FALLING, MID_PAIRS),
    decide=_mid_training,
    answers={
        Kind.HOLDS: "During training minibatches disagree at most checkpoints",
        Kind.IN_PART: "During training minibatches disagree at some checkpoints",
        Kind.NOT: "During training minibatches disagree at no checkpoint",
    },
    pictures=(MID_PLAIN.key, "over-epochs"),
)


def _composition(nulls: Sequence[Null]) -> Decision:
    figures = (
        figure
        for null in nulls
        for figure in nulls_of(
            null, Shown(view="minibatches", request=_biases_of(null), part="biases"), scope=f", {null.scope}"
        )
    )
    picture = arrows_beside([(null.scope, _biases_of(null)) for null in nulls], nulls[0])
    return Decision(kind_beside_random(nulls), tuple(figures), by=beside_random(nulls), picture=picture)


def beside_random(nulls: Sequence[Null]) -> str:
    """R measured beside R of random rows."""
    return listed(
        f"R of {'all parameters' if null.scope == 'model' else null.scope} is {told(null.measured_resultant)} where"
        f" random rows give {told(null.random_resultant.low)} to {told(null.random_resultant.high)}"
        for null in nulls
    )


def arrows_beside(views: Sequence[tuple[str, LandscapeRequest]], null: Null) -> Picture:
    """Arrows of two parameters of each part that R is measured of."""
    planes = tuple(Plane(name=name, shown=Shown(view="minibatches", request=view)) for name, view in views)
    caption = (
        f"The gradients of {null.num_minibatches} minibatches at epoch {null.epoch}, in two parameters of each part;"
        " the thick arrow is their mean direction, their own R of the circle's radius long. The rule reads R of the"
        " whole part."
    )
    return Picture(kind="arrows", caption=caption, planes=planes, shown=planes[0].shown)


def _biases_of(null: Null) -> LandscapeRequest:
    """The first two biases of the layer, whose view has the cosines of all of them."""
    x, y = default_pair(BIASES[null.scope])
    return LandscapeRequest(x=x, y=y, run=null.run, epoch=null.epoch, minibatch_size=null.minibatch_size)


BESIDE_RANDOM: dict[Kind, str] = {
    Kind.HOLDS: "Minibatches differ more than a random draw of rows makes them",
    Kind.SAMPLING: "Minibatches differ, and no more than a random draw of rows makes them",
    Kind.NOT: "The gradients of the minibatches hardly differ",
}

COMPOSITION = Claim(
    key="composition",
    question="Is the disagreement more than random drawing of rows gives?",
    quotation="we should see significant differences in the gradient vectors depending on the exact composition of our"
    " inputs",
    rule="The null model draws the rows of each minibatch at random. Holds if at mid-training the biases' R lies below"
    " the middle 95 % of that of random minibatches in both layers. Otherwise holds with the size of sampling noise:"
    " the minibatches are cut from rows in random order, as the null model's are, and differ by which rows they got."
    f" Does not hold where no gradients differ: where R is above {rules.LEAST_APART:.3g} in both layers, as of"
    f" directions within {rules.LEAST_ANGLE:g}° of their mean.",
    beside=Beside(
        null="Minibatches of rows that are drawn at random.",
        control="R by formula, from the mean and covariance of the rows' gradients, without any drawing.",
        several="All sets of parameters must lie below the middle 95 % of the draws, which chance does in 2.5 % of"
        " cases at most.",
    ),
    reads=(NULLS,),
    decide=_composition,
    answers=BESIDE_RANDOM,
    pictures=("null",),
)
