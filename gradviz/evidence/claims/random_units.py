"""What claims on roughness tell of pairs of random live units: their medians as figures, and a sentence."""

from collections.abc import Iterator, Sequence

from gradviz.evidence.claims.minibatches import MEDIAN
from gradviz.evidence.controls import RandomPairs, RoughPairs
from gradviz.evidence.deciding import is_rough, kind_if, line_at, noted, rough_line
from gradviz.evidence.figures import exact, layer_of, median_angle, median_angle_of, median_of
from gradviz.evidence.measurements import Panel
from gradviz.evidence.verdict import Figure, Kind, Mark


def beside_masks(
    fresh: Sequence[RoughPairs], frozen: Sequence[RoughPairs], plain: Sequence[RoughPairs]
) -> tuple[Figure, ...]:
    """With fresh masks against frozen ones, and with these against no dropout."""
    control, without = median_angle(frozen), median_angle(plain)
    marks = (Mark(name="frozen masks", estimate=control), Mark(name="no regularizer", estimate=without))
    return (
        median_angle_of(fresh, "fresh masks").against(*rough_line(control.value, "with frozen masks"), marks=marks),
        median_angle_of(frozen, "frozen masks").against(
            *rough_line(without.value, "without regularizer"), marks=marks[1:]
        ),
        median_angle_of(plain, "no regularizer"),
    )


def beside_dropout(
    beta: Sequence[RoughPairs], fresh: Sequence[RoughPairs], plain: Sequence[RoughPairs]
) -> tuple[Figure, ...]:
    """β against no regularizer, and against dropout's fresh masks."""
    dropout, without = median_angle(fresh), median_angle(plain)
    marks = (Mark(name="no regularizer", estimate=without), Mark(name="dropout, fresh masks", estimate=dropout))
    lines = (
        *rough_line(without.value, "without regularizer"),
        *line_at(dropout.value, "below", "dropout, fresh masks"),
    )
    return (
        median_angle_of(beta, "β, train mode").against(*lines, marks=marks),
        median_angle_of(fresh, "dropout, fresh masks"),
        median_angle_of(plain, "no regularizer"),
    )


def angles_beside(panel: Panel, start: RoughPairs, mid: RoughPairs) -> tuple[Figure, Figure]:
    """A layer's roughness at the start, to lie below that of mid-training."""
    later, layer = median_angle([mid]), layer_of(panel)
    return (
        median_angle_of([start], f"{layer}, epoch 0").against(
            *line_at(later.value, "below", "mid-training"), marks=(Mark(name="mid-training", estimate=later),)
        ),
        median_angle_of([mid], f"{layer}, mid-training"),
    )


def lengths_beside(panel: Panel, start: RandomPairs, mid: RandomPairs) -> tuple[Figure, Figure]:
    """And its R, to lie above that of mid-training."""
    later, layer = mid.resultant, layer_of(panel)
    return (
        median_of(start, "resultant", f"{layer}, epoch 0").against(
            *line_at(later.value, "above", "mid-training"), marks=(Mark(name="mid-training", estimate=later),)
        ),
        median_of(mid, "resultant", f"{layer}, mid-training").against(),
    )


def live_figures(pairs: Sequence[RoughPairs], plain: Sequence[RoughPairs]) -> Iterator[Figure]:
    """How many units have a gradient beyond round-off; if any has, its roughness against that without regularizer."""
    for each in pairs:
        yield Figure(
            name="units with a gradient beyond round-off",
            estimate=exact(each.num_live),
            sample=f"of {each.num_units} units of {each.tensor}, at the minibatches of epoch {each.epoch}",
        )
    if any(each.num_live for each in pairs):
        control = median_angle(plain)
        yield median_angle_of(pairs, "train mode").against(
            *rough_line(control.value, "without regularizer"), marks=(Mark(name="no regularizer", estimate=control),)
        )


def live_note(pairs: Sequence[RoughPairs], plain: Sequence[RoughPairs], own: Kind) -> str:
    """Units whose gradient is round-off everywhere have no arrows, and no angle."""
    if any(each.num_live for each in pairs):
        return noted(MEDIAN, kind_if(is_rough(median_angle(pairs).value, median_angle(plain).value)), own)
    units = f"any two of the {pairs[0].num_units:,} units of {pairs[0].tensor}"
    return noted(f"{units}, none of which has a gradient beyond round-off,", Kind.ROUND_OFF, own)
