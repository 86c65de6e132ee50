"""Each rule by a table: measurements on its threshold, on both sides of it, and missing, and what it then says."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gradviz.errors import UserError
from gradviz.evidence.claims import CLAIMS, claim_of, verdicts
from gradviz.evidence.deciding import kind_of_most
from gradviz.evidence.measurements import Agreement, Checkpoint, Estimate, Evidence, Panel, Scene
from gradviz.evidence.verdict import COSINE, DEGREES, SHARE, Kind
from tests.evidence.made import ablation, checkpoint, evidence, null, round_off, scene, scenes


@dataclass(frozen=True)
class Rule:
    claim: str
    kind: Kind
    evidence: Evidence


RULES = [
    Rule("accurate", Kind.HOLDS, evidence()),
    Rule("accurate", Kind.NOT, evidence(checkpoints=(checkpoint(2), checkpoint(3, r2=0.9)))),
    Rule("accurate", Kind.NOT, evidence(ablation=ablation(19.9))),
    Rule("accurate", Kind.UNKNOWN, evidence(ablation=None)),
    Rule("start", Kind.HOLDS, evidence()),
    Rule("start", Kind.NOT, evidence(scenes=scenes(scene("start-none", "none", resultant=0.89)))),
    Rule("mid-training", Kind.HOLDS, evidence()),
    Rule("mid-training", Kind.IN_PART, evidence(checkpoints=(checkpoint(2), checkpoint(3, opposite=0.29)))),
    Rule("mid-training", Kind.NOT, evidence(checkpoints=(checkpoint(2, opposite=0), checkpoint(3, opposite=0)))),
    Rule("mid-training", Kind.UNKNOWN, evidence(mid_training=())),
    Rule("composition", Kind.HOLDS, evidence()),
    Rule("composition", Kind.SAMPLING, evidence(nulls=(null(0.5, 0.5),))),
    Rule("composition", Kind.UNKNOWN, evidence(nulls=())),
    Rule("dropout-minibatches", Kind.HOLDS, evidence()),
    Rule("dropout-minibatches", Kind.NOT, evidence(scenes=scenes(scene("dropout-frozen", "dropout", opposite=0.29)))),
    Rule("dropout-rough", Kind.MASKS, evidence()),
    Rule("dropout-rough", Kind.HOLDS, evidence(scenes=scenes(scene("dropout-frozen", "dropout", angle=17)))),
    Rule(
        "dropout-rough",
        Kind.NOT,
        evidence(
            scenes=scenes(
                scene("mid-dropout", "dropout", angle=17.9, resultant=0.3), scene("mid-none", "none", angle=5.1)
            )
        ),
    ),
    Rule("dropout-start", Kind.HOLDS, evidence()),
    Rule(
        "dropout-start",
        Kind.NOT,
        evidence(scenes=scenes(scene("start-dropout", "dropout", resultant=0.9, angle=51))),
    ),
    Rule(
        "dropout-start",
        Kind.NOT,
        evidence(scenes=scenes(scene("start-dropout", "dropout", resultant=0.2, angle=10))),
    ),
    Rule("batchnorm-rough", Kind.ROUND_OFF, evidence()),
    Rule("batchnorm-rough", Kind.HOLDS, evidence(round_off=round_off(1e-3))),
    Rule(
        "batchnorm-rough",
        Kind.NOT,
        evidence(round_off=round_off(1e-3), scenes=scenes(scene("mid-none", "none", angle=30))),
    ),
    Rule("batchnorm-minibatches", Kind.HOLDS, evidence()),
    Rule(
        "batchnorm-minibatches",
        Kind.NOT,
        evidence(scenes=scenes(scene("batchnorm-beta", "batchnorm", opposite=0.1))),
    ),
    Rule("batchnorm-like-dropout", Kind.HOLDS, evidence()),
    Rule("batchnorm-like-dropout", Kind.NOT, evidence(scenes=scenes(scene("batchnorm-beta", "batchnorm", angle=14)))),
    Rule("batchnorm-like-dropout", Kind.NOT, evidence(scenes=scenes(scene("batchnorm-beta", "batchnorm", angle=55)))),
    Rule("sgd", Kind.HOLDS, evidence()),
    Rule("sgd", Kind.NOT, evidence(checkpoints=(checkpoint(2), checkpoint(3, cosine_high=0.95)))),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.claim}: {rule.kind}")
def test_the_rule_gives_the_verdict(rule: Rule):
    found = {verdict.claim: verdict for verdict in verdicts(rule.evidence)}
    assert found[rule.claim].kind == rule.kind


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


MAY_BE_MISSING = [name for name in THRESHOLDS if not name.startswith("float64")]


@pytest.mark.parametrize("name", MAY_BE_MISSING)
@pytest.mark.parametrize("value", [None, math.nan], ids=str)
def test_a_rule_is_not_told_without_its_number(name: str, value: float | None):
    threshold = THRESHOLDS[name]
    nothing = Estimate(value=None).model_copy(update={"value": value})
    assert claim_of(threshold.claim).verdict(threshold.made(nothing)).kind == Kind.UNTOLD


def test_the_error_without_the_field_must_grow_twofold():
    told = [claim_of("accurate").verdict(evidence(ablation=ablation(permuted))) for permuted in (20.0, 19.999)]
    assert [verdict.kind for verdict in told] == [Kind.HOLDS, Kind.NOT]


def test_a_network_without_an_error_reads_the_field_if_it_errs_without_it():
    perfect = ablation(20.0).model_copy(update={"loss": 0.0})
    found = [perfect, perfect.model_copy(update={"permuted_loss": 0.0})]
    told = [claim_of("accurate").verdict(evidence(ablation=each)) for each in found]
    assert [verdict.kind for verdict in told] == [Kind.HOLDS, Kind.NOT]


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


def test_a_rule_is_given_all_that_it_reads_or_says_nothing():
    whole = evidence()
    parts = {"scenes": (), "checkpoints": (), "nulls": (), "round_off": None, "ablation": None}
    for claim in CLAIMS:
        assert claim.verdict(whole).kind not in (Kind.UNKNOWN, Kind.UNTOLD)
        changed = [claim.verdict(whole.model_copy(update={name: value})) for name, value in parts.items()]
        lacking = [name for name, verdict in zip(parts, changed, strict=True) if verdict.kind == Kind.UNKNOWN]
        assert lacking, claim.key
        assert [each.figures for each in changed if each.kind == Kind.UNKNOWN] == [()] * len(lacking)


def test_an_unknown_claim_names_all():
    with pytest.raises(UserError, match=r"accurate, start, .*, sgd, got other"):
        claim_of("other")


def test_figures_lie_within_their_ranges():
    ranges = set()
    for verdict in verdicts(evidence()):
        for figure in verdict.figures:
            ranges.add(figure.range)
            assert (figure.unit == "%") <= (figure.range == SHARE)
            assert (figure.unit == "°") == (figure.range == DEGREES)
            if figure.range is not None:
                low, high = figure.range
                assert figure.estimate.value is not None
                assert low <= figure.estimate.value <= high
    assert ranges == {None, SHARE, DEGREES, COSINE}


def test_every_rule_is_tested_both_ways():
    by_claim = {claim.key: {rule.kind for rule in RULES if rule.claim == claim.key} for claim in CLAIMS}
    assert min(len(kinds) for kinds in by_claim.values()) >= 2


def test_without_runs_nothing_is_said():
    nothing = evidence(scenes=(), checkpoints=(), runs=(), mid_training=(), nulls=(), round_off=None)
    assert {verdict.kind for verdict in verdicts(nothing)} == {Kind.UNKNOWN}


def test_a_verdict_tells_the_numbers_that_it_rests_on_and_where_to_see_them():
    for verdict in verdicts(evidence()):
        assert verdict.figures
        assert verdict.views or verdict.claim in ("accurate", "composition")


def test_a_layer_of_dead_units_is_left_out_of_the_comparison_with_the_start():
    start = scene("start-dropout", "dropout", resultant=0.99, angle=5)
    mid = scene("mid-dropout", "dropout", resultant=0.2, angle=80)
    dead = mid.panels[1].agreement.model_copy(update={"resultant": Estimate(value=None)})
    kinds = []
    for panels in (
        (mid.panels[0], mid.panels[1].model_copy(update={"agreement": dead})),
        tuple(panel.model_copy(update={"agreement": dead}) for panel in mid.panels),
    ):
        found = verdicts(evidence(scenes=(start, mid.model_copy(update={"panels": panels}))))
        kinds.append(next(each.kind for each in found if each.claim == "dropout-start"))
    assert kinds == [Kind.HOLDS, Kind.UNTOLD]


MISSING = Estimate(value=None)


def without_numbers(whole: Evidence) -> Evidence:
    """The same, with every number that may be missing missing: all units dead, all targets equal."""
    names = ("resultant", "cosine", "opposite", "beyond_150", "norm_variation", "sign_agreement")

    def empty(found: Agreement) -> Agreement:
        return found.model_copy(update=dict.fromkeys(names, MISSING))

    def panel_of(panel: Panel) -> Panel:
        rough = panel.roughness.model_copy(update={"angle": MISSING})
        return panel.model_copy(update={"agreement": empty(panel.agreement), "roughness": rough})

    def checkpoint_of(each: Checkpoint) -> Checkpoint:
        scoped = tuple(one.model_copy(update={"agreement": empty(one.agreement)}) for one in each.agreements)
        return each.model_copy(update={"agreements": scoped, "test_r2": None})

    found = whole.round_off
    assert found is not None
    return whole.model_copy(
        update={
            "scenes": tuple(
                each.model_copy(update={"panels": tuple(map(panel_of, each.panels))}) for each in whole.scenes
            ),
            "checkpoints": tuple(map(checkpoint_of, whole.checkpoints)),
            "nulls": tuple(each.model_copy(update={"measured_resultant": MISSING}) for each in whole.nulls),
            "round_off": found.model_copy(update={"largest_float64": 1.0, "angle_float32": None}),
        }
    )


@pytest.mark.parametrize("claim", [claim.key for claim in CLAIMS])
def test_a_missing_number_is_never_a_no(claim: str):
    verdict = next(each for each in verdicts(without_numbers(evidence())) if each.claim == claim)
    assert verdict.kind == Kind.UNTOLD
    assert verdict.why.startswith("Cannot be told: ")
    missing = [figure.name for figure in verdict.figures if figure.estimate.value is None]
    assert all(name in verdict.why for name in missing)


@pytest.mark.parametrize("claim", [claim.key for claim in CLAIMS])
def test_what_is_told_has_no_excuse(claim: str):
    assert all(each.why == "" for each in verdicts(evidence()) if each.claim == claim)


def test_one_layer_that_says_no_is_enough_where_the_other_is_missing():
    start = scene("start-none", "none", resultant=0.2)
    dead = start.panels[1].agreement.model_copy(update={"resultant": MISSING})
    half = start.model_copy(
        update={"panels": (start.panels[0], start.panels[1].model_copy(update={"agreement": dead}))}
    )
    assert next(each for each in verdicts(evidence(scenes=scenes(half))) if each.claim == "start").kind == Kind.NOT


def test_arrows_that_do_not_differ_at_all_are_not_rough():
    """0 is three times 0: no roughness is no roughness, whatever the control."""
    still = evidence(
        scenes=scenes(
            scene("mid-dropout", "dropout", angle=0.0),
            scene("dropout-frozen", "dropout", angle=0.0),
            scene("mid-none", "none", angle=0.0),
            scene("batchnorm-beta", "batchnorm", angle=0.0),
        ),
        round_off=round_off(1e-3).model_copy(update={"angle_float32": 0.0}),
    )
    found = {each.claim: each.kind for each in verdicts(still)}
    rough = ("dropout-rough", "batchnorm-rough", "batchnorm-like-dropout")
    assert [found[claim] for claim in rough] == [Kind.NOT] * 3
