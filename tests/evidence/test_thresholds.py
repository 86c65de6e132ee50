"""Each rule on its threshold, beside it, and without the number that decides."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gradviz.evidence import rules
from gradviz.evidence.claims import CLAIMS, Claim, claim_of
from gradviz.evidence.controls import ChosenRows
from gradviz.evidence.deciding import kind_of_most
from gradviz.evidence.measurements import Checkpoint, Evidence, Scene
from gradviz.evidence.values import Estimate
from gradviz.evidence.verdict import Kind
from tests.evidence.made import ablation, checkpoint, chosen, drift, evidence, null, paths, round_off, scene, scenes


@dataclass(frozen=True)
class Threshold:
    """A number of the evidence that decides a claim at `limit`: its verdict there, and for the next float below it.

    `is_above`: for the next float above it.
    """

    claim: str
    made: Callable[[Estimate], Evidence]
    limit: float
    at: Kind
    beside: Kind
    is_above: bool = False


def with_resultants(of: Scene, value: Estimate) -> Evidence:
    panels = tuple(
        panel.model_copy(update={"agreement": panel.agreement.model_copy(update={"resultant": value})})
        for panel in of.panels
    )
    return evidence(scenes=scenes(of.model_copy(update={"panels": panels})))


def with_opposite(of: Scene, value: Estimate) -> Evidence:
    panels = tuple(
        panel.model_copy(update={"agreement": panel.agreement.model_copy(update={"opposite": value})})
        for panel in of.panels
    )
    return evidence(scenes=scenes(of.model_copy(update={"panels": panels})))


def with_angle(of: Scene, value: Estimate, *others: Scene, **changes: object) -> Evidence:
    panels = tuple(
        panel.model_copy(update={"roughness": panel.roughness.model_copy(update={"angle": value})})
        for panel in of.panels
    )
    return evidence(scenes=scenes(of.model_copy(update={"panels": panels}), *others), **changes)


def with_last(**change: object) -> Evidence:
    return evidence(checkpoints=(checkpoint(2), checkpoint(3).model_copy(update=change)))


def with_agreement(**change: object) -> Evidence:
    """At both checkpoints of mid-training."""

    def of(each: Checkpoint) -> Checkpoint:
        scoped = tuple(
            one.model_copy(update={"agreement": one.agreement.model_copy(update=change)}) for one in each.agreements
        )
        return each.model_copy(update={"agreements": scoped})

    return evidence(checkpoints=(of(checkpoint(2)), of(checkpoint(3))))


def with_cosine(high: Estimate) -> Evidence:
    return with_agreement(cosine=Estimate(value=0.0, low=-0.1).model_copy(update={"high": high.value}))


def with_round_off(**change: object) -> Evidence:
    return evidence(round_off=round_off(1e-3).model_copy(update=change))


def with_chosen(**change: object) -> ChosenRows:
    return chosen("d", 0.9, 3.0).model_copy(update=change)


START_NONE, MID_NONE = scene("start-none", "none"), scene("mid-none", "none")
FROZEN, BETA = scene("dropout-frozen", "dropout"), scene("batchnorm-beta", "batchnorm")
START_DROPOUT = scene("start-dropout", "dropout", resultant=0.9, angle=10)
MID_DROPOUT = scene("mid-dropout", "dropout", resultant=0.3, angle=50)
CALM_DROPOUT = scene("mid-dropout", "dropout", angle=20)
THRESHOLDS = {
    "R² is 0.95": Threshold("accurate", lambda x: with_last(test_r2=x.value), 0.95, Kind.HOLDS, Kind.NOT),
    "R is 0.9 at the start": Threshold("start", lambda x: with_resultants(START_NONE, x), 0.9, Kind.HOLDS, Kind.NOT),
    "30 % of the pairs are opposite": Threshold(
        "mid-training", lambda x: with_agreement(opposite=x), 0.3, Kind.HOLDS, Kind.NOT
    ),
    "R is the lower end of the random one": Threshold(
        "composition",
        lambda x: evidence(nulls=(null(0.2, 0.5).model_copy(update={"measured_resultant": x}),)),
        0.5,
        Kind.SAMPLING,
        Kind.HOLDS,
    ),
    "30 % under dropout": Threshold(
        "dropout-minibatches", lambda x: with_opposite(FROZEN, x), 0.3, Kind.HOLDS, Kind.NOT
    ),
    "fresh masks: 3 times the frozen 6°": Threshold(
        "dropout-rough", lambda x: with_angle(MID_DROPOUT, x), 18.0, Kind.MASKS, Kind.NOT
    ),
    "frozen masks: 3 times the plain 5°": Threshold(
        "dropout-rough", lambda x: with_angle(FROZEN, x, CALM_DROPOUT), 15.0, Kind.HOLDS, Kind.NOT
    ),
    "the angle at the start is that of mid-training": Threshold(
        "dropout-start", lambda x: with_angle(START_DROPOUT, x), 50.0, Kind.NOT, Kind.HOLDS
    ),
    "R of mid-training is that at the start": Threshold(
        "dropout-start", lambda x: with_resultants(MID_DROPOUT, x), 0.9, Kind.NOT, Kind.HOLDS
    ),
    "R is that of directions 10° apart": Threshold(
        "composition",
        lambda x: evidence(nulls=(null(0.2, 0.5).model_copy(update={"measured_resultant": x}),)),
        rules.LEAST_APART,
        Kind.SAMPLING,
        Kind.NOT,
        is_above=True,
    ),
    "R of chosen rows is that of directions 10° apart": Threshold(
        "chosen-rows",
        lambda x: evidence(chosen=(with_chosen(resultant=x),)),
        rules.LEAST_APART,
        Kind.HOLDS,
        Kind.NOT,
        is_above=True,
    ),
    "1 - R is twice that of random rows": Threshold(
        "chosen-rows",
        lambda x: evidence(chosen=(with_chosen(sensitivity=Estimate(value=5.0).model_copy(update={"low": x.value})),)),
        2.0,
        Kind.HOLDS,
        Kind.NOT,
    ),
    "fresh masks: at least 10°": Threshold(
        "dropout-rough",
        lambda x: with_angle(MID_DROPOUT, x, scene("dropout-frozen", "dropout", angle=1), scene("mid-none", "none")),
        10.0,
        Kind.MASKS,
        Kind.NOT,
    ),
    "frozen masks: at least 10°": Threshold(
        "dropout-rough",
        lambda x: with_angle(FROZEN, x, scene("mid-dropout", "dropout", angle=20), scene("mid-none", "none", angle=1)),
        10.0,
        Kind.HOLDS,
        Kind.NOT,
    ),
    "float32: at least 10°": Threshold(
        "batchnorm-rough",
        lambda x: with_round_off(angle_float32=x.value).model_copy(
            update={"scenes": scenes(scene("mid-none", "none", angle=1))}
        ),
        10.0,
        Kind.HOLDS,
        Kind.NOT,
    ),
    "β: at least 10°": Threshold(
        "batchnorm-like-dropout",
        lambda x: with_angle(BETA, x, scene("mid-none", "none", angle=1)),
        10.0,
        Kind.HOLDS,
        Kind.NOT,
    ),
    "order spreads ends by tan 10°": Threshold(
        "path-order", lambda x: evidence(paths=(paths("own", x.value, 0.1),)), rules.PATHS_APART, Kind.HOLDS, Kind.NOT
    ),
    "composition spreads ways by tan 10°": Threshold(
        "path-composition-sgd",
        lambda x: evidence(paths=(paths("sgd", 0.1, x.value),)),
        rules.PATHS_APART,
        Kind.BRIDGE,
        Kind.NOT,
    ),
    "β moves by half": Threshold(
        "norm-drift",
        lambda x: evidence(drifts=(drift("none"), drift("batchnorm", beta=x.value, gamma=0.7))),
        0.5,
        Kind.HOLDS,
        Kind.NOT,
    ),
    "γ moves by half": Threshold(
        "norm-drift",
        lambda x: evidence(drifts=(drift("none"), drift("batchnorm", beta=0.7, gamma=x.value))),
        0.5,
        Kind.HOLDS,
        Kind.NOT,
    ),
    "a hundredth of R²": Threshold(
        "accurate",
        lambda x: evidence(ablation=ablation(20.0).model_copy(update={"r2": x.value, "permuted_r2": 0.0})),
        0.01,
        Kind.HOLDS,
        Kind.NOT,
    ),
    "float64 prints what is zero for float32": Threshold(
        "batchnorm-rough",
        lambda x: with_round_off(largest_float64=x.value),
        1e-14,
        Kind.ROUND_OFF,
        Kind.HOLDS,
        is_above=True,
    ),
    "float32: 3 times the plain 5°": Threshold(
        "batchnorm-rough", lambda x: with_round_off(angle_float32=x.value), 15.0, Kind.HOLDS, Kind.NOT
    ),
    "30 % under batch normalization": Threshold(
        "batchnorm-minibatches", lambda x: with_opposite(BETA, x), 0.3, Kind.HOLDS, Kind.NOT
    ),
    "β: 3 times the plain 5°": Threshold(
        "batchnorm-like-dropout", lambda x: with_angle(BETA, x), 15.0, Kind.HOLDS, Kind.NOT
    ),
    "β: dropout's 50°": Threshold("batchnorm-like-dropout", lambda x: with_angle(BETA, x), 50.0, Kind.NOT, Kind.HOLDS),
    "the cosine's interval ends at 0.9": Threshold("sgd", with_cosine, 0.9, Kind.NOT, Kind.HOLDS),
}


@pytest.mark.parametrize("name", THRESHOLDS)
def test_a_rule_is_told_at_its_threshold_and_beside_it(name: str):
    threshold = THRESHOLDS[name]
    beside = math.nextafter(threshold.limit, math.inf if threshold.is_above else -math.inf)
    rule = claim_of(threshold.claim)
    assert rule.verdict(threshold.made(Estimate(value=threshold.limit))).kind == threshold.at
    assert rule.verdict(threshold.made(Estimate(value=beside))).kind == threshold.beside


_FINITE = ("float64", "β moves", "γ moves", "order spreads", "composition spreads")  # a measurement refuses nan
MAY_BE_MISSING = [name for name in THRESHOLDS if not name.startswith(_FINITE)]


@pytest.mark.parametrize("name", MAY_BE_MISSING)
@pytest.mark.parametrize("value", [None, math.nan], ids=str)
def test_a_rule_is_not_told_without_its_number(name: str, value: float | None):
    threshold = THRESHOLDS[name]
    nothing = Estimate(value=None).model_copy(update={"value": value})
    assert claim_of(threshold.claim).verdict(threshold.made(nothing)).kind == Kind.UNTOLD


def test_the_error_without_the_field_must_grow_twofold():
    told = [claim_of("accurate").verdict(evidence(ablation=ablation(permuted))) for permuted in (20.0, 19.999)]
    assert [verdict.kind for verdict in told] == [Kind.HOLDS, Kind.NOT]


@pytest.mark.parametrize(
    ("loss", "permuted", "kind"),
    [(0.0, 0.5, Kind.HOLDS), (0.0, 0.0, Kind.NOT), (0.5, 1.0, Kind.HOLDS), (0.5, 0.9, Kind.NOT)],
)
def test_a_small_error_grows_as_a_large_one_and_none_grows_if_there_is_one_then(
    loss: float, permuted: float, kind: Kind
):
    found = ablation(permuted).model_copy(update={"loss": loss})
    assert claim_of("accurate").verdict(evidence(ablation=found)).kind == kind


def test_the_ratio_of_the_angles_is_told():
    found = {each.name: each.estimate.value for each in claim_of("dropout-rough").verdict(evidence()).figures}
    assert found["fresh over frozen"] == pytest.approx(50 / 6)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([True, True, False], Kind.HOLDS),
        ([True, False], Kind.IN_PART),  # half are not most
        ([False, False], Kind.NOT),
        ([True, True, None], Kind.HOLDS),  # whatever the third one is
        ([True, None], Kind.UNTOLD),
        ([False, None], Kind.UNTOLD),
        ([True, False, False, None], Kind.IN_PART),
        ([None], Kind.UNTOLD),
    ],
    ids=str,
)
def test_most_checkpoints_are_more_than_half_of_them(answers: list[bool | None], kind: Kind):
    assert kind_of_most(answers) == kind


def test_a_ratio_to_almost_nothing_says_nothing():
    """An untrained network's arrows differ by 5°, and without noise by a billionth of a degree."""
    calm = scene("dropout-frozen", "dropout", angle=1e-9)
    found = evidence(
        scenes=scenes(scene("mid-dropout", "dropout", angle=4.9), calm, scene("mid-none", "none", angle=5))
    )
    assert claim_of("dropout-rough").verdict(found).kind == Kind.NOT


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.key)
def test_a_rule_tells_the_numbers_that_decide(claim: Claim):
    shares = {100 * rules.MANY_OPPOSITE, 100 * rules.MID_LOSS, 95}  # 95 % intervals
    numbers = (rules.ACCURATE_R2, rules.READS, rules.READS_R2, rules.AGREES, rules.ROUGH_RATIO, rules.LEAST_ANGLE)
    numbers = (*numbers, rules.DRIFTS, rules.CHOSEN_RATIO, rules.PATHS_ROUNDING)
    rounded = (round(number, 3) for number in (rules.LEAST_APART, rules.PATHS_APART))
    others = {*numbers, *rounded, 0, 1, 50}  # epoch 0, 1 - R, 50 minibatches
    for number, percent in re.findall(r"(?<![\w.])(\d+(?:\.\d+)?)( %)?(?!\w)", claim.rule):
        assert float(number) in (shares if percent else others), (number, percent)
