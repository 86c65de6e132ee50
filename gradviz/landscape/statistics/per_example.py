"""Inner products of the gradients of single examples, using that these are outer products.

The gradient of a weight matrix at one example is g hᵀ, so ⟨g_r h_rᵀ, g_s h_sᵀ⟩ = (g_r·g_s)(h_r·h_s) (Goodfellow,
"Efficient per-example gradient computations", 2015): exact, without forming the gradient of any example.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.backward import Backward, backward, layer_of
from gradviz.landscape.network import Network, parameter_shapes
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.request import Mode
from gradviz.landscape.rows import check_rows, check_size
from gradviz.landscape.statistics.checkpoint import Pair, pair_name, parts_of
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: R = rows (examples), M/N = inputs/units of a layer.


@undisturbed()
def example_products(
    network: Network,
    inputs_RM: Tensor,
    targets_R: Tensor,
    *,
    mode: Mode = "eval",
    parts: Sequence[str] = ("model",),
    pairs: Sequence[Pair] = (),
) -> dict[str, Tensor]:
    """⟨∇ℓ_r, ∇ℓ_s⟩ for ℓ_r = |o_r - y_r|, by part: (R, R) each, in the network's dtype; without dropout masks.

    Costs 2 R² (M + N) operations per layer. `UserError` if examples have no gradients of their own: under batch
    statistics each depends on all others of its minibatch.
    """
    check_rows(network, inputs_RM, targets_R)
    if mode == "train" and network.has_norm:
        raise UserError(
            "Gradients of single examples are not defined under batch statistics, where each example's output depends"
            " on all of its minibatch: use `redrawn_agreement`, which draws new minibatches, or eval mode."
        )
    check_size(network, mode, len(targets_R))
    available, shapes = parts_of(network), parameter_shapes(network)
    unknown = [part for part in parts if part not in available]
    if unknown:
        raise UserError(f"`{unknown[0][:80]}` is not a part of this model, which has {', '.join(available)}.")
    refs = {pair_name(pair): [ParameterRef.parse(text) for text in pair] for pair in pairs}
    for ref in [ref for pair in refs.values() for ref in pair]:
        ref.check(shapes)
    layers = {layer_of(network, name) for part in parts for name in available[part]}
    layers |= {network.output if ref.layer is None else ref.layer for pair in refs.values() for ref in pair}
    with torch.no_grad():
        passed = backward(network, inputs_RM[:, None], targets_R[:, None], mode="eval", layers=layers)
        tensors = {name for part in parts for name in available[part]}
        by_tensor = {name: _products(passed, name) for name in shapes if name in tensors}
        found = {part: torch.stack([by_tensor[name] for name in available[part]]).sum(0) for part in parts}
        for name, pair in refs.items():
            columns_R2 = torch.stack([_entry(passed, ref) for ref in pair], 1)
            found[name] = columns_R2 @ columns_R2.T
    return found


@undisturbed()
def row_entries(network: Network, inputs_RM: Tensor, targets_R: Tensor, refs: Sequence[ParameterRef]) -> Tensor:
    """(R, len(refs)): the derivatives of each row's loss by single parameters, in eval mode. Costs a pass forward and
    backward over the rows; `UserError` for a parameter that the network lacks."""
    for ref in refs:
        ref.check(parameter_shapes(network))
    layers = {network.output if ref.layer is None else ref.layer for ref in refs}
    with torch.no_grad():
        passed = backward(network, inputs_RM[:, None], targets_R[:, None], mode="eval", layers=layers)
        return torch.stack([_entry(passed, ref) for ref in refs], 1)


def _entry(passed: Backward, ref: ParameterRef) -> Tensor:
    """(R,): the gradients of one scalar parameter, a single term each, so without cancellation."""
    k = passed.network.output if ref.layer is None else ref.layer
    if ref.kind != "weight":
        return passed.tensor(ref.tensor_name)[:, ref.unit]
    unit, column = ref.index
    return passed.layers[k].gradient_KBN[:, 0, unit] * passed.layers[k].inputs_KBM[:, 0, column]


def _products(passed: Backward, name: str) -> Tensor:
    factors = passed.layers[layer_of(passed.network, name)]
    if name.endswith("linear.weight") or name == "output.weight":
        return _gram(factors.gradient_KBN[:, 0]).mul_(_gram(factors.inputs_KBM[:, 0]))
    return _gram(passed.tensor(name))


def _gram(rows_RP: Tensor) -> Tensor:
    return rows_RP @ rows_RP.T
