"""Steps of plain stochastic gradient descent on a plane, from any point of it, under several minibatches at once.

Only the two coordinates move: a step goes against the gradient by them at the point where it is, times a rate. Paths
from one point part because their minibatches differ, and because of nothing else.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args

import numpy as np

from gradviz.errors import NotHere, UserError
from gradviz.numbers import number

# Shape suffixes: K = minibatches of the line-up.

Schedule = Literal["this", "next", "alternating", "all"]
"""Which minibatch makes the steps: this one, the next one, both in turn, or all of them together."""
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)
Point = tuple[float, float]
"""Offsets from the checkpoint, along x and along y."""

MOST_STEPS = 200
DEFAULT_STEPS = 30
REACH = 10
"""Half widths from the checkpoint, along either axis, beyond which a path is not followed."""
FIRST_STEP = 0.05
"""Of the half width: how long the longest of the first steps is with the default rate."""
FLAT = 1e-6
"""A gradient that changes the loss over the half width by a smaller share of it counts as zero."""

Slopes = Callable[[int, Sequence[Point | None]], np.ndarray]
"""(K, 3) float64: loss and derivatives by x and y of each minibatch of a line-up at its own point, before the step of
this number, which decides what fresh masks are; anything where it has no point."""

_BOTH = 2
_Minibatch = TypeVar("_Minibatch")


@dataclass(frozen=True)
class Path:
    """The points (offsets from the checkpoint) of one schedule, the start first; `loss`: that of the minibatch which
    makes the next step from there; `all_loss`: at the last point, the mean over all minibatches, None where that is
    not finite.

    `ended` says why it stops before its last step: the next point would be more than `REACH` half widths away
    (`left`), or its loss or gradient is not finite.
    """

    schedule: Schedule
    x: tuple[float, ...]
    y: tuple[float, ...]
    loss: tuple[float, ...]
    all_loss: float | None
    ended: Literal["left", "not finite"] | None = None


@dataclass(frozen=True)
class Probe:
    """Paths from one point. `is_flat`: the gradient at the start is zero, up to round-off, for all of them."""

    rate: float
    default_rate: float
    steps: int
    is_flat: bool
    start_loss: float
    """At the start, the mean over all minibatches."""
    paths: tuple[Path, ...]


def line_up(this: _Minibatch, following: _Minibatch, everything: Sequence[_Minibatch]) -> list[_Minibatch]:
    """Minibatches, or what stands for them, as `probe` wants them: this, the next, both once more, and all."""
    return [this, following, this, following, *everything]


def probe(
    slopes: Slopes,
    num_all: int,
    start: Point,
    half_width: float,
    *,
    rate: float | None = None,
    steps: int = DEFAULT_STEPS,
    schedules: Sequence[Schedule] = SCHEDULES,
) -> Probe:
    """The paths of `schedules` from `start`, each with `steps` steps of `rate` (None: `default_rate`).

    `slopes`: of a `line_up`, with `num_all` minibatches at its end. Positions are kept in float64. `UserError` for
    values out of their range, and where loss or gradient is not finite at the start.
    """
    check(start, half_width, rate, steps)
    at_start = slopes(0, [start] * (2 * _BOTH + num_all))
    walks = [_Walk(schedule, num_all, [start]) for schedule in schedules]
    first = np.array([at_start[walk.members(0)].mean(0) for walk in walks])
    if not np.isfinite(at_start).all():
        raise NotHere("The loss or its gradient is not finite at the start of the probe", "choose another start")
    is_flat = _is_flat(first, half_width)
    own_rate = default_rate(first, half_width)
    rate = own_rate if rate is None else rate
    for step in range(steps + 1):
        going = [walk for walk in walks if walk.ended is None]
        if not going:
            break
        found = at_start if step == 0 else slopes(step, _points(going, step, num_all))
        for walk in going:
            walk.go_on(found[walk.members(step)].mean(0), rate, REACH * half_width, is_last=step == steps)
    everywhere = range(2 * _BOTH, 2 * _BOTH + num_all)
    return Probe(
        rate,
        own_rate,
        steps,
        is_flat,
        start_loss=at_start[everywhere, 0].mean().item(),
        paths=tuple(walk.path(slopes) for walk in walks),
    )


def check(start: Point, half_width: float, rate: float | None, steps: int) -> None:
    """`UserError` for values out of their range."""
    reach = REACH * half_width
    if not all(abs(offset) <= reach for offset in start):  # nan is not
        raise UserError(
            f"`start` must lie within {REACH} half widths of the checkpoint, ± {number(reach)}, got "
            f"{number(start[0])},{number(start[1])}."
        )
    if rate is not None and not 0 < rate <= 1e12:
        raise UserError(f"`rate` must be in (0, 1e12], got {rate}.")
    if not 1 <= steps <= MOST_STEPS:
        raise UserError(f"`steps` must be in [1, {MOST_STEPS}], got {steps}.")


def default_rate(first: np.ndarray, half_width: float) -> float:
    """The rate, with two digits, at which the longest of the first steps is `FIRST_STEP` half widths long.

    `first` (…, 3): losses and gradients at the start. Where these are all zero, the half width: no rate moves them.
    """
    if _is_flat(first, half_width):
        return half_width
    return float(f"{FIRST_STEP * half_width / np.hypot(first[:, 1], first[:, 2]).max():.2g}")


def _is_flat(first: np.ndarray, half_width: float) -> bool:
    longest = np.hypot(first[:, 1], first[:, 2]).max()
    return bool(longest * half_width <= FLAT * np.abs(first[:, 0]).max())


def _points(walks: Sequence["_Walk"], step: int, num_all: int) -> list[Point | None]:
    points: list[Point | None] = [None] * (2 * _BOTH + num_all)
    for walk in walks:
        for member in walk.members(step):
            points[member] = walk.points[-1]
    return points


@dataclass
class _Walk:
    schedule: Schedule
    num_all: int
    points: list[Point]
    losses: list[float] = field(default_factory=list)
    ended: Literal["left", "not finite"] | None = None

    def members(self, step: int) -> list[int]:
        """Places in the line-up of the minibatches whose mean makes this step."""
        alone = {"this": 0, "next": 1, "alternating": _BOTH + step % 2}
        return [alone[self.schedule]] if self.schedule in alone else self._all()

    def go_on(self, value: np.ndarray, rate: float, reach: float, *, is_last: bool) -> None:
        """Notes loss and gradient (3,) at the last point, and goes to the next one unless this is the last."""
        if not np.isfinite(value).all():
            self.points.pop()
            self.ended = "not finite"
            return
        loss, u, v = value.tolist()
        self.losses.append(loss)
        if is_last:
            return
        x, y = self.points[-1]
        following = x - rate * u, y - rate * v
        if all(math.isfinite(offset) and abs(offset) <= reach for offset in following):
            self.points.append(following)
        else:
            self.ended = "left"

    def path(self, slopes: Slopes) -> Path:
        """With the loss of all minibatches at its end, under the masks of the last step."""
        last = len(self.points) - 1
        if self.schedule == "all":
            loss = self.losses[-1]
        else:
            found = slopes(last, [None] * (2 * _BOTH) + [self.points[-1]] * self.num_all)
            loss = found[self._all(), 0].mean().item()
        x, y = zip(*self.points, strict=True)
        all_loss = loss if math.isfinite(loss) else None
        return Path(self.schedule, x, y, tuple(self.losses), all_loss, self.ended)

    def _all(self) -> list[int]:
        return list(range(2 * _BOTH, 2 * _BOTH + self.num_all))
