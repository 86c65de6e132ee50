"""Claims on dropout: whether minibatches disagree under it, and whether it makes the landscape rough."""

from collections.abc import Sequence

from gradviz.evidence import rules
from gradviz.evidence.claims.claim import NULL_OF_ANGLE, NULL_OF_OPPOSITE, Beside, Claim, Decision
from gradviz.evidence.claims.minibatches import MEDIAN
from gradviz.evidence.claims.random_units import angles_beside, beside_masks, lengths_beside
from gradviz.evidence.controls import RandomPairs, RoughPairs
from gradviz.evidence.deciding import (
    at_least,
    below,
    every,
    is_rough,
    kind_if,
    largest,
    line_at,
    listed,
    noted,
    rough_line,
    rough_words,
    told,
)
from gradviz.evidence.figures import (
    angle_mark,
    angles_of,
    layer_of,
    mean_angle,
    mean_angle_of,
    median_angle,
    medians_of,
    opposite_of,
    ratio,
    resultant_of,
    views_of,
)
from gradviz.evidence.measurements import Panel, Scene
from gradviz.evidence.picturing import arrows_at, fields_of
from gradviz.evidence.readings import random_pairs, rough_pairs, scene
from gradviz.evidence.scenes import FROZEN_DROPOUT, MID_DROPOUT, MID_PLAIN, START_DROPOUT
from gradviz.evidence.verdict import Figure, Kind, Mark


def _minibatches(frozen: Scene, pairs: Sequence[RandomPairs] = ()) -> Decision:
    """`pairs`: of random units, where they were measured."""
    most = largest(panel.agreement.opposite.value for panel in frozen.panels)
    kind = kind_if(at_least(most, rules.MANY_OPPOSITE))
    by_median = kind_if(at_least(largest(each.opposite.value for each in pairs), rules.MANY_OPPOSITE))
    figures = (
        *(opposite_of(panel, ", frozen masks") for panel in frozen.panels),
        *medians_of(frozen, pairs, "opposite"),
    )
    return Decision(
        kind,
        figures,
        views_of(frozen),
        (noted(MEDIAN, by_median, kind),) if pairs else (),
        by=by_opposite(frozen),
        picture=arrows_at(frozen, ", with one frozen set of masks"),
    )


def by_opposite(scene: Scene) -> str:
    """The share of opposite pairs in each panel."""
    each = listed(f"{told(panel.agreement.opposite, '%')} in {layer_of(panel)}" for panel in scene.panels)
    return f"of the pairs {each} are opposite, and {100 * rules.MANY_OPPOSITE:g} % in one is asked"


DROPOUT_MINIBATCHES = Claim(
    key="dropout-minibatches",
    question="Do minibatches disagree under dropout?",
    quotation="It might be assumed that dropout prevents this difference … but it does not: we still have very"
    " different gradient landscapes depending on the input minibatch.",
    rule=f"Holds if, at mid-training, at least {100 * rules.MANY_OPPOSITE:g} % of the pairs are opposite in one of the"
    " two layers, with dropout in train mode and one frozen set of masks for all minibatches.",
    beside=Beside(
        null=NULL_OF_OPPOSITE,
        control="One frozen set of masks for all minibatches, so that masks make no difference between them.",
        several="The larger of two shares counts, at one checkpoint.",
    ),
    reads=(scene(FROZEN_DROPOUT), random_pairs(FROZEN_DROPOUT)),
    decide=_minibatches,
    answers={
        Kind.HOLDS: "Under dropout minibatches disagree as well",
        Kind.NOT: "Under dropout, with the masks held still, minibatches do not disagree",
    },
    pictures=(MID_DROPOUT.key,),
)


def _rough(fresh: Scene, frozen: Scene, plain: Scene, *pairs: Sequence[RoughPairs]) -> Decision:
    """`pairs`: of random units beside each of the three, where they were measured."""
    angle, control, without = mean_angle(fresh), mean_angle(frozen), mean_angle(plain)
    kind = _kind_of(angle, control, without)
    figures = (
        *angles_of(fresh, "fresh masks"),
        *angles_of(frozen, "frozen masks"),
        *angles_of(plain, "no regularizer"),
        mean_angle_of(
            fresh,
            "fresh masks",
            *rough_line(control, "with frozen masks"),
            marks=(angle_mark("frozen masks", control), angle_mark("no regularizer", without)),
        ),
        mean_angle_of(
            frozen,
            "frozen masks",
            *rough_line(without, "without regularizer"),
            marks=(angle_mark("no regularizer", without),),
        ),
        Figure(name="fresh over frozen", estimate=ratio(angle, control), unit="times", sample="mean of both layers"),
        *(beside_masks(*pairs) if pairs else ()),
    )
    notes = (noted(MEDIAN, _kind_of(*(median_angle(each).value for each in pairs)), kind),) if pairs else ()
    by = (
        f"neighbouring arrows differ by {told(angle, '°')} with masks drawn anew at each point, by {told(control, '°')}"
        f" with frozen ones, and by {told(without, '°')} without dropout"
    )
    picture = fields_of([("fresh masks", fresh), ("frozen masks", frozen)])
    return Decision(kind, figures, views_of(fresh, frozen), notes, by=by, picture=picture)


def _kind_of(angle: float | None, control: float | None, without: float | None) -> Kind:
    """By the angles between neighbours with fresh masks, with frozen ones, and without dropout."""
    by_masks = is_rough(angle, control)
    return Kind.UNTOLD if by_masks is None else Kind.MASKS if by_masks else kind_if(is_rough(control, without))


