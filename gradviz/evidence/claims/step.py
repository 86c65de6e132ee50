"""The claim on the direction of a step of stochastic gradient descent."""

from collections.abc import Sequence

from gradviz.evidence import rules
from gradviz.evidence.claims.claim import Beside, Claim, Decision
from gradviz.evidence.deciding import below, kind_if, told
from gradviz.evidence.figures import cosine_of
from gradviz.evidence.measurements import Checkpoint
from gradviz.evidence.parts import layer_words
from gradviz.evidence.readings import DRAWN_PLAIN
from gradviz.evidence.scenes import MID_PLAIN
from gradviz.evidence.verdict import Figure, Kind, Picture, Plane, Shown
from gradviz.landscape.request import LandscapeRequest


def _sgd(drawn: Checkpoint) -> Decision:
    agreement = drawn.agreement("model")
    assert agreement is not None
    views = tuple(MID_PLAIN.of(drawn.run, drawn.epoch).requests())
    figure = cosine_of(agreement, drawn.epoch, views[0])
    kind = kind_if(below(agreement.cosine.high, rules.AGREES))
    return Decision(kind, (figure,), views, by=by_cosine(figure), picture=arrows_of_model(figure, views))


def by_cosine(figure: Figure) -> str:
    low, high = (told(end) for end in (figure.estimate.low, figure.estimate.high))
    return (
        f"the gradients of two minibatches have a mean cosine of {told(figure.estimate)} [{low}, {high}], and an"
        f" interval below {rules.AGREES:g} is asked"
    )


def arrows_of_model(figure: Figure, views: Sequence[LandscapeRequest]) -> Picture:
    """Arrows of two parameters beside a cosine of all of them."""
    planes = tuple(Plane(name=layer_words(view), shown=Shown(view="minibatches", request=view)) for view in views)
    caption = (
        f"The minibatches' gradients in two of the parameters at epoch {views[0].epoch}; over all parameters the mean"
        f" cosine of two is {told(figure.estimate)}."
    )
    return Picture(kind="arrows", caption=caption, planes=planes, shown=figure.shown)


DEPENDS: dict[Kind, str] = {
    Kind.HOLDS: "The direction of a step depends on the minibatch",
    Kind.NOT: "The direction of a step hardly depends on the minibatch",
}

SGD = Claim(
    key="sgd",
    question="Does the direction of a step depend on the minibatch?",
    quotation="the direction of stochastic gradient descent does indeed depend on the exact composition of the"
    " minibatch",
    rule="Holds if the whole model's gradients of the minibatches (at most 50) have a mean pairwise cosine whose 95 %"
    f" interval lies below {rules.AGREES:g}, at the mid-training checkpoint without regularizer.",
    beside=Beside(
        null="Gradients that do not depend on the minibatch have a cosine of 1.",
        control="The same minibatches agree at the start of training, as the question on that shows.",
        several="One number at one checkpoint, with its interval.",
    ),
    reads=(DRAWN_PLAIN,),
    decide=_sgd,
    answers=DEPENDS,
    pictures=("over-epochs",),
)
