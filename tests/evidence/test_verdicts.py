"""Each rule by a table: measurements on both sides of its threshold, and the verdict that follows."""

from dataclasses import dataclass

import pytest

from gradviz.evidence.claims import CLAIMS
from gradviz.evidence.measurements import (
    Ablation,
    Agreement,
    Checkpoint,
    Estimate,
    Evidence,
    Null,
    Panel,
    Roughness,
    RoundOff,
    Scene,
    ScopedAgreement,
)
from gradviz.evidence.verdict import Kind
from gradviz.evidence.verdicts import verdicts
from gradviz.experiment.run_record import RunRecord
from gradviz.landscape.request import LandscapeRequest


def agreement(resultant: float = 0.5, opposite: float = 0.5, cosine_high: float = 0.5) -> Agreement:
    nothing = Estimate(value=0.0)
    return Agreement(
        num_parameters=2,
        num_minibatches=50,
        minibatch_size=64,
        num_zero=0,
        share_below=0.5,
        resultant=Estimate(value=resultant),
        cosine=Estimate(value=0.0, low=-0.1, high=cosine_high),
        opposite=Estimate(value=opposite, low=opposite, high=opposite),
        beyond_150=nothing,
        norm_variation=nothing,
        sign_agreement=nothing,
    )


def roughness(angle: float) -> Roughness:
    one = Estimate(value=1.0)
    grid = {"num_minibatches": 8, "points": 11, "half_width": 0.05}
    return Roughness(**grid, angle=Estimate(value=angle), difference=one, distinct=one, curl=one)


