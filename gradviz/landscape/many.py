"""Landscapes of one checkpoint for many minibatches, which share the forward pass if rows are independent."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.clean import CleanPass
from gradviz.landscape.field import GradientField
from gradviz.landscape.landscape import Minibatch
from gradviz.landscape.network import Network, check_spec, parameter_shapes
from gradviz.landscape.request import LandscapeSpec
from gradviz.landscape.rows import check_network
from gradviz.landscape.surroundings import undisturbed

ROWS_AT_ONCE = 4096
"""Rows of one shared forward pass: enough for the full rate of matrix products, few enough for the memory."""


def minibatch_landscapes(
    network: Network,
    minibatches: Iterable[tuple[Tensor, Tensor]],
    spec: LandscapeSpec,
    *,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[GradientField]:
    """The field of `spec` for each (inputs, targets), in order, as each is ready.

    Calls `on_progress` with the number of finished fields.
    """
    check_network(network)
    check_spec(parameter_shapes(network), spec)
    done = 0
    for group in _groups(minibatches):
        together = [Minibatch(network, inputs, targets) for inputs, targets in group]
        share_layers_below(together, spec)
        for minibatch in together:
            yield minibatch.landscape(spec)
            done += 1
            if on_progress is not None:
                on_progress(done)


def share_layers_below(minibatches: Sequence[Minibatch], spec: LandscapeSpec) -> None:
    """Computes the forward passes of all `minibatches` of one network at once.

    Does nothing if the rows depend on each other (batch statistics) or each landscape has its own masks.
    """
    network = minibatches[0].network
    if spec.mode == "train" and (network.has_norm or network.draws_masks):
        return
    with undisturbed(), torch.inference_mode():
        shared = CleanPass(network, torch.cat([minibatch.inputs for minibatch in minibatches]))
        shared.pre(network.output)
        start = 0
        for minibatch in minibatches:
            minibatch.share(shared.rows(start, start + len(minibatch.inputs)))
            start += len(minibatch.inputs)


def _groups(minibatches: Iterable[tuple[Tensor, Tensor]]) -> Iterator[list[tuple[Tensor, Tensor]]]:
    group: list[tuple[Tensor, Tensor]] = []
    for minibatch in minibatches:
        if not isinstance(minibatch, Sequence) or len(minibatch) != 2:
            raise UserError(
                f"`minibatches` must be pairs (inputs, targets), got {type(minibatch).__name__} among them."
            )
        if group and sum(len(inputs) for inputs, _ in group) + len(minibatch[0]) > ROWS_AT_ONCE:
            yield group
            group = []
        group.append(minibatch)
    if group:
        yield group
