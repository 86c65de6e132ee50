"""Splits the variance of a dropout gradient into the masks' part and the minibatches' part.

The variance of the gradient splits into E Var(g | minibatch), due to the masks, and Var E(g | minibatch), due to the
minibatches. With M sets of masks at each of K minibatches, the analysis of variance with one random effect estimates
both without bias (Searle, Casella & McCulloch, Variance Components, 1992, section 3.6): with s² the
variance within a minibatch and d² half the mean square distance of two minibatches' means, s² and d² - s²/M.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.backward import backward, layer_of
from gradviz.landscape.clean import draw_gains
from gradviz.landscape.network import Network, parameter_shapes
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.rows import check_rows
from gradviz.landscape.statistics.bootstrap import Estimate, Statistic, estimate, mean_of, mean_of_pairs
from gradviz.landscape.statistics.checkpoint import Pair, pair_name
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: K = minibatches, S = sets of masks at each, P = parameters, B = examples, M = inputs of the network.


@dataclass(frozen=True)
class MasksSplit:
    """The masks cause `masks_share` of the variance, the minibatches the rest; its interval is over minibatches.

    `masks_variance` and `minibatch_variance` are sums over the parameters, in units of the gradient squared; the
    second may fall below 0 by chance if minibatches hardly differ, and counts as 0 in the share.
    """

    part: str
    num_minibatches: int
    num_masks: int
    masks_variance: float
    minibatch_variance: float
    masks_share: Estimate | None


@undisturbed()
def masks_split(
    network: Network,
    inputs_KBM: Tensor,
    targets_KB: Tensor,
    generator: np.random.Generator,
    *,
    num_masks: int = 8,
    seed: int = 0,
    tensors: Sequence[str] = (),
    pairs: Sequence[Pair] = (),
) -> dict[str, MasksSplit]:
    """By tensor and pair, in train mode; `UserError` for a network without dropout. Costs K·S passes of a minibatch."""
    check_rows(network, inputs_KBM, targets_KB, axes="KB")
    if not network.draws_masks:
        raise UserError("This model has no dropout, so there are no masks to compare with the minibatches.")
    refs = {pair_name(pair): [ParameterRef.parse(text) for text in pair] for pair in pairs}
    shapes = parameter_shapes(network)
    for ref in [ref for pair in refs.values() for ref in pair]:
        ref.check(shapes)
    if unknown := [name for name in tensors if name not in shapes]:
        raise UserError(f"`{unknown[0][:80]}` is no parameter of this model; it has {', '.join(shapes)}.")
    found: dict[str, list[Tensor]] = {name: [] for name in (*tensors, *refs)}
    num_minibatches, num_rows = targets_KB.shape
    names = [*tensors, *(ref.tensor_name for pair in refs.values() for ref in pair)]
    layers = {layer_of(network, name) for name in names}
    for number in range(num_masks):
        between_tiles()
        sets = [draw_gains(network, seed, number * num_minibatches + k, num_rows) for k in range(num_minibatches)]
        gains = [torch.stack(layer) for layer in zip(*sets, strict=True)]
        passed = backward(network, inputs_KBM, targets_KB, mode="train", gains=gains, layers=layers)
        for name in tensors:
            found[name].append(passed.tensor(name).flatten(1))
        for name, pair in refs.items():
            columns = [passed.tensor(ref.tensor_name)[(slice(None), *ref.index)] for ref in pair]
            found[name].append(torch.stack(columns, 1))
    return {name: split_of(name, torch.stack(values, 1), generator) for name, values in found.items()}


def split_of(part: str, gradients_KSP: Tensor, generator: np.random.Generator) -> MasksSplit:
    """The split of any gradients, S of each minibatch under different masks."""
    num_minibatches, num_masks, _ = gradients_KSP.shape
    gradients_KSP = gradients_KSP.double()
    mean_KP = gradients_KSP.mean(1)
    within_K = ((gradients_KSP - mean_KP[:, None]).square().sum((1, 2)) / (num_masks - 1)).cpu().numpy()
    apart_KK = torch.cdist(mean_KP, mean_KP, compute_mode="donot_use_mm_for_euclid_dist").square().cpu().numpy() / 2
    masks, distance = mean_of(within_K), mean_of_pairs(apart_KK)
    one_1K = np.ones((1, num_minibatches))
    variance = float(masks(one_1K)[0])
    between = float(distance(one_1K)[0]) - variance / num_masks
    share = estimate(_share(masks, distance, num_masks), num_minibatches, generator)
    return MasksSplit(part, num_minibatches, num_masks, variance, between, share)


def _share(masks: Statistic, distance: Statistic, num_masks: int) -> Statistic:
    def statistic(weights_RK: np.ndarray) -> np.ndarray:
        variance_R = masks(weights_RK)
        total_R = variance_R + (distance(weights_RK) - variance_R / num_masks).clip(0)
        return np.divide(variance_R, total_R, out=np.full(len(total_R), np.nan), where=total_R > 0)

    return statistic