DROPOUT_ROUGH = Claim(
    key="dropout-rough",
    question="Does dropout make the landscape rough?",
    quotation="dropout leads to unstable gradient landscapes, where adjacent gradient projections are unpredictably"
    " different from one another.",
    rule="Mask noise, not landscape, if with masks drawn anew at every grid point neighbouring arrows differ"
    f" {rough_words('with frozen masks')}. Holds if with frozen masks they differ {rough_words('without regularizer')}."
    " Does not hold otherwise.",
    beside=Beside(
        null=NULL_OF_ANGLE,
        control="One frozen set of masks for all points of the grid, which leaves the landscape and takes the noise"
        " away.",
        several="One mean angle against each of two others: a factor and a least angle are asked of both comparisons.",
    ),
    reads=(
        *(scene(each) for each in (MID_DROPOUT, FROZEN_DROPOUT, MID_PLAIN)),
        *(rough_pairs(each) for each in (MID_DROPOUT, FROZEN_DROPOUT, MID_PLAIN)),
    ),
    decide=_rough,
    answers={
        Kind.MASKS: "The roughness is the noise of the masks, not of the landscape",
        Kind.HOLDS: "Dropout makes the landscape itself rough",
        Kind.NOT: "Dropout does not make the landscape rough",
    },
    pictures=(MID_DROPOUT.key, FROZEN_DROPOUT.key),
)


def _start(
    start: Scene,
    mid: Scene,
    start_rough: Sequence[RoughPairs] = (),
    mid_rough: Sequence[RoughPairs] = (),
    start_pairs: Sequence[RandomPairs] = (),
    mid_pairs: Sequence[RandomPairs] = (),
) -> Decision:
    """The last four: of random units, where they were measured."""
    both = list(zip(start.panels, mid.panels, strict=True))
    angles = [(before.roughness.angle.value, after.roughness.angle.value) for before, after in both]
    resultants = [(after.agreement.resultant.value, before.agreement.resultant.value) for before, after in both]
    kind = kind_if(_is_calmer(angles, resultants))
    rough, random = list(zip(start_rough, mid_rough, strict=True)), list(zip(start_pairs, mid_pairs, strict=True))
    by_median = _is_calmer(
        [(median_angle([before]).value, median_angle([after]).value) for before, after in rough],
        [(after.resultant.value, before.resultant.value) for before, after in random],
    )
    earlier = zip(angles_of(start, "epoch 0"), mid.panels, strict=True)
    figures = (
        *(figure.against(*line_at(at.value, "below", "mid-training"), marks=(Mark(name="mid-training", estimate=at),))
          for figure, panel in earlier for at in [panel.roughness.angle]),
        *angles_of(mid, "mid-training"),
        *(_beside_later(panel, after) for panel, after in both),
        *(resultant_of(panel, ", mid-training", is_shown=False) for panel in mid.panels),
        *(figure for panel, two in zip(start.panels, rough, strict=False) for figure in angles_beside(panel, *two)),
        *(figure for panel, two in zip(start.panels, random, strict=False) for figure in lengths_beside(panel, *two)),
    )  # fmt: skip
    each = listed(
        f"in {layer_of(before)} the angle is {told(before.roughness.angle, '°')} then and"
        f" {told(after.roughness.angle, '°')} at mid-training, R {told(before.agreement.resultant)} and"
        f" {told(after.agreement.resultant)}"
        for before, after in both
    )
    picture = fields_of([("start", start), ("mid-training", mid)])
    notes = (noted(MEDIAN, kind_if(by_median), kind),) if rough and random else ()
    return Decision(kind, figures, views_of(start, mid), notes, by=each, picture=picture)


_Pair = tuple[float | None, float | None]


def _is_calmer(angles: Sequence[_Pair], resultants: Sequence[_Pair]) -> bool | None:
    """Whether in each layer that has both the first number is below the second."""
    smaller_first = [[pair for pair in pairs if None not in pair] for pairs in (angles, resultants)]
    return every(every(below(*pair) for pair in pairs) for pairs in smaller_first)


def _beside_later(panel: Panel, after: Panel) -> Figure:
    """R at the start, to lie above that of mid-training."""
    later = after.agreement.resultant
    marks = (Mark(name="mid-training", estimate=later),)
    return resultant_of(panel, ", epoch 0", is_shown=False).against(
        *line_at(later.value, "above", "mid-training"), marks=marks
    )


DROPOUT_START = Claim(
    key="dropout-start",
    question="Is dropout's roughness less apparent at the start?",
    quotation="but once again this behavior is not as apparent at the start of training",
    rule="Holds if, with fresh masks, neighbouring arrows differ less and the arrows of the minibatches agree more at"
    " epoch 0 than at mid-training, in both layers. A layer whose two units are dead at one of them has no R and is"
    " left out.",
    beside=Beside(
        null="Were both checkpoints alike and the four comparisons independent, all would go this way in 1 of 16"
        " cases.",
        control="Masks are drawn anew at every point at both checkpoints, so that only the checkpoint differs.",
        several="Two numbers of two pairs of parameters, and all must go the same way.",
    ),
    reads=(
        *(scene(each) for each in (START_DROPOUT, MID_DROPOUT)),
        *(rough_pairs(each) for each in (START_DROPOUT, MID_DROPOUT)),
        *(random_pairs(each) for each in (START_DROPOUT, MID_DROPOUT)),
    ),
    decide=_start,
    answers={
        Kind.HOLDS: "At the start dropout's field is calmer, and its minibatches agree more",
        Kind.NOT: "At the start dropout's field is not calmer in every respect",
    },
    pictures=(START_DROPOUT.key, MID_DROPOUT.key),
)
