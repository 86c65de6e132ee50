"""From measurements to verdicts, by the rules that `claims.py` states: no judgement is made anywhere else."""

from collections.abc import Callable

from gradviz.evidence import rules
from gradviz.evidence.claims import CLAIMS
from gradviz.evidence.deciding import at_least, below, every, is_rough, kind_if, kind_of_most, largest, why_untold
from gradviz.evidence.measurements import Evidence, Scene
from gradviz.evidence.verdict import Figure, Kind, Verdict, angles_of, exact, opposite_of, ratio, resultant_of, views_of


def verdicts(evidence: Evidence) -> list[Verdict]:
    """One for each claim, in their order."""
    return [_told(_RULES[claim.key](evidence)) for claim in CLAIMS]


def _told(verdict: Verdict) -> Verdict:
    return verdict.model_copy(update={"why": why_untold(verdict.figures)}) if verdict.kind == Kind.UNTOLD else verdict


def _accurate(evidence: Evidence) -> Verdict:
    checkpoints = evidence.of_run("none")
    if not checkpoints:
        return _unknown("accurate")
    last = checkpoints[-1]
    record = next(record for record in evidence.runs if record.name == "none")
    figures = [
        Figure(name="R² on the test rows", estimate=exact(last.test_r2), sample=f"{record.rows_test} rows"),
        Figure(name="parameters", estimate=exact(record.num_parameters), sample="without regularizer"),
    ]
    found = evidence.ablation
    if found is None:
        return Verdict(claim="accurate", kind=Kind.UNKNOWN, figures=tuple(figures))
    # An error of exactly 0 grows without bound, if it grows.
    times = found.permuted_loss / found.loss if found.loss > 0 else None
    grown = found.permuted_loss > 0 if times is None else times >= rules.READS
    rows, unit = f"{found.num_rows} test rows", "mean |error| in units of y = 10 d"
    figures += [
        Figure(name=name, estimate=exact(value), sample=f"{rows}, {unit}")
        for name, value in (
            ("test error", found.loss),
            (f"test error, {found.field} permuted among the rows", found.permuted_loss),
            (f"test error, {found.field} blank", found.blank_loss),
        )
    ]
    figures += [
        Figure(name="permuted over as it is", estimate=exact(times), unit="times", sample=rows),
        Figure(name=f"R² with {found.field} permuted", estimate=exact(found.permuted_r2), sample=rows),
    ]
    kind = kind_if(every([at_least(last.test_r2, rules.ACCURATE_R2), grown]))
    return Verdict(claim="accurate", kind=kind, figures=tuple(figures))


def _start(evidence: Evidence) -> Verdict:
    scene = evidence.scene("start-none")
    if scene is None:
        return _unknown("start")
    figures = tuple(resultant_of(panel, "") for panel in scene.panels)
    holds = every(at_least(panel.agreement.resultant.value, rules.AGREES) for panel in scene.panels)
    return Verdict(claim="start", kind=kind_if(holds), figures=figures, views=views_of(scene))


def _mid_training(evidence: Evidence) -> Verdict:
    scene = evidence.scene("mid-none")
    shares = [_opposite_of(evidence, epoch) for epoch in evidence.mid_training]
    if scene is None or not shares:
        return _unknown("mid-training")
    answers = [at_least(share, rules.MANY_OPPOSITE) for share in shares]
    kind = kind_of_most(answers)
    without = f", {answers.count(None)} without two arrows" if None in answers else ""
    figures = (
        Figure(
            name=f"checkpoints with at least {100 * rules.MANY_OPPOSITE:g} % opposite pairs",
            estimate=exact(answers.count(True)),
            sample=f"of {len(shares)} of mid-training{without}",
        ),
        *(opposite_of(panel, "") for panel in scene.panels),
    )
    return Verdict(claim="mid-training", kind=kind, figures=figures, views=views_of(scene))


