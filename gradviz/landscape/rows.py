"""Checks the rows of minibatches before computing, and the results."""

from typing import Literal

import torch
from torch import Tensor

from gradviz.errors import NotHere, UserError, shown
from gradviz.landscape.network import Network
from gradviz.landscape.request import MODES

# Shape suffixes: K = minibatches, B = examples of each, M = inputs of the network.


def check_rows(network: Network, inputs: Tensor, targets: Tensor, *, axes: Literal["B", "KB"] = "B") -> None:
    """`UserError` unless they are finite real numbers, (B, M) and (B,), or (K, B, M) and (K, B), for this network."""
    check_network(network)
    check_inputs(network, inputs, axes=axes)
    _check_numbers("targets", targets)
    if targets.shape != inputs.shape[:-1]:
        raise UserError(_shapes(network, axes, f"{tuple(inputs.shape)} and {tuple(targets.shape)}"))


def check_inputs(network: Network, inputs: Tensor, *, axes: Literal["B", "KB"] = "B") -> None:
    """`UserError` unless the inputs are finite real numbers, (B, M) or (K, B, M), of at least one row."""
    _check_numbers("inputs", inputs)
    if inputs.ndim != len(axes) + 1 or inputs.shape[-1] != network.layers[0].weight_NM.shape[1]:
        raise UserError(_shapes(network, axes, str(tuple(inputs.shape))))
    if not inputs.numel():
        raise UserError(f"`inputs` has the shape {tuple(inputs.shape)}: a minibatch needs at least one row.")


def check_size(network: Network, mode: str, num_rows: int) -> None:
    """`UserError` unless `mode` is known, and the rows suffice for batch statistics if needed."""
    if mode not in MODES:
        raise UserError(f"`mode` must be one of {', '.join(MODES)}, got {shown(repr(mode))}.")
    if num_rows < 2 and network.has_norm and mode == "train":
        raise UserError(
            f"A minibatch of {num_rows} row{'s' * (num_rows != 1)} has no statistics: use at least 2 for batch "
            "normalization in train mode."
        )


def check_network(network: object) -> None:
    """`UserError` unless it is a result of `network_of`."""
    if not isinstance(network, Network):
        raise UserError(f"`network` must be a result of `network_of(model)`, got {type(network).__name__}.")


def check_finite(network: Network, *values: Tensor) -> None:
    """`UserError` unless all values, their squares and their sums are finite."""
    largest = torch.finfo(network.dtype).max ** 0.4
    if all(bool(value.abs().amax() <= largest) for value in values if value.numel()):
        return
    raise NotHere(
        f"The model's parameters are too large for gradients in {_name(network.dtype)}",
        "use a checkpoint from before the training broke down, a smaller half_width, or dtype=torch.float64",
    )


def is_finite(tensor: Tensor) -> bool:
    """Whether all values are finite; checks their sum, unless that is too large."""
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())


def _check_numbers(name: str, tensor: Tensor) -> None:
    if not isinstance(tensor, Tensor):
        raise UserError(f"`{name}` must be a tensor, got {type(tensor).__name__}: make one with `torch.as_tensor`.")
    if tensor.is_meta or tensor.layout != torch.strided or tensor.is_quantized:
        kind = "has no values (it is on the meta device)" if tensor.is_meta else "is sparse or quantized"
        raise UserError(f"`{name}` {kind}: give an ordinary tensor of numbers.")
    if tensor.is_complex():
        raise UserError(f"`{name}` must be real numbers, got {_name(tensor.dtype)}.")
    if tensor.is_floating_point() and not is_finite(tensor):
        place = tuple(tensor.isfinite().logical_not().nonzero()[0].tolist())
        raise UserError(f"`{name}` must be finite, got {tensor[place].item()} at {list(place)}: leave such rows out.")


def _shapes(network: Network, axes: str, got: str) -> str:
    lead = ", ".join(axes)
    num_inputs = network.layers[0].weight_NM.shape[1]
    return (
        f"`inputs` and `targets` must have shapes ({lead}, {num_inputs}) and ({lead}{',' * (axes == 'B')}), got {got}."
    )


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
