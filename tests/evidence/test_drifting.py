"""How far parameters move since epoch 0: by hand from the checkpoints, with and without a norm."""

from pathlib import Path

import numpy as np
import pytest

from gradviz.errors import UserError
from gradviz.evidence.claims import claim_of
from gradviz.evidence.claims.batchnorm import ROUND_OFF_MOVES
from gradviz.evidence.drifting import drift_of
from gradviz.experiment.run import state_shapes
from gradviz.experiment.run_directory import checkpoint_path
from gradviz.experiment.store import RunStore
from gradviz.experiment.tensor_file import read_tensors
from tests.evidence.made import drift, evidence


def numbers(runs: Path, name: str, epoch: int) -> dict[str, np.ndarray]:
    config = RunStore(runs).run(name).config
    tensors = read_tensors(checkpoint_path(runs / name, epoch), state_shapes(config))
    return {name: tensor.double().numpy() for name, tensor in tensors.items()}


def test_drift_is_read_off_the_checkpoints(tiny_runs: Path):
    found = drift_of(RunStore(tiny_runs).run("batchnorm"), 2)
    start, end = (numbers(tiny_runs, "batchnorm", epoch) for epoch in (0, 2))
    assert [each.layer for each in found] == [0, 1, 2]
    for each in found:
        name = f"hidden.{each.layer}"
        moved = end[f"{name}.linear.bias"] - start[f"{name}.linear.bias"]
        assert each.bias_rms == pytest.approx(np.sqrt(np.mean(moved**2)), rel=1e-12)
        assert each.bias_largest == pytest.approx(np.abs(moved).max(), rel=1e-12)
        assert each.beta_rms == pytest.approx(np.sqrt(np.mean(end[f"{name}.norm.bias"] ** 2)), rel=1e-12)
        gamma = np.abs(end[f"{name}.norm.weight"]) - 1
        assert each.gamma_rms == pytest.approx(np.sqrt(np.mean(gamma**2)), rel=1e-12)
        assert not each.bias_has_gradient
        assert each.bias_rms > 0  # the true gradient is 0: round-off, which Adam scales up


def test_at_the_start_nothing_has_moved(tiny_store: RunStore):
    for each in drift_of(tiny_store.run("batchnorm"), 0):
        assert (each.bias_rms, each.beta_rms, each.gamma_rms) == (0.0, 0.0, 0.0)


def test_without_a_norm_biases_have_a_gradient(tiny_store: RunStore):
    for each in drift_of(tiny_store.run("none"), 2):
        assert each.bias_has_gradient
        assert each.beta_rms is None
        assert each.gamma_rms is None


def test_without_epoch_0_nothing_is_compared(own_runs: Path):
    checkpoint_path(own_runs / "none", 0).unlink()
    with pytest.raises(UserError):
        drift_of(RunStore(own_runs).run("none"), 2)


@pytest.mark.parametrize(("beta", "rms", "noted"), [(0.6, 0.004, True), (0.6, 0.0, False), (None, 0.004, False)])
def test_a_verdict_notes_that_round_off_moves_biases_where_it_does(beta: float | None, rms: float, noted: bool):
    own = drift("batchnorm", beta=beta, gamma=beta).model_copy(update={"bias_rms": rms})
    verdict = claim_of("batchnorm-rough").verdict(evidence(drifts=(drift("none"), own)))
    assert (ROUND_OFF_MOVES in verdict.notes) == noted
    values = {figure.name: figure.estimate.value for figure in verdict.figures}
    assert values["linear biases moved, hidden layer 1, before the norm"] == rms
    assert values["linear biases moved, hidden layer 1, without regularizer"] == 0.004
