"""The claims of the source in its own words, each with the question it raises and the rule of its verdict."""

from dataclasses import dataclass

from gradviz.evidence import rules


@dataclass(frozen=True)
class Claim:
    """`quotation` is the source's text; `rule` says in words what `verdicts.py` decides by; `figures` test it."""

    key: str
    question: str
    quotation: str
    rule: str
    figures: tuple[str, ...] = ()


CLAIMS = (
    Claim(
        "accurate",
        "Does the network learn the task?",
        "A modest network of 3.5 million parameters across 3 hidden layers is capable of performing this task extremely"
        " accurately.",
        f"Holds if, after the last epoch without regularizer, R² on the test rows reaches {rules.ACCURATE_R2:g} and the"
        f" network reads d: the test error grows at least {rules.READS:g} times when Total Deliverers is permuted among"
        " the test rows. R² alone can be had from the busy deliverers.",
        ("losses",),
    ),
    Claim(
        "start",
        "Do minibatches agree at the start of training?",
        "at the start of training the vectors … tend to yield gradients on x that are (somewhat weak) approximations of"
        " each other.",
        f"Holds if the mean resultant length R of the centre arrows of the minibatches (at most 50) is at least"
        f" {rules.AGREES:g} in both layers, at epoch 0, without regularizer.",
        ("start-none",),
    ),
    Claim(
        "mid-training",
        "Do minibatches disagree during training?",
        "for 50 different minibatches … (each of size 64) of the same training set, there are quite different"
        " (sometimes opposite) vectors",
        f"Holds if at least {100 * rules.MANY_OPPOSITE:g} % of the pairs of minibatches are opposite at most of the"
        f" checkpoints of mid-training; holds at some checkpoints if at fewer, but at one. Mid-training: the"
        f" training loss is below {100 * rules.MID_LOSS:g} % of the initial one and lower than one epoch earlier."
        " The larger share of the two layers counts; a layer without two arrows has none.",
        ("mid-none", "over-epochs"),
    ),
    Claim(
        "composition",
        "Is the disagreement more than random drawing of rows gives?",
        "we should see significant differences in the gradient vectors depending on the exact composition of our"
        " inputs",
        "The null model draws the rows of each minibatch at random. Holds if at mid-training the biases' R lies below"
        " the middle 95 % of that of random minibatches in both layers; explained by random sampling otherwise.",
        ("null",),
    ),
    Claim(
        "dropout-minibatches",
        "Do minibatches disagree under dropout?",
        "It might be assumed that dropout prevents this difference … but it does not: we still have very different"
        " gradient landscapes depending on the input minibatch.",
        f"Holds if at least {100 * rules.MANY_OPPOSITE:g} % of the pairs are opposite at mid-training, dropout in"
        " train mode with one frozen set of masks for all minibatches, in one of the two layers.",
        ("mid-dropout",),
    ),
    Claim(
        "dropout-rough",
        "Does dropout make the landscape rough?",
        "dropout leads to unstable gradient landscapes, where adjacent gradient projections are unpredictably different"
        " from one another.",
        f"Artefact of masks drawn anew at every grid point, if neighbouring arrows then differ by at least"
        f" {rules.ROUGH_RATIO:g} times the angle that they differ by with the masks frozen. Holds if the frozen angle"
        f" itself is at least {rules.ROUGH_RATIO:g} times that without regularizer. Does not hold otherwise.",
        ("mid-dropout", "dropout-frozen"),
    ),
    Claim(
        "dropout-start",
        "Is dropout's roughness less apparent at the start?",
        "but once again this behavior is not as apparent at the start of training",
        "Holds if, with fresh masks, neighbouring arrows differ less and the arrows of the minibatches agree more at"
        " epoch 0 than at mid-training, in both layers; a layer whose two units are dead at one of them has no R and is"
        " left out.",
        ("start-dropout", "mid-dropout"),
    ),
    Claim(
        "batchnorm-rough",
        "Does batch normalization make the landscape rough?",
        "we find at 10 epochs that ∇ₓJ(O(θ; a), y) exhibits relatively unstable gradient vectors in the middle layer.",
        "Artefact of float32 round-off if the gradient of the source's two parameters is zero (in float64 at most a"
        " thousandth of what float32 differs by from it, everywhere on the grid). Otherwise holds if neighbouring"
        f" arrows differ by at least {rules.ROUGH_RATIO:g} times the angle without regularizer.",
        ("batchnorm-precision", "batchnorm-beta"),
    ),
    Claim(
        "batchnorm-minibatches",
        "Do minibatches disagree under batch normalization?",
        "As we saw for dropout and non-regularized gradients, different minibatches have very different gradient"
        " landscapes.",
        f"Holds if at least {100 * rules.MANY_OPPOSITE:g} % of the pairs are opposite for two parameters of the middle"
        " layer whose gradient is not zero (β, train mode), at the source's epoch.",
        ("batchnorm-beta", "batchnorm-eval"),
    ),
    Claim(
        "batchnorm-like-dropout",
        "Is batch normalization's loss of stability like dropout's?",
        "batch normalization leads to a similar loss of stability in the gradient landscape that is seen for dropout"
        " … although batch normalization in this case seems to be a more moderate inducement of this loss of"
        " stability.",
        f"Holds if neighbouring arrows of β in train mode differ by at least {rules.ROUGH_RATIO:g} times the angle"
        " without regularizer, and by less than dropout's with fresh masks.",
        ("batchnorm-beta", "mid-dropout"),
    ),
    Claim(
        "sgd",
        "Does the direction of a step depend on the minibatch?",
        "the direction of stochastic gradient descent does indeed depend on the exact composition of the minibatch",
        f"Holds if the whole model's gradients of the minibatches (at most 50) have a mean pairwise cosine whose 95 %"
        f" interval lies below {rules.AGREES:g}, at the mid-training checkpoint without regularizer.",
        ("over-epochs",),
    ),
)
"""In the order of the source's text."""


def claim(key: str) -> Claim:
    """The claim of this key; KeyError if there is none."""
    return {each.key: each for each in CLAIMS}[key]
