"""Spearman's correlation by definition, and what moving the output bias does."""

import numpy as np
import pytest
import torch

from gradviz.evidence.balancing import balances, intervention, sign_balance, spearman_of, with_output_shift
from gradviz.evidence.measurements import Checkpoint, ScopedAgreement
from gradviz.evidence.values import BIASES, Estimate
from gradviz.landscape import network_of
from gradviz.landscape.clean import CleanPass
from tests.evidence.made import agreement, checkpoint, evidence, record
from tests.landscape.cases import random_case


def spearman_by_definition(x: list[float], y: list[float]) -> float:
    """Pearson's correlation of the midranks, in loops."""

    def ranks(values: list[float]) -> list[float]:
        return [sum(v < value for v in values) + (sum(v == value for v in values) + 1) / 2 for value in values]

    a, b = ranks(x), ranks(y)
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    above = sum((p - mean_a) * (q - mean_b) for p, q in zip(a, b, strict=True))
    return above / (sum((p - mean_a) ** 2 for p in a) * sum((q - mean_b) ** 2 for q in b)) ** 0.5


def test_spearman_is_that_of_the_ranks_with_ties_and_repeated_points():
    x, y = [0.1, 0.5, 0.5, 0.9, 0.3], [1.0, 2.0, 1.0, 3.0, 3.0]
    weights = [[1, 1, 1, 1, 1], [2, 0, 1, 3, 1]]
    found = spearman_of(np.array(x), np.array(y))(np.array(weights, float))
    for value, row in zip(found, weights, strict=True):
        drawn = [k for k, count in enumerate(row) for _ in range(count)]
        # Sums of a few numbers of order one.
        assert value == pytest.approx(spearman_by_definition([x[k] for k in drawn], [y[k] for k in drawn]), abs=1e-12)


def test_a_constant_has_no_correlation():
    assert np.isnan(spearman_of(np.ones(4), np.arange(4.0))(np.ones((1, 4)))[0])


def of_balance(epoch: int, balance: float, resultant: float | None, run: str = "none") -> Checkpoint:
    own = agreement(0.0).model_copy(update={"resultant": Estimate(value=resultant)})
    scoped = tuple(ScopedAgreement(scope=scope, agreement=own) for scope in BIASES)
    return checkpoint(epoch).model_copy(update={"run": run, "balance": balance, "agreements": scoped})


def test_the_correlation_is_over_the_checkpoints_that_have_an_r():
    found = [of_balance(0, 0.1, 0.3), of_balance(1, 0.2, None), of_balance(2, 0.5, 0.4), of_balance(3, 0.9, 0.2)]
    told = sign_balance(found, "biases 1")
    assert (told.scope, told.variants, told.num_checkpoints) == ("biases 1", ("none",), 3)
    assert told.spearman.value == pytest.approx(spearman_by_definition([0.1, 0.5, 0.9], [0.3, 0.4, 0.2]))


def test_two_checkpoints_have_no_correlation():
    few = sign_balance([of_balance(0, 0.1, 0.3), of_balance(1, 0.2, 0.4)], "biases 2")
    assert (few.num_checkpoints, few.spearman.value) == (2, None)


def test_each_run_has_a_correlation_and_all_of_them_together():
    runs = ("none", "dropout")
    found = tuple(of_balance(epoch, 0.1 * epoch, 0.2 * epoch, run) for run in runs for epoch in range(4))
    told = balances(evidence(runs=tuple(map(record, runs)), checkpoints=found))
    names = [("none",), ("dropout",), ("none", "dropout")]
    assert [(each.variants, each.scope) for each in told] == [(name, scope) for name in names for scope in BIASES]
    assert [each.num_checkpoints for each in told] == [4, 4, 4, 4, 8, 8]
    alone = balances(evidence(runs=(record("none"),), checkpoints=found[:4]))
    assert [each.variants for each in alone] == [("none",)] * 2


def test_the_output_moves_by_the_shift_and_nothing_else_changes():
    case = random_case("none")
    network = network_of(case.model, dtype=torch.float64)
    moved = with_output_shift(network, 0.7)
    before, after = (CleanPass(each, case.inputs.double()).predictions() for each in (network, moved))
    torch.testing.assert_close(after - before, torch.full_like(before, 0.7))
    assert all(a is b for a, b in zip(network.layers[:-1], moved.layers[:-1], strict=True))


def test_the_median_shift_balances_the_signs():
    case = random_case("none", hidden=(12, 9, 7), num_rows=60)
    network = network_of(case.model, dtype=torch.float64)
    inputs_KBI, targets_KB = case.inputs.reshape(6, 10, -1).double(), case.targets.reshape(6, 10).double() + 100
    found = intervention(network, inputs_KBI, targets_KB, run="none", epoch=1)
    assert [each.scope for each in found] == ["pair 1", "pair 2", "biases 1", "biases 2"]
    assert found[0].before.share_below == 1.0
    assert found[0].after.share_below == pytest.approx(0.5, abs=1 / 60)