def scene(key: str, variant: str, *, resultant: float = 0.5, opposite: float = 0.5, angle: float = 5.0) -> Scene:
    view = LandscapeRequest(x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", run=variant, epoch=3)
    panel = Panel(view=view, agreement=agreement(resultant, opposite), roughness=roughness(angle))
    return Scene(key=key, run=variant, epoch=3, mode="eval", masks="fresh", panels=(panel, panel))


def checkpoint(epoch: int, *, opposite: float = 0.5, cosine_high: float = 0.5, r2: float = 0.98) -> Checkpoint:
    found = agreement(opposite=opposite, cosine_high=cosine_high)
    scopes = tuple(ScopedAgreement(scope=scope, agreement=found) for scope in ("pair 1", "pair 2", "model"))
    return Checkpoint(
        run="none",
        epoch=epoch,
        mode="eval",
        train_loss=1.0,
        test_loss=1.0,
        test_r2=r2,
        balance=0.1,
        agreements=scopes,
        roughness=roughness(5.0),
    )


def null(measured: float, low: float) -> Null:
    estimate = Estimate(value=measured)
    predicted = Estimate(value=low + 0.1, low=low, high=low + 0.2)
    return Null(
        scope="biases 1",
        run="none",
        epoch=3,
        minibatch_size=64,
        num_minibatches=50,
        measured_resultant=estimate,
        random_resultant=predicted,
        formula_resultant=None,
        sensitivity=estimate,
    )


def round_off(largest: float) -> RoundOff:
    view = LandscapeRequest(x="hidden.1.linear.bias[0]", y="hidden.1.linear.bias[1]", run="batchnorm", epoch=10)
    return RoundOff(
        view=view,
        largest_float32=1e-8,
        largest_float64=largest,
        threshold_float32=1e-6,
        threshold_float64=1e-14,
        angle_float32=80.0,
        angle_float64=80.0,
        cosine=0.0,
        zero_share=1.0,
    )


def ablation(permuted: float) -> Ablation:
    return Ablation(
        field="Total Deliverers", epoch=3, num_rows=200, loss=10.0, permuted_loss=permuted, blank_loss=50.0, r2=0.98,
        permuted_r2=0.1,
    )  # fmt: skip


RECORD = RunRecord(torch_version="2", num_parameters=10, rows_used=10, rows_left_out=0, rows_train=8, rows_test=2)


def evidence(**changes: object) -> Evidence:
    """Evidence by which every claim but those of artefacts holds, with some of it changed."""
    values: dict[str, object] = {
        "seed": 0,
        "mid_epochs": (("none", 3), ("dropout", 3)),
        "mid_training": (2, 3),
        "runs": (RECORD,),
        "checkpoints": (checkpoint(2), checkpoint(3)),
        "scenes": SCENES,
        "sign_balance": (),
        "interventions": (),
        "nulls": (null(0.2, 0.5),),
        "round_off": round_off(1e-16),
        "mask_splits": (),
        "ablation": ablation(20.0),
    }
    return Evidence.model_validate(values | changes)


SCENES = (
    scene("start-none", "none", resultant=0.95),
    scene("mid-none", "none", angle=5),
    scene("start-dropout", "dropout", resultant=0.9, angle=10),
    scene("mid-dropout", "dropout", resultant=0.3, angle=50),
    scene("dropout-frozen", "dropout", angle=6),
    scene("batchnorm-beta", "batchnorm", angle=20),
)


def scenes(**replaced: Scene) -> tuple[Scene, ...]:
    new = {value.key: value for value in replaced.values()}
    return tuple(new.get(each.key, each) for each in SCENES)


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
    Rule("start", Kind.NOT, evidence(scenes=scenes(a=scene("start-none", "none", resultant=0.89)))),
    Rule("mid-training", Kind.HOLDS, evidence()),
    Rule("mid-training", Kind.IN_PART, evidence(checkpoints=(checkpoint(2), checkpoint(3, opposite=0.29)))),
    Rule("mid-training", Kind.NOT, evidence(checkpoints=(checkpoint(2, opposite=0), checkpoint(3, opposite=0)))),
    Rule("mid-training", Kind.UNKNOWN, evidence(mid_training=())),
    Rule("composition", Kind.HOLDS, evidence()),
    Rule("composition", Kind.SAMPLING, evidence(nulls=(null(0.5, 0.5),))),
    Rule("composition", Kind.UNKNOWN, evidence(nulls=())),
    Rule("dropout-minibatches", Kind.HOLDS, evidence()),
    Rule("dropout-minibatches", Kind.NOT, evidence(scenes=scenes(a=scene("dropout-frozen", "dropout", opposite=0.29)))),
    Rule("dropout-rough", Kind.MASKS, evidence()),
    Rule("dropout-rough", Kind.HOLDS, evidence(scenes=scenes(a=scene("dropout-frozen", "dropout", angle=17)))),
    Rule(
        "dropout-rough",
        Kind.NOT,
        evidence(
            scenes=scenes(
                a=scene("mid-dropout", "dropout", angle=17.9, resultant=0.3), b=scene("mid-none", "none", angle=5.1)
            )
        ),
    ),
    Rule("dropout-start", Kind.HOLDS, evidence()),
    Rule(
        "dropout-start",
        Kind.NOT,
        evidence(scenes=scenes(a=scene("start-dropout", "dropout", resultant=0.9, angle=51))),
    ),
    Rule(
        "dropout-start",
        Kind.NOT,
        evidence(scenes=scenes(a=scene("start-dropout", "dropout", resultant=0.2, angle=10))),
    ),
    Rule("batchnorm-rough", Kind.ROUND_OFF, evidence()),
    Rule("batchnorm-rough", Kind.HOLDS, evidence(round_off=round_off(1e-3))),
    Rule(
        "batchnorm-rough",
        Kind.NOT,
        evidence(round_off=round_off(1e-3), scenes=scenes(a=scene("mid-none", "none", angle=30))),
    ),
    Rule("batchnorm-minibatches", Kind.HOLDS, evidence()),
    Rule(
        "batchnorm-minibatches",
        Kind.NOT,
        evidence(scenes=scenes(a=scene("batchnorm-beta", "batchnorm", opposite=0.1))),
    ),
    Rule("batchnorm-like-dropout", Kind.HOLDS, evidence()),
    Rule("batchnorm-like-dropout", Kind.NOT, evidence(scenes=scenes(a=scene("batchnorm-beta", "batchnorm", angle=14)))),
    Rule("batchnorm-like-dropout", Kind.NOT, evidence(scenes=scenes(a=scene("batchnorm-beta", "batchnorm", angle=55)))),
    Rule("sgd", Kind.HOLDS, evidence()),
    Rule("sgd", Kind.NOT, evidence(checkpoints=(checkpoint(2), checkpoint(3, cosine_high=0.95)))),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.claim}: {rule.kind}")
def test_the_rule_gives_the_verdict(rule: Rule):
    found = {verdict.claim: verdict for verdict in verdicts(rule.evidence)}
    assert found[rule.claim].kind == rule.kind


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
    assert next(each for each in verdicts(evidence(scenes=scenes(a=half))) if each.claim == "start").kind == Kind.NOT


def test_arrows_that_do_not_differ_at_all_are_not_rough():
    """0 is three times 0: no roughness is no roughness, whatever the control."""
    still = evidence(
        scenes=scenes(
            a=scene("mid-dropout", "dropout", angle=0.0),
            b=scene("dropout-frozen", "dropout", angle=0.0),
            c=scene("mid-none", "none", angle=0.0),
            d=scene("batchnorm-beta", "batchnorm", angle=0.0),
        ),
        round_off=round_off(1e-3).model_copy(update={"angle_float32": 0.0}),
    )
    found = {each.claim: each.kind for each in verdicts(still)}
    rough = ("dropout-rough", "batchnorm-rough", "batchnorm-like-dropout")
    assert [found[claim] for claim in rough] == [Kind.NOT] * 3
