"""What paths on a plane say to people: a name and a line for each, and the sentences below them."""

import math

from gradviz.landscape.probe import REACH, Path, Probe, Schedule
from gradviz.landscape.request import LandscapeRequest
from gradviz.numbers import number, signed

_DIGITS = 4
_MOST_DIGITS = 8  # more than float32 holds tell nothing apart
_DECIMAL = 1e-3, 1e6  # losses between these are written without an exponent

_STAYS = 0.01
"""Half widths: nobody sees so short a way on a picture."""


def path_name(schedule: Schedule, this: str, following: str) -> str:
    """The minibatches that make the steps; `this`, `following`: what the two are called."""
    names: dict[Schedule, str] = {
        "this": this,
        "next": following,
        "alternating": "both in turn",
        "all": "all rows",
    }
    return names[schedule]


def path_line(path: Path, start_loss: float, half_width: float) -> str:
    """From which loss to which: of its own minibatch, and over all rows, `start_loss` at the start; at which step it
    leaves the picture of this half width; and why it stops before its last step."""
    own = " → ".join(_losses(path.loss[0], path.loss[-1]))
    of_all = _losses(start_loss, path.all_loss)
    # Two minibatches in turn have no loss of their own to compare.
    parts = {"alternating": [f"J of all rows {' → '.join(of_all)}"], "all": [f"J {own}"]}
    both = [f"J {own}", f"all rows {of_all[1]}"]
    return " · ".join([*parts.get(path.schedule, both), *_way(path, half_width)])


def _way(path: Path, half_width: float) -> list[str]:
    """At which step it leaves the picture, and after how many it ends, as far as it does."""
    ends = len(path.x)  # the step that it does not make
    outside = (k for k, (x, y) in enumerate(zip(path.x, path.y, strict=True)) if max(abs(x), abs(y)) > half_width)
    leaves = next(outside, ends if path.ended == "left" else None)
    said = [f"leaves at step {leaves}"] if leaves else []
    if path.ended == "not finite":
        return [*said, f"not finite after {_steps(ends)}"]
    return [", ".join([*said, f"ends at {ends}"])] if path.ended and leaves != ends else said


def probe_sentences(
    found: Probe, request: LandscapeRequest, of_all: tuple[int, int, int], *, draws_masks: bool, has_statistics: bool
) -> list[str]:
    """How to read them. `of_all`: the minibatches that "all rows" are the mean of, their rows, and how many there are.

    `draws_masks`, `has_statistics`: whether masks, or batch statistics, act in this mode.
    """
    many, rows, there = of_all
    which = "coordinates" if request.has_directions else "parameters"
    alone = len(found.paths) == 1
    of_run = "the run's only minibatch" if alone else f"{many} of the run's {there} minibatches"
    of_run = of_run if many < there or alone else f"the run's {there} minibatches"
    sentences = [
        f"Only these two {which} move: {_steps(found.steps)} of SGD with rate {number(found.rate, 3)}, exact on this "
        "plane; all else keeps the checkpoint's values.",
        f"All rows: {'' if alone else 'the mean over '}{of_run} ({rows:,} rows).",
    ]
    if draws_masks:
        masks = {
            "fresh": "Each step draws masks of its own, the same for all paths.",
            "frozen": "All steps are under one set of masks.",
            "averaged": f"Each gradient is the mean over {request.num_masks} sets of masks.",
        }
        sentences.append(masks[request.masks])
    if has_statistics:
        sentences.append("Batch statistics are those of each minibatch.")
    if any(path.ended == "left" for path in found.paths):
        sentences.append(f"A path ends where it would be more than {REACH} half widths away.")
    if found.is_flat:
        stays = all(_stays(path, request.half_width) for path in found.paths)
        moves = ": nothing moves" if stays else ""
        sentences.append(f"The gradient at the start is zero for all of them, up to round-off{moves}.")
    return sentences


def _stays(path: Path, half_width: float) -> bool:
    away = [abs(at - values[0]) for values in (path.x, path.y) for at in values]
    return path.ended is None and max(away) <= _STAYS * half_width


def _losses(*values: float | None) -> list[str]:
    """All with the same decimals: four digits, or as many more as tell them apart; None: not finite."""
    there = [value for value in values if value is not None]
    largest = max(map(abs, there), default=0.0)
    digits = _DIGITS
    if largest and (apart := max(there) - min(there)):
        digits = min(_MOST_DIGITS, max(digits, math.floor(math.log10(largest)) - math.floor(math.log10(apart)) + 1))
    if not _DECIMAL[0] <= largest < _DECIMAL[1]:
        return ["not finite" if value is None else number(value, digits) for value in values]
    decimals = max(0, digits - 1 - math.floor(math.log10(largest)))
    return ["not finite" if value is None else signed(f"{value:.{decimals}f}") for value in values]


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"
