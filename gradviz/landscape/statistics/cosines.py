"""Cosines between the gradients of all minibatches at a checkpoint: for one tensor, a layer or the whole model."""

import numpy as np
from torch import Tensor

from gradviz.landscape.network import Network
from gradviz.landscape.request import Masks, Mode
from gradviz.landscape.statistics.agreement import cosines
from gradviz.landscape.statistics.checkpoint import minibatch_products

# Shape suffixes: K = minibatches, B = examples of each, M = inputs of the network.


def minibatch_cosines(
    network: Network,
    inputs_KBM: Tensor,
    targets_KB: Tensor,
    part: str,
    *,
    mode: Mode = "eval",
    masks: Masks = "fresh",
    num_masks: int = 8,
    seed: int = 0,
) -> np.ndarray:
    """(K, K) float64: the cosine of the angle between ∂J_k/∂θ and ∂J_l/∂θ, θ the parameters of `part`.

    `part` is `model`, a layer (`hidden.1`, `output`) or a tensor (`hidden.1.linear.bias`); `UserError` for others. The
    row and column of a gradient that is zero up to round-off are nan. Masks as in `minibatch_agreement`. Costs one
    forward and one backward pass over all K·B rows and, for each weight matrix, 2 K (B + 3 K) operations per entry.
    """
    _, products = minibatch_products(
        network, inputs_KBM, targets_KB, mode=mode, masks=masks, num_masks=num_masks, seed=seed, parts=(part,)
    )
    return cosines(products[part])


def by_direction(cosine_KK: np.ndarray) -> list[int]:
    """The minibatches ordered by direction in their principal plane; those without direction come last.

    The two leading eigenvectors of the cosines (the principal axes of the unit gradients, through 0) span that plane;
    the circle is cut open opposite to the mean. Costs K³ operations.
    """
    live = np.flatnonzero(~np.isnan(np.diag(cosine_KK)))
    without = [k for k in range(len(cosine_KK)) if k not in live]
    if len(live) < 2:
        return [*live.tolist(), *without]
    sizes, axes = np.linalg.eigh(cosine_KK[np.ix_(live, live)])
    axes = axes * np.sqrt(np.maximum(sizes, 0))
    axes *= np.sign(axes[abs(axes).argmax(axis=0), np.arange(len(live))])  # an eigenvector's sign is arbitrary
    place_K = axes[:, -1] + 1j * axes[:, -2]
    from_mean_K = np.angle(place_K * np.conj(place_K.sum()))
    return [*live[np.argsort(from_mean_K, kind="stable")].tolist(), *without]
