"""The report's conclusions: its numbers choose each sentence, and the sentence names them."""

from collections.abc import Sequence

from gradviz.evidence.gathered import Evidence
from gradviz.evidence.measurements import Roughness, RoundOff, Scene, SignBalance
from gradviz.evidence.roles import BATCHNORM, PLAIN, Role
from gradviz.report.findings import Findings
from gradviz.report.naming import labels_of
from gradviz.report.numbers import estimate, number, percent, spread


def on_balance(evidence: Evidence) -> str:
    """Concludes from the rank correlations of sign balance and agreement over all checkpoints of this seed."""
    most = max((len(each.variants) for each in evidence.sign_balance), default=0)
    found = [each for each in evidence.sign_balance if len(each.variants) == most and each.spearman.value is not None]
    if not found:
        return "There are too few checkpoints to correlate the balance of the signs with the agreement."
    parts = [f"{_relation(each)} for {each.scope} ({_numbers(each)})" for each in found]
    names = [name.lower() for name in labels_of(evidence, found[0].variants)]
    runs = names[0] if len(names) == 1 else f"all {len(names)} runs"
    return f"Over the checkpoints of {runs}, {'; '.join(parts)}."


def on_each_run(findings: Findings) -> str:
    """Counts the runs in which more balanced signs go with less agreement, beyond chance."""
    found = [
        each
        for seed in findings.seeds
        for each in seed.evidence.sign_balance
        if len(each.variants) == 1 and each.spearman.value is not None
    ]
    if not found:
        return "No run has enough checkpoints to correlate this balance with the agreement of the minibatches."
    less = sum(_sign(each) > 0 for each in found)
    against = sum(_sign(each) < 0 for each in found)
    told = f"In {less} of {len(found)} series of checkpoints (a run, a layer), minibatches agree less where the signs"
    told += " are more balanced, judging by the 95 % interval of the rank correlation"
    told += f"; in {against} it is the reverse" if against else ""
    rest = len(found) - less - against
    return told + (f"; in {rest} the interval contains 0 or is unknown, and nothing is certain." if rest else ".")


def on_norm(findings: Findings) -> str:
    """Concludes whether the biases of hidden layer 1, under a norm, follow the signs less than without; empty where no
    seed has both correlations."""
    pairs = []
    for seed in findings.seeds:
        own, plain = (_spearman(seed.evidence, role) for role in (BATCHNORM, PLAIN))
        if own is not None and plain is not None:
            pairs.append((own, plain))
    if not pairs:
        return ""
    smaller = sum(own < plain for own, plain in pairs)
    told = (
        "For hidden layer 1 the rank correlation is"
        f" {spread([own for own, _ in pairs])} under batch normalization and {spread([plain for _, plain in pairs])}"
        f" without: smaller in {smaller} of {len(pairs)} seeds."
    )
    if smaller < len(pairs):
        return f"{told} By these runs the norm above it does not take the pull of the signs away."
    return (
        f"{told} This fits what the norm above does: it couples the rows of a minibatch, and removes what all rows have"
        " in common, residuals of one sign among it. No norm lies above β of hidden layer 2."
    )


def on_curl(evidence: Evidence) -> str:
    """Concludes whether curl alone tells pictures of masks drawn anew from others, and whether the angle does."""
    panels = [(scene, panel.roughness) for scene in evidence.scenes for panel in scene.panels]
    fresh = [rough for scene, rough in panels if _is_fresh(evidence, scene)]
    others = [rough for scene, rough in panels if not _is_fresh(evidence, scene)]
    told = []
    for name, unit in (("curl", ""), ("angle", "°")):
        own, rest = (_values(some, name) for some in (fresh, others))
        if not own or not rest:
            return "There are no pictures of masks drawn anew beside others to compare."
        are_apart = "and tells them apart" if min(own) > max(rest) else "and does not tell them apart"
        told.append(
            f"the {name} is {number(min(own))} to {number(max(own), unit)} with masks drawn anew and"
            f" {number(min(rest))} to {number(max(rest), unit)} elsewhere, {are_apart}"
        )
    return f"Here {'; '.join(told)}."


def on_round_off(both: RoundOff) -> str:
    """Concludes whether the arrows of the two precisions are round-off."""
    if both.largest_float64 <= both.threshold_float64:
        return (
            "The gradient is zero (float64's components are at most a thousandth of the difference between both), so"
            " the arrows are round-off."
        )
    return f"The gradient is not zero: float64 finds components above {number(both.threshold_float64)}."


def on_moved_bias(findings: Findings) -> str:
    """Concludes how the share of rows below their target, and the agreement, change with the output bias."""
    found = [each for seed in findings.seeds for each in seed.evidence.interventions]
    shares = [share for each in found if (share := each.after.share_below) is not None]
    low, high = percent(min(shares)), percent(max(shares))
    told = f"after which {low if low == high else f'{low} to {high}'} of the rows lie below their target"
    pairs = [(each.before.resultant.value, each.after.resultant.value) for each in found]
    known = [(before, after) for before, after in pairs if before is not None and after is not None]
    fell = sum(after < before for before, after in known)
    missing = f" ({len(pairs) - len(known)} have no R)" if len(known) < len(pairs) else ""
    return f"{told}. R falls in {fell} of {len(known)} cases{missing}."


def _relation(each: SignBalance) -> str:
    return {
        1: "the more balanced the signs of the residuals, the less the minibatches agree",
        -1: "the more balanced the signs of the residuals, the more the minibatches agree",
        0: "the balance of the signs says nothing certain about the agreement",
    }[_sign(each)]


def _sign(each: SignBalance) -> int:
    """Of the correlation of |2s - 1| and R, by its interval: 0 where that contains 0 or is not known."""
    low, high = each.spearman.low, each.spearman.high
    return 0 if low is None or high is None else int(low > 0) - int(high < 0)


def _numbers(each: SignBalance) -> str:
    return f"Spearman's correlation of |2s − 1| and R {estimate(each.spearman)}, {each.num_checkpoints} checkpoints"


def _spearman(evidence: Evidence, role: Role) -> float | None:
    """Of the biases of hidden layer 1, over the checkpoints of one run."""
    record = evidence.record(role)
    names = (record.name,) if record else ()
    found = (each for each in evidence.sign_balance if (each.scope, each.variants) == ("biases 1", names))
    return next((each.spearman.value for each in found), None)


def _values(found: Sequence[Roughness], name: str) -> list[float]:
    return [value for each in found if (value := getattr(each, name).value) is not None]


def _is_fresh(evidence: Evidence, scene: Scene) -> bool:
    """Whether each point of the scene's pictures has masks of its own."""
    draws = any(record.name == scene.run and record.regularizer.draws_masks for record in evidence.runs)
    return draws and scene.mode == "train" and scene.masks == "fresh"
