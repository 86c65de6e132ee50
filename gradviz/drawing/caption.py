"""The caption of a figure: all conditions under which its numbers hold, and what its marks mean, as plain text."""

from collections.abc import Sequence

import numpy as np

from gradviz import __version__
from gradviz.drawing import labels
from gradviz.drawing.look import Look
from gradviz.drawing.overlays import over_sentences
from gradviz.drawing.plot import field_reach
from gradviz.drawing.scale import LENGTH_EXPONENT, Scale, drawn_sizes
from gradviz.drawing.sheetplan import MOST_LETTERED, letter_of
from gradviz.drawing.shown import Row, Shown
from gradviz.landscape import LandscapeRequest
from gradviz.numbers import number

MADE = f"Made by gradviz {__version__}."

_LENGTHS = {
    "compressed": f"Length grows as |∇J|^{LENGTH_EXPONENT:g}",
    "true": "Length is proportional to |∇J|",
    "unit": "All arrows have one length",
}


def titles_of(row: Row, names: Sequence[str]) -> list[str]:
    """What differs from panel to panel; of one alone, or of equal ones, the layers and the run."""
    parts = [
        (
            name or labels.title_of(shown.request, shown.minus),
            labels.layers_of(shown.request),
            f"epoch {shown.request.epoch}",
            shown.request.minibatch_words,
            _mode_of(shown, name),
        )
        for shown, name in zip(row, names, strict=True)
    ]
    differing = [k for k in range(len(parts[0])) if len({part[k] for part in parts}) > 1]
    if not differing:
        return [f"{labels.layers_of(shown.request)}: {name}" for shown, name in zip(row, names, strict=True)]
    return [", ".join(part[k] for k in differing if part[k]) for part in parts]


def _mode_of(shown: Shown, name: str) -> str:
    """Empty where the run's name, as the page has it, says the masks."""
    masks = f"{shown.request.masks} masks"
    if shown.draws_masks and masks in name:
        return ""
    return shown.request.mode + (f", {masks}" if shown.draws_masks else " mode")


def marks_of(row: Row, names: Sequence[str]) -> list[str]:
    """What tells a panel in the caption: its letter, or of very many the title that it has instead."""
    if len(row) == 1:
        return [""]
    if len(row) <= MOST_LETTERED:
        return [f"({letter_of(k)}) " for k in range(len(row))]
    return [f"{title}: " for title in titles_of(row, names or [""] * len(row))]


def caption_of(
    row: Row, look: Look, scales: Sequence[Scale] = (), names: Sequence[str] = (), *, share_scale: bool = False
) -> str:
    """Sentences in one line: of each panel its conditions, with those in common said once, then how all are drawn.

    `scales`: as the panels are drawn, their own if empty; `names`: of the runs, as the page calls them.
    """
    used = list(scales) or [Scale.of([shown.field]) for shown in row]
    told = [_conditions(shown, name) for shown, name in zip(row, names or [""] * len(row), strict=True)]
    common = [each for each in told[0] if all(each in other for other in told)]
    own = ["; ".join(each for each in panel if each not in common) for panel in told]
    marks = marks_of(row, names)
    lettered = marks if len(row) <= MOST_LETTERED else [""] * len(row)
    parts = [f"{mark}{text}" for mark, text in zip(lettered, own, strict=True) if text] if len(row) > 1 else []
    head = "Gradient landscape" if len(row) == 1 else f"{len(row)} gradient landscapes"
    sentences = [f"{head}: {'; '.join([*parts, *common])}", *_drawn(row, look, used, share_scale)]
    sentences += _of_some(marks, [_particulars(shown, look) for shown in row])
    return " ".join(map(_ended, sentences)) + f" {MADE}"


def _of_some(marks: Sequence[str], told: Sequence[Sequence[str]]) -> list[str]:
    """Sentences that hold for all panels, or for some of them, each told once."""
    every = dict.fromkeys(sentence for sentences in told for sentence in sentences)
    of_each = {each: [mark for mark, own in zip(marks, told, strict=True) if each in own] for each in every}
    return [each if len(some) == len(marks) else "".join(some) + each for each, some in of_each.items()]


def rose_caption(
    request: LandscapeRequest, gradients_K2: np.ndarray, is_zero_K: np.ndarray, look: Look, scale: Scale
) -> str:
    """Of the gradients of all minibatches as arrows from one point."""
    live_K2 = gradients_K2[~is_zero_K]
    per = labels.per_unit(has_directions=request.has_directions)
    sentences = [_of_all(request, len(gradients_K2), "the gradients")]
    if len(live_K2):
        size_K = np.hypot(*live_K2.T)
        strength = float(np.hypot(*(live_K2 / size_K[:, None]).mean(0)))
        ring = f"the ring is {number(float(size_K.max()))} {per}"
        sentences += [
            f"{_LENGTHS[look.length]}; {ring}",
            f"Colour is {labels.strength_name()} (loss {per}), {number(scale.low)} to {number(scale.high)}",
            f"The broad arrow is the mean of the directions, R = {number(strength, 3)} of the ring long",
        ]
    sentences += ["Arrows show −∇J (descent)"] if look.direction == "descent" else []
    zeros = int(is_zero_K.sum())
    sentences += [f"{zeros} of {len(gradients_K2)} gradients are {labels.ZERO_WORDS}"] if zeros else []
    return " ".join(map(_ended, sentences)) + f" {MADE}"


