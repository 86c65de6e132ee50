"""Sentences that conclude follow their numbers: with the numbers turned round, each says something else."""

from collections.abc import Callable

import pytest

from gradviz.evidence.measurements import Evidence, Intervention, Panel, SignBalance
from gradviz.evidence.values import Estimate
from gradviz.report.captions import caption_of
from gradviz.report.contents import contents
from gradviz.report.findings import Findings, findings_of
from gradviz.report.machine import Machine
from gradviz.report.writing import markdown_of
from tests.evidence.made import PAIRS, RUNS, agreement, evidence, random_pairs, record, round_off, scene, scenes
from tests.evidence.repeated import replicate, with_replicates

MACHINE = Machine(processor="", cores=1, threads=1, device="cpu", system="", python="", packages=())


def balance(value: float | None, low: float | None, high: float | None, runs: tuple[str, ...] = RUNS) -> SignBalance:
    spearman = Estimate(value=value, low=low, high=high)
    return SignBalance(scope="biases 1", variants=runs, num_checkpoints=30, spearman=spearman)


def moved(after: float, share: float = 0.5) -> Intervention:
    own = agreement(resultant=after).model_copy(update={"share_below": share})
    return Intervention(scope="biases 1", run="none", epoch=3, shift=1.0, before=agreement(resultant=0.9), after=own)


def text_of(**changes: object) -> str:
    found: Findings = findings_of((evidence(**changes),), MACHINE)
    return markdown_of(contents(found), frozenset())


def with_counts(number: int) -> tuple[object, ...]:
    def of(panel: Panel) -> Panel:
        own = panel.agreement.model_copy(update={"num_minibatches": number})
        return panel.model_copy(update={"agreement": own})

    return tuple(
        each.model_copy(update={"panels": tuple(map(of, each.panels))}) for each in evidence().scenes
    )  # fmt: skip


def norm_of(own: float, plain: float) -> dict[str, object]:
    """The rank correlation of layer 1 under batch normalization and without."""
    correlations = tuple(balance(value, None, None, (run,)) for run, value in (("batchnorm", own), ("none", plain)))
    return {"sign_balance": correlations, "runs": tuple(record(run, hidden=(8, 4, 2)) for run in RUNS)}


def masks_of(angle: float) -> dict[str, object]:
    """With masks drawn anew at each point, an angle between neighbours; two more scenes without."""
    fresh = scene("mid-dropout", "dropout", angle=angle).model_copy(update={"mode": "train"})
    return {"scenes": (scene("mid-none", "none", angle=5), scene("batchnorm-beta", "batchnorm", angle=20), fresh)}


KEEPS = "By these runs the norm above it does not take the pull of the signs away"
FITS = "This fits what the norm above does"
TELLS, TELLS_NOT = "and tells them apart", "and does not tell them apart"
LESS = "the more balanced the signs of the residuals, the less the minibatches agree"
MORE = "the more balanced the signs of the residuals, the more the minibatches agree"
NEITHER = "the balance of the signs says nothing certain about the agreement"
TABLE = [
    # what changes, what is then said, what is not
    ({"sign_balance": (balance(0.7, 0.5, 0.8),)}, LESS, (MORE, NEITHER)),
    ({"sign_balance": (balance(-0.007, -0.4, 0.3),)}, NEITHER, (LESS, MORE)),
    ({"sign_balance": (balance(-0.6, -0.8, -0.3),)}, MORE, (LESS, NEITHER)),
    ({"sign_balance": (balance(None, None, None),)}, "too few checkpoints", (LESS, MORE, NEITHER)),
    ({"sign_balance": (balance(0.9, 0.8, 0.95, ("none",)),)}, "In 1 of 1 series", ("the interval contains 0",)),
    ({"sign_balance": (balance(0.1, -0.3, 0.5, ("none",)),)}, "in 1 the interval contains 0", ("In 1 of 1 series",)),
    ({"sign_balance": (balance(-0.9, -0.95, -0.8, ("none",)),)}, "in 1 it is the reverse", ("In 1 of 1 series",)),
    ({"sign_balance": ()}, "No run has enough checkpoints", (LESS, MORE)),
    ({"interventions": (moved(0.3),)}, "R falls in 1 of 1 cases", ()),
    ({"interventions": (moved(0.95),)}, "R falls in 0 of 1 cases", ("R falls in 1",)),
    ({"interventions": (moved(0.3, 0.31),)}, "31\u00a0% of the rows lie below", ("half of the rows lie below",)),
    (norm_of(-0.007, 0.8), "is −0.00700 under batch normalization and 0.800 without: smaller in 1 of 1", (KEEPS,)),
    (norm_of(0.9, 0.8), KEEPS, (FITS,)),
    (norm_of(-0.007, 0.8), FITS, ()),
    ({}, "There are no pictures of masks drawn anew", (TELLS, TELLS_NOT)),
    (masks_of(80.0), f"the angle is 80 to 80° with masks drawn anew and 5 to 20° elsewhere, {TELLS}", ()),
    (masks_of(7.0), f"the angle is 7 to 7° with masks drawn anew and 5 to 20° elsewhere, {TELLS_NOT}", ()),
    ({"scenes": with_counts(18)}, "gradients of 18 minibatches", ("gradients of 50 minibatches",)),
]


@pytest.mark.parametrize(("changes", "said", "unsaid"), TABLE, ids=range(len(TABLE)))
def test_the_report_concludes_what_its_numbers_say(changes: dict[str, object], said: str, unsaid: tuple[str, ...]):
    text = text_of(**changes)
    assert said in text
    assert not [each for each in unsaid if each in text]


