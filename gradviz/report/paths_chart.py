"""The paths of replicas as a chart: spread over mean step, spread, and agreement of the steps along the way."""

from collections.abc import Sequence

import numpy as np

from gradviz.compute.paths_export import ratios
from gradviz.drawing.inks import PALETTES
from gradviz.landscape.field import json_number
from gradviz.landscape.paths.result import ConditionPaths, PathsResult
from gradviz.report.chart import Chart, Plot, Series

_COLOURS = PALETTES["light"].conditions


def paths_chart(found: PathsResult) -> Chart:
    """One line for each condition; the ratio with its 95 % intervals. Spread is told in lengths of the recorded way."""
    steps = tuple(found.steps_T.tolist())
    length = float(np.sqrt(found.recorded_T[-1]))

    def ratio(each: ConditionPaths) -> Series:
        intervals = ratios(each, found.request.seed)
        bounds = [(None, None) if one is None else (one.low, one.high) for one in intervals]
        has_intervals = all(low is not None for low, _ in bounds)
        low, high = zip(*bounds, strict=True) if has_intervals else ((), ())
        return Series(each.condition, steps, _told(each.ratio_T), _COLOURS[each.condition], low, high)

    def plain(each: ConditionPaths, values: np.ndarray) -> Series:
        return Series(each.condition, steps, _told(values), _COLOURS[each.condition])

    spreads = [plain(each, each.spread_T / length if length > 0 else each.spread_T) for each in found.conditions]
    cosines = [plain(each, each.cosine_T) for each in found.conditions]
    return Chart(
        "steps from the checkpoint",
        (
            Plot("spread / mean step", tuple(map(ratio, found.conditions))),
            Plot("spread / the run's own way", tuple(spreads)),
            Plot("mean cosine of steps", tuple(cosines)),
        ),
    )


def _told(values: Sequence[float] | np.ndarray) -> tuple[float | None, ...]:
    return tuple(json_number(float(value)) for value in values)
