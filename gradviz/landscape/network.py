"""The engine's view of a model: a stack of layers as plain tensors, and the loss.

The engine never holds the module, so it cannot change a parameter, a buffer or a mode. To use your own model, write it
as a `Network`: that gets the whole engine.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment.regularizers import Regularizer
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.request import LandscapeSpec

# Shape suffixes: M/N = inputs/units of a layer.


@dataclass(frozen=True)
class Norm:
    """Batch normalization: weight (z - mean) / sqrt(var + eps) + bias, with running statistics or the minibatch's."""

    weight_N: Tensor
    bias_N: Tensor
    mean_N: Tensor
    var_N: Tensor
    eps: float
    after: bool
    """True: applied to the activations; False: to the pre-activations."""


@dataclass(frozen=True)
class Layer:
    """linear -> [norm] -> ReLU -> [norm] -> [mask]; the output layer is linear alone."""

    weight_NM: Tensor
    bias_N: Tensor
    norm: Norm | None
    relu: bool

    @property
    def width(self) -> int:
        return self.weight_NM.shape[0]


@dataclass(frozen=True)
class Network:
    """Layers from input to output (one unit); the prediction is `output_scale` times the last layer's value."""

    layers: tuple[Layer, ...]
    output_scale: float
    regularizer: Regularizer
    """What acts on the activations of the hidden layers in train mode, if it draws masks."""

    @property
    def output(self) -> int:
        """The index of the output layer."""
        return len(self.layers) - 1

    @property
    def widths(self) -> list[int]:
        """Units of each hidden layer."""
        return [layer.width for layer in self.layers[:-1]]

    @property
    def dtype(self) -> torch.dtype:
        return self.layers[0].weight_NM.dtype

    @property
    def device(self) -> torch.device:
        return self.layers[0].weight_NM.device

    @property
    def nbytes(self) -> int:
        """Bytes of all tensors of all layers."""
        norms = [layer.norm for layer in self.layers if layer.norm is not None]
        tensors = [tensor for layer in self.layers for tensor in (layer.weight_NM, layer.bias_N)]
        tensors += [t for norm in norms for t in (norm.weight_N, norm.bias_N, norm.mean_N, norm.var_N)]
        return sum(tensor.nbytes for tensor in tensors)

    def value(self, ref: ParameterRef) -> float:
        """The checkpoint's own value of one parameter."""
        layer = self.layers[self.output if ref.layer is None else ref.layer]
        if ref.kind in ("weight", "bias"):
            return (layer.weight_NM if ref.kind == "weight" else layer.bias_N)[ref.index].item()
        assert layer.norm is not None
        return (layer.norm.weight_N if ref.kind == "gamma" else layer.norm.bias_N)[ref.index].item()

    @property
    def draws_masks(self) -> bool:
        """Whether train mode multiplies the activations of the hidden layers by something random."""
        return self.regularizer.draws_masks

    @property
    def has_norm(self) -> bool:
        return any(layer.norm is not None for layer in self.layers)


def parameter_shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Names and shapes of all trainable tensors, in the order of the layers."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k, layer in enumerate(network.layers):
        name = "output" if k == network.output else f"hidden.{k}.linear"
        shapes[f"{name}.weight"] = tuple(layer.weight_NM.shape)
        shapes[f"{name}.bias"] = tuple(layer.bias_N.shape)
        if layer.norm is not None:
            shapes[f"hidden.{k}.norm.weight"] = shapes[f"hidden.{k}.norm.bias"] = tuple(layer.bias_N.shape)
    return shapes


def check_spec(shapes: Mapping[str, tuple[int, ...]], spec: LandscapeSpec) -> None:
    """`UserError` unless both parameters of `spec` exist in a model with these shapes."""
    if not isinstance(spec, LandscapeSpec):
        raise UserError(
            f"`spec` must be a LandscapeSpec, got {type(spec).__name__}: make one with `LandscapeSpec(...)`."
        )
    for ref in spec.refs:
        ref.check(shapes)
