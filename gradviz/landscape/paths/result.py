"""What the paths of replicas tell: how far they spread along the way, how far their steps agree, and their losses."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradviz.experiment.continuation import MomentsSource
from gradviz.landscape.paths.grams import Products
from gradviz.landscape.paths.plane import PlaneWays
from gradviz.landscape.paths.request import Condition, PathsRequest
from gradviz.landscape.statistics.bootstrap import Estimate, Resamples

# Shape suffixes: T = points, K = replicas of a condition, R = all replicas, M = all with the recorded path first,
# S = steps, A = axes, W = resamples.

_LEAST = 3  # replicas for an interval


@dataclass(frozen=True, eq=False)
class ConditionPaths:
    """The K replicas of one condition.

    `losses_KS`: the loss of each step's minibatch before it; `train_losses_K`, `test_losses_K`: the mean losses of all
    rows at the end, in eval mode.
    """

    condition: Condition
    products: Products
    recorded_T: np.ndarray
    losses_KS: np.ndarray
    train_losses_K: np.ndarray
    test_losses_K: np.ndarray

    @property
    def num_replicas(self) -> int:
        return len(self.train_losses_K)

    @cached_property
    def ways_TKK(self) -> np.ndarray:
        """Inner products of the ways from the checkpoint."""
        return self.products.ways_TKK(self.recorded_T)

    @property
    def step_T(self) -> np.ndarray:
        """Length of the mean way from the checkpoint. Its square still holds 1 / K of the spread's."""
        return np.sqrt(np.maximum(self.ways_TKK.mean((1, 2)), 0.0))

    @property
    def spread_T(self) -> np.ndarray:
        """√(Σ ‖way - mean way‖² / (K - 1)), which does not grow with K; exactly 0 where all are equal."""
        return np.sqrt(_mean_of_pairs(self._half_squares_TKK))

    @property
    def ratio_T(self) -> np.ndarray:
        """Spread over the length of the mean way; nan where nothing moves."""
        step_T = self.step_T
        return np.divide(self.spread_T, step_T, out=np.full(len(step_T), np.nan), where=step_T > 0)

    @property
    def cosines_TKK(self) -> np.ndarray:
        """Cosines between the ways; nan where one has no length."""
        lengths_TK = np.sqrt(np.maximum(np.diagonal(self.ways_TKK, axis1=1, axis2=2), 0.0))
        products_TKK = lengths_TK[:, :, None] * lengths_TK[:, None, :]
        nothing = np.full(products_TKK.shape, np.nan)
        return np.clip(np.divide(self.ways_TKK, products_TKK, out=nothing, where=products_TKK > 0), -1.0, 1.0)

    @property
    def cosine_T(self) -> np.ndarray:
        """Mean cosine of the pairs."""
        return _mean_of_pairs(self.cosines_TKK)

    def ratios(self, generator: np.random.Generator) -> list[Estimate | None]:
        """`ratio_T` with bootstrap intervals over the replicas (95 %, BCa); None below three replicas."""
        if self.num_replicas < _LEAST:
            return [None] * len(self.recorded_T)
        resamples, count = Resamples.draw(self.num_replicas, generator), self.num_replicas
        # A resample counts pairs of different replicas alone, and then puts both means together as all K give them.
        return [
            resamples.estimate(
                lambda weights, above=half_KK, ways=ways_KK: _ratio(
                    _weighted_pairs(above, weights), _weighted_pairs(ways, weights), count
                )
            )
            for half_KK, ways_KK in zip(self._half_squares_TKK, self.ways_TKK, strict=True)
        ]

    @property
    def _half_squares_TKK(self) -> np.ndarray:
        """Half of the squared distances of the pairs, whose mean is the variance."""
        squares_TK = np.diagonal(self.products.deviations_TKK, axis1=1, axis2=2)
        halves = (squares_TK[:, :, None] + squares_TK[:, None, :]) / 2 - self.products.deviations_TKK
        return np.maximum(halves, 0.0)


