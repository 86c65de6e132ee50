"""Claims on minibatches without a regularizer: when they agree, when they do not, and whether chance explains it."""

from collections.abc import Iterable, Sequence

from gradviz.evidence import rules
from gradviz.evidence.claims.claim import Claim, Decision
from gradviz.evidence.controls import RandomPairs
from gradviz.evidence.deciding import at_least, below, every, kind_beside_random, kind_if, kind_of_most, largest, noted
from gradviz.evidence.figures import (
    cosine_of,
    many_opposite_of,
    medians_of,
    nulls_of,
    opposite_of,
    resultant_of,
    views_of,
)
from gradviz.evidence.measurements import Checkpoint, Null, Scene
from gradviz.evidence.readings import DRAWN_PLAIN, FALLING, NULLS, Falling, random_pairs, scene
from gradviz.evidence.readings import MID_TRAINING as ALL_MID_TRAINING
from gradviz.evidence.scenes import MID_PLAIN, START_PLAIN
from gradviz.evidence.values import BIASES
from gradviz.evidence.verdict import Kind, Shown
from gradviz.landscape.parameters import default_pair
from gradviz.landscape.request import LandscapeRequest

MEDIAN = "the median of pairs of random live units"


def start_of(start: Scene, pairs: Sequence[RandomPairs] = ()) -> Decision:
    """`pairs`: of random units, where they were measured."""
    kind = kind_if(every(at_least(panel.agreement.resultant.value, rules.AGREES) for panel in start.panels))
    by_median = kind_if(every(at_least(each.resultant.value, rules.AGREES) for each in pairs))
    figures = (*(resultant_of(panel) for panel in start.panels), *medians_of(start, pairs, "resultant"))
    return Decision(kind, figures, views_of(start), (noted(MEDIAN, by_median, kind),) if pairs else ())


START = Claim(
    key="start",
    question="Do minibatches agree at the start of training?",
    quotation="at the start of training the vectors … tend to yield gradients on x that are (somewhat weak)"
    " approximations of each other.",
    rule="Holds if the mean resultant length R of the centre arrows of the minibatches (at most 50) is at least"
    f" {rules.AGREES:g} in both layers, at epoch 0, without regularizer.",
    reads=(scene(START_PLAIN), random_pairs(START_PLAIN)),
    decide=start_of,
    pictures=(START_PLAIN.key,),
)


def _mid_training(
    mid: Scene, checkpoints: Sequence[Checkpoint], falling: Falling, pairs: Sequence[RandomPairs]
) -> Decision:
    answers = _answers(checkpoints)
    without = f", {answers.count(None)} without two arrows" if None in answers else ""
    kind, by_falling = kind_of_most(answers), _answers(falling.checkpoints)
    figures = [
        many_opposite_of(answers, without),
        *(opposite_of(panel) for panel in mid.panels),
        *medians_of(mid, pairs, "opposite"),
        many_opposite_of(by_falling, of="whose training loss falls", where=", every falling epoch"),
    ]
    notes = [
        noted("every falling epoch, without the limit of the loss,", kind_of_most(by_falling), kind),
        _beside_median(mid, pairs),
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
    return Decision(kind, tuple(figures), views_of(mid), tuple(notes))


def _answers(checkpoints: Iterable[Checkpoint]) -> list[bool | None]:
    return [at_least(_opposite_of(checkpoint), rules.MANY_OPPOSITE) for checkpoint in checkpoints]


def _beside_median(mid: Scene, pairs: Sequence[RandomPairs]) -> str:
    """Of the one checkpoint that is drawn."""
    first = at_least(largest(panel.agreement.opposite.value for panel in mid.panels), rules.MANY_OPPOSITE)
    median = at_least(largest(each.opposite.value for each in pairs), rules.MANY_OPPOSITE)
    same = "the same" if first == median else "another"
    return f"At epoch {mid.epoch}, which is drawn, {MEDIAN} gives {same} answer as the first two units."


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
    reads=(scene(MID_PLAIN), ALL_MID_TRAINING, FALLING, random_pairs(MID_PLAIN)),
    decide=_mid_training,
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
    return Decision(kind_beside_random(nulls), tuple(figures))


def _biases_of(null: Null) -> LandscapeRequest:
    """The first two biases of the layer, whose view has the cosines of all of them."""
    x, y = default_pair(BIASES[null.scope])
    return LandscapeRequest(x=x, y=y, run=null.run, epoch=null.epoch, minibatch_size=null.minibatch_size)


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
    reads=(NULLS,),
    decide=_composition,
    pictures=("null",),
)


def _sgd(drawn: Checkpoint) -> Decision:
    agreement = drawn.agreement("model")
    assert agreement is not None
    views = tuple(MID_PLAIN.of(drawn.run, drawn.epoch).requests())
    figure = cosine_of(agreement, drawn.epoch, views[0])
    return Decision(kind_if(below(agreement.cosine.high, rules.AGREES)), (figure,), views)


SGD = Claim(
    key="sgd",
    question="Does the direction of a step depend on the minibatch?",
    quotation="the direction of stochastic gradient descent does indeed depend on the exact composition of the"
    " minibatch",
    rule="Holds if the whole model's gradients of the minibatches (at most 50) have a mean pairwise cosine whose 95 %"
    f" interval lies below {rules.AGREES:g}, at the mid-training checkpoint without regularizer.",
    reads=(DRAWN_PLAIN,),
    decide=_sgd,
    pictures=("over-epochs",),
)
