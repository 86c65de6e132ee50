"""A model's parameters by layer: which module holds each tensor, what it is there, and which pairs to show first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import nn

THE_MODEL = "."
"""The layer of parameters that the model holds itself, outside any module; no module can have this name."""

_NORMS = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)
_OF_NORMS = {"weight": "gamma", "bias": "beta"}


@dataclass(frozen=True)
class Tensor:
    """A tensor of parameters: its layer, the name of the module that holds it, and its `kind` there: `weight`, `bias`,
    `gamma` and `beta` of a norm, or its own name."""

    name: str
    shape: tuple[int, ...]
    layer: str
    kind: str


@dataclass(frozen=True)
class Layer:
    """A module with parameters of its own: its class, and the first size of its first tensor, in torch its number of
    outputs (or an embedding's rows)."""

    name: str
    module: str
    width: int

    @property
    def label(self) -> str:
        """Its name for people."""
        return "the model itself" if self.name == THE_MODEL else self.name


@dataclass(frozen=True)
class Anatomy:
    """The tensors of floating parameters, and their layers, both in the model's order; tied tensors under one name."""

    tensors: tuple[Tensor, ...]
    layers: tuple[Layer, ...]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {tensor.name: tensor.shape for tensor in self.tensors}

    def suggested(self) -> Mapping[str, tuple[str, str]] | None:
        """The pairs to show without a choice, left and right: the first two biases of the last two layers before the
        output (without a bias, of their weights), norms and embeddings aside. None for a model of one parameter."""
        plain = [layer for layer in self.layers if not _is_aside(layer.module)]
        found = self._first_pairs(plain) or self._first_pairs(self.layers)
        if not found:
            every = [_scalar(tensor.name, (0,) * len(tensor.shape)) for tensor in self.tensors if 0 not in tensor.shape]
            found = [(every[0], every[1])] if len(every) > 1 else []
        if not found:
            return None
        before_output = found[:-1] if len(found) > 2 else found
        return {"a": before_output[-2:][0], "b": before_output[-1]}

    def _first_pairs(self, layers: Sequence[Layer]) -> list[tuple[str, str]]:
        """The pair of each layer that has one."""
        pairs = (self._first_pair(layer.name) for layer in layers)
        return [pair for pair in pairs if pair is not None]

    def _first_pair(self, layer: str) -> tuple[str, str] | None:
        own = [tensor for tensor in self.tensors if tensor.layer == layer and 0 not in tensor.shape]
        biases = [tensor for tensor in own if tensor.kind in ("bias", "beta") or tensor.kind.startswith("bias_")]
        for tensor in [*biases, *own]:
            axis = next((axis for axis, size in enumerate(tensor.shape) if size > 1), None)
            if axis is not None:
                indices = [tuple(number * (axis == each) for each in range(len(tensor.shape))) for number in (0, 1)]
                return _scalar(tensor.name, indices[0]), _scalar(tensor.name, indices[1])
        if len(own) > 1:
            return _scalar(own[0].name, (0,) * len(own[0].shape)), _scalar(own[1].name, (0,) * len(own[1].shape))
        return None


def anatomy_of(model: nn.Module) -> Anatomy:
    """Reads a model's names and shapes; costs nothing else."""
    modules = dict(model.named_modules())
    tensors: list[Tensor] = []
    layers: dict[str, Layer] = {}
    for name, parameter in model.named_parameters():
        if not parameter.is_floating_point():
            continue
        layer, _, own = name.rpartition(".")
        module, layer = modules[layer], layer or THE_MODEL
        kind = _OF_NORMS.get(own, own) if is_norm(module) else own
        tensors.append(Tensor(name, tuple(parameter.shape), layer, kind))
        width = parameter.shape[0] if parameter.ndim else 1
        layers.setdefault(layer, Layer(layer, type(module).__name__, width))
    return Anatomy(tuple(tensors), tuple(layers.values()))


def is_norm(module: nn.Module) -> bool:
    """Whether a module's weight and bias are γ and β: torch's norms, or another whose class says so."""
    return isinstance(module, _NORMS) or "norm" in type(module).__name__.lower()


def _is_aside(module: str) -> bool:
    """Whether pairs of other layers tell more: a norm's move all rows alike, and few rows have an embedding's first."""
    return "norm" in module.lower() or "embedding" in module.lower()


def _scalar(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{','.join(map(str, index))}]" if index else name
