"""Where the evidence is measured and kept: what it needs of the room above, which it does not know."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import torch

from gradviz.experiment.store import RunStore
from gradviz.landscape import GradientField, LandscapeRequest


class Keeper(Protocol):
    """What keeps answers, as `FieldCache` does."""

    def once(self, key: str, compute: Callable[[], bytes], /) -> bytes: ...


class Bench(Protocol):
    """What computes, as a `Workbench`."""

    @property
    def device(self) -> torch.device: ...


class Place(Protocol):
    """Where parts are measured and kept: the room above, as a whole or a workbench of it whose turn it is."""

    @property
    def store(self) -> RunStore: ...
    @property
    def bench(self) -> Bench: ...
    @property
    def cache(self) -> Keeper: ...
    def landscape(self, request: LandscapeRequest, /) -> GradientField: ...
    def minibatches(
        self, request: LandscapeRequest, indices: Iterable[int], /
    ) -> Iterator[tuple[int, GradientField]]: ...
