"""Tiles of a grid: parts whose largest array stays below a limit."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import torch

from gradviz.landscape.clean import CleanPass
from gradviz.landscape.request import LandscapeSpec

TILE_BYTES = 24 * 2**20
"""Limit of the largest array of a tile of the grid; a handful of such arrays exist at once."""

_tile_bytes: ContextVar[int] = ContextVar("tile_bytes", default=TILE_BYTES)


@contextmanager
def tiles_of(num_bytes: int) -> Iterator[None]:
    """Sets this limit for tiles within the context: the same numbers in less memory, but slower."""
    token = _tile_bytes.set(num_bytes)
    try:
        yield
    finally:
        _tile_bytes.reset(token)


def tile_bytes() -> int:
    """The limit in use."""
    return _tile_bytes.get()


@dataclass(frozen=True)
class Part:
    """Some of a grid's points: the intersections of these rows and columns."""

    rows: Sequence[int]
    columns: Sequence[int]

    @classmethod
    def whole(cls, spec: LandscapeSpec) -> "Part":
        return cls(range(spec.points), range(spec.points))


def tiles(clean: CleanPass, part: Part, lowest: int, num_bytes: int | None = None) -> Iterator[tuple[slice, slice]]:
    """Rectangles of the part on which the widest array from layer `lowest` up stays below the limit of `tiles_of`.

    `num_bytes`: a different limit. Drawing fresh masks is faster if the tile fits into the processor's cache.
    """
    network = clean.network
    width = max((layer.width for layer in network.layers[lowest:]), default=1)
    itemsize = torch.finfo(network.dtype).bits // 8
    most = max(1, (num_bytes or tile_bytes()) // (len(clean) * width * itemsize))
    # Whole rows if they fit; else squares, on which the changes, and so the undecided units, range least.
    all_rows, all_columns = len(part.rows), len(part.columns)
    num_columns = all_columns if most >= all_columns else math.isqrt(most)
    num_rows = most // num_columns
    for j in range(0, all_rows, num_rows):
        for i in range(0, all_columns, num_columns):
            yield slice(j, min(j + num_rows, all_rows)), slice(i, min(i + num_columns, all_columns))
