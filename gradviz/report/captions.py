"""What stands under each picture."""

from gradviz.drawing.inks import VARIANT_LABELS
from gradviz.evidence.measurements import Evidence, Scene
from gradviz.evidence.roles import Role, role_of
from gradviz.evidence.scenes import design_of
from gradviz.report.concluding import on_balance, on_round_off
from gradviz.report.numbers import number, percent

PRECISION = "batchnorm-precision"
"""The source's batch normalization picture in two precisions."""


def caption_of(key: str, evidence: Evidence) -> str | None:
    """One or two sentences with the numbers of the picture; None if there is no such picture."""
    scene = evidence.scene(key)
    if scene is not None:
        return f"{design_of(key).caption} {_facts(scene)}"
    if key == PRECISION and evidence.round_off is not None:
        both = evidence.round_off
        return (
            f"The source's two biases under batch normalization at epoch {both.view.epoch}, by a plain loop of backward"
            f" passes, in float32 (left, largest component {number(both.largest_float32)}) and in float64 (right,"
            f" {number(both.largest_float64)}), every arrow drawn that is not exactly zero. {on_round_off(both)}"
        )
    if key == "null" and not evidence.nulls:
        return None
    names = ", ".join(VARIANT_LABELS[record.name].lower() for record in evidence.runs)
    norm_before = any(role_of(run) == Role.BATCHNORM and run.norm_placement == "before" for run in evidence.runs)
    stands = "; β stands for the biases under batch normalization" if norm_before else ""
    return {
        "losses": f"Training loss (dotted) and test loss (solid): {names}.",
        "over-epochs": "Loss, agreement R and mean cosine of the biases of hidden layer 1, sign balance, and the mean"
        f" angle between neighbouring arrows, over the epochs. Each variant in the mode that it is trained in{stands}.",
        "null": "R of the biases by minibatch size: measured, and of minibatches of random rows (middle 95 %).",
        "balance": f"Every checkpoint of every variant: sign balance and agreement. {on_balance(evidence)}",
    }.get(key)


def _facts(scene: Scene) -> str:
    parts = [f"Epoch {scene.epoch}."]
    many = scene.panels[0].agreement.num_minibatches > 1
    for panel in scene.panels:
        layer = f"Hidden layer {panel.view.refs[0].layer}"
        agreement = panel.agreement
        if agreement.num_zero == agreement.num_minibatches:
            parts.append(f"{layer}: all gradients at the centre are zero up to round-off.")
            continue
        facts = [f"angle between neighbours {number(panel.roughness.angle.value)}°"]
        if many:
            facts = [
                f"R = {number(agreement.resultant.value)}",
                f"{percent(agreement.opposite.value)} of pairs opposite",
                *facts,
            ]
        facts.append(f"{percent(agreement.share_below)} of rows predicted below their target")
        if agreement.num_zero:
            facts.append(f"{agreement.num_zero} of {agreement.num_minibatches} gradients zero")
        parts.append(f"{layer}: {', '.join(facts)}.")
    return " ".join(parts)
