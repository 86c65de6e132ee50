"""One forward pass of a minibatch through the unchanged checkpoint, of which a landscape changes only a little.

It computes layers at their first use and keeps them: all landscapes of one checkpoint and minibatch share them.
"""

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from gradviz.landscape.dual import Dual, activate, linear
from gradviz.landscape.flipped import AtCheckpoint
from gradviz.landscape.masks import stacked_masks
from gradviz.landscape.network import Network

# Shape suffixes: B = examples of a minibatch, M/N = inputs/units of a layer.


class CleanPass:
    """Inputs, pre-activations and outputs of every layer at the checkpoint's own parameters.

    `gains` are what the masks multiply the activations by, one (B, N) per hidden layer, or None for no masks.
    """

    def __init__(
        self,
        network: Network,
        inputs_BM: Tensor,
        *,
        batch_statistics: bool = False,
        gains: Sequence[Tensor] | None = None,
    ) -> None:
        self.network = network
        self.batch_statistics = batch_statistics
        self.gains = gains
        self._inputs = [inputs_BM.to(device=network.device, dtype=network.dtype)]
        self._pre: list[Tensor] = []
        self._active: dict[int, Tensor] = {}
        self.near: dict[tuple[int, ...], AtCheckpoint] = {}
        """What single points have in common, by layer and moved units: of those asked for last."""

    def __len__(self) -> int:
        return len(self._inputs[0])

    @property
    def nbytes(self) -> int:
        """Bytes of the layers kept so far."""
        kept = [*self._inputs, *self._pre, *self._active.values(), *(self.gains or ())]
        return sum(tensor.nbytes for tensor in kept) + sum(near.nbytes for near in self.near.values())

    def gain(self, k: int) -> Tensor | None:
        return None if self.gains is None or k == self.network.output else self.gains[k]

    def inputs(self, k: int) -> Tensor:
        """(B, M): the inputs of layer `k`."""
        while len(self._inputs) <= k:
            below = len(self._inputs) - 1
            layer = self.network.layers[below]
            out = activate(layer, Dual(self.pre(below)), self.gain(below), batch_statistics=self.batch_statistics)
            self._inputs.append(out.value)
        return self._inputs[k]

    def pre(self, k: int) -> Tensor:
        """(B, N): pre-activations of layer `k`, before any norm."""
        while len(self._pre) <= k:
            at = len(self._pre)
            self._pre.append(linear(self.network.layers[at], Dual(self.inputs(at))).value)
        return self._pre[k]

    def out(self, k: int) -> Tensor:
        """(B, N): outputs of layer `k`."""
        return self.pre(k) if k == self.network.output else self.inputs(k + 1)

    def active(self, k: int) -> Tensor:
        """(B, N) bool: the rows on which each unit of hidden layer `k` is active, whether or not a mask drops it."""
        if k not in self._active:
            layer, z = self.network.layers[k], Dual(self.pre(k))
            if layer.norm is not None and not layer.norm.after:
                z = activate(layer, z, None, batch_statistics=self.batch_statistics)
            self._active[k] = z.value > 0
        return self._active[k]

    def predictions(self) -> Tensor:
        """(B,): the model's outputs."""
        return self.network.output_scale * self.out(self.network.output)[:, 0]

    def moved(self, network: Network, start: int, units: Collection[int]) -> "CleanPass":
        """The pass of `network`, which equals this one's below layer `start` and differs in these of its units; reuses
        the equal part."""
        pre_BN = self.pre(start).clone()
        part = CleanPass(network, self._inputs[0], batch_statistics=self.batch_statistics, gains=self.gains)
        part._inputs, part._pre = self._inputs[: start + 1], [*self._pre[:start], pre_BN]
        layer = network.layers[start]
        for unit in units:
            pre_BN[:, unit] = self.inputs(start) @ layer.weight_NM[unit] + layer.bias_N[unit]
        return part

    def rows(self, start: int, stop: int) -> "CleanPass":
        """The same pass for some of its rows; allowed if the rows do not depend on each other."""
        assert not self.batch_statistics
        part = CleanPass(self.network, self._inputs[0][start:stop])
        part._inputs = [tensor[start:stop] for tensor in self._inputs]
        part._pre = [tensor[start:stop] for tensor in self._pre]
        part.gains = None if self.gains is None else [gain[start:stop] for gain in self.gains]
        return part


def draw_gains(network: Network, seed: int, number: int, num_rows: int) -> list[Tensor]:
    """What the `number`-th set of masks of the stream `seed` multiplies the activations by; (B, N) each."""
    return [gain_KBN[0] for gain_KBN in stacked_gains(network, seed, [number], num_rows)]


def stacked_gains(network: Network, seed: int, numbers: Sequence[int], num_rows: int) -> list[Tensor]:
    """The same of several sets; (K, B, N) each."""
    masks = stacked_masks(network.regularizer, seed, numbers, num_rows, network.widths)
    one = torch.ones((), dtype=network.dtype, device=network.device)
    return [network.regularizer.acted(one, mask.to(device=network.device).to(dtype=network.dtype)) for mask in masks]
