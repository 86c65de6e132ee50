"""The numbers of an earlier replication of the path of training, measured again on runs of several seeds: prints both.

The earlier one had one run and 10 replicas. Each run has its 95 % interval over replicas, and the mean over the runs
its own (Student's t). Runs of several seeds differ by more than the replicas of one do, so an earlier number is to lie
in the latter: the last column says so, and in how many others.

An earlier number was printed to two or three digits; it lies in an interval if some number that is printed so does.
*middle, of the way* is the spread at mid-epoch over the length of the whole way: with `resampled`, whose spread grows
with the root of the steps, it is smaller than at the end, as it was found; *middle* is over the way until then.

python -m tests.benchmarks.replication --runs RUNS,RUNS/seed-1,RUNS/seed-2 --epoch E [--run none] [--cache DIR]
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import t as student

from gradviz.compute.paths import paths
from gradviz.experiment.store import RunStore
from gradviz.landscape.paths.request import Condition, PathsRequest
from gradviz.landscape.paths.result import ConditionPaths, PathsResult
from gradviz.landscape.statistics.bootstrap import Estimate
from gradviz.numbers import number

_CONDITIONS: tuple[Condition, ...] = ("same", "order", "composition", "resampled", "rows")
_RESAMPLES, _SIXTEENTH = 2000, 1 / 16
_WAYS = {
    "Adam": {"optimizer": "own"},
    "SGD 3e-6": {"optimizer": "sgd", "learning_rate": 3e-6},
    "SGD 3e-6 / 16": {"optimizer": "sgd", "learning_rate": 3e-6, "rate_factor": _SIXTEENTH, "points": 16},
}


@dataclass(frozen=True)
class Earlier:
    """A number as it was printed: of which optimizer, of which condition, and what."""

    way: str
    condition: Condition
    what: str
    printed: str

    def lies_in(self, found: Estimate) -> bool:
        half = float(Decimal(1).scaleb(int(Decimal(self.printed).as_tuple().exponent)) / 2)
        return found.low <= float(self.printed) + half and float(self.printed) - half <= found.high


def _at_the_end(way: str, condition: Condition, spread: str, cosine: str, *losses: str) -> list[Earlier]:
    return [
        Earlier(way, condition, "end", spread),
        Earlier(way, condition, "cosine", cosine),
        *(Earlier(way, condition, "loss", loss) for loss in losses),
    ]


_EARLIER = [
    *_at_the_end("Adam", "same", "0", "1"),
    *_at_the_end("Adam", "order", "1.16", "0.39", "20.1"),
    *_at_the_end("Adam", "composition", "1.19", "0.38", "20.0"),
    *_at_the_end("Adam", "resampled", "1.29", "0.33", "19.6"),
    *_at_the_end("SGD 3e-6", "order", "0.13", "0.98", "20.2"),
    *_at_the_end("SGD 3e-6", "composition", "0.11", "0.99", "20.2"),
    *_at_the_end("SGD 3e-6", "resampled", "0.31", "0.91", "20.2"),
    Earlier("SGD 3e-6 / 16", "order", "middle", "0.16"),
    Earlier("SGD 3e-6 / 16", "order", "end", "0.04"),
    Earlier("SGD 3e-6 / 16", "resampled", "middle, of the way", "0.12"),
    Earlier("SGD 3e-6 / 16", "resampled", "end", "0.17"),
]


def _ratio(own: ConditionPaths, place: int) -> Estimate:
    if own.condition == "same":
        return _exact(float(own.ratio_T[place]))
    found = own.ratios(np.random.default_rng(0))[place]
    assert found is not None
    return found


def _cosine(own: ConditionPaths, place: int) -> Estimate:
    """Mean over the pairs, with the middle 95 % of resamples of the replicas; one with itself is no pair."""
    cosines_KK, count = own.cosines_TKK[place], own.num_replicas
    drawn = np.random.default_rng(0).integers(count, size=(_RESAMPLES, count))
    means = [cosines_KK[np.ix_(each, each)][each[:, None] != each].mean() for each in drawn if len(set(each)) > 1]
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(float(own.cosine_T[place]), float(low), float(high))


def _loss(own: ConditionPaths) -> Estimate:
    losses_K = own.train_losses_K
    drawn = np.random.default_rng(0).integers(len(losses_K), size=(_RESAMPLES, len(losses_K)))
    low, high = np.quantile(losses_K[drawn].mean(1), (0.025, 0.975))
    return Estimate(float(losses_K.mean()), float(low), float(high))


def _times(found: Estimate, factor: float) -> Estimate:
    return Estimate(found.value * factor, found.low * factor, found.high * factor)


def _over_runs(values: Sequence[float]) -> Estimate:
    mean, error = float(np.mean(values)), float(np.std(values, ddof=1)) / len(values) ** 0.5
    half = float(student.ppf(0.975, len(values) - 1)) * error
    return Estimate(mean, mean - half, mean + half)


def _exact(value: float) -> Estimate:
    return Estimate(value, value, value)


def _measured(found: PathsResult, condition: Condition, what: str) -> Estimate:
    own, half = found.of(condition), found.middle
    asked: dict[str, Callable[[], Estimate]] = {
        "middle": lambda: _ratio(own, half),
        "middle, of the way": lambda: _times(_ratio(own, half), float(own.step_T[half] / own.step_T[-1])),
        "end": lambda: _ratio(own, -1),
        "cosine": lambda: _cosine(own, -1),
        "loss": lambda: _loss(own),
    }
    return asked[what]()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", required=True)
    parser.add_argument("--run", default="none")
    parser.add_argument("--epoch", type=int, required=True)
    parser.add_argument("--cache", default=".cache/gradviz")
    options = parser.parse_args()
    places = options.runs.split(",")
    found: dict[tuple[str, str], PathsResult] = {}
    for place in places:
        for way, values in _WAYS.items():
            request = PathsRequest.of(
                run=options.run, epoch=options.epoch, replicas=10, conditions=_CONDITIONS, **values
            )
            found[place, way] = paths(RunStore(place), request, Path(options.cache), device="cpu")
    table = Table("optimizer", "condition", "number", "earlier", *places, "mean of the runs", "within")
    for each in _EARLIER:
        measured = [_measured(found[place, each.way], each.condition, each.what) for place in places]
        mean = _over_runs([one.value for one in measured])
        within = f"{'yes' if each.lies_in(mean) else 'no'}, {sum(map(each.lies_in, measured))} of {len(places)}"
        cells = [f"{number(one.value, 3)} [{number(one.low, 3)}, {number(one.high, 3)}]" for one in (*measured, mean)]
        table.add_row(each.way, each.condition, each.what, each.printed, *cells, within)
    for way in _WAYS:
        for name, value in (("rows / order, largest", _rounding), ("peak / end of order", _bridge)):
            table.add_row(way, "", name, "", *(number(value(found[place, way]), 3) for place in places), "", "")
        ends = ("yes" if _ends_highest(found[place, way].of("resampled")) else "no" for place in places)
        table.add_row(way, "resampled", "ends at its maximum", "", *ends, "", "")
    Console(width=190).print(table)


def _rounding(found: PathsResult) -> float:
    return float(found.of("rows").spread_T.max() / found.of("order").spread_T.max())


def _bridge(found: PathsResult) -> float:
    spread_T = found.of("order").spread_T
    return float(spread_T.max() / spread_T[-1])


def _ends_highest(own: ConditionPaths) -> bool:
    return bool(own.spread_T[-1] == own.spread_T.max())


if __name__ == "__main__":
    main()
