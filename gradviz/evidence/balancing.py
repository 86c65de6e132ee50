"""Why minibatches agree: sign balance against agreement over checkpoints, and the output bias moved to the median."""

# Shape suffixes: R = resamples, N = checkpoints, K = minibatches, B = rows of each.

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from gradviz.evidence.agreeing import bootstrap, checkpoint_agreements, estimate_of
from gradviz.evidence.gathered import Evidence
from gradviz.evidence.measurements import Checkpoint, Intervention, SignBalance
from gradviz.evidence.values import BIASES, Scope
from gradviz.landscape import Network
from gradviz.landscape.clean import CleanPass
from gradviz.landscape.statistics import estimate


def balances(evidence: Evidence) -> tuple[SignBalance, ...]:
    """The correlation over the checkpoints of each run and of all runs together, for the biases of both layers."""
    groups = [evidence.of_run(record.name) for record in evidence.runs]
    if len(groups) > 1:
        groups.append([each for group in groups for each in group])
    return tuple(sign_balance(group, scope) for group in groups for scope in BIASES)


def sign_balance(checkpoints: Sequence[Checkpoint], scope: Scope) -> SignBalance:
    """Spearman's rank correlation of |2s - 1| and R, with its interval over checkpoints."""
    pairs = [
        (each.balance, found.resultant.value)
        for each in checkpoints
        if (found := each.agreement(scope)) is not None and found.resultant.value is not None
    ]
    spearman = None
    if len(pairs) > 2:
        x_N, y_N = np.array(pairs).T
        spearman = estimate(spearman_of(x_N, y_N), len(pairs), bootstrap())
    variants = tuple(dict.fromkeys(each.run for each in checkpoints))
    return SignBalance(
        scope=scope, variants=variants, num_checkpoints=len(pairs), spearman=estimate_of(spearman)
    )  # fmt: skip


def spearman_of(x_N: np.ndarray, y_N: np.ndarray):
    """Spearman's rank correlation as a statistic of weights (how often each point counts); nan if a series is constant.

    The rank of a value is the number of points below it and half of those that equal it.
    """

    def ranks(values_N: np.ndarray, weights_RN: np.ndarray) -> np.ndarray:
        below_NN = (values_N[:, None] > values_N) + 0.5 * (values_N[:, None] == values_N)
        return weights_RN @ below_NN.T

    def statistic(weights_RN: np.ndarray) -> np.ndarray:
        total_R = weights_RN.sum(1)
        a_RN, b_RN = (ranks(values_N, weights_RN) for values_N in (x_N, y_N))
        a_RN, b_RN = (r - ((weights_RN * r).sum(1) / total_R)[:, None] for r in (a_RN, b_RN))
        scale_R = np.sqrt((weights_RN * a_RN**2).sum(1) * (weights_RN * b_RN**2).sum(1))
        above_R = (weights_RN * a_RN * b_RN).sum(1)
        return np.divide(above_R, scale_R, out=np.full(len(total_R), np.nan), where=scale_R > 1e-12 * total_R**3)

    return statistic


def intervention(
    network: Network, inputs_KBI: torch.Tensor, targets_KB: torch.Tensor, *, run: str, epoch: int
) -> tuple[Intervention, ...]:
    """The same checkpoint with its output bias moved by the median residual: half of the rows then lie below target.

    Eval mode. All other parameters stay as they are.
    """
    with torch.inference_mode():
        inputs = inputs_KBI.flatten(0, 1).to(device=network.device, dtype=network.dtype)
        predictions = CleanPass(network, inputs).predictions()
        shift = (targets_KB.flatten().to(predictions) - predictions).median()
    moved = with_output_shift(network, float(shift))
    before, after = (checkpoint_agreements(each, inputs_KBI, targets_KB, mode="eval") for each in (network, moved))
    return tuple(
        Intervention(
            scope=one.scope,
            run=run,
            epoch=epoch,
            shift=float(shift),
            before=one.agreement,
            after=other.agreement,
        )
        for one, other in zip(before, after, strict=True)
    )


def with_output_shift(network: Network, shift: float) -> Network:
    """The network whose predictions are larger by `shift`; shares all other tensors."""
    last = network.layers[-1]
    moved = replace(last, bias_N=last.bias_N + shift / network.output_scale)
    return replace(network, layers=(*network.layers[:-1], moved))
