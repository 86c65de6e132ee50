"""Each claim by a table: measurements, and the verdict that follows."""

from dataclasses import dataclass

import numpy as np
import pytest

from gradviz.errors import UserError
from gradviz.evidence import rules
from gradviz.evidence.claims import CLAIMS, claim_of, verdicts
from gradviz.evidence.claims.claim import Beside, Claim, Decision
from gradviz.evidence.claims.paths import PATH_CLAIMS
from gradviz.evidence.claims.studies import OF_STUDIES
from gradviz.evidence.figures import resultant_of
from gradviz.evidence.gathered import Evidence
from gradviz.evidence.measurements import Agreement, Checkpoint, Panel, Scene
from gradviz.evidence.parts import LoopField
from gradviz.evidence.path_taking import OPTIMIZERS
from gradviz.evidence.readings import scene as reading_of
from gradviz.evidence.scenes import MID_DROPOUT, START_DROPOUT
from gradviz.evidence.studied import NotThere, Studied
from gradviz.evidence.values import Estimate
from gradviz.evidence.verdict import DEGREES, SHARE, Kind
from gradviz.experiment.store import RunStore
from tests.evidence.made import ablation, checkpoint, chosen, drift, evidence, null, paths, round_off, scene, scenes


@dataclass(frozen=True)
class Rule:
    claim: str
    kind: Kind
    evidence: Evidence


WITHOUT_LANDSCAPES = ("accurate", "composition", "chosen-rows", "norm-drift", *(claim.key for claim in PATH_CLAIMS))
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
    Rule("composition", Kind.NOT, evidence(nulls=(null(0.99, 0.995),))),
    Rule("composition", Kind.UNKNOWN, evidence(nulls=())),
    Rule("chosen-rows", Kind.HOLDS, evidence()),
    Rule("chosen-rows", Kind.NOT, evidence(chosen=(chosen("d", 0.9, 1.9), chosen("store", 0.99, 5.0)))),
    Rule("chosen-rows", Kind.UNTOLD, evidence(chosen=(chosen("d", None, None), chosen("store", 0.99, 5.0)))),
    Rule("chosen-rows", Kind.HOLDS, evidence(chosen=(chosen("d", None, None), chosen("store", 0.96, 5.0)))),
    Rule("chosen-rows", Kind.UNKNOWN, evidence(chosen=())),
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
    Rule("norm-drift", Kind.HOLDS, evidence()),
    Rule("norm-drift", Kind.NOT, evidence(drifts=(drift("none"), drift("batchnorm", beta=0.49, gamma=0.7)))),
    Rule("norm-drift", Kind.NOT, evidence(drifts=(drift("none"), drift("batchnorm", beta=0.6, gamma=0.49)))),
    Rule("norm-drift", Kind.UNKNOWN, evidence(drifts=(drift("none"),))),
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
    *(
        Rule(claim.key, kind, evidence(paths=tuple(found if by == own else paths(own) for own in OPTIMIZERS)))
        for claim in PATH_CLAIMS
        for by in ("sgd" if claim.key.endswith("sgd") else "own",)
        for kind, found in (
            (Kind.HOLDS, paths(by)),
            (Kind.BRIDGE, paths(by, end=0.17)),
            (Kind.NOT, paths(by, end=0.17, middle=0.17)),
            (Kind.UNTOLD, paths(by, same=1e-12)),
            (Kind.UNTOLD, paths(by, rows=0.011)),
        )
    ),
    *(Rule(claim.key, Kind.UNKNOWN, evidence(paths=())) for claim in PATH_CLAIMS),
    Rule("sgd", Kind.HOLDS, evidence()),
    Rule("sgd", Kind.NOT, evidence(checkpoints=(checkpoint(2), checkpoint(3, cosine_high=0.95)))),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.claim}: {rule.kind}")
def test_the_rule_gives_the_verdict(rule: Rule):
    found = {verdict.claim: verdict for verdict in verdicts(rule.evidence)}
    assert found[rule.claim].kind == rule.kind


def test_a_rule_is_given_all_that_it_reads_or_says_nothing():
    whole = evidence()
    parts = {
        "scenes": (),
        "checkpoints": (),
        "nulls": (),
        "round_off": None,
        "ablation": None,
        "chosen": (),
        "random_pairs": (),
        "rough_pairs": (),
        "drifts": (),
        "paths": (),
    }
    for claim in CLAIMS:
        assert claim.verdict(whole).kind not in (Kind.UNKNOWN, Kind.UNTOLD)
        changed = [claim.verdict(whole.model_copy(update={name: value})) for name, value in parts.items()]
        lacking = [name for name, verdict in zip(parts, changed, strict=True) if verdict.kind == Kind.UNKNOWN]
        assert lacking, claim.key
        assert [each.figures for each in changed if each.kind == Kind.UNKNOWN] == [()] * len(lacking)


