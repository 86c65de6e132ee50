"""Pairs of random live units beside the first two of a layer, which may be dead, or happen to be special."""

# Shape suffixes: K = minibatches, N = units of the layer.

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from gradviz.evidence.agreeing import bootstrap
from gradviz.evidence.controls import RandomPairs
from gradviz.evidence.scenes import SceneDesign
from gradviz.evidence.values import Estimate
from gradviz.landscape import Network
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.statistics.checkpoint import resolved_gradients
from gradviz.landscape.statistics.inner_products import inner_products_of
from gradviz.landscape.statistics.null_model import agreement_of_dots

MOST_PAIRS = 50


def random_pairs_of(
    network: Network, rows: tuple[torch.Tensor, torch.Tensor], design: SceneDesign, *, run: str, epoch: int
) -> tuple[RandomPairs, ...]:
    """For each panel of a picture, in its mode and with its masks: medians over pairs of live units of its tensor."""
    return tuple(
        _of_tensor(gradients_KN, tensor, design, run, epoch)
        for tensor, gradients_KN in panel_gradients(network, rows, design).items()
    )


def panel_gradients(
    network: Network, rows: tuple[torch.Tensor, torch.Tensor], design: SceneDesign
) -> dict[str, torch.Tensor]:
    """(K, N): the gradients of each panel's tensor, by its name; what is zero up to round-off is 0."""
    tensors = [ParameterRef.parse(pair[0]).tensor_name for pair in design.pairs]
    return resolved_gradients(network, *rows, tensors, mode=design.mode, masks=design.masks)


def live_units(gradients_KN: torch.Tensor) -> np.ndarray:
    """The units whose gradient is not 0 at every minibatch."""
    return np.flatnonzero((gradients_KN != 0).any(0).cpu().numpy())


def _of_tensor(gradients_KN: torch.Tensor, tensor: str, design: SceneDesign, run: str, epoch: int) -> RandomPairs:
    live = live_units(gradients_KN)
    pairs = drawn_pairs(live, bootstrap())
    found = [agreement_of_dots(inner_products_of(gradients_KN[:, list(pair)]).dot_KK) for pair in pairs]
    return RandomPairs(
        run=run,
        epoch=epoch,
        scene=design.key,
        tensor=tensor,
        num_units=gradients_KN.shape[1],
        num_live=len(live),
        num_pairs=len(found),
        resultant=median([resultant for resultant, _, _ in found]),
        opposite=median([opposite for _, _, opposite in found]),
    )


def drawn_pairs(units: np.ndarray, generator: np.random.Generator, most: int = MOST_PAIRS) -> list[tuple[int, int]]:
    """At most so many different pairs of different units, drawn at random; all of them if there are no more."""
    num = len(units)
    number = num * (num - 1) // 2
    chosen = np.sort(generator.choice(number, min(number, most), replace=False)) if number else []
    firsts, seconds = np.triu_indices(num, 1)
    return [(int(units[firsts[k]]), int(units[seconds[k]])) for k in chosen]


def median(values: Sequence[float]) -> Estimate:
    """With the middle 95 %, of the values that are not nan; missing without any."""
    there = np.array([value for value in values if not np.isnan(value)])
    if not len(there):
        return Estimate(value=None)
    low, middle, high = np.quantile(there, (0.025, 0.5, 0.975))
    return Estimate(value=float(middle), low=float(low), high=float(high))


def mean_of_those_there(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are not missing; None if all are."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
