"""What is written around a picture."""

import math
from collections import Counter

import numpy as np

from gradviz.drawing.choices import Under
from gradviz.drawing.ground import level_digits, levels_of
from gradviz.errors import UserError
from gradviz.landscape import GradientField, LandscapeRequest, ZeroReason, zero_message
from gradviz.landscape.directions.axis import axis_words, is_direction, pair_words
from gradviz.landscape.directions.told import PlaneFacts
from gradviz.landscape.request import masks_words
from gradviz.landscape.scalar import Scalar
from gradviz.numbers import ALL, number, percent, percent_of

ZERO_WORDS = "zero up to round-off"
CENTRE_WORDS = "the checkpoint itself"

PER_PARAMETER, PER_AXIS = "per unit of parameter", "per unit of the axes"

LITTLE = 0.05
"""A plane that holds a smaller share of the gradient's length says little about where training goes."""


def title_of(request: LandscapeRequest, minus: str = "") -> str:
    """The layers and the run; `minus` is the run whose field was subtracted."""
    runs = f"{request.run} − {minus}" if minus else request.run
    return f"{layers_of(request)}: {runs}"


def layers_of(request: LandscapeRequest) -> str:
    """ "Hidden layer 1", or both where the two parameters are of different layers; tensors of any other network; the
    directions in words."""
    if request.has_directions:
        words = pair_words(request.x, request.y)
        return words if words.startswith(request.x) else words[0].upper() + words[1:]
    try:
        names = [f"hidden layer {ref.layer}" if ref.layer is not None else "output layer" for ref in request.refs]
    except UserError:
        return " × ".join(dict.fromkeys(Scalar.parse(text).name for text in (request.x, request.y)))
    return " × ".join(dict.fromkeys(names)).capitalize()


def axis_name(parameter: str, centre: float | None = None) -> str:
    """Axes count from the checkpoint: its value is told beside, or that there are several; a direction's is 0."""
    if is_direction(parameter):
        return f"along {axis_words(parameter)}"
    where = "from each checkpoint" if centre is None else f"checkpoint: {number(centre, 5)}"
    return f"Δ {parameter}   ({where})"


def per_unit(*, has_directions: bool) -> str:
    """Of what the numbers of a gradient are derivatives."""
    return PER_AXIS if has_directions else PER_PARAMETER


def strength_name(is_difference: bool = False) -> str:
    return "log10 |Δ∇J|" if is_difference else "log10 |∇J|"


def arrow_name(is_difference: bool, is_descent: bool) -> str:
    """What the arrows are; empty if they are the gradient itself."""
    if not is_difference and not is_descent:
        return ""
    return ("−" if is_descent else "") + ("Δ∇J" if is_difference else "∇J")


def facts_of(
    field: GradientField, request: LandscapeRequest, *, draws_masks: bool = False, is_difference: bool = False
) -> list[str]:
    """The epoch, the minibatch with its rows, and the mode, with its masks if they were drawn."""
    rows = [] if request.rows else [f"{field.num_rows} rows"]
    if not is_difference and not math.isnan(field.share_below):
        masks = f" {masks_words(request)}" if draws_masks else ""
        rows.append(f"{percent(field.share_below)} of them below target{masks}")
    told = f" ({', '.join(rows)})" if rows else ""
    mode = f"{request.mode} mode" + (f", {request.masks} masks" if draws_masks else "")
    return [f"epoch {request.epoch}", f"{request.minibatch_words}{told}", mode]


def sentences_of(field: GradientField) -> list[str]:
    """What the study tells of the minibatch at the centre, and what is told of a plane of directions."""
    facts = [fact.sentence for fact in field.facts if fact.sentence]
    return facts if field.plane is None else [*facts, *plane_sentences(field.plane)]


def plane_sentences(plane: PlaneFacts) -> list[str]:
    """What 1 is along each axis, how much of the gradient the plane holds, and which batch statistics are used; without
    full stops."""
    y = plane.y.meaning if plane.y.part <= ALL else plane.y.unit or plane.y.meaning
    told = [f"x = 1: {plane.x.meaning}", f"y = 1: {y}"]
    if plane.gradient_share is not None:
        only = "only " if plane.gradient_share < LITTLE else ""
        share = percent_of(plane.gradient_share)
        told.append(f"the plane holds {only}{share} of the gradient's length at the checkpoint")
    if plane.statistics:
        told.append(plane.statistics[0].lower() + plane.statistics[1:].removesuffix("."))
    return told


def ground_name(loss: np.ndarray, under: Under, is_difference: bool = False) -> str:
    """What the greys under the arrows are, or the lines; empty where there are none."""
    levels = levels_of(loss)
    if under in ("none", "surface") or levels is None:
        return ""
    name, digits = "ΔJ" if is_difference else "J", level_digits(levels)
    if under == "contour":
        first, *_, last = (number(float(level), digits) for level in levels.values)
        return f"{name}: a line each {number(levels.step, 2)}, {first} to {last}"
    return f"{name} from {number(levels.low, digits)} (paper) to {number(levels.high, digits)} (grey)"


def loss_name(field: GradientField, is_difference: bool = False) -> str:
    """The loss axis."""
    return ("ΔJ" if is_difference else "J") + loss_unit(field)


def loss_unit(field: GradientField) -> str:
    """What J is, where it is known, with a space before it."""
    return "" if math.isnan(field.share_below) else " (mean |error|)"


def zeros_name(num_zeros: int, num_points: int, is_difference: bool = False) -> str:
    what = "equal" if is_difference else "gradient zero"
    return f"{what} up to round-off ({num_zeros} of {num_points} points)"


def parts_of(field: GradientField) -> tuple[np.ndarray, np.ndarray]:
    """Both components (Y, X) as they are told in numbers: one alone that is zero up to round-off is 0."""
    u_is_zero, v_is_zero = zeros_alone(field)
    return np.where(u_is_zero, 0, field.u), np.where(v_is_zero, 0, field.v)


def zeros_alone(field: GradientField) -> tuple[np.ndarray, np.ndarray]:
    """Where a component (Y, X) is zero up to round-off and the other one is not."""
    u, v = ((reason != ZeroReason.NONE) & ~field.is_zero for reason in (field.u_reason, field.v_reason))
    return u, v


def why_all_zero(field: GradientField) -> str:
    """The sentence for a field whose arrows are all zero; else empty."""
    reasons = reasons_of_all_zero(field)
    return zero_message(*reasons) if reasons else ""


def reasons_of_all_zero(field: GradientField) -> tuple[int, int] | None:
    """Of the two components, those that most arrows share, if all arrows are zero."""
    if not field.is_zero.all():
        return None
    pairs = Counter(zip(field.u_reason.ravel().tolist(), field.v_reason.ravel().tolist(), strict=True))
    return pairs.most_common(1)[0][0]
