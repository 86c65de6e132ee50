"""Which learning rate of plain SGD lowers the training loss as far as the run's own epochs did: found by trying."""

import math
from collections.abc import Callable

from gradviz.errors import UserError
from gradviz.experiment.continuation import NotFinite
from gradviz.numbers import number

CLOSE = 0.02
"""A rate matches if its decrease of the loss differs by no more than this share of the wanted one."""

_FACTOR, _MOST_WIDENED, _MOST_HALVED = 2.0, 40, 12

Tried = tuple[tuple[float, float], ...]
"""(rate, training loss at the end) of each rate in the order of trying; infinite where the training broke down."""


def matched_rate(
    loss_after: Callable[[float], float], before: float, wanted: float, guess: float
) -> tuple[float, Tried]:
    """The rate after which the loss is as far below `before` as `wanted` is, with all rates tried.

    Tries factors of 2 around `guess` until two neighbouring rates lower the loss less and more than wanted, then halves
    the interval of their logarithms. `loss_after` may raise NotFinite. UserError if the loss was not lowered, or
    no rate lowers it as far: then the largest decrease and its rate are told.
    """
    goal, tried = before - wanted, dict[float, float]()
    if not goal > 0:
        raise UserError(
            f"The run's own epochs did not lower the training loss ({number(before)} before, {number(wanted)} after), "
            "so that no rate can match them: choose one with `--lr`."
        )

    def decrease(rate: float) -> float:
        try:
            tried[rate] = loss_after(rate)
        except NotFinite:
            tried[rate] = math.inf
        return before - tried[rate]

    def is_close(rate: float) -> bool:
        return abs(before - tried[rate] - goal) <= CLOSE * goal

    high = _first_enough(decrease, goal, guess)
    if high is None:
        raise _too_far(tried, before, goal)
    if not is_close(high):
        low = high / _FACTOR
        while decrease(low) >= goal:
            low, high = low / _FACTOR, low
        for _ in range(_MOST_HALVED):
            if is_close(low) or is_close(high):
                break
            middle = math.sqrt(low * high)
            low, high = (low, middle) if decrease(middle) >= goal else (middle, high)
    best = min(tried, key=lambda rate: abs(before - tried[rate] - goal))
    return best, tuple(tried.items())


def _first_enough(decrease: Callable[[float], float], goal: float, guess: float) -> float | None:
    """The first that lowers the loss by the goal, of the rates guess · 2^k: upwards while they lower the loss, then
    downwards while they lower it more and more."""
    for powers in (range(_MOST_WIDENED), range(-1, -_MOST_WIDENED, -1)):
        last = -math.inf
        for power in powers:
            found = decrease(guess * _FACTOR**power)
            if found >= goal:
                return guess * _FACTOR**power
            if found <= 0 if power >= 0 else last > found > 0:
                break
            last = found
    return None


def _too_far(tried: dict[float, float], before: float, goal: float) -> UserError:
    best = min(tried, key=lambda rate: tried[rate])
    return UserError(
        f"No rate of plain SGD lowers the training loss by {number(goal)} as the run's own epochs did: the most was "
        f"{number(before - tried[best])} at {number(best, 3)}. Choose one with `--lr`."
    )
