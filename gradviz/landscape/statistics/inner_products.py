"""Inner products of the minibatches' gradients, tensor by tensor, from which their agreement follows.

Those of a layer or model are sums over its tensors, so one pass over the model serves all its parts. The gradients of
a weight matrix are formed a few units at a time: memory never holds K full gradients of a large model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
import torch
from torch import Tensor

from gradviz.landscape.backward import Backward, layer_of
from gradviz.landscape.network import parameter_shapes
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.resolving_tensors import Resolution

# Shape suffixes: K = minibatches, P = parameters, B = examples of a minibatch, M/N = inputs/units of a layer.

ENTRIES_AT_ONCE = 2**22
"""Entries of a weight matrix's gradients to form at once: 16 MB in float32; fewer are slower."""


@dataclass(frozen=True)
class InnerProducts:
    """For gradients G (K, P): ⟨G_k, G_l⟩; #(same sign) - #(opposite sign); #(both nonzero). (K, K) float64 each."""

    num_parameters: int
    dot_KK: np.ndarray
    signs_KK: np.ndarray
    both_KK: np.ndarray

    def __add__(self, other: "InnerProducts") -> "InnerProducts":
        return InnerProducts(
            self.num_parameters + other.num_parameters,
            self.dot_KK + other.dot_KK,
            self.signs_KK + other.signs_KK,
            self.both_KK + other.both_KK,
        )


def sum_of(products: Sequence[InnerProducts]) -> InnerProducts:
    """Those of several parts as of one."""
    return reduce(add, products)


def inner_products_of(gradients_KP: Tensor) -> InnerProducts:
    """The products of any gradients, (K, P); entries of exactly 0 count as zero."""
    signs_KP = gradients_KP.sign()
    return InnerProducts(gradients_KP.shape[1], _gram(gradients_KP), _gram(signs_KP), _both_not_zero(signs_KP))


def _both_not_zero(signs_KP: Tensor) -> np.ndarray:
    """A parameter with nonzero gradients at all minibatches counts one for each pair; only others are multiplied."""
    num_parameters = signs_KP.shape[1]
    is_whole_P = (signs_KP != 0).view(torch.uint8).amin(0)  # a fiftieth of the time of `all`
    rest = (is_whole_P == 0).nonzero()[:, 0]
    if 2 * len(rest) > num_parameters:
        return _gram(signs_KP.abs_())
    return num_parameters - len(rest) + _gram(signs_KP[:, rest].abs_())


def tensor_inner_products(passed: Backward, resolution: Resolution, name: str) -> InnerProducts:
    """The products of one tensor of the model; entries within round-off count as zero.

    For a weight matrix 2 K N M (B + 3 K) operations, in blocks of units.
    """
    k = layer_of(passed.network, name)
    if len(parameter_shapes(passed.network)[name]) == 1:
        return inner_products_of(resolution.vector(name))
    factors = passed.layers[k]
    num_minibatches, _, num_inputs = factors.inputs_KBM.shape
    num_units = factors.gradient_KBN.shape[2]
    step = max(1, ENTRIES_AT_ONCE // (num_minibatches * num_inputs))
    total = None
    for first in range(0, num_units, step):
        between_tiles()
        units = slice(first, first + step)
        part = inner_products_of(resolution.block(k, units).flatten(1))
        total = part if total is None else total + part
    assert total is not None
    return total


def _gram(rows_KP: Tensor) -> np.ndarray:
    return (rows_KP @ rows_KP.T).double().cpu().numpy()
