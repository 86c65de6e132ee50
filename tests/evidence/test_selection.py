"""Mid-training is chosen by losses and signs alone."""

import pytest

from gradviz.errors import UserError
from gradviz.evidence.selection import check_network, drawn_epoch, mid_training, paths_epoch
from gradviz.experiment.studies.deliveries.config import TrainingConfig
from gradviz.experiment.studies.deliveries.metrics import EpochMetrics


def lines(*pairs: tuple[float, float]) -> list[EpochMetrics]:
    return [EpochMetrics(epoch, loss, loss, 0.5, share, 1.0) for epoch, (loss, share) in enumerate(pairs)]


METRICS = lines((100, 1.0), (50, 0.5), (9, 0.9), (9.5, 0.5), (8, 0.3), (7, 0.6), (6, 0.5))


def test_mid_training_is_low_and_falling_and_not_the_end():
    assert mid_training(METRICS) == [2, 4, 5]


def test_a_loss_at_the_limit_or_as_before_is_not_mid_training():
    at_limit, as_before = lines((100, 1.0), (10, 1.0), (5, 1.0), (5, 1.0), (1, 1.0)), 2
    assert mid_training(at_limit) == [as_before]


def test_the_most_balanced_of_them_is_drawn():
    assert drawn_epoch(METRICS, range(7)) == 5
    assert drawn_epoch(METRICS, [0, 2, 4]) == 4


def test_paths_are_taken_from_the_first_balanced_one_after_which_the_loss_falls_a_little():
    metrics = lines((100, 1.0), (9, 0.9), (8, 0.5), (8.5, 0.5), (7, 0.6), (6.99, 0.6), (6.5, 0.5), (6.2, 0.5))
    assert paths_epoch(metrics, range(8)) == 5
    assert paths_epoch(metrics, [0, 2, 3, 4, 6]) == 6
    assert paths_epoch(metrics, range(5)) is None


def test_no_other_epoch_is_drawn_in_place_of_mid_training():
    assert drawn_epoch(METRICS, [0, 1, 3]) is None


def test_a_training_that_never_learns_has_no_mid_training_and_nothing_is_drawn():
    idle = lines((100, 1.0), (101, 1.0), (99, 1.0))
    assert mid_training(idle) == []
    assert drawn_epoch(idle, range(3)) is None


def test_nothing_trained_yet_has_no_mid_training():
    assert mid_training([]) == []


@pytest.mark.parametrize("hidden", [(20, 10), (20, 1, 5)])
def test_a_network_without_the_layers_of_the_source_is_refused(hidden: tuple[int, ...]):
    with pytest.raises(UserError, match="at least 3 layers of at least 2 units"):
        check_network(TrainingConfig(hidden=hidden))