def test_a_new_claim_is_one_value(tiny_store: RunStore, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rules, "MID_LOSS", 1.0)  # any loss that falls will do
    asked_of = []

    def decide(start: Scene, mid: Scene) -> Decision:
        asked_of.append((start.key, mid.key))
        return Decision(Kind.HOLDS, (resultant_of(mid.panels[0]),))

    reads = (reading_of(START_DROPOUT), reading_of(MID_DROPOUT))
    claim = Claim("new", "Is it?", "it is", "Holds.", Beside("It.", "Is.", "So."), reads, decide, {Kind.HOLDS: "It is"})
    verdict = claim.verdict(evidence())
    assert (verdict.claim, verdict.kind, len(verdict.figures)) == ("new", Kind.HOLDS, 1)
    assert asked_of == [("start-dropout", "mid-dropout")]
    assert claim.verdict(evidence(scenes=())).kind == Kind.UNKNOWN
    studied = Studied.of(tiny_store)
    asked = claim.asked(studied)
    assert {(each.run, each.epoch) for each in asked if not isinstance(each, LoopField)} == {
        ("dropout", 0),
        ("dropout", 1),
    }
    assert len(set(asked)) == len(asked)
    without = Studied({}, studied.epochs, studied.mid_epochs)
    with pytest.raises(NotThere, match="No run with dropout has a checkpoint yet"):
        claim.asked(without)


def test_an_unknown_claim_names_all():
    with pytest.raises(UserError, match=r"accurate, start, .*, path-composition-sgd, got other"):
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
    assert ranges == {None, (0.0, 1.0), (-1.0, 1.0), (0.0, 180.0), (0.0, 2.0)}  # the last counts two checkpoints


def test_every_rule_is_tested_both_ways():
    by_claim = {claim.key: {rule.kind for rule in RULES if rule.claim == claim.key} for claim in CLAIMS}
    assert min(len(kinds) for kinds in by_claim.values()) >= 2


def test_without_runs_nothing_is_said():
    nothing = evidence(
        scenes=(),
        checkpoints=(),
        runs=(),
        mid_training=(),
        nulls=(),
        round_off=None,
        chosen=(),
        random_pairs=(),
        rough_pairs=(),
        drifts=(),
        paths=(),
    )
    assert {verdict.kind for verdict in verdicts(nothing)} == {Kind.UNKNOWN}


def test_a_verdict_tells_the_numbers_that_it_rests_on_and_where_to_see_them():
    for verdict in verdicts(evidence()):
        assert verdict.figures
        assert verdict.views or verdict.claim in WITHOUT_LANDSCAPES


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
            "chosen": tuple(each.model_copy(update={"resultant": MISSING}) for each in whole.chosen),
            "paths": (paths("own", end=None), paths("sgd", end=None)),
            "drifts": tuple(each.model_copy(update={"beta_rms": None}) for each in whole.drifts),
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


def test_checkpoints_without_two_arrows_are_counted():
    def share_of(**change: object) -> str:
        own = checkpoint(2).agreements[0].agreement.model_copy(update=change)
        scoped = tuple(each.model_copy(update={"agreement": own}) for each in checkpoint(2).agreements)
        first = checkpoint(2).model_copy(update={"agreements": scoped})
        return claim_of("mid-training").verdict(evidence(checkpoints=(first, checkpoint(3)))).figures[0].sample

    assert share_of(opposite=MISSING) == "of 2 of mid-training, 1 without two arrows"
    assert share_of() == "of 2 of mid-training"


def test_one_layer_that_says_no_is_enough_where_the_other_is_missing():
    start = scene("start-none", "none", resultant=0.2)
    dead = start.panels[1].agreement.model_copy(update={"resultant": MISSING})
    half = start.model_copy(
        update={"panels": (start.panels[0], start.panels[1].model_copy(update={"agreement": dead}))}
    )
    assert next(each for each in verdicts(evidence(scenes=scenes(half))) if each.claim == "start").kind == Kind.NOT


@pytest.mark.parametrize("claim", [*CLAIMS, *OF_STUDIES.values()], ids=lambda claim: claim.key)
def test_each_claim_tells_its_null_its_control_and_its_comparisons(claim: Claim):
    told = [claim.beside.null, claim.beside.control, claim.beside.several]
    assert all(each.endswith(".") and len(each.split()) >= 4 for each in told)
    assert len({claim.rule, *told}) == 4


def test_the_null_of_agreement_is_that_of_random_directions():
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, (4000, 50))
    mean = np.abs(np.exp(1j * angles).mean(1)).mean()
    assert mean == pytest.approx(np.sqrt(np.pi) / (2 * np.sqrt(50)), rel=0.03)
    assert f"{mean:.3f} for 50" in claim_of("start").beside.null


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


def test_a_control_that_fails_is_the_reason_why_nothing_can_be_told():
    for found, said in ((paths("own", same=1e-12), "must not at all"), (paths("own", rows=0.02), "rounding alone")):
        verdict = claim_of("path-order").verdict(evidence(paths=(found,)))
        assert verdict.kind == Kind.UNTOLD
        assert said in verdict.why
    assert claim_of("path-order").verdict(evidence(paths=(paths("own", rows=0.01),))).kind == Kind.HOLDS


def test_order_and_composition_have_verdicts_of_their_own_for_each_optimizer():
    bridge = paths("sgd", end=0.0)
    only_order = bridge.model_copy(
        update={"conditions": tuple(paths("sgd").of("composition") if each.condition == "composition" else each
                                    for each in bridge.conditions)}
    )  # fmt: skip
    found = {each.claim: each.kind for each in verdicts(evidence(paths=(paths("own"), only_order)))}
    kinds = [found[claim.key] for claim in PATH_CLAIMS]
    assert kinds == [Kind.HOLDS, Kind.HOLDS, Kind.BRIDGE, Kind.HOLDS]
