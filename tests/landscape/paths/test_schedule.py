"""Each condition changes what it says, and nothing else."""

import pytest
import torch
from torch import Tensor

from gradviz.landscape.paths.request import CONDITIONS, Condition, PathsRequest
from gradviz.landscape.paths.schedule import Schedule, schedule, times

NUM_TRAIN, EPOCHS, STEPS, ROWS = 43, 2, 5, 8
OWN_NSB = torch.stack([torch.randperm(NUM_TRAIN)[: STEPS * ROWS].view(STEPS, ROWS) for _ in range(EPOCHS)])


def made(condition: Condition, replica: int = 0, seed: int = 0) -> Schedule:
    request = PathsRequest.of(run="a", epoch=0, epochs=EPOCHS, seed=seed)
    return schedule(request, condition, replica, OWN_NSB, NUM_TRAIN)


def by_epoch(rows_SB: Tensor) -> Tensor:
    return rows_SB.view(EPOCHS, STEPS, ROWS)


def sets(rows_SB: Tensor) -> list[list[int]]:
    return sorted(sorted(rows.tolist()) for rows in rows_SB)


def test_the_same_takes_the_steps_of_the_run():
    found = made("same")
    assert torch.equal(by_epoch(found.rows_SB), OWN_NSB)
    assert found.recorded_S is not None
    assert found.recorded_S.tolist() == list(range(EPOCHS * STEPS))


def test_another_order_moves_whole_minibatches_with_their_draws_within_their_epoch():
    found = made("order")
    assert found.recorded_S is not None
    assert torch.equal(found.rows_SB, OWN_NSB.flatten(0, 1)[found.recorded_S])
    for epoch, recorded in enumerate(found.recorded_S.view(EPOCHS, STEPS)):
        assert sorted(recorded.tolist()) == list(range(epoch * STEPS, (epoch + 1) * STEPS))
    assert not torch.equal(by_epoch(found.rows_SB), OWN_NSB)


def test_another_composition_uses_the_rows_of_the_epoch_once_each():
    for rows_SB, own_SB in zip(by_epoch(made("composition").rows_SB), OWN_NSB, strict=True):
        assert sorted(rows_SB.flatten().tolist()) == sorted(own_SB.flatten().tolist())
        assert sets(rows_SB) != sets(own_SB)


def test_resampled_rows_are_any_training_rows_with_repetitions():
    drawn = torch.cat([made("resampled", replica).rows_SB.flatten() for replica in range(50)])
    counts = torch.bincount(drawn, minlength=NUM_TRAIN)
    # 4,000 draws over 43 rows: 93 ± 9.5 of each; five standard deviations.
    assert 45 < counts.min() <= counts.max() < 141
    assert len(made("resampled").rows_SB[:STEPS].unique()) < STEPS * ROWS


def test_other_rows_within_minibatches_keep_them_and_their_order():
    for rows_B, own_B in zip(made("rows").rows_SB, OWN_NSB.flatten(0, 1), strict=True):
        assert sorted(rows_B.tolist()) == sorted(own_B.tolist())
    assert not torch.equal(by_epoch(made("rows").rows_SB), OWN_NSB)


def test_other_masks_keep_the_rows_and_draw_by_another_seed_for_each_replica():
    found, other = made("masks"), made("masks", 1)
    assert torch.equal(by_epoch(found.rows_SB), OWN_NSB)
    assert found.recorded_S is None
    assert found.seed != other.seed


@pytest.mark.parametrize("condition", [each for each in CONDITIONS if each not in ("same", "masks")])
def test_a_schedule_is_a_function_of_seed_condition_and_replica(condition: Condition):
    first = made(condition).rows_SB
    assert torch.equal(made(condition).rows_SB, first)
    assert not torch.equal(made(condition, replica=1).rows_SB, first)
    assert not torch.equal(made(condition, seed=1).rows_SB, first)


def test_times_are_evenly_spaced_and_end_with_the_last_step():
    assert times(75, 8, 10) == [9, 19, 28, 38, 47, 56, 66, 75]
    assert times(3, 8, 10) == [1, 2, 3]
    assert times(8, 2, 10) == [4, 8]
    assert times(75, None, 1_000_000) == times(75, 32, 10)
    assert times(75, None, 1_000_001) == times(75, 6, 10)
    assert times(75, 8, 10**9) == times(75, 8, 10)
