"""Measurements beside those of the source's pictures: controls, and other choices that a verdict might depend on."""

from typing import Literal

from gradviz.evidence.values import Estimate, Measured, Scope
from gradviz.experiment.names import OfRun, RunName
from gradviz.landscape.paths.request import Condition


class ChosenRows(OfRun, Measured):
    """Agreement of minibatches whose rows are chosen: all training rows, in the order of the quantity `by`.

    `random_resultant`: of as many minibatches of random rows, with the middle 95 % of the draws. `sensitivity`: 1 - R
    over that of random rows.
    """

    scope: Scope
    epoch: int
    by: str
    minibatch_size: int
    num_minibatches: int
    resultant: Estimate
    opposite: Estimate
    random_resultant: Estimate
    sensitivity: Estimate


class RandomPairs(OfRun, Measured):
    """Agreement in pairs of random live units, beside the first two units of a picture.

    Of `num_live` of the `num_units` of `tensor`, whose gradient is beyond round-off at some minibatch, `num_pairs`
    pairs: medians of R and of the share of opposite pairs of minibatches, with the middle 95 % of the pairs.
    """

    scene: str
    epoch: int
    tensor: str
    num_units: int
    num_live: int
    num_pairs: int
    resultant: Estimate
    opposite: Estimate


class RoughPairs(OfRun, Measured):
    """Roughness in pairs of random live units of `tensor`, beside the first two units of a picture and as it has it.

    Live: `num_live` of the `num_units` have a gradient beyond round-off at some minibatch. `angles`: for each pair the
    mean angle in degrees between neighbouring arrows over `num_minibatches` fields, None where all arrows are zero.
    """

    scene: str
    epoch: int
    tensor: str
    num_units: int
    num_live: int
    num_minibatches: int
    angles: tuple[float | None, ...]


class OtherPreset(OfRun, Measured):
    """A run without regularizer of another preset: its epochs of mid-training, and all whose training loss falls."""

    preset: str
    mid_training: tuple[int, ...]
    falling: tuple[int, ...]


class Drift(OfRun, Measured):
    """How far a hidden layer's parameters have moved from epoch 0 to `epoch`, over its units.

    `bias_rms`, `bias_largest`: of its linear biases, whose gradient is exactly zero before a norm (then
    `bias_has_gradient` is False). `beta_rms`, `gamma_rms`: root mean square of β and of |γ| - 1, None without a norm.
    """

    epoch: int
    layer: int
    optimizer: str
    bias_has_gradient: bool
    bias_rms: float
    bias_largest: float
    beta_rms: float | None
    gamma_rms: float | None


class Apart(OfRun, Measured):
    """How far `other`, the same training with other CPU threads, is from `run`: the distance of all parameters over the
    way that `run` has come from the common start, `of_way`; None if it has not moved."""

    other: RunName
    epoch: int
    num_parameters: int
    of_way: float | None


class SignLaw(OfRun, Measured):
    """How well the sign law gives R at the checkpoints of a run, without a free parameter: `fit` is 1 - Σ (R - law)² /
    Σ (R - mean R)², with its 95 % interval over checkpoints."""

    scope: Scope
    num_checkpoints: int
    fit: Estimate


PathsOptimizer = Literal["own", "sgd"]


class ConditionSpread(Measured):
    """Replicas of one condition: spread over the length of the mean way at each time, and the largest spread itself."""

    condition: Condition
    num_replicas: int
    ratios: tuple[Estimate, ...]
    largest_spread: float


class PathsFound(OfRun, Measured):
    """Replicas' paths from a checkpoint, compared after each of `steps`, `by` the run's own optimizer or plain SGD."""

    epoch: int
    by: PathsOptimizer
    optimizer: str
    learning_rate: float
    steps: tuple[int, ...]
    conditions: tuple[ConditionSpread, ...]

    def of(self, condition: Condition) -> ConditionSpread:
        """One of the conditions, which must be there."""
        return next(each for each in self.conditions if each.condition == condition)