def _composition(evidence: Evidence) -> Verdict:
    nulls = [
        null
        for null in evidence.nulls
        if null.scope in ("biases 1", "biases 2") and null.epoch > 0 and null.minibatch_size == 64
    ]
    if not nulls:
        return _unknown("composition")
    beyond = every(below(null.measured_resultant.value, null.random_resultant.low) for null in nulls)
    figures = []
    for null in nulls:
        sample = f"epoch {null.epoch}, {null.num_minibatches} minibatches of {null.minibatch_size} rows"
        figures += [
            Figure(name=f"R measured, {null.scope}", estimate=null.measured_resultant, sample=sample),
            Figure(name=f"R of random rows, {null.scope}", estimate=null.random_resultant, sample=sample),
            Figure(name=f"1 − R over that of random rows, {null.scope}", estimate=null.sensitivity, sample=sample),
        ]
    kind = kind_if(beyond, Kind.SAMPLING)
    return Verdict(claim="composition", kind=kind, figures=tuple(figures))


def _dropout_minibatches(evidence: Evidence) -> Verdict:
    scene = evidence.scene("dropout-frozen")
    if scene is None:
        return _unknown("dropout-minibatches")
    most = largest(panel.agreement.opposite.value for panel in scene.panels)
    figures = tuple(opposite_of(panel, ", frozen masks") for panel in scene.panels)
    kind = kind_if(at_least(most, rules.MANY_OPPOSITE))
    return Verdict(claim="dropout-minibatches", kind=kind, figures=figures, views=views_of(scene))


def _dropout_rough(evidence: Evidence) -> Verdict:
    fresh, frozen, plain = (evidence.scene(key) for key in ("mid-dropout", "dropout-frozen", "mid-none"))
    if fresh is None or frozen is None or plain is None:
        return _unknown("dropout-rough")
    angle, control, without = mean_angle(fresh), mean_angle(frozen), mean_angle(plain)
    by_masks = is_rough(angle, control)
    kind = Kind.UNTOLD if by_masks is None else Kind.MASKS if by_masks else kind_if(is_rough(control, without))
    figures = (
        *angles_of(fresh, "fresh masks"),
        *angles_of(frozen, "frozen masks"),
        *angles_of(plain, "no regularizer"),
        Figure(name="fresh over frozen", estimate=ratio(angle, control), unit="times", sample="mean of both layers"),
    )
    return Verdict(claim="dropout-rough", kind=kind, figures=figures, views=views_of(fresh) + views_of(frozen))


def _dropout_start(evidence: Evidence) -> Verdict:
    start, mid = evidence.scene("start-dropout"), evidence.scene("mid-dropout")
    if start is None or mid is None:
        return _unknown("dropout-start")
    both = list(zip(start.panels, mid.panels, strict=True))
    angles = [(before.roughness.angle.value, after.roughness.angle.value) for before, after in both]
    resultants = [(after.agreement.resultant.value, before.agreement.resultant.value) for before, after in both]
    smaller_first = [[pair for pair in pairs if None not in pair] for pairs in (angles, resultants)]
    calmer = every(every(below(*pair) for pair in pairs) for pairs in smaller_first)
    figures = (
        *angles_of(start, "epoch 0"),
        *angles_of(mid, "mid-training"),
        *(resultant_of(panel, ", epoch 0") for panel in start.panels),
        *(resultant_of(panel, ", mid-training") for panel in mid.panels),
    )
    return Verdict(claim="dropout-start", kind=kind_if(calmer), figures=figures, views=views_of(start) + views_of(mid))


def _batchnorm_rough(evidence: Evidence) -> Verdict:
    both, plain = evidence.round_off, evidence.scene("mid-none")
    if both is None or plain is None:
        return _unknown("batchnorm-rough")
    figures = (
        Figure(
            name="arrows that are zero up to round-off", estimate=exact(both.zero_share), unit="%", sample=both.view.x
        ),
        Figure(name="largest component in float32", estimate=exact(both.largest_float32), sample=both.view.x),
        Figure(name="largest component in float64", estimate=exact(both.largest_float64), sample=both.view.x),
        Figure(
            name="mean angle between neighbours in float32", estimate=exact(both.angle_float32), unit="°", sample=""
        ),
        Figure(name="mean cosine of float32 and float64 arrows", estimate=exact(both.cosine)),
    )
    if both.largest_float64 <= both.threshold_float64:
        kind = Kind.ROUND_OFF
    else:
        kind = kind_if(is_rough(both.angle_float32, mean_angle(plain)))
    return Verdict(claim="batchnorm-rough", kind=kind, figures=figures, views=(both.view,))


