"""The name of one parameter of any network: its tensor and an index, as in `conv1.weight[3,0,1,2]`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gradviz.errors import UserError, shown
from gradviz.landscape.parameters import ParameterRef

_SCALAR = re.compile(r"(?P<name>[^\s\[\],;]{1,200})(?:\[(?P<index>[0-9]{1,9}(?:,[0-9]{1,9}){0,15})\])?")

_MOST_NAMED = 12


@dataclass(frozen=True)
class Scalar:
    """One number of a tensor of parameters, which a step moves alone."""

    name: str
    index: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> "Scalar":
        """Reads `conv1.weight[3,0,1,2]`, or the name alone of a tensor without axes; `UserError` for any other text."""
        match = _SCALAR.fullmatch(text.replace(" ", ""))
        if match is None or not match["name"].isprintable():
            raise UserError(
                f"`{shown(text)}` is not the name of a parameter: write tensor and index, as in conv1.weight[3,0,1,2]."
            )
        index = match["index"]
        return cls(match["name"], tuple(map(int, index.split(","))) if index else ())

    def check(self, shapes: Mapping[str, Sequence[int]]) -> None:
        """`UserError` unless the tensor is among `shapes` and the index lies within it."""
        shape = shapes.get(self.name)
        if shape is None:
            names = ", ".join(list(shapes)[:_MOST_NAMED]) + (", …" if len(shapes) > _MOST_NAMED else "")
            raise UserError(f"`{shown(self)}`: this model has no {shown(self.name)}, only {names}.")
        if len(self.index) != len(shape) or any(i >= n for i, n in zip(self.index, shape, strict=True)):
            allowed = f"takes [{','.join(f'0..{n - 1}' for n in shape)}]" if shape else "has no axes: write it alone"
            raise UserError(f"`{shown(self)}` is out of range: {self.name} {allowed}.")

    def __str__(self) -> str:
        return f"{self.name}[{','.join(map(str, self.index))}]" if self.index else self.name


def parameter_text(text: str) -> str:
    """The one text of a parameter of any network, the built-in one's in its own form; `UserError` if it is none."""
    try:
        return str(ParameterRef.parse(text))
    except UserError as error:
        # A name with neither index nor dots is more likely a slip than a tensor without axes.
        if not re.search(r"[.\[]", text):
            raise
        try:
            return str(Scalar.parse(text))
        except UserError:
            raise error from None
