"""Claims on batch normalization: whether its landscape is rough, and whether minibatches disagree under it."""

from collections.abc import Iterator, Sequence

from gradviz.evidence import rules
from gradviz.evidence.claims.claim import NULL_OF_ANGLE, NULL_OF_OPPOSITE, Beside, Claim, Decision
from gradviz.evidence.claims.minibatches import MEDIAN
from gradviz.evidence.claims.random_units import beside_dropout, live_figures, live_note
from gradviz.evidence.claims.remarks import chaos, placement
from gradviz.evidence.controls import Drift, RandomPairs, RoughPairs
from gradviz.evidence.deciding import (
    at_least,
    below,
    every,
    is_rough,
    kind_if,
    largest,
    line_at,
    noted,
    rough_line,
    rough_words,
    told,
)
from gradviz.evidence.figures import (
    angle_mark,
    angles_of,
    exact,
    mean_angle,
    mean_angle_of,
    median_angle,
    medians_of,
    opposite_of,
    resultant_of,
    views_of,
)
from gradviz.evidence.measurements import RoundOff, Scene
from gradviz.evidence.picturing import arrows_at, field_at, fields_of
from gradviz.evidence.readings import DRIFT, ROUND_OFF, drift, random_pairs, rough_pairs, scene
from gradviz.evidence.roles import PLAIN
from gradviz.evidence.scenes import BETA_BATCHNORM, EVAL_BATCHNORM, LINEAR_BATCHNORM, MID_DROPOUT, MID_PLAIN
from gradviz.evidence.verdict import COSINE, DEGREES, SHARE, Figure, Kind, Shown, Threshold


def _rough(
    both: RoundOff,
    plain: Scene,
    own: Sequence[Drift] = (),
    without: Sequence[Drift] = (),
    pairs: Sequence[RoughPairs] = (),
    plain_pairs: Sequence[RoughPairs] = (),
) -> Decision:
    """`own`, `without`: how far the biases of this run, and of one without regularizer, have moved. `pairs`,
    `plain_pairs`: of random units, where they were measured."""
    figures = (
        Figure(
            name="arrows that are zero up to round-off",
            estimate=exact(both.zero_share),
            unit="%",
            sample=both.view.x,
            range=SHARE,
            shown=Shown(view="explore", request=both.view),  # the page computes in float32, and draws no round-off
        ),
        Figure(name="largest component in float32", estimate=exact(both.largest_float32), sample=both.view.x),
        Figure(
            name="largest component in float64",
            estimate=exact(both.largest_float64),
            sample=both.view.x,
            thresholds=(Threshold(value=both.threshold_float64, side="at most", what="zero up to round-off"),),
        ),
        Figure(
            name="mean angle between neighbours in float32",
            estimate=exact(both.angle_float32),
            unit="°",
            range=DEGREES,
            thresholds=rough_line(mean_angle(plain), "without regularizer"),
            marks=(angle_mark("no regularizer", mean_angle(plain)),),
        ),
        Figure(name="mean cosine of float32 and float64 arrows", estimate=exact(both.cosine), range=COSINE),
        *_moved(own, "before the norm"),
        *_moved(without, "without regularizer"),
        *live_figures(pairs, plain_pairs),
    )
    notes = (ROUND_OFF_MOVES,) if any(not each.bias_has_gradient and each.bias_rms > 0 for each in own) else ()
    if both.largest_float64 <= both.threshold_float64:
        kind = Kind.ROUND_OFF
    else:
        kind = kind_if(is_rough(both.angle_float32, mean_angle(plain)))
    if pairs:
        notes = (*notes, live_note(pairs, plain_pairs, kind))
    caption = (
        f"The gradient by these two parameters at epoch {both.view.epoch}:"
        f" {told(both.zero_share, '%')} of the arrows are zero up to round-off, and the page draws a ring for each."
    )
    by = (
        f"the gradient's largest component is {told(both.largest_float32)} in float32 and"
        f" {told(both.largest_float64)} in float64, and neighbouring arrows of float32 differ by"
        f" {told(both.angle_float32, '°')}"
    )
    return Decision(kind, figures, (both.view,), notes, by=by, picture=field_at(both.view, caption))


ROUND_OFF_MOVES = (
    "Round-off moves parameters all the same: the true gradient of the biases before the norm is 0, and yet they are"
    " not where they were at epoch 0. Adam divides each gradient by its own size, and so makes of round-off a step as"
    " long as its rate; SGD leaves it as small as it is. The loss does not notice: the norm takes these biases out."
)


def _moved(drifts: Sequence[Drift], where: str) -> Iterator[Figure]:
    for each in drifts:
        yield Figure(
            name=f"linear biases moved, hidden layer {each.layer}, {where}",
            estimate=exact(each.bias_rms),
            sample=f"root mean square over the units from epoch 0 to {each.epoch}, {each.optimizer}; largest"
            f" {each.bias_largest:.2g}",
        )


BATCHNORM_ROUGH = Claim(
    key="batchnorm-rough",
    question="Does batch normalization make the landscape rough?",
    quotation="we find at 10 epochs that ∇ₓJ(O(θ; a), y) exhibits relatively unstable gradient vectors in the middle"
    " layer.",
    rule="An artefact of float32 round-off if the gradient of the source's two parameters is zero: everywhere on the"
    " grid, float64's components are at most a thousandth of the largest difference between float32 and float64."
    f" Otherwise holds if neighbouring arrows differ {rough_words('without regularizer')}.",
    beside=Beside(
        null="A gradient of exactly 0, which theory gives for a bias before a norm; and the angle without regularizer.",
        control="The same plane in float64, by a plain loop.",
        several="One plane at one checkpoint.",
    ),
    reads=(ROUND_OFF, scene(MID_PLAIN), DRIFT, drift(PLAIN), *map(rough_pairs, (LINEAR_BATCHNORM, MID_PLAIN))),
    decide=_rough,
    answers={
        Kind.ROUND_OFF: "The gradient of these parameters is zero, and what looks rough is round-off",
        Kind.HOLDS: "Batch normalization makes the landscape rough",
        Kind.NOT: "The gradient is not zero, and its landscape is not rough",
    },
    pictures=("batchnorm-precision", BETA_BATCHNORM.key),
    remarks=(chaos, placement),
)


