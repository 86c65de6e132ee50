"""The name of one scalar parameter: its tensor in the state dict and an index, as in `hidden.1.linear.bias[0]`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from gradviz.errors import UserError

Kind = Literal["weight", "bias", "gamma", "beta"]

_NAME = re.compile(r"(?:hidden\.(\d{1,3})\.(linear|norm)|(output))\.(weight|bias)")
_REFERENCE = re.compile(rf"({_NAME.pattern})\[(\d{{1,9}})(?:,(\d{{1,9}}))?\]")
_KINDS: dict[tuple[str, str], Kind] = {
    ("linear", "weight"): "weight",
    ("linear", "bias"): "bias",
    ("norm", "weight"): "gamma",
    ("norm", "bias"): "beta",
}
_EXAMPLES = "hidden.1.linear.bias[0], hidden.2.linear.weight[3,17], hidden.1.norm.weight[5] or output.bias[0]"


@dataclass(frozen=True)
class ParameterRef:
    """One scalar of the state dict. `layer` is None for the output layer; `index` has one entry, a weight's two."""

    layer: int | None
    kind: Kind
    index: tuple[int, ...]

    @classmethod
    @lru_cache(maxsize=4096)
    def parse(cls, text: str) -> "ParameterRef":
        """Reads `NAME[I]` or `NAME[I,J]`; `UserError` for any other text (`check` checks the sizes)."""
        match = _REFERENCE.fullmatch(text.replace(" ", ""))
        if match is None:
            raise UserError(f"`{text[:80]}` is not the name of a parameter: write it as {_EXAMPLES}.")
        _, layer, room, _output, tensor, unit, column = match.groups()
        kind: Kind = _KINDS[room or "linear", tensor]
        if (kind == "weight") != (column is not None):
            wanted = "two indices, [unit,input]" if kind == "weight" else "one index, [unit]"
            raise UserError(f"`{text[:80]}` has the wrong number of indices: {match.group(1)} takes {wanted}.")
        index = (int(unit),) if column is None else (int(unit), int(column))
        return cls(None if layer is None else int(layer), kind, index)

    @property
    def unit(self) -> int:
        """The unit whose output this parameter moves."""
        return self.index[0]

    @property
    def tensor_name(self) -> str:
        tensor = "weight" if self.kind in ("weight", "gamma") else "bias"
        if self.layer is None:
            return f"output.{tensor}"
        return f"hidden.{self.layer}.{'norm' if self.kind in ('gamma', 'beta') else 'linear'}.{tensor}"

    def __str__(self) -> str:
        return f"{self.tensor_name}[{','.join(map(str, self.index))}]"

    def check(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """`UserError` unless the tensor is among `shapes` (name -> shape) and the index lies within it."""
        shape = shapes.get(self.tensor_name)
        if shape is None:
            raise UserError(f"`{self}`: this model has no {self.tensor_name}, only {', '.join(shapes)}.")
        if any(i >= n for i, n in zip(self.index, shape, strict=True)):
            allowed = ",".join(f"0..{n - 1}" for n in shape)
            raise UserError(f"`{self}` is out of range: {self.tensor_name} takes [{allowed}].")


@dataclass(frozen=True)
class ParameterTensor:
    """A tensor of parameters, named for people: `layer` is the number of a hidden layer, or "output"."""

    layer: str
    label: str
    kind: Kind

    @classmethod
    def parse(cls, text: str) -> "ParameterTensor":
        """Reads a tensor's name in the state dict; `UserError` if it is none of a parameter."""
        match = _NAME.fullmatch(text)
        if match is None:
            raise UserError(f"`{text[:80]}` is not the name of a tensor of parameters.")
        layer, room, _output, tensor = match.groups()
        label = "output layer" if layer is None else f"hidden layer {layer}"
        return cls("output" if layer is None else layer, label, _KINDS[room or "linear", tensor])


def default_pair(layer: int) -> tuple[str, str]:
    """The source's pair: the first two biases of a hidden layer."""
    return f"hidden.{layer}.linear.bias[0]", f"hidden.{layer}.linear.bias[1]"
