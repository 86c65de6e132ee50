"""Where replicas keep their paths until they are compared: an interface, so that this room knows no files."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

# Shape suffixes: T = points of a path, P = numbers of all parameters.


@dataclass(frozen=True)
class PathShape:
    """T points of P numbers each."""

    points: int
    numbers: int
    dtype: torch.dtype

    @property
    def num_bytes(self) -> int:
        return self.points * self.numbers * self.dtype.itemsize


class Writing(Protocol):
    """A path under way."""

    def add(self, numbers: Sequence[Tensor]) -> None:
        """The next point: P numbers, in parts."""
        ...

    def finish(self, told: Mapping[str, Tensor]) -> None:
        """All points are there; `told`: what belongs to the path beside them."""
        ...


class Reading(Protocol):
    """Reads parts of a path."""

    def __call__(self, columns: slice, /) -> Tensor:
        """(T', P') some of the numbers. The next call may write over them."""
        ...


class Kept(Protocol):
    """Paths and small tensors by name. What is there is whole: a path that was not finished counts as absent."""

    def get(self, name: str) -> dict[str, Tensor] | None:
        """What `put` or `finish` kept under this name."""
        ...

    def put(self, name: str, tensors: Mapping[str, Tensor]) -> None: ...

    def writing(self, name: str, shape: PathShape) -> AbstractContextManager[Writing]: ...

    def reading(self, name: str, shape: PathShape, points: slice) -> Reading:
        """Of a finished path, at some of its points."""
        ...