def _minibatches(beta: Scene, pairs: Sequence[RandomPairs] = ()) -> Decision:
    """`pairs`: of random units, where they were measured."""
    panel = beta.panels[0]
    kind = kind_if(at_least(panel.agreement.opposite.value, rules.MANY_OPPOSITE))
    by_median = kind_if(at_least(largest(each.opposite.value for each in pairs), rules.MANY_OPPOSITE))
    figures = (
        opposite_of(panel, ", β in train mode"),
        resultant_of(panel, ", β in train mode"),
        *medians_of(beta, pairs, "opposite"),
    )
    notes = (noted(MEDIAN, by_median, kind),) if pairs else ()
    by = (
        f"{told(panel.agreement.opposite, '%')} of the pairs of β's arrows are opposite, and"
        f" {100 * rules.MANY_OPPOSITE:g} % is asked"
    )
    return Decision(kind, figures, views_of(beta), notes, by=by, picture=arrows_at(beta, ", of β in train mode"))


BATCHNORM_MINIBATCHES = Claim(
    key="batchnorm-minibatches",
    question="Do minibatches disagree under batch normalization?",
    quotation="As we saw for dropout and non-regularized gradients, different minibatches have very different gradient"
    " landscapes.",
    rule=f"Holds if at least {100 * rules.MANY_OPPOSITE:g} % of the pairs are opposite for two parameters of the middle"
    " layer whose gradient is not zero (β, train mode), at the source's epoch.",
    beside=Beside(
        null=NULL_OF_OPPOSITE,
        control="The same training with another number of CPU threads, where there is one: it differs by rounding"
        " alone.",
        several="One share at one checkpoint; each training is one draw, and a few that agree decide nothing.",
    ),
    reads=(scene(BETA_BATCHNORM), random_pairs(BETA_BATCHNORM)),
    decide=_minibatches,
    answers={
        Kind.HOLDS: "Under batch normalization minibatches disagree as well",
        Kind.NOT: "Under batch normalization minibatches do not disagree",
    },
    pictures=(BETA_BATCHNORM.key, EVAL_BATCHNORM.key),
    remarks=(chaos, placement),
)


def _like_dropout(beta: Scene, fresh: Scene, plain: Scene, *pairs: Sequence[RoughPairs]) -> Decision:
    """`pairs`: of random units beside each of the three, where they were measured."""
    angle, dropout, without = mean_angle(beta), mean_angle(fresh), mean_angle(plain)
    figures = (
        *angles_of(beta, "β, train mode"),
        *angles_of(fresh, "dropout, fresh masks"),
        *angles_of(plain, "no regularizer"),
        mean_angle_of(
            beta,
            "β, train mode",
            *rough_line(without, "without regularizer"),
            *line_at(dropout, "below", "dropout, fresh masks"),
            marks=(angle_mark("no regularizer", without), angle_mark("dropout, fresh masks", dropout)),
        ),
        *(beside_dropout(*pairs) if pairs else ()),
    )
    by = (
        f"neighbouring arrows of β differ by {told(angle, '°')}, dropout's with fresh masks by {told(dropout, '°')},"
        f" and those without regularizer by {told(without, '°')}"
    )
    kind = _is_moderate(angle, dropout, without)
    notes = (noted(MEDIAN, _is_moderate(*(median_angle(each).value for each in pairs)), kind),) if pairs else ()
    picture = fields_of([("β, train mode", beta), ("dropout, fresh masks", fresh)])
    return Decision(kind, figures, views_of(beta), notes, by=by, picture=picture)


def _is_moderate(angle: float | None, dropout: float | None, without: float | None) -> Kind:
    """By β's angle between neighbours, that of dropout, and that without regularizer."""
    return kind_if(every([is_rough(angle, without), below(angle, dropout)]))


BATCHNORM_LIKE_DROPOUT = Claim(
    key="batchnorm-like-dropout",
    question="Is batch normalization's loss of stability like dropout's?",
    quotation="batch normalization leads to a similar loss of stability in the gradient landscape that is seen for"
    " dropout … although batch normalization in this case seems to be a more moderate inducement of this loss of"
    " stability.",
    rule=f"Holds if neighbouring arrows of β in train mode differ {rough_words('without regularizer')}, and by less"
    " than dropout's with fresh masks.",
    beside=Beside(
        null=NULL_OF_ANGLE,
        control="Dropout's angle with fresh masks, which is noise of masks.",
        several="One angle against two others, and both comparisons must go this way.",
    ),
    reads=(
        *(scene(each) for each in (BETA_BATCHNORM, MID_DROPOUT, MID_PLAIN)),
        *(rough_pairs(each) for each in (BETA_BATCHNORM, MID_DROPOUT, MID_PLAIN)),
    ),
    decide=_like_dropout,
    answers={
        Kind.HOLDS: "Batch normalization makes the landscape rough, by less than dropout",
        Kind.NOT: "Batch normalization does not make the landscape rough as dropout does",
    },
    pictures=(BETA_BATCHNORM.key, MID_DROPOUT.key),
    remarks=(chaos, placement),
)
