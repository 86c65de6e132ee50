"""Is a component of the gradient zero? The rule for any network: float32 against float64.

A sum whose true value is t comes out as t + e in float32, and as t within some 1e-9 e in float64. So with e the
largest |g32 − g64| of five points of the grid, a component is

    zero          |g64| ≤ 1e-3 e, if it is also below 1e-9 of what counts on this plane; or both are exactly 0; or
                  |g64| ≤ 8 e, and over the plane it would not change the last bit of the loss in float64
    unresolved    |g64| ≤ 8 e: float32 cannot tell it from zero, float64's number is shown
    resolved      otherwise

Where many points are exactly 0 in float32, as on the plane of a dead unit, `MOST_CONFIRMED` of them are computed in
float64; if these are exactly 0 too, so are the others. By luck float32 is exactly 0 at single points alone.

Over all parameters of six small networks, those that are zero lie below 1e-5 e, all others above 0.05 e (test_zero.py).
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gradviz.landscape.field import ZeroReason
from gradviz.landscape.replay.checking import FLOOR, checked_points
from gradviz.landscape.replay.choosing import Computed

ZERO, UNRESOLVED = 1e-3, 8.0
NEGLIGIBLE = 1e-9
"""Of the largest number on the plane, or of a gradient that changes the loss by `FLOOR` of itself over it."""

MOST_CONFIRMED = 16
"""Points of a stage, spread evenly, at which float64 confirms what is exactly 0 in float32."""

_MAYBE = 2 * UNRESOLVED
"""Components below this many e are computed in float64: so one that is not, and yet is at most 8 e, has a rounding of
more than 8 e."""


@dataclass(frozen=True)
class Resolved:
    """One component at some points, an array each: its values, why it is zero (`ZeroReason`), and where float64's
    number replaces float32's."""

    values: np.ndarray
    reason: np.ndarray
    is_unresolved: np.ndarray

    def at(self, points: Sequence[int]) -> "Resolved":
        return Resolved(self.values[points], self.reason[points], self.is_unresolved[points])


def resolve(computed: Computed, half_width: float) -> tuple[Resolved, Resolved]:
    """Both components of what has been computed, at the points that are shown."""
    values, order, again = computed.values, computed.order, computed.again
    sample, first = sampled_points(order.points), order.stages[0]
    nothing = _where(first, (values[first, 1:] == 0).any(1))
    both = dict.fromkeys([*sample, *_spread(nothing)])
    again(torch.float64, list(both))  # in one tile, because both are looked at below
    errors_of = again(torch.float32, sample) - again(torch.float64, sample)
    # The largest, because float32 is right by luck at some; if one is beyond a kink, `NEGLIGIBLE` still holds.
    errors = errors_of[:, 1:].abs().amax(0)
    loss = values[order.shown, 0].abs().max().item()
    size = max(values[order.shown, 1:].abs().max().item(), FLOOR * loss / half_width)
    # Stage by stage, as if nobody knew that others follow.
    maybe = [_where(stage, (values[stage, 1:].abs() <= _MAYBE * errors).any(1)) for stage in order.stages]
    is_double = computed.dtype == torch.float64
    single = torch.cat([again(torch.float32, some) if is_double else values[some] for some in maybe])
    double = torch.cat([values[some] if is_double else _in_double(computed, some, errors) for some in maybe])
    u, v = (
        _resolved(
            values[:, k + 1],
            list(itertools.chain(*maybe)),
            single[:, k + 1],
            double[:, k + 1],
            bound_of_zero(e, size, loss, half_width),
            e,
        ).at(order.shown)
        for k, e in enumerate(errors.tolist())
    )
    return u, v


def _where(points: Sequence[int], wanted: Tensor) -> list[int]:
    return list(itertools.compress(points, wanted.tolist()))


def _in_double(computed: Computed, points: list[int], errors: Tensor) -> Tensor:
    """(len(points), 3): what may be zero at these points in float64, confirmed at some of them where it is exactly 0 in
    float32."""
    values = computed.values[points]
    is_asked = values[:, 1:].abs() <= _MAYBE * errors
    is_nothing = (~is_asked | (values[:, 1:] == 0)).all(1)
    tried = _spread(is_nothing.nonzero()[:, 0].tolist())
    some = sorted({*tried, *(~is_nothing).nonzero()[:, 0].tolist()})
    found = values.clone()
    found[some] = computed.again(torch.float64, [points[place] for place in some])
    if bool(((found[tried, 1:] == 0) | ~is_asked[tried]).all()):
        return found
    return computed.again(torch.float64, points)


def _spread(points: list[int]) -> list[int]:
    """At most `MOST_CONFIRMED` of them, spread evenly."""
    num = min(len(points), MOST_CONFIRMED)
    return [points[place * len(points) // num] for place in range(num)]


def bound_of_zero(error: float, size: float, loss: float, half_width: float) -> float:
    """The largest |g64| that is zero; e is `error`, `size` what counts on the plane."""
    last_bit = torch.finfo(torch.float64).eps * loss / half_width
    return max(min(ZERO * error, NEGLIGIBLE * size), min(UNRESOLVED * error, last_bit))


def _resolved(values: Tensor, maybe: list[int], single: Tensor, double: Tensor, bound: float, error: float) -> Resolved:
    """One component: `single` and `double` are its values in float32 and float64 where it is `maybe` zero."""
    nothing = (single == 0) & (double == 0)
    is_zero = nothing | (double.abs() <= bound)
    unresolved = ~is_zero & (double.abs() <= UNRESOLVED * error) & (values[maybe] != double)
    shown, reason = values.clone(), torch.zeros(values.shape, dtype=torch.uint8)
    shown[maybe] = torch.where(unresolved, double, values[maybe])
    why = torch.where(nothing, int(ZeroReason.NOT_REACHED), int(ZeroReason.TERMS_CANCEL))
    reason[maybe] = torch.where(is_zero, why, int(ZeroReason.NONE)).to(torch.uint8)
    replaced = torch.zeros(values.shape, dtype=torch.bool)
    replaced[maybe] = unresolved
    return Resolved(shown.numpy(), reason.numpy(), replaced.numpy())


def sampled_points(points: int) -> list[int]:
    """The points that the plain loop has checked, and three around the centre."""
    corner, centre = checked_points(points)
    return [corner, centre, centre - 1, centre + 1, centre + points]
