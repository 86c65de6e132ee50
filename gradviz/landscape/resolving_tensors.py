"""The gradients of whole tensors at many minibatches, with zero entries set to 0: a bound flags, float64 decides.

The rule is that of `resolving`, entry by entry. Independent rows need no bound: cancellation happens only between rows,
whose terms are at hand. Weight matrices then stay as they are: an entry is 0 if no row reaches it.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from gradviz.landscape.backward import Backward, layer_of
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.resolving import ZERO_SHARE
from gradviz.landscape.zero_tensors import RoundOff

# Shape suffixes: K = minibatches, B = examples of each, M/N = inputs/units of a layer.

CANCELLED = 8
"""A sum over rows below this many ε of the root of its squared terms is checked in float64: one entry in a million by
chance."""


class Resolution:
    """The gradients of a `Backward`; calls `again`, the same pass in float64, if an entry is flagged."""

    def __init__(self, passed: Backward, again: Callable[[], Backward]) -> None:
        self._passed, self._again = passed, again
        self._double: Backward | None = None
        self._bound = RoundOff(passed) if passed.batch_statistics else None

    def vector(self, name: str) -> Tensor:
        """(K, N): the gradients of biases, β or γ."""
        gradients_KN = self._passed.tensor(name)
        k = layer_of(self._passed.network, name)
        kind = "linear.bias" if k == self._passed.network.output else name.split(".", 2)[2]
        norm = self._passed.network.layers[k].norm
        if self._bound is None:
            if kind != "linear.bias":
                return gradients_KN
            limit_KN = self._of_terms(self._passed.layers[k].gradient_KBN)
        elif kind == "linear.bias" and norm is not None and not norm.after:
            return torch.zeros_like(gradients_KN)  # it shifts all rows alike, which batch statistics cancel
        else:
            limits = {"linear.bias": self._bound.bias, "norm.bias": self._bound.beta, "norm.weight": self._bound.gamma}
            limit_KN = limits[kind](k)
        return self._decided(gradients_KN, limit_KN, lambda double: double.tensor(name))

    def entry(self, ref: ParameterRef) -> Tensor:
        """(K,): the gradients of one scalar parameter."""
        if ref.kind != "weight":
            return self.vector(ref.tensor_name)[:, ref.unit]
        k, (unit, column) = layer_of(self._passed.network, ref.tensor_name), ref.index

        def terms(passed: Backward) -> Tensor:
            factors = passed.layers[k]
            return factors.gradient_KBN[..., unit] * factors.inputs_KBM[..., column]

        terms_KB = terms(self._passed)
        if self._bound is None:
            limit_K = self._of_terms(terms_KB)
        else:
            limit_K = self._bound.weight(k, slice(unit, unit + 1))[:, 0, column]
        return self._decided(terms_KB.sum(1), limit_K, lambda double: terms(double).sum(1))

    def block(self, k: int, units: slice) -> Tensor:
        """(K, n, M): the gradients of the weights of some of a layer's units."""
        gradients_KNM = _product(self._passed, k, units)
        limit_KNM = None if self._bound is None else self._bound.of_small(k, units, gradients_KNM)
        if limit_KNM is None:
            return gradients_KNM
        return self._decided(gradients_KNM, limit_KNM, lambda double: _product(double, k, units))

    def _of_terms(self, terms_KB: Tensor) -> Tensor:
        """The limit of a sum over the rows, dimension 1."""
        return CANCELLED * torch.finfo(terms_KB.dtype).eps * terms_KB.square().sum(1).sqrt()

    def _decided(self, gradients: Tensor, limits: Tensor, read: Callable[[Backward], Tensor]) -> Tensor:
        """Replaces flagged entries by float64's, or by 0 if they are zero."""
        flagged = (gradients.abs() <= limits) & (gradients != 0)
        if not flagged.any():
            return gradients
        if gradients.dtype == torch.float64:
            return gradients.masked_fill(flagged, 0)
        self._double = self._double or self._again()
        exact = read(self._double)
        exact = exact.masked_fill(exact.abs() <= ZERO_SHARE * (gradients - exact).abs(), 0)
        return torch.where(flagged, exact.to(gradients.dtype), gradients)


def _product(passed: Backward, k: int, units: slice) -> Tensor:
    factors = passed.layers[k]
    return torch.bmm(factors.gradient_KBN[..., units].transpose(1, 2), factors.inputs_KBM)
