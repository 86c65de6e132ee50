"""Agreement of the minibatches at one checkpoint: every part of the model and any pairs, from one pass."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError, shown
from gradviz.landscape.backward import Backward, average, backward, layer_of
from gradviz.landscape.clean import draw_gains
from gradviz.landscape.network import Network, parameter_shapes
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.request import MASKS, Masks, Mode
from gradviz.landscape.resolving import network_in
from gradviz.landscape.resolving_tensors import Resolution
from gradviz.landscape.rows import check_rows, check_size
from gradviz.landscape.statistics.agreement import Agreement, agreement_of
from gradviz.landscape.statistics.bootstrap import Estimate, estimate, mean_of
from gradviz.landscape.statistics.inner_products import (
    InnerProducts,
    inner_products_of,
    sum_of,
    tensor_inner_products,
)
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: K = minibatches, B = examples of each, M = inputs of the network.

Pair = tuple[str, str]


@dataclass(frozen=True)
class CheckpointAgreement:
    """Agreement by part, and the share of rows predicted below their target: an L1 gradient is a sum of signs.

    `share_below` is over all rows, with an interval over minibatches; `share_below_K` is for each minibatch.
    """

    share_below: Estimate
    share_below_K: tuple[float, ...]
    num_minibatches: int
    num_rows: int
    parts: dict[str, Agreement]


def parts_of(network: Network) -> dict[str, list[str]]:
    """Names of the parts and the tensors of each: `model`, each layer (`hidden.1`, `output`), each tensor."""
    shapes = parameter_shapes(network)
    layers: dict[str, list[str]] = {}
    for name in shapes:
        layers.setdefault("output" if name.startswith("output.") else name.rsplit(".", 2)[0], []).append(name)
    return {"model": list(shapes)} | layers | {name: [name] for name in shapes}


def pair_name(pair: Pair) -> str:
    """The part made of two scalar parameters."""
    return " & ".join(str(ParameterRef.parse(text)) for text in pair)


def minibatch_agreement(
    network: Network,
    inputs_KBM: Tensor,
    targets_KB: Tensor,
    *,
    generator: np.random.Generator,
    mode: Mode = "eval",
    masks: Masks = "fresh",
    num_masks: int = 8,
    seed: int = 0,
    parts: Sequence[str] | None = None,
    pairs: Sequence[Pair] = (),
) -> CheckpointAgreement:
    """Agreement of the K minibatches' gradients, for `parts` (default: all of `parts_of`) and `pairs`.

    With dropout in train mode, `masks` draws a set for each minibatch ("fresh"), one for all ("frozen") or takes the
    mean gradient of `num_masks` sets. `generator` draws the bootstrap. Costs about one forward and one backward
    pass over all K·B rows, and 6 K² operations for each parameter of the parts. `UserError` for a part or parameter
    that the model lacks.
    """
    passed, products = minibatch_products(
        network,
        inputs_KBM,
        targets_KB,
        mode=mode,
        masks=masks,
        num_masks=num_masks,
        seed=seed,
        parts=parts,
        pairs=pairs,
    )
    shares_K = passed.share_below_K.cpu().numpy()
    share = estimate(mean_of(shares_K), len(shares_K), generator, trials=targets_KB.numel())
    assert share is not None
    return CheckpointAgreement(
        share,
        tuple(shares_K.tolist()),
        len(shares_K),
        targets_KB.numel(),
        {name: agreement_of(name, found, generator) for name, found in products.items()},
    )


@undisturbed()
def resolved_gradients(
    network: Network,
    inputs_KBM: Tensor,
    targets_KB: Tensor,
    names: Sequence[str],
    *,
    mode: Mode = "eval",
    masks: Masks = "fresh",
) -> dict[str, Tensor]:
    """(K, N): the minibatches' gradients of each of these vectors of the model (biases, β, γ); what is zero up to
    round-off is 0. Masks as in `minibatch_agreement`, but "averaged"; one pass over all K·B rows."""
    check_rows(network, inputs_KBM, targets_KB, axes="KB")
    check_size(network, mode, targets_KB.shape[1])
    layers = {layer_of(network, name) for name in names}
    with torch.no_grad():

        def run(network: Network) -> Backward:
            return masked_backward(network, inputs_KBM, targets_KB, mode, masks, 1, 0, layers)

        resolution = Resolution(run(network), lambda: run(network_in(network, torch.float64)))
        return {name: resolution.vector(name) for name in names}


@undisturbed()
def minibatch_products(
    network: Network,
    inputs_KBM: Tensor,
    targets_KB: Tensor,
    *,
    mode: Mode = "eval",
    masks: Masks = "fresh",
    num_masks: int = 8,
    seed: int = 0,
    parts: Sequence[str] | None = None,
    pairs: Sequence[Pair] = (),
) -> tuple[Backward, dict[str, InnerProducts]]:
    """The basis of `minibatch_agreement`: the pass, and the inner products of the gradients by part."""
    check_rows(network, inputs_KBM, targets_KB, axes="KB")
    check_size(network, mode, targets_KB.shape[1])
    if masks not in MASKS:
        raise UserError(f"`masks` must be one of {', '.join(MASKS)}, got {shown(repr(masks))}.")
    if masks == "averaged" and num_masks < 1:
        raise UserError(f"`num_masks` must be at least 1, got {num_masks}.")
    available = parts_of(network)
    names = list(available) if parts is None else list(parts)
    unknown = [name for name in names if name not in available]
    if unknown:
        raise UserError(f"`{unknown[0][:80]}` is no part of this model; it has {', '.join(available)}.")
    refs = {pair_name(pair): [ParameterRef.parse(text) for text in pair] for pair in pairs}
    for ref in [ref for pair in refs.values() for ref in pair]:
        ref.check(parameter_shapes(network))
    tensors = {name for part in names for name in available[part]}
    layers = {layer_of(network, name) for name in tensors}
    layers |= {network.output if ref.layer is None else ref.layer for pair in refs.values() for ref in pair}
    with torch.no_grad():
        layers = layers or {network.output}

        def run(network: Network) -> Backward:
            return masked_backward(network, inputs_KBM, targets_KB, mode, masks, num_masks, seed, layers)

        passed = run(network)
        resolution = Resolution(passed, lambda: run(network_in(network, torch.float64)))
        by_tensor = {
            name: tensor_inner_products(passed, resolution, name) for name in available["model"] if name in tensors
        }
        found = {name: sum_of([by_tensor[tensor] for tensor in available[name]]) for name in names}
        for name, pair in refs.items():
            columns = [resolution.entry(ref) for ref in pair]
            found[name] = inner_products_of(torch.stack(columns, 1))
    return passed, found


def masked_backward(
    network: Network,
    inputs_KBM: Tensor,
    targets_KB: Tensor,
    mode: Mode,
    masks: Masks,
    num_masks: int,
    seed: int,
    layers: set[int],
) -> Backward:
    """The pass in `mode` with the masks that it draws, if any."""
    if mode == "eval" or not network.draws_masks:
        return backward(network, inputs_KBM, targets_KB, mode=mode, layers=layers)
    num_minibatches, num_rows = targets_KB.shape
    if masks == "fresh":
        sets = [draw_gains(network, seed, number, num_rows) for number in range(num_minibatches)]
        gains = [torch.stack(layer) for layer in zip(*sets, strict=True)]
        return backward(network, inputs_KBM, targets_KB, mode=mode, gains=gains, layers=layers)
    passes = []
    for number in range(num_masks if masks == "averaged" else 1):
        between_tiles()
        gains = draw_gains(network, seed, number, num_rows)
        passes.append(backward(network, inputs_KBM, targets_KB, mode=mode, gains=gains, layers=layers))
    return average(passes)
