"""Finds pairs of a layer's parameters worth looking at: alive, and pulled apart by the minibatches."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.activity import unit_activity_of
from gradviz.landscape.gradients import centre_gradients
from gradviz.landscape.network import Network
from gradviz.landscape.request import Mode
from gradviz.landscape.rows import check_network
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: R = rows, K = minibatches, B = examples of each, M = inputs, N = units of the layer, L = compared
# live units. Pairs are (L, L).

ACTIVE_SHARE = (0.05, 0.95)
ROUND_OFF = 1e-5
"""Gradients below this share of the layer's largest count as zero."""
MOST_COMPARED = 200
"""How many live units to compare with each other: those with the largest gradients."""


@dataclass(frozen=True)
class PairSuggestion:
    """A pair and its scores: `spread` is 1 - R, with R the mean resultant length of the centre arrows over the
    minibatches (0: all agree, 1: they cancel); `planarity` is 0 if all arrows lie on one line and 1 if no line is
    preferred. `x_active` and `y_active`: the share of rows on which each unit is active, None where that is not known.
    """

    x: str
    y: str
    score: float
    spread: float
    planarity: float
    x_active: float | None
    y_active: float | None


@undisturbed()
def find_pairs(
    network: Network,
    rows_RM: Tensor,
    inputs_KBM: Tensor,
    targets_KB: Tensor,
    layer: int,
    *,
    mode: Mode = "eval",
    most: int = 10,
) -> list[PairSuggestion]:
    """The best pairs of biases of hidden layer `layer`, best first (of βs if batch statistics cancel the biases).

    Live units are active on 5-95 % of `rows_RM` and have a gradient in at least half of the minibatches. The score is
    √(spread · planarity). Each unit appears once. Empty if fewer than two units are live.
    """
    check_network(network)
    if not 0 <= layer < network.output:
        raise UserError(f"`layer` must be one of the hidden layers, 0..{network.output - 1}, got {layer}.")
    tensor = suggested_tensor(network, layer, mode)
    activity_N = unit_activity_of(network, rows_RM)[layer]
    gradients_KN = centre_gradients(network, inputs_KBM, targets_KB, [tensor], mode=mode)[tensor]
    names = [f"{tensor}[{unit}]" for unit in range(len(activity_N))]
    return best_pairs(names, gradients_KN, activity_N, most=most)


def best_pairs(
    names: Sequence[str], gradients_KN: Tensor, activity_N: Tensor | None, *, most: int = 10
) -> list[PairSuggestion]:
    """The best pairs of these parameters, as `find_pairs`; where no activity is known, the gradient alone decides what
    is live."""
    size_N = gradients_KN.square().mean(0).sqrt()
    live_N = (gradients_KN.abs() > ROUND_OFF * size_N.max()).double().mean(0) >= 0.5
    if activity_N is not None:
        live_N &= (activity_N >= ACTIVE_SHARE[0]) & (activity_N <= ACTIVE_SHARE[1])
    candidates_L = size_N.where(live_N, size_N.new_zeros(())).argsort(descending=True)[
        : min(MOST_COMPARED, int(live_N.sum()))
    ]
    if len(candidates_L) < 2:
        return []
    spread, planarity = _shape_of_arrows(gradients_KN[:, candidates_L] / size_N[candidates_L])
    score = (spread * planarity).sqrt().triu(1)
    suggestions: list[PairSuggestion] = []
    taken: set[int] = set()
    for flat in score.flatten().argsort(descending=True).tolist():
        i, j = divmod(flat, len(candidates_L))
        if len(suggestions) == most or score[i, j] <= 0:
            break
        if taken & {i, j}:
            continue
        taken |= {i, j}
        first, second = sorted((int(candidates_L[i]), int(candidates_L[j])))
        active = (None, None) if activity_N is None else (float(activity_N[first]), float(activity_N[second]))
        suggestions.append(
            PairSuggestion(
                names[first],
                names[second],
                float(score[i, j]),
                float(spread[i, j]),
                float(planarity[i, j]),
                *active,
            )
        )
    return suggestions


def suggested_tensor(network: Network, layer: int, mode: Mode) -> str:
    """The biases of the layer, or β if a norm before the activation cancels the biases."""
    norm = network.layers[layer].norm
    cancelled = mode == "train" and norm is not None and not norm.after
    return f"hidden.{layer}.norm.bias" if cancelled else f"hidden.{layer}.linear.bias"


def _shape_of_arrows(gradients_KL: Tensor) -> tuple[Tensor, Tensor]:
    """(L, L) each: spread and planarity of the unit arrows (g_i, g_j) / |(g_i, g_j)| over the minibatches."""
    squares_KL = gradients_KL.square()
    total_KLL = squares_KL[:, :, None] + squares_KL[:, None, :]
    inverse_KLL = torch.where(total_KLL > 0, total_KLL.rsqrt(), 0.0)
    mean_LL = (gradients_KL[:, :, None] * inverse_KLL).mean(0)
    resultant = torch.hypot(mean_LL, mean_LL.T)
    # Second moments of the unit arrows: trace 1, so the smaller eigenvalue λ is at most 1/2.
    xx_LL = (squares_KL[:, :, None] * inverse_KLL.square()).mean(0)
    xy_LL = (gradients_KL[:, :, None] * gradients_KL[:, None, :] * inverse_KLL.square()).mean(0)
    smaller = (xx_LL + xx_LL.T) / 2 - torch.hypot((xx_LL - xx_LL.T) / 2, xy_LL)
    return 1 - resultant, (2 * smaller).clamp(0, 1)
