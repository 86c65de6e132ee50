"""Agreement of one checkpoint's minibatches under other losses: how much of it is that L1 gradients sum signs.

For a loss φ(o - y) of rows that do not depend on each other, the gradient of a row is φ'(r) ∂o, with the residual
r = o - y. Checkpoint, rows and ∂o stay the same; only the weights of the residuals change:

    L1  φ' = sign r        L2, r²/2  φ' = r        Huber (1964), δ  φ' = max(-δ, min(r, δ))

so that of the inner products of L1's rows, ⟨g_r, g_s⟩ is multiplied by w_r w_s, with w = 1, |r| or min(|r|, δ).
"""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.backward import backward
from gradviz.landscape.network import Network
from gradviz.landscape.statistics.null_model import agreement_of_dots
from gradviz.landscape.statistics.per_example import example_products
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: K = minibatches, B = rows of each, R = all rows, M = inputs of the network.

RowLoss = Literal["l1", "l2", "huber"]
ROW_LOSSES: tuple[RowLoss, ...] = get_args(RowLoss)


@undisturbed()
def swapped_products(
    network: Network,
    inputs_KBM: Tensor,
    targets_KB: Tensor,
    *,
    part: str = "model",
    losses: Sequence[RowLoss] = ROW_LOSSES,
    delta: float | None = None,
) -> dict[RowLoss, Tensor]:
    """(K, K) float64 by loss: inner products of the minibatches' gradients by `part`, in eval mode.

    `delta`: of Huber's loss, in units of the target; by default the median |residual|, where half of the rows count as
    in L1. Costs 2 (K B)² (M + N) operations for each layer; `UserError` for another `delta` or part.
    """
    if delta is not None and not delta > 0:
        raise UserError(f"`delta` must be above 0, got {delta}: residuals up to it are weighed as in L2.")
    residual_R = (
        backward(network, inputs_KBM, targets_KB, mode="eval", layers={network.output})
        .residual_KB.flatten()
        .abs()
        .double()
    )
    products_RR = example_products(network, inputs_KBM.flatten(0, 1), targets_KB.flatten(), parts=(part,))[part]
    bend = residual_R.median() if delta is None else torch.as_tensor(delta, dtype=torch.float64)
    weights = {"l1": (residual_R > 0).double(), "l2": residual_R, "huber": residual_R.clamp_max(bend)}
    num, size = targets_KB.shape
    found: dict[RowLoss, Tensor] = {}
    for loss in losses:
        weighed_RR = weights[loss][:, None] * products_RR.double() * weights[loss]
        found[loss] = weighed_RR.view(num, size, num, size).mean((1, 3)).cpu()
    return found


def swapped_agreement(
    network: Network,
    inputs_KBM: Tensor,
    targets_KB: Tensor,
    *,
    part: str = "model",
    losses: Sequence[RowLoss] = ROW_LOSSES,
    delta: float | None = None,
) -> dict[RowLoss, tuple[float, float, float]]:
    """By loss: mean resultant length, mean cosine and share of opposite pairs of the minibatches' gradients that are
    not zero; nan for fewer than two. As `swapped_products`."""
    products = swapped_products(network, inputs_KBM, targets_KB, part=part, losses=losses, delta=delta)
    return {loss: agreement_of_dots(dot_KK.numpy()) for loss, dot_KK in products.items()}
