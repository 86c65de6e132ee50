"""The claims as other studies than deliveries allow them: the same words and rules, on the parameters that the page
shows first, in runs that draw masks, use batch statistics, or do neither."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradviz.evidence import rules
from gradviz.evidence.claims import CLAIMS
from gradviz.evidence.claims.batchnorm import BATCHNORM_LIKE_DROPOUT, BATCHNORM_MINIBATCHES, BATCHNORM_ROUGH
from gradviz.evidence.claims.claim import Claim, Decision
from gradviz.evidence.claims.dropout import DROPOUT_MINIBATCHES, DROPOUT_ROUGH, DROPOUT_START
from gradviz.evidence.claims.minibatches import (
    COMPOSITION,
    MID_TRAINING,
    START,
    arrows_beside,
    beside_random,
    many_by,
    opposite_over,
)
from gradviz.evidence.claims.paths import PATH_CLAIMS
from gradviz.evidence.claims.step import SGD, arrows_of_model, by_cosine
from gradviz.evidence.deciding import (
    at_least,
    below,
    kind_beside_random,
    kind_if,
    kind_of_most,
    largest,
    noted,
    rough_words,
)
from gradviz.evidence.figures import cosine_of, layer_of, many_opposite_of, nulls_of, opposite_of, views_of
from gradviz.evidence.gathering_studies import DRAWN, FALLING, MIDDLE, NULLS
from gradviz.evidence.measurements import Null, Scene, StudyEpoch
from gradviz.evidence.readings import ROUND_OFF, scene
from gradviz.evidence.roles import BATCHNORM, DROPOUT, PLAIN, Role
from gradviz.evidence.scenes import (
    BETA_BATCHNORM,
    FROZEN_DROPOUT,
    MID_DROPOUT,
    MID_PLAIN,
    START_DROPOUT,
    START_PLAIN,
)
from gradviz.evidence.studied import NotThere
from gradviz.evidence.studied_runs import StudiedRuns
from gradviz.evidence.verdict import Shown

_WORDS: dict[Role, str] = {
    PLAIN: "neither draws masks nor uses batch statistics",
    DROPOUT: "draws masks and uses no batch statistics",
    BATCHNORM: "uses batch statistics and draws no masks",
}
_PLACES = {
    "shown first": "two parameters",
    "before the norm": "two biases before a batch normalization",
    "in the norm": "a batch normalization behind a layer with biases",
}


def _mid_training(mid: Scene, checkpoints: Sequence[StudyEpoch], falling: Sequence[StudyEpoch]) -> Decision:
    answers, by_falling = _answers(checkpoints), _answers(falling)
    kind = kind_of_most(answers)
    shares = [largest(pair.opposite.value for pair in checkpoint.pairs) for checkpoint in checkpoints]
    picture = opposite_over(mid, [each.epoch for each in checkpoints], shares, "planes")
    figures = (
        many_opposite_of(answers),
        *(opposite_of(panel) for panel in mid.panels),
        many_opposite_of(by_falling, of="whose training loss falls", where=", every falling epoch"),
    )
    note = noted("every falling epoch, without the limit of the loss,", kind_of_most(by_falling), kind)
    return Decision(kind, figures, views_of(mid), (note,), by=many_by(answers), picture=picture)


def _answers(checkpoints: Sequence[StudyEpoch]) -> list[bool | None]:
    found = [largest(pair.opposite.value for pair in checkpoint.pairs) for checkpoint in checkpoints]
    return [at_least(share, rules.MANY_OPPOSITE) for share in found]


def _composition(nulls: Sequence[Null], mid: Scene) -> Decision:
    [null] = nulls
    shown = Shown(view="minibatches", request=mid.panels[0].view, part="model")
    figures = nulls_of(null, shown, note=", all parameters")
    picture = arrows_beside([(layer_of(panel), panel.view) for panel in mid.panels], null)
    return Decision(kind_beside_random(nulls), figures, by=beside_random(nulls), picture=picture)


def _sgd(drawn: StudyEpoch, mid: Scene) -> Decision:
    assert drawn.model is not None
    figure = cosine_of(drawn.model, drawn.epoch, mid.panels[0].view)
    kind, views = kind_if(below(drawn.model.cosine.high, rules.AGREES)), views_of(mid)
    return Decision(kind, (figure,), views, by=by_cosine(figure), picture=arrows_of_model(figure, views))


OF_STUDIES: dict[str, Claim] = {
    claim.key: claim
    for claim in (
        replace(
            START,
            rule="Holds if the mean resultant length R of the centre arrows of the minibatches is at least"
            f" {rules.AGREES:g} in both planes that the page shows first, at epoch 0, in a run without masks and batch"
            " statistics.",
            reads=(scene(START_PLAIN),),
        ),
        replace(
            MID_TRAINING,
            rule=f"Holds if at least {100 * rules.MANY_OPPOSITE:g} % of the pairs of minibatches are opposite at most"
            " checkpoints of mid-training; holds at some checkpoints if at fewer, but at least one. Mid-training: the"
            f" training loss is below {100 * rules.MID_LOSS:g} % of the initial one and lower than one epoch earlier."
            " The larger share of the two planes that the page shows first counts.",
            reads=(scene(MID_PLAIN), MIDDLE, FALLING),
            decide=_mid_training,
        ),
        replace(
            COMPOSITION,
            rule="The null model mixes the rows of all minibatches and cuts them anew. Holds if at mid-training R of"
            " the whole gradients lies below the middle 95 % of that of such minibatches. Otherwise holds with the size"
            " of sampling noise: the minibatches differ as much as others of the same rows, cut at random."
            f" Does not hold where no gradients differ: where R is above {rules.LEAST_APART:.3g}, as of directions"
            f" within {rules.LEAST_ANGLE:g}° of their mean.",
            reads=(NULLS, scene(MID_PLAIN)),
            decide=_composition,
        ),
        replace(
            DROPOUT_MINIBATCHES,
            rule=f"Holds if, at mid-training, at least {100 * rules.MANY_OPPOSITE:g} % of the pairs are opposite in one"
            " of the planes that the page shows first, in train mode with one frozen set of masks for all minibatches.",
            reads=(scene(FROZEN_DROPOUT),),
        ),
        replace(DROPOUT_ROUGH, reads=tuple(map(scene, (MID_DROPOUT, FROZEN_DROPOUT, MID_PLAIN)))),
        replace(
            DROPOUT_START,
            reads=tuple(map(scene, (START_DROPOUT, MID_DROPOUT))),
            rule="Holds if, with fresh masks, neighbouring arrows differ less and the arrows of the minibatches agree"
            " more at epoch 0 than at mid-training, in both planes that the page shows first. A plane without R at one"
            " of them is left out.",
        ),
        replace(
            BATCHNORM_ROUGH,
            rule="An artefact of float32 round-off if the gradient of two biases before a batch normalization is zero:"
            " everywhere on the grid, float64's components are at most a thousandth of the largest difference between"
            f" float32 and float64. Otherwise holds if neighbouring arrows differ"
            f" {rough_words('without batch statistics')}.",
            reads=(ROUND_OFF, scene(MID_PLAIN)),
        ),
        replace(BATCHNORM_MINIBATCHES, reads=(scene(BETA_BATCHNORM),)),
        replace(BATCHNORM_LIKE_DROPOUT, reads=tuple(map(scene, (BETA_BATCHNORM, MID_DROPOUT, MID_PLAIN)))),
        replace(
            SGD,
            rule="Holds if the whole model's gradients of the minibatches have a mean pairwise cosine whose 95 %"
            f" interval lies below {rules.AGREES:g}, at the mid-training checkpoint without masks and batch"
            " statistics.",
            reads=(DRAWN, scene(MID_PLAIN)),
            decide=_sgd,
        ),
    )
}


_ABOUT_DELIVERIES = {
    "accurate": "It is about the rows of deliveries.",
    "chosen-rows": "It is about the rows of deliveries.",
    **dict.fromkeys(
        ("norm-drift", *(claim.key for claim in PATH_CLAIMS)), "It is measured in runs of deliveries alone."
    ),
}
"""Claims that other studies are not asked, and why."""


@dataclass(frozen=True)
class Absent:
    """A claim that a study's runs do not allow, and why."""

    key: str
    question: str
    reason: str