CAPTIONS: list[tuple[str, Callable[[], Evidence], str, str]] = [
    ("batchnorm-precision", lambda: evidence(round_off=round_off(1e-16)), "The gradient is zero", "is not zero"),
    ("batchnorm-precision", lambda: evidence(round_off=round_off(1e-3)), "The gradient is not zero", "is zero"),
    ("losses", lambda: evidence(runs=(record("none"),)), "(solid): none.", "three variants"),
    ("over-epochs", lambda: evidence(runs=(record("none"),)), "trained in.", "β stands"),
    (
        "over-epochs",
        lambda: evidence(runs=(record("batchnorm"),)),
        "β stands for the biases",
        "trained in.",
    ),
    (
        "over-epochs",
        lambda: evidence(runs=(record("batchnorm(after)"),)),
        "trained in.",
        "β stands",
    ),
    ("batchnorm-beta", evidence, "β of the first two units", "has a gradient"),
]


@pytest.mark.parametrize(("key", "of", "said", "unsaid"), CAPTIONS, ids=range(len(CAPTIONS)))
def test_captions_conclude_what_their_numbers_say(key: str, of: Callable[[], Evidence], said: str, unsaid: str):
    caption = caption_of(key, of())
    assert caption is not None
    assert said in caption
    assert unsaid not in caption


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        (
            ("random:1", "random:2"),
            "Random directions 1 × 2 (x = 1 is as large as the weights, y = 1 as long as x = 1): ",
        ),
        (
            ("gradient:mean@hidden.2", "output.bias[0]"),
            "The mean gradient within hidden.2 × output.bias[0] (x = 1 is as long as the last recorded step, ",
        ),
        (("towards:none/3", "pca:1"), "The way to epoch 3 of none × principal component 1 of the path (x = 1 is that "),
        (("output.bias[0]", "step"), "output.bias[0] × the last step (x = 1 is 1 in its own unit, "),
    ],
)
def test_a_caption_names_directions_in_words_and_says_what_1_is(axes: tuple[str, str], said: str):
    scene = next(scene for scene in evidence().scenes if scene.panels)
    along = {"view": scene.panels[0].view.model_copy(update={"x": axes[0], "y": axes[1]})}
    changed = scene.model_copy(update={"panels": tuple(panel.model_copy(update=along) for panel in scene.panels)})
    caption = caption_of(scene.key, evidence(scenes=(changed,)))
    assert caption is not None
    assert caption.count(said) == len(scene.panels)
    assert "Hidden layer" not in caption


def test_a_verdict_that_cannot_be_told_says_why_in_the_report():
    first, last, *others = evidence().checkpoints
    text = text_of(checkpoints=(first, last.model_copy(update={"test_r2": None}), *others))
    assert "cannot be told" in text
    assert "**Cannot be told: R² on the test rows cannot be measured" in text


def test_where_trainings_are_chaotic_no_verdict_is_counted_from_seeds():
    sure, unsure = evidence(), evidence(seed=1, scenes=scenes(scene("batchnorm-beta", "batchnorm", opposite=0.1)))
    found = markdown_of(contents(findings_of((sure, unsure), MACHINE)), frozenset())
    assert (
        "cannot be told, trainings differ: holds (1 of 2 seeds), does not hold (1 of 2 seeds);"
        " not repeated with other CPU threads" in found
    )
    assert "| Do minibatches disagree during training? | holds (2 of 2 seeds) |" in found


ROW = "| Do minibatches disagree under batch normalization? | {} |"


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ((None,), "holds; not repeated with other CPU threads"),
        ((0.5,), "holds; with other CPU threads: holds"),
        ((0.1,), "cannot be told, trainings differ: holds; with other CPU threads: does not hold"),
        ((None, None), "holds (2 of 2 seeds); not repeated with other CPU threads"),
        ((None, 0.5), "holds (2 of 2 seeds); with other CPU threads: holds (1 of 1 trainings)"),
        ((0.5, 0.5), "holds (2 of 2 seeds); with other CPU threads: holds (2 of 2 trainings)"),
        (
            (0.5, 0.1),
            "cannot be told, trainings differ: holds (2 of 2 seeds); with other CPU threads: holds (1 of 2 trainings),"
            " does not hold (1 of 2 trainings)",
        ),
    ],
    ids=str,
)
def test_beside_seeds_stand_the_trainings_with_other_threads(others: tuple[float | None, ...], said: str):
    """`others`: of each seed the share of opposite pairs by the training with other threads."""
    seeds = tuple(_with_threads(seed, opposite) for seed, opposite in enumerate(others))
    found = markdown_of(contents(findings_of(seeds, MACHINE)), frozenset())
    assert ROW.format(said) in found
    assert f"**{said}**" in found


def _with_threads(seed: int, opposite: float | None) -> Evidence:
    if opposite is None:
        return evidence(seed=seed)
    own = replicate(scenes=(scene("batchnorm-beta", "batchnorm-threads-2", opposite=opposite),))
    return with_replicates(own).model_copy(update={"seed": seed})


def test_notes_say_which_seeds_they_are_of():
    other = evidence(seed=1, random_pairs=(*PAIRS[2:], *random_pairs("start-none", "none", resultant=0.5)))
    found = markdown_of(contents(findings_of((evidence(), other), MACHINE)), frozenset())
    assert "Seed 0: By the median of pairs of random live units the verdict is the same." in found
    assert "Seed 1: By the median of pairs of random live units it would be: does not hold." in found
    assert "\n\nMeasured with the norm before the activation." in found
