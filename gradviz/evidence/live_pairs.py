"""Pairs of random live units beside the first two of a layer, which may be dead, or happen to be special."""

# Shape suffixes: K = minibatches, N = units of the layer.

from collections.abc import Sequence

import numpy as np
import torch

from gradviz.evidence.agreeing import bootstrap
from gradviz.evidence.controls import RandomPairs
from gradviz.evidence.scenes import SceneDesign
from gradviz.evidence.values import Estimate
from gradviz.landscape import Network
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.statistics.checkpoint import Pair, minibatch_products
from gradviz.landscape.statistics.null_model import agreement_of_dots

MOST_PAIRS = 50


def random_pairs_of(
    network: Network, rows: tuple[torch.Tensor, torch.Tensor], design: SceneDesign, *, run: str, epoch: int
) -> tuple[RandomPairs, ...]:
    """For each panel of a picture, in its mode and with its masks: medians over pairs of live units of its tensor.

    A unit is live if its gradient is not exactly zero at some minibatch.
    """
    return tuple(
        _of_tensor(network, rows, ParameterRef.parse(pair[0]).tensor_name, design, run, epoch) for pair in design.pairs
    )


def _of_tensor(
    network: Network, rows: tuple[torch.Tensor, torch.Tensor], tensor: str, design: SceneDesign, run: str, epoch: int
) -> RandomPairs:
    passed, _ = minibatch_products(network, *rows, mode=design.mode, masks=design.masks, parts=[tensor])
    gradients_KN = passed.tensor(tensor)
    live = np.flatnonzero((gradients_KN != 0).any(0).cpu().numpy())
    pairs: list[Pair] = [(f"{tensor}[{a}]", f"{tensor}[{b}]") for a, b in drawn_pairs(live, bootstrap())]
    found = []
    if pairs:
        _, products = minibatch_products(network, *rows, mode=design.mode, masks=design.masks, parts=[], pairs=pairs)
        found = [agreement_of_dots(each.dot_KK) for each in products.values()]
    return RandomPairs(
        run=run,
        epoch=epoch,
        scene=design.key,
        tensor=tensor,
        num_units=gradients_KN.shape[1],
        num_live=len(live),
        num_pairs=len(found),
        resultant=_median([resultant for resultant, _, _ in found]),
        opposite=_median([opposite for _, _, opposite in found]),
    )


def drawn_pairs(units: np.ndarray, generator: np.random.Generator) -> list[tuple[int, int]]:
    """At most MOST_PAIRS different pairs of different units, drawn at random; all of them if there are no more."""
    num = len(units)
    number = num * (num - 1) // 2
    chosen = np.sort(generator.choice(number, min(number, MOST_PAIRS), replace=False)) if number else []
    firsts, seconds = np.triu_indices(num, 1)
    return [(int(units[firsts[k]]), int(units[seconds[k]])) for k in chosen]


def _median(values: Sequence[float]) -> Estimate:
    """With the middle 95 %; missing where no pair has two gradients that are not zero."""
    there = np.array([value for value in values if not np.isnan(value)])
    if not len(there):
        return Estimate(value=None)
    low, middle, high = np.quantile(there, (0.025, 0.5, 0.975))
    return Estimate(value=float(middle), low=float(low), high=float(high))
