"""How far parameters have moved since epoch 0, from the checkpoints alone: linear biases, and γ and β of the norms."""

import torch
from torch import Tensor

from gradviz.evidence.controls import Drift
from gradviz.experiment.run import Run


def drift_of(run: Run, epoch: int) -> tuple[Drift, ...]:
    """Each hidden layer of a checkpoint; UserError if it, or that of epoch 0, is missing.

    Before training γ is 1 and β is 0, so that the values after a norm have mean 0 and standard deviation 1; with batch
    statistics they have mean β and standard deviation |γ|, unit by unit.
    """
    with torch.no_grad():
        now, start = (dict(run.model(each).named_parameters()) for each in (epoch, 0))
        found = []
        for layer in range(len(run.config.hidden)):
            bias, norm = f"hidden.{layer}.linear.bias", f"hidden.{layer}.norm"
            moved_N = now[bias].double() - start[bias].double()
            beta_N, gamma_N = now.get(f"{norm}.bias"), now.get(f"{norm}.weight")
            found.append(
                Drift(
                    run=run.name,
                    epoch=epoch,
                    layer=layer,
                    optimizer=run.config.optimizer.label,
                    bias_has_gradient=beta_N is None or run.config.regularizer.norm_after,
                    bias_rms=_rms(moved_N),
                    bias_largest=float(moved_N.abs().max()),
                    beta_rms=None if beta_N is None else _rms(beta_N),
                    gamma_rms=None if gamma_N is None else _rms(gamma_N.abs() - 1),
                )
            )
    return tuple(found)


def _rms(values_N: Tensor) -> float:
    return float(values_N.double().square().mean().sqrt())
