"""Loss and gradient of several minibatches of the built-in network, each at a point of the plane of its own.

The engine evaluates the rows of all minibatches together, each row at its minibatch's point; batch statistics tie the
rows of a minibatch together, so there it is one after the other.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from gradviz.landscape.clean import CleanPass, draw_gains
from gradviz.landscape.network import Network
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.probe import Point
from gradviz.landscape.reference import mask_numbers
from gradviz.landscape.request import LandscapeSpec
from gradviz.landscape.rows import check_rows, check_size
from gradviz.landscape.single_points import outputs_at
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: K = minibatches, B = rows of all of those that are evaluated together, M = inputs of the network.

MOST_KEPT = 4096
"""Rows times sets of masks whose passes are kept: 0.2 GB at full size."""


def keeps_passes(spec: LandscapeSpec, num_rows: int) -> bool:
    """Whether passes of so many rows under masks are kept from step to step; else each step computes them anew."""
    if spec.masks == "averaged":
        return num_rows * spec.num_masks <= MOST_KEPT
    return spec.masks == "frozen"  # with fresh masks each step has a set of its own


class Together:
    """Minibatches of one network, whose forward passes at the checkpoint are computed once, for all points and planes;
    under masks only if `keeps_passes`.

    The mode, masks and seed are those of `spec`; fresh masks are the sets numbered by the steps. A mask belongs to its
    place in the minibatch, so that one step is under the same masks for all minibatches.
    """

    def __init__(self, network: Network, minibatches: Sequence[tuple[Tensor, Tensor]], spec: LandscapeSpec) -> None:
        for inputs, targets in minibatches:
            check_rows(network, inputs, targets)
            check_size(network, spec.mode, len(inputs))
        self.network, self._spec = network, spec
        self._batch_statistics = spec.mode == "train" and network.has_norm
        self._draws_masks = spec.mode == "train" and network.draws_masks
        whole = [[each] for each in minibatches] if self._batch_statistics else [list(minibatches)]
        self._groups = [_Group(network, group) for group in whole]
        self._kept: dict[tuple[int, int | None], CleanPass] = {}

    def at(self, refs: tuple[ParameterRef, ParameterRef], step: int, points: Sequence[Point | None]) -> np.ndarray:
        """(K, 3) float64, as `probe.Slopes`, on the plane of these two parameters."""
        sets = mask_numbers(self._spec, step) if self._draws_masks else [None]
        found, start = [], 0
        with undisturbed(), torch.inference_mode():
            for place, group in enumerate(self._groups):
                own = points[start : start + len(group.sizes)]
                start += len(own)
                if all(point is None for point in own):
                    found.append(np.full((len(own), 3), np.nan))
                    continue
                each = []
                for number in sets:
                    between_tiles()
                    each.append(group.slopes(self._clean(place, number), refs, own))
                found.append(np.mean(each, axis=0))
        return np.concatenate(found)

    @property
    def sizes(self) -> list[int]:
        """The rows of each minibatch."""
        return [size for group in self._groups for size in group.sizes]

    @property
    def nbytes(self) -> int:
        """Bytes of the rows and of the kept forward passes, without the network, which others share."""
        own = sum(group.inputs_BM.nbytes + group.targets_B.nbytes for group in self._groups)
        return own + sum(clean.nbytes for clean in self._kept.values())

    def _clean(self, place: int, number: int | None) -> CleanPass:
        if (place, number) in self._kept:
            return self._kept[place, number]
        group = self._groups[place]
        gains = None
        if number is not None:
            drawn = [draw_gains(self.network, self._spec.seed, number, size) for size in group.sizes]
            gains = [torch.cat(layer) for layer in zip(*drawn, strict=True)]
        clean = CleanPass(self.network, group.inputs_BM, batch_statistics=self._batch_statistics, gains=gains)
        if number is None or keeps_passes(self._spec, sum(self.sizes)):
            self._kept[place, number] = clean
        return clean


class _Group:
    """The rows of some minibatches, one after the other."""

    def __init__(self, network: Network, minibatches: Sequence[tuple[Tensor, Tensor]]) -> None:
        own = {"device": network.device, "dtype": network.dtype}
        self.sizes = [len(targets) for _, targets in minibatches]
        self.lengths = torch.tensor(self.sizes, device=network.device)
        self.inputs_BM = torch.cat([inputs for inputs, _ in minibatches]).to(**own)
        self.targets_B = torch.cat([targets for _, targets in minibatches]).to(**own)

    def slopes(
        self, clean: CleanPass, refs: tuple[ParameterRef, ParameterRef], points: Sequence[Point | None]
    ) -> np.ndarray:
        steps_K2 = torch.tensor([point or (0.0, 0.0) for point in points], dtype=torch.float64)
        steps_2B = steps_K2.repeat_interleave(self.lengths.cpu(), dim=0).T
        outputs = outputs_at(clean, refs, steps_2B)
        residual_B = outputs.value - self.targets_B
        sign_B = residual_B.sign()
        terms = [residual_B.abs(), *(torch.zeros_like(sign_B) if d is None else sign_B * d for d in outputs[1:])]
        return torch.segment_reduce(torch.stack(terms, 1), "mean", lengths=self.lengths).double().cpu().numpy()


def products_of_a_row(network: Network, refs: Sequence[ParameterRef], *, whole: bool = False) -> float:
    """Multiplications by weights that one row takes at one point: above the lowest moved layer a value and two
    derivatives; below it nothing, unless the `whole` pass is computed anew."""
    layers = network.layers
    lowest = min(network.output if ref.layer is None else ref.layer for ref in refs)
    each = [layer.weight_NM.numel() for layer in layers]
    above = 3.0 * sum(each[lowest + 2 :]) + sum(layer.width for layer in layers[lowest:])
    return above + (sum(each) if whole else 0)