def matrix_caption(request: LandscapeRequest, cosine_KK: np.ndarray, of: str) -> str:
    """Of the cosines between the gradients of all minibatches; `of`: the part of the model."""
    pairs_A = cosine_KK[np.triu_indices(len(cosine_KK), 1)]
    pairs_A = pairs_A[np.isfinite(pairs_A)]
    sentences = [_of_all(request, len(cosine_KK), f"cosines of the angles between the gradients of {of}")]
    sentences.append("Rows and columns are minibatches in the order of their directions")
    sentences += [f"Mean cosine of {pairs_A.size} pairs: {number(float(pairs_A.mean()), 3)}"] if pairs_A.size else []
    sentences += ["Grey: one of the two is zero up to round-off"] if np.isnan(cosine_KK).any() else []
    return " ".join(map(_ended, sentences)) + f" {MADE}"


def _of_all(request: LandscapeRequest, many: int, what: str) -> str:
    masks = f", {request.masks} masks where they are drawn, seed {request.seed}" if request.mode == "train" else ""
    return (
        f"{what} of {many} minibatches of {request.minibatch_size} rows at the checkpoint of run {request.run} after "
        f"epoch {request.epoch}, {request.mode} mode{masks}; across {request.x}, upwards {request.y}"
    )


def _conditions(shown: Shown, name: str) -> list[str]:
    """Of one panel: whose gradient it is, where, and in which plane."""
    field, request = shown.field, shown.request
    run = f"run {request.run}" + (f" ({name})" if name and name.lower() != request.run.lower() else "")
    runs = f"{run} minus run {shown.minus}" if shown.minus else run
    facts = labels.facts_of(field, request, draws_masks=shown.draws_masks, is_difference=bool(shown.minus))
    facts += [f"seed {request.seed} of the masks"] if shown.draws_masks else []
    if shown.draws_masks and request.masks == "averaged":
        facts.append(f"{request.num_masks} sets of masks")
    if request.rows:
        facts.append(f"rows {', '.join(map(str, request.rows))}")
    elif request.minibatch_size != field.num_rows:
        facts.append(f"minibatches of {request.minibatch_size} rows")
    centres = [None if shown.minus else float(values[len(values) // 2]) for values in (field.x, field.y)]
    across, up = map(_axis, (request.x, request.y), shown.axes, centres)
    width = number(float(field.x[-1] - field.x[0]) / 2)
    plane = f"{len(field.x)} × {len(field.y)} points within ±{width}"
    return [runs, *facts, f"across {across}, upwards {up}", plane]


def _axis(full: str, drawn: str, centre: float | None) -> str:
    """An axis with its full name, and the one that stands beside it if that is another."""
    name = " ".join(labels.axis_name(full, centre).split())
    return name if drawn == full else f"Δ {drawn}, {name.removeprefix('Δ ')}"


def _drawn(row: Row, look: Look, scales: Sequence[Scale], share_scale: bool) -> list[str]:
    """How arrows, lengths and colours are to be read."""
    first, together = row[0], " in all panels together" if share_scale and len(row) > 1 else ""
    sign = "−" if look.direction == "descent" else ""
    meant = f"{sign}∇J" if not all(shown.minus for shown in row) else f"{sign}Δ∇J, the difference of two gradients"
    arrow = f"Arrows are {meant} of the loss J of the rows named, each with its middle on its point of the plane"
    longest = f"{_LENGTHS[look.length]}{together}" if look.length == "unit" else f"{_LENGTHS[look.length]}, measured"
    longest += "" if look.length == "unit" else together or " within each panel"
    per = labels.per_unit(has_directions=first.request.has_directions)
    ends = dict.fromkeys(f"{number(scale.low)} to {number(scale.high)}" for scale in scales)
    own = "with ends of their own" + ("" if len(ends) > MOST_LETTERED else ": " + "; ".join(ends))
    ranges = next(iter(ends)) if len(ends) == 1 else own
    colour = f"Colour is {labels.strength_name(bool(first.minus))} (loss {per}), {ranges}; beyond, the end's colour"
    marks = "The large ring is the checkpoint itself"
    return [arrow, longest, colour, marks]


def _particulars(shown: Shown, look: Look) -> list[str]:
    """What one panel alone has: zeros, the loss under its arrows, overlays."""
    field, minus = shown.field, bool(shown.minus)
    num_zeros = int((drawn_sizes(field) == 0).sum())
    told = [f"Small rings: {labels.zeros_name(num_zeros, field.is_zero.size, minus)}"] if num_zeros else []
    why = "" if minus else labels.why_all_zero(field)
    told += [why] if why else []
    told += [] if minus else labels.sentences_of(field)
    ground = labels.ground_name(field.loss, look.under, minus)
    told += [f"Under the arrows: {ground}"] if ground else []
    told += ["The surface is J"] if look.under == "surface" else []
    over = shown.over
    told += ["The line is the path of the training, dashed after this epoch"] if over.path or over.marks else []
    if over.spread or over.rays:
        many = len(over.spread) or len(over.rays.minibatches if over.rays else ())
        told.append(
            f"The rays are the gradients of the {many} minibatches at the checkpoint, the strong arrow their mean"
        )
    return told + over_sentences(over, field_reach(field))


def _ended(sentence: str) -> str:
    text = sentence[0].upper() + sentence[1:] if sentence[0] not in "−∂" else sentence
    return text if text.endswith((".", "!", "?")) else f"{text}."
