"""The gradients of single rows by a part of the parameters, as what they are products of: never formed themselves.

The gradient of a weight matrix at one row is g hᵀ, so that ⟨g hᵀ, g' h'ᵀ⟩ = (g·g')(h·h'), and a weighted sum of R of
them is one product of matrices (Goodfellow, "Efficient per-example gradient computations", 2015). With several sets of
masks a row's gradient is a sum over them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.errors import UserError, shown
from gradviz.landscape.backward import Backward, average, backward, layer_of
from gradviz.landscape.network import Network, parameter_shapes
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.statistics.checkpoint import Pair, parts_of
from gradviz.landscape.statistics.inner_products import ENTRIES_AT_ONCE
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: R = rows, T = other rows, S = sets of masks, M/N = inputs/units of a layer, P = numbers of a vector.

Part = str | Pair
"""A name of `parts_of`, or two parameters."""


@dataclass(frozen=True)
class RowFactors:
    """Of R rows: (g (R, S, N), h (R, S, M)) for each weight matrix, and (R, P) for all else."""

    weights: tuple[tuple[Tensor, Tensor], ...]
    vectors: tuple[Tensor, ...]

    def __len__(self) -> int:
        return len(self.vectors[0] if self.vectors else self.weights[0][0])

    @property
    def dtype(self) -> torch.dtype:
        return (self.vectors or self.weights[0])[0].dtype

    def rows(self, wanted: slice) -> "RowFactors":
        """Some of them."""
        return RowFactors(
            tuple((g[wanted], h[wanted]) for g, h in self.weights), tuple(each[wanted] for each in self.vectors)
        )

    def double(self) -> "RowFactors":
        """The same in float64."""
        return RowFactors(
            tuple((g.double(), h.double()) for g, h in self.weights), tuple(each.double() for each in self.vectors)
        )

    def products(self, other: "RowFactors") -> Tensor:
        """(R, T): the inner products of these rows' gradients with the other's; 2 R S T S (M + N) operations a layer,
        of which `ENTRIES_AT_ONCE` products are formed at once, or those of one row."""
        sets = self.weights[0][0].shape[1] if self.weights else 1
        step = max(1, ENTRIES_AT_ONCE // (sets * len(other) * sets))
        found = []
        for first in range(0, len(self), step):
            between_tiles()
            found.append(self.rows(slice(first, first + step))._products(other))
        return torch.cat(found)

    def _products(self, other: "RowFactors") -> Tensor:
        found = [one_RP @ other_TP.T for one_RP, other_TP in zip(self.vectors, other.vectors, strict=True)]
        for (g, h), (g_other, h_other) in zip(self.weights, other.weights, strict=True):
            each = (g.flatten(0, 1) @ g_other.flatten(0, 1).T).mul_(h.flatten(0, 1) @ h_other.flatten(0, 1).T)
            found.append(each.view(*g.shape[:2], *g_other.shape[:2]).sum((1, 3)))
        return torch.stack(found).sum(0)

    def squares(self) -> Tensor:
        """(R,): the squared length of each row's gradient."""
        found = [each_RP.square().sum(1) for each_RP in self.vectors]
        for g, h in self.weights:
            found.append((torch.bmm(g, g.transpose(1, 2)) * torch.bmm(h, h.transpose(1, 2))).sum((1, 2)))
        return torch.stack(found).sum(0)

    def combined(self, weights_R: Tensor) -> tuple[Tensor, ...]:
        """Σ_r w_r (gradient of row r), (N, M) for each weight matrix and (P,) for each vector; 2 R N M operations."""
        sums = [(weights_R[:, None, None] * g).flatten(0, 1).T @ h.flatten(0, 1) for g, h in self.weights]
        return (*sums, *(weights_R @ each_RP for each_RP in self.vectors))

    def along(self, vector: Sequence[Tensor]) -> Tensor:
        """(R,): the inner products of the rows' gradients with such a sum; 2 R N M operations."""
        matrices, rest = vector[: len(self.weights)], vector[len(self.weights) :]
        found = [each_RP @ own_P for each_RP, own_P in zip(self.vectors, rest, strict=True)]
        for (g, h), own_NM in zip(self.weights, matrices, strict=True):
            found.append((torch.matmul(h, own_NM.T) * g).sum((1, 2)))
        return torch.stack(found).sum(0)


def explicit(rows_RP: Tensor) -> RowFactors:
    """Of gradients that are there already."""
    return RowFactors((), (rows_RP,))


@undisturbed()
def row_factors(
    network: Network, inputs_RM: Tensor, targets_R: Tensor, part: Part, gains: Sequence[Sequence[Tensor]] = ()
) -> RowFactors:
    """Of ℓ_r = |o_r - y_r|, in the network's dtype, each row for itself: in eval mode, or with masks as each of
    `gains`, one (R, N) for each hidden layer, and the mean over these sets.

    Costs a pass forward and backward over the rows and sets. `UserError` for a part that the network lacks.
    """
    tensors, refs = tensors_of_part(network, part)
    layers = {layer_of(network, name) for name in tensors}
    layers |= {network.output if ref.layer is None else ref.layer for ref in refs}

    def run(own: Sequence[Tensor] | None) -> Backward:
        masks = None if own is None else [gain_RN[:, None] for gain_RN in own]
        return backward(network, inputs_RM[:, None], targets_R[:, None], mode="eval", gains=masks, layers=layers)

    with torch.no_grad():
        passed = average([run(own) for own in gains]) if gains else run(None)
        weights, vectors = [], [torch.stack([_entry(passed, ref) for ref in refs], 1)] if refs else []
        for name in tensors:
            factors = passed.layers[layer_of(network, name)]
            if name.endswith("linear.weight") or name == "output.weight":
                weights.append((factors.gradient_KBN, factors.inputs_KBM))
            else:
                vectors.append(passed.tensor(name))
    return RowFactors(tuple(weights), tuple(vectors))


def tensors_of_part(network: Network, part: Part) -> tuple[list[str], list[ParameterRef]]:
    """The tensors of a named part, or the two parameters of a pair; `UserError` for what the network lacks."""
    if isinstance(part, str):
        available = parts_of(network)
        if part not in available:
            raise UserError(f"`{shown(part)}` is no part of this model; it has {', '.join(list(available)[:12])}, …")
        return available[part], []
    refs = [ParameterRef.parse(text) for text in part]
    for ref in refs:
        ref.check(parameter_shapes(network))
    return [], refs


def _entry(passed: Backward, ref: ParameterRef) -> Tensor:
    """(R,): the gradients of one parameter, the sum over the sets."""
    if ref.kind != "weight":
        return passed.tensor(ref.tensor_name)[:, ref.unit]
    factors, (unit, column) = passed.layers[layer_of(passed.network, ref.tensor_name)], ref.index
    return (factors.gradient_KBN[:, :, unit] * factors.inputs_KBM[:, :, column]).sum(1)
