"""The scale of round-off of whole tensors at many minibatches: the rule of `zero.py`, propagated from the output down.

`zero.py` sends the squares of one parameter's terms up through the layers. What it does at each layer is linear in the
squares, so that the same number is Σ_b (squares at the parameter) a_b with a the adjoint of ones at the output: one
pass down serves all parameters.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.landscape.backward import Backward
from gradviz.landscape.network import Layer
from gradviz.landscape.zero import SAFETY

# Shape suffixes: K = minibatches, B = examples of each (K and B may be 1: the same for all), M/N = inputs/units.


@dataclass(frozen=True)
class LayerScale:
    """Adjoint squares of one layer, at its pre-activations and behind its norm, in units of (loss · B)²."""

    pre_KBN: Tensor
    out_KBN: Tensor
    normalized_KBN: Tensor | None


class RoundOff:
    """Magnitudes below which an entry of a minibatch's gradient is rounding, for the tensors of a `Backward`."""

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
                adjoint = adjoint / (1 - network.dropout)
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

    def without(self, k: int, units: slice, gradients_KNM: Tensor) -> Tensor:
        """The gradients of these units' weights, changed in place: 0 where the magnitude is at most `weight`.

        Few entries are below the bound that takes no sum over the rows: the sum is formed for these alone.
        """
        adjoint_KBN = self._scales[k].pre_KBN[..., units]
        if adjoint_KBN.shape[1] == 1:
            return without_round_off(gradients_KNM, self._bound(k, units))
        suspects = (gradients_KNM.abs() <= self._bound(k, units)).nonzero()
        if len(suspects) * self._rows > gradients_KNM.numel():
            return without_round_off(gradients_KNM, self.weight(k, units))
        at_k, at_n, at_m = suspects.T
        squares_S = (adjoint_KBN[at_k, :, at_n] * self._squares(k)[at_k, :, at_m]).sum(1)
        gradients_KNM[at_k, at_n, at_m] = without_round_off(
            gradients_KNM[at_k, at_n, at_m], self._factor * squares_S.sqrt()
        )
        return gradients_KNM

    def _bound(self, k: int, units: slice) -> Tensor:
        """(K, n, M): Σ_b a_b h_b² ≤ max_b a_b · Σ_b h_b², and equal where a is the same for all rows."""
        if k not in self._sizes:
            self._sizes[k] = self._passed.layers[k].inputs_KBM.square().sum(1, keepdim=True).sqrt()
        highest_KN = self._scales[k].pre_KBN[..., units].amax(1)
        return self._factor * highest_KN.sqrt()[..., None] * self._sizes[k]

    def _squares(self, k: int) -> Tensor:
        """Those of the layer's inputs, computed once for all blocks of its units."""
        if k not in self._input_squares:
            self._input_squares[k] = self._passed.layers[k].inputs_KBM.square()
        return self._input_squares[k]

    def _of(self, squares_KBN: Tensor) -> Tensor:
        repeats = self._rows // squares_KBN.shape[1]
        return self._factor * (repeats * squares_KBN.sum(1)).sqrt()


def without_round_off(gradients: Tensor, limits: Tensor) -> Tensor:
    """`gradients`, changed in place: 0 where the magnitude is at most the limit."""
    return gradients.mul_(gradients.abs() > limits)  # a tenth of the time of masked_fill_


def _through_norm(passed: Backward, k: int, adjoint_KBN: Tensor) -> LayerScale:
    norm = passed.network.layers[k].norm
    if norm is None:
        return LayerScale(adjoint_KBN, adjoint_KBN, None)
    normalized_KBN, inverse_KBN = _normalized(passed, k, passed.network.layers[k])
    pre_KBN = adjoint_KBN * (norm.weight_N * inverse_KBN).square()
    if passed.batch_statistics:
        squares = normalized_KBN.square()
        pre_KBN = pre_KBN + pre_KBN.mean(1, keepdim=True) + squares * (squares * pre_KBN).mean(1, keepdim=True)
    return LayerScale(pre_KBN, adjoint_KBN, normalized_KBN)


def _normalized(passed: Backward, k: int, layer: Layer) -> tuple[Tensor, Tensor]:
    norm = layer.norm
    assert norm is not None
    z_KBN = passed.pre[k]
    z_KBN = z_KBN.relu() if norm.after else z_KBN
    mean, var = norm.mean_N, norm.var_N
    if passed.batch_statistics:
        mean, var = z_KBN.mean(1, keepdim=True), z_KBN.var(1, correction=0, keepdim=True)
    inverse = torch.rsqrt(var + norm.eps)
    return (z_KBN - mean) * inverse, inverse
