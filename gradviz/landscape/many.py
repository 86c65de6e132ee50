"""Many landscapes of one checkpoint, one for each minibatch, sharing the forward pass where rows are independent."""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from gradviz.landscape.clean import CleanPass
from gradviz.landscape.field import GradientField
from gradviz.landscape.landscape import Minibatch
from gradviz.landscape.network import Network
from gradviz.landscape.request import LandscapeSpec

# Shape suffixes: B = examples of a minibatch.

ROWS_AT_ONCE = 4096
"""Rows of one shared forward pass: enough for the full rate of the matrix products, few enough for the memory."""


def minibatch_landscapes(
    network: Network,
    minibatches: Iterable[tuple[Tensor, Tensor]],
    spec: LandscapeSpec,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[GradientField]:
    """The field of `spec` for each (inputs, targets), in order and as each is ready.

    Where the rows do not depend on each other (no batch statistics, no masks) the layers below are computed for many
    minibatches in one pass. `on_progress` is told how many fields are done.
    """
    independent = spec.mode == "eval" or not (network.has_norm or network.dropout)
    done = 0
    for group in _groups(minibatches):
        shared = CleanPass(network, torch.cat([inputs for inputs, _ in group])) if independent else None
        if shared is not None:
            _compute(shared, spec)
        start = 0
        for inputs, targets in group:
            minibatch = Minibatch(network, inputs, targets)
            if shared is not None:
                minibatch.share(shared.rows(start, start + len(inputs)))
                start += len(inputs)
            yield minibatch.landscape(spec)
            done += 1
            if on_progress is not None:
                on_progress(done)


def _groups(minibatches: Iterable[tuple[Tensor, Tensor]]) -> Iterator[list[tuple[Tensor, Tensor]]]:
    group: list[tuple[Tensor, Tensor]] = []
    for minibatch in minibatches:
        if group and sum(len(inputs) for inputs, _ in group) + len(minibatch[0]) > ROWS_AT_ONCE:
            yield group
            group = []
        group.append(minibatch)
    if group:
        yield group


def _compute(shared: CleanPass, spec: LandscapeSpec) -> None:
    """The whole pass at once, before it is cut into minibatches."""
    with torch.inference_mode():
        shared.pre(shared.network.output)