def _batchnorm_minibatches(evidence: Evidence) -> Verdict:
    scene = evidence.scene("batchnorm-beta")
    if scene is None:
        return _unknown("batchnorm-minibatches")
    panel = scene.panels[0]
    kind = kind_if(at_least(panel.agreement.opposite.value, rules.MANY_OPPOSITE))
    figures = (opposite_of(panel, ", β in train mode"), resultant_of(panel, ", β in train mode"))
    return Verdict(claim="batchnorm-minibatches", kind=kind, figures=figures, views=views_of(scene))


def _batchnorm_like_dropout(evidence: Evidence) -> Verdict:
    beta, fresh, plain = (evidence.scene(key) for key in ("batchnorm-beta", "mid-dropout", "mid-none"))
    if beta is None or fresh is None or plain is None:
        return _unknown("batchnorm-like-dropout")
    angle, dropout, without = mean_angle(beta), mean_angle(fresh), mean_angle(plain)
    kind = kind_if(every([is_rough(angle, without), below(angle, dropout)]))
    figures = (
        *angles_of(beta, "β, train mode"),
        *angles_of(fresh, "dropout, fresh masks"),
        *angles_of(plain, "no regularizer"),
    )
    return Verdict(claim="batchnorm-like-dropout", kind=kind, figures=figures, views=views_of(beta))


def _sgd(evidence: Evidence) -> Verdict:
    mid = dict(evidence.mid_epochs).get("none")
    checkpoint = next((each for each in evidence.of_run("none") if each.epoch == mid), None)
    agreement = checkpoint.agreement("model") if checkpoint else None
    scene = evidence.scene("mid-none")
    if agreement is None or scene is None:
        return _unknown("sgd")
    figure = Figure(
        name="mean pairwise cosine",
        estimate=agreement.cosine,
        sample=f"all {agreement.num_parameters:,} parameters, {agreement.num_minibatches} minibatches of"
        f" {agreement.minibatch_size} rows, epoch {mid}",
    )
    kind = kind_if(below(agreement.cosine.high, rules.AGREES))
    return Verdict(claim="sgd", kind=kind, figures=(figure,), views=views_of(scene))


_RULES: dict[str, Callable[[Evidence], Verdict]] = {
    "accurate": _accurate,
    "start": _start,
    "mid-training": _mid_training,
    "composition": _composition,
    "dropout-minibatches": _dropout_minibatches,
    "dropout-rough": _dropout_rough,
    "dropout-start": _dropout_start,
    "batchnorm-rough": _batchnorm_rough,
    "batchnorm-minibatches": _batchnorm_minibatches,
    "batchnorm-like-dropout": _batchnorm_like_dropout,
    "sgd": _sgd,
}


def mean_angle(scene: Scene) -> float | None:
    """Degrees between neighbouring arrows, mean over the pictures of a scene; None where none has two arrows."""
    angles = [panel.roughness.angle.value for panel in scene.panels if panel.roughness.angle.value is not None]
    return sum(angles) / len(angles) if angles else None


def _opposite_of(evidence: Evidence, epoch: int) -> float | None:
    """The larger share of opposite pairs of the source's two pictures, at one epoch without regularizer; a layer
    without two arrows is left out."""
    checkpoint = next(each for each in evidence.of_run("none") if each.epoch == epoch)
    agreements = [checkpoint.agreement(scope) for scope in ("pair 1", "pair 2")]
    return largest(each.opposite.value for each in agreements if each is not None)


def _unknown(key: str) -> Verdict:
    return Verdict(claim=key, kind=Kind.UNKNOWN, figures=())
