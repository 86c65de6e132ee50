"""The checkpoints that stand for "during training": chosen by loss and sign balance, never by their arrows."""

import itertools
from collections.abc import Sequence
from typing import Protocol

from gradviz.errors import UserError
from gradviz.evidence import rules
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.metrics import EpochMetrics


class Line(Protocol):
    """The loss of an epoch."""

    @property
    def epoch(self) -> int: ...
    @property
    def train_loss(self) -> float: ...


def mid_training(metrics: Sequence[Line]) -> list[int]:
    """Epochs at which the training loss is falling and below a tenth of its initial value, without the last one.

    The source chose "an epoch that exhibits a decrease in the cost function". Empty if the loss never falls so far.
    """
    if not metrics:
        return []
    limit = rules.MID_LOSS * metrics[0].train_loss
    low = {line.epoch for line in metrics if line.train_loss < limit}
    return [epoch for epoch in falling(metrics) if epoch in low]


def falling(metrics: Sequence[Line]) -> list[int]:
    """Epochs at which the training loss is falling, without the last one."""
    steps = itertools.pairwise(metrics[:-1])
    return [now.epoch for before, now in steps if now.train_loss < before.train_loss]


def drawn_epoch(metrics: Sequence[EpochMetrics], there: Sequence[int]) -> int | None:
    """The epoch of mid-training that is drawn: of those `there`, the one with the most balanced signs.

    Its share of rows predicted below their target is closest to one half. None if no epoch of mid-training is there.
    """
    wanted = set(mid_training(metrics)) & set(there)
    lines = [each for each in metrics if each.epoch in wanted]
    return min(lines, key=lambda each: abs(each.share_below_target - 0.5)).epoch if lines else None


def paths_epoch(metrics: Sequence[EpochMetrics], there: Sequence[int]) -> int | None:
    """The epoch of mid-training from which paths are taken: the first of those `there` with balanced signs after which
    the run's own next epoch lowers the training loss by 1 to 10 %, as plain SGD can with steps that float32 keeps."""
    after = {line.epoch - 1: line.train_loss for line in metrics}
    wanted = set(mid_training(metrics)) & set(there)
    low, high = rules.DECREASES
    fitting = (
        line.epoch
        for line in metrics
        if line.epoch in wanted
        and abs(line.share_below_target - 0.5) <= rules.BALANCED
        and low <= 1 - after[line.epoch] / line.train_loss <= high
    )
    return min(fitting, default=None)


def check_network(config: TrainingConfig) -> None:
    """UserError unless the network has the layers that the source draws."""
    if len(config.hidden) <= max(rules.LAYERS) or min(config.hidden) < 2:
        hidden = ",".join(map(str, config.hidden))
        raise UserError(
            f"`hidden` must name at least {max(rules.LAYERS) + 1} layers of at least 2 units, got {hidden}: the source"
            f" draws the first two biases of hidden layers {rules.LAYERS[0]} and {rules.LAYERS[1]}."
        )
