"""The bound of round-off of whole tensors at many minibatches: that of `zero.py`, propagated from the output down.

`zero.py` sends the squares of one parameter's terms up through the layers. Each layer is linear in the squares, so the
same number is Σ_b (squares at the parameter) a_b with a the adjoint of ones at the output: one pass down serves all
parameters. `resolving_tensors` decides the entries it flags.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.landscape.backward import Backward
from gradviz.landscape.zero import SAFETY, normalized

# Shape suffixes: K = minibatches, B = examples of each (K and B may be 1: the same for all), M/N = inputs/units.


@dataclass(frozen=True)
class LayerScale:
    """Adjoint squares of one layer, at its pre-activations and behind its norm, in units of (loss · B)²."""

    pre_KBN: Tensor
    out_KBN: Tensor
    normalized_KBN: Tensor | None


class RoundOff:
    """Magnitudes below which an entry of a minibatch's gradient may be rounding, for the tensors of a `Backward`."""

    def __init__(self, passed: Backward) -> None:
        network = passed.network
        self._passed = passed
        self._rows = passed.residual_KB.shape[1]
        self._factor = SAFETY * torch.finfo(network.dtype).eps * network.output_scale / self._rows
        self._scales: dict[int, LayerScale] = {}
        self._input_squares: dict[int, Tensor] = {}
        self._sizes: dict[int, Tensor] = {}
        adjoint = torch.ones((1, 1, 1), dtype=network.dtype, device=network.device)
        for k in range(network.output, min(passed.layers) - 1, -1):
            if passed.drops and k < network.output:
                adjoint = network.regularizer.squares_acted(adjoint)
            self._scales[k] = scale = _through_norm(passed, k, adjoint)
            adjoint = scale.pre_KBN @ network.layers[k].weight_NM.square()

    def bias(self, k: int) -> Tensor:
        """(K, N) or (1, N), as the next two."""
        return self._of(self._scales[k].pre_KBN)

    def beta(self, k: int) -> Tensor:
        return self._of(self._scales[k].out_KBN)

    def gamma(self, k: int) -> Tensor:
        scale = self._scales[k]
        assert scale.normalized_KBN is not None
        return self._of(scale.out_KBN * scale.normalized_KBN.square())

    def weight(self, k: int, units: slice) -> Tensor:
        """(K, n, M) for some of the layer's units."""
        adjoint_KBN = self._scales[k].pre_KBN[..., units]
        if adjoint_KBN.shape[1] == 1:
            return self._bound(k, units)
        return torch.bmm(adjoint_KBN.transpose(1, 2), self._squares(k)).sqrt_().mul_(self._factor)

    def of_small(self, k: int, units: slice, gradients_KNM: Tensor) -> Tensor | None:
        """(K, n, M): `weight` where it may matter for these gradients, 0 elsewhere; None if it matters nowhere.

        Few entries are below the bound without a sum over the rows: only these need the sum.
        """
        adjoint_KBN = self._scales[k].pre_KBN[..., units]
        bound_KNM = self._bound(k, units)
        suspects = ((gradients_KNM.abs() <= bound_KNM) & (gradients_KNM != 0)).nonzero()
        if len(suspects) == 0:
            return None
        if adjoint_KBN.shape[1] == 1:
            return bound_KNM
        if len(suspects) * self._rows > gradients_KNM.numel():
            return self.weight(k, units)
        at_k, at_n, at_m = suspects.T
        squares_S = (adjoint_KBN[at_k, :, at_n] * self._squares(k)[at_k, :, at_m]).sum(1)
        limits_KNM = torch.zeros_like(gradients_KNM)
        limits_KNM[at_k, at_n, at_m] = self._factor * squares_S.sqrt()
        return limits_KNM

    def _bound(self, k: int, units: slice) -> Tensor:
        """(K, n, M): Σ_b a_b h_b² ≤ max_b a_b · Σ_b h_b², and equal where a is the same for all rows."""
        if k not in self._sizes:
            self._sizes[k] = self._passed.layers[k].inputs_KBM.square().sum(1, keepdim=True).sqrt()
        highest_KN = self._scales[k].pre_KBN[..., units].amax(1)
        return self._factor * highest_KN.sqrt()[..., None] * self._sizes[k]

    def _squares(self, k: int) -> Tensor:
        """The squares of the layer's inputs, computed once for all blocks of its units."""
        if k not in self._input_squares:
            self._input_squares[k] = self._passed.layers[k].inputs_KBM.square()
        return self._input_squares[k]

    def _of(self, squares_KBN: Tensor) -> Tensor:
        repeats = self._rows // squares_KBN.shape[1]
        return self._factor * (repeats * squares_KBN.sum(1)).sqrt()


def _through_norm(passed: Backward, k: int, adjoint_KBN: Tensor) -> LayerScale:
    norm = passed.network.layers[k].norm
    if norm is None:
        return LayerScale(adjoint_KBN, adjoint_KBN, None)
    scaled_KBN, normalized_KBN, inverse_KBN = normalized(norm, passed.pre[k], passed.batch_statistics)
    pre_KBN = adjoint_KBN * (norm.weight_N * inverse_KBN).square()
    if passed.batch_statistics:
        pre_KBN = _taken_out(pre_KBN, normalized_KBN, scaled_KBN)
    return LayerScale(pre_KBN, adjoint_KBN, normalized_KBN)


def _taken_out(adjoint_KBN: Tensor, normalized_KBN: Tensor, scaled_KBN: Tensor) -> Tensor:
    """The adjoint of `zero.taken_out`."""
    rows, lost = normalized_KBN.square(), scaled_KBN.square().mean(1, keepdim=True)
    common = adjoint_KBN.mean(1, keepdim=True) + lost * ((1 + rows) * adjoint_KBN).mean(1, keepdim=True)
    return adjoint_KBN + common + rows * (rows * adjoint_KBN).mean(1, keepdim=True)
