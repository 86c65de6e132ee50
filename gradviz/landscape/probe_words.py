"""What paths on a plane say to people: a name and a line for each, and the sentences below them."""

from gradviz.landscape.probe import REACH, Path, Probe, Schedule
from gradviz.landscape.request import LandscapeRequest
from gradviz.numbers import number

_DIGITS = 4

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


def path_line(path: Path, start_loss: float) -> str:
    """From which loss to which: of its own minibatch, and over all rows, `start_loss` at the start; and why it stops
    before its last step."""
    # Two minibatches in turn have no loss of their own to compare.
    parts = {
        "alternating": [f"J of all rows {_loss(start_loss)} → {_loss(path.all_loss)}"],
        "all": [f"J {_loss(path.loss[0])} → {_loss(path.loss[-1])}"],
    }
    both = [f"J {_loss(path.loss[0])} → {_loss(path.loss[-1])}", f"all rows {_loss(path.all_loss)}"]
    taken = len(path.x) - 1
    ended = {
        "left": f"more than {REACH} half widths away after {_steps(taken + 1)}",
        "not finite": f"not finite after {_steps(taken + 1)}",
    }
    return " · ".join([*parts.get(path.schedule, both), *([ended[path.ended]] if path.ended else [])])


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
    if found.is_flat:
        stays = all(_stays(path, request.half_width) for path in found.paths)
        moves = ": nothing moves" if stays else ""
        sentences.append(f"The gradient at the start is zero for all of them, up to round-off{moves}.")
    return sentences


def _stays(path: Path, half_width: float) -> bool:
    away = [abs(at - values[0]) for values in (path.x, path.y) for at in values]
    return path.ended is None and max(away) <= _STAYS * half_width


def _loss(value: float | None) -> str:
    return "not finite" if value is None else number(value, _DIGITS)


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"