@dataclass(frozen=True, eq=False)
class PathsResult:
    """The answer to a `PathsRequest`.

    `steps_T`: after how many steps the parameters are compared. `learning_rate`: as used; `searched`: (rate, training
    loss at the end) of each that was tried. `reproduces`: whether the recorded path ends in the run's next checkpoint
    to the bit; None if that is not recorded, or the optimizer is another. `start_losses`, `recorded_losses`: the mean
    losses of all training and all test rows at the checkpoint, and at the end of the recorded path. `recorded_T`: the
    recorded way's length, squared; `recorded_losses_S`: as of a condition. `coordinates_MTA`: the ways in the plane of
    the ends' first two principal components, of the recorded path first, then of the replicas in the order of
    `conditions`; `shares_A`: of the ends' variance, what each axis holds; `chosen`: the ways in the plane that the
    request names.
    """

    request: PathsRequest
    optimizer: str
    learning_rate: float
    moments: MomentsSource
    searched: tuple[tuple[float, float], ...]
    reproduces: bool | None
    num_parameters: int
    steps_per_epoch: int
    batch_size: int
    start_losses: tuple[float, float]
    recorded_losses: tuple[float, float]
    steps_T: np.ndarray
    recorded_T: np.ndarray
    recorded_losses_S: np.ndarray
    coordinates_MTA: np.ndarray
    shares_A: np.ndarray
    conditions: tuple[ConditionPaths, ...]
    chosen: PlaneWays | None = None

    @property
    def shown_MTA(self) -> np.ndarray:
        """The ways in the plane that is asked for."""
        return self.coordinates_MTA if self.chosen is None else self.chosen.coordinates_MTA

    @property
    def within_M(self) -> np.ndarray:
        """Of the squared length of each way to its end, the share that lies in the plane that is asked for; nan for a
        way that leads nowhere."""
        inside_M = (self.coordinates_MTA[:, -1] ** 2).sum(1) if self.chosen is None else self.chosen.squares_M
        ends_K = [np.diagonal(each.ways_TKK[-1]) for each in self.conditions]
        squares_M = np.concatenate([self.recorded_T[-1:], *ends_K])
        nothing = np.full(len(squares_M), np.nan)
        return np.clip(np.divide(inside_M, squares_M, out=nothing, where=squares_M > 0), 0.0, 1.0)

    @property
    def middle(self) -> int:
        """The point nearest to the middle of the way."""
        return int(np.abs(self.steps_T - self.steps_T[-1] / 2).argmin())

    def of(self, condition: Condition) -> ConditionPaths:
        """The replicas of one condition, which must be among those asked for."""
        return next(each for each in self.conditions if each.condition == condition)


def _mean_of_pairs(values_TKK: np.ndarray) -> np.ndarray:
    """(T,) means over pairs of different replicas."""
    count = values_TKK.shape[1]
    off = ~np.eye(count, dtype=bool)
    return values_TKK[:, off].mean(1)


def _weighted_pairs(values_KK: np.ndarray, weights_WK: np.ndarray) -> np.ndarray:
    """(W,) means over pairs of different replicas, each as often as its weights say; nan without such a pair."""
    off_KK = values_KK - np.diag(np.diag(values_KK))
    above_W = ((weights_WK @ off_KK) * weights_WK).sum(1)
    below_W = weights_WK.sum(1) ** 2 - (weights_WK**2).sum(1)
    return np.divide(above_W, below_W, out=np.full(len(below_W), np.nan), where=below_W > 0)


def _ratio(variance_W: np.ndarray, product_W: np.ndarray, count: int) -> np.ndarray:
    """The spread of `count` replicas over their mean way's length, from the variance and the mean product of pairs."""
    square_W = product_W + variance_W / count
    shares_W = np.divide(variance_W, square_W, out=np.full(len(square_W), np.nan), where=square_W > 0)
    return np.sqrt(shares_W)