def claims_of(studied: StudiedRuns) -> tuple[list[Claim], list[Absent]]:
    """The claims that the study's runs allow, with the study's name in key and question, and those that they do not."""
    allowed, absent = [], []
    for each in CLAIMS:
        key, question = f"{studied.study}.{each.key}", f"{studied.study}: {each.question}"
        claim = OF_STUDIES.get(each.key)
        reason = _ABOUT_DELIVERIES[each.key] if claim is None else _lacking(claim, studied)
        if claim is None or reason is not None:
            absent.append(Absent(key, question, reason or ""))
        else:
            allowed.append(replace(claim, key=key, question=question))
    return allowed, absent


def _lacking(claim: Claim, studied: StudiedRuns) -> str | None:
    """What the study's runs lack for a claim; None if nothing."""
    if studied.cannot is not None:
        return studied.cannot
    for role in claim.roles:
        if role not in studied.runs:
            return f"The study {studied.study} has no run whose model {_WORDS[role]}."
        if studied.runs[role].num_minibatches() < 2:
            return f"The run {studied.runs[role].name} was recorded with a single minibatch."
    for design in (design for reading in claim.reads for design in reading.designs):
        run = studied.runs[design.role].name
        if not studied.has(design.role, design.place):
            return f"The network of the run {run} has no {_PLACES[design.place]}."
        try:
            studied.epoch(design.role, design.when)
        except NotThere as missing:
            return str(missing)
    return None
