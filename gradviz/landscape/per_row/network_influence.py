"""The influence of a minibatch's rows in the built-in network.

Rows that do not depend on each other take one pass over all minibatches, whose gradients are summed up without being
held. Under batch statistics a row that is left out changes the others: there the minibatch is computed again without
each of its rows, and the gradients are formed a few units at a time.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from gradviz.landscape.backward import Backward, backward, layer_of
from gradviz.landscape.clean import draw_gains
from gradviz.landscape.network import Network, parameter_shapes
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.per_row.influence import (
    MOST_RECOMPUTED,
    MOST_ROWS_AND_SETS,
    CannotTell,
    Influence,
    check_row_count,
    crosses_of,
    influence_of_rows,
    influence_of_steps,
    round_off,
)
from gradviz.landscape.per_row.row_factors import Part, RowFactors, row_factors, tensors_of_part
from gradviz.landscape.request import Masks, Mode
from gradviz.landscape.resolving import network_in
from gradviz.landscape.resolving_tensors import Resolution
from gradviz.landscape.rows import check_rows, check_size
from gradviz.landscape.statistics.inner_products import ENTRIES_AT_ONCE
from gradviz.landscape.statistics.sampling import ROWS_AT_ONCE
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: B = rows of a minibatch, R = rows of several, M = the other minibatches and then it, P = parameters.

Rows = tuple[Tensor, Tensor]
"""Inputs (B, inputs of the network) and targets (B,) of one minibatch."""


@undisturbed()
def network_influence(
    network: Network,
    minibatches: Sequence[Rows],
    at: int,
    part: Part,
    *,
    mode: Mode = "eval",
    masks: Masks = "fresh",
    num_masks: int = 8,
    seed: int = 0,
) -> Influence:
    """Of the rows of `minibatches[at]`, beside all the others; masks as `minibatch_agreement` draws them, each of a
    row's place in its minibatch.

    Costs about two passes forward and backward over all rows, and under batch statistics those of B minibatches of
    B - 1 rows more. `UserError` for a part or rows that do not fit the network, `CannotTell` for a minibatch of one
    row, or of too many under batch statistics or under many sets of masks.
    """
    for inputs, targets in minibatches:
        check_rows(network, inputs, targets)
        check_size(network, mode, len(targets))
    num_rows = len(minibatches[at][1])
    check_row_count(num_rows)
    others = [*minibatches[:at], *minibatches[at + 1 :]]
    with torch.no_grad():
        if mode == "train" and network.has_norm:
            return _recomputed(network, others, minibatches[at], part)

        def gains(number: int, count: int) -> list[list[Tensor]]:
            if mode == "eval" or not network.draws_masks:
                return []
            sets = {"fresh": [number], "frozen": [0], "averaged": range(num_masks)}[masks]
            return [draw_gains(network, seed, each, count) for each in sets]

        num_sets = len(gains(0, 1)) or 1
        _check_sets(max(len(targets) for _, targets in minibatches), num_sets)
        own = row_factors(network, *minibatches[at], part, gains(at, num_rows)).double()
        total = _Total()
        numbers = iter(number for number in range(len(minibatches)) if number != at)
        for group in _grouped(others, ROWS_AT_ONCE // num_sets):
            between_tiles()
            counts = [len(targets) for _, targets in group]
            drawn = [gains(next(numbers), count) for count in counts]
            masks_of_rows = [
                [torch.cat(layer) for layer in zip(*sets, strict=True)] for sets in zip(*drawn, strict=True)
            ]
            inputs, targets = (torch.cat(each) for each in zip(*group, strict=True))
            total.add(row_factors(network, inputs, targets, part, masks_of_rows), counts)
        parts = [each.double() for each in total.parts or own.combined(torch.zeros_like(own.squares()))]
        crosses_B = None if isinstance(part, str) else crosses_of(own.vectors[0].cpu().numpy())
        return influence_of_rows(
            own.products(own).cpu().numpy(),
            own.along(parts).cpu().numpy(),
            float(sum(each.square().sum() for each in parts)),
            total.num_live,
            crosses_B,
        )


class _Total:
    """T = Σ G_l / |G_l| of minibatches that pass one after the other, and of how many whose gradient is not zero."""

    def __init__(self) -> None:
        self.parts: list[Tensor] = []
        self.num_live = 0

    def add(self, factors: RowFactors, counts: Sequence[int]) -> None:
        """Minibatches of so many rows each."""
        first = 0
        for count in counts:
            rows, first = factors.rows(slice(first, first + count)), first + count
            squares_R = rows.squares().double()
            gradient = rows.combined(torch.full_like(squares_R, 1 / count).to(rows.dtype))
            length = torch.stack([each.square().sum(dtype=torch.float64) for each in gradient]).sum().sqrt().item()
            if not self.parts:
                self.parts = [torch.zeros_like(each) for each in gradient]
            if length > round_off(squares_R.cpu().numpy()):
                self.num_live += 1
                for part, each in zip(self.parts, gradient, strict=True):
                    part.add_(each, alpha=1 / length)


def _check_sets(num_rows: int, num_sets: int) -> None:
    if num_rows * num_sets > MOST_ROWS_AND_SETS:
        raise CannotTell(
            f"Each row passes under every set of masks: {num_rows} rows under {num_sets} sets are more than "
            f"{MOST_ROWS_AND_SETS:,} together. Choose at most {MOST_ROWS_AND_SETS // num_rows} sets "
            "of masks, or smaller minibatches."
        )


def _grouped(minibatches: Sequence[Rows], most: int) -> Iterator[list[Rows]]:
    """Minibatches of together at most so many rows, or one: they share a pass."""
    group: list[Rows] = []
    for each in minibatches:
        if group and sum(len(targets) for _, targets in [*group, each]) > most:
            yield group
            group = []
        group.append(each)
    if group:
        yield group


def _recomputed(network: Network, others: Sequence[Rows], own: Rows, part: Part) -> Influence:
    """Under batch statistics, in which what is zero up to round-off is exactly 0."""
    inputs_BM, targets_B = own
    num_rows = len(targets_B)
    if num_rows > MOST_RECOMPUTED:
        raise CannotTell(
            f"Under batch statistics a row that is left out changes the others, so the minibatch is computed again "
            f"without each of its rows: at most {MOST_RECOMPUTED}, got {num_rows}. Choose smaller minibatches, or eval "
            "mode, where rows do not depend on each other."
        )
    check_size(network, "train", num_rows - 1)
    kept = ~torch.eye(num_rows, dtype=torch.bool)
    left = [(inputs_BM[rows], targets_B[rows]) for rows in kept]
    tensors, refs = tensors_of_part(network, part)
    layers = {layer_of(network, name) for name in tensors}
    layers |= {network.output if ref.layer is None else ref.layer for ref in refs}

    def passed(rows: Sequence[Rows]) -> Resolution:
        between_tiles()
        inputs, targets = (torch.stack(each) for each in zip(*rows, strict=True))

        def run(network: Network) -> Backward:
            return backward(network, inputs, targets, mode="train", layers=layers)

        return Resolution(run(network), lambda: run(network_in(network, torch.float64)))

    shapes = parameter_shapes(network)
    options: dict[str, Any] = {"dtype": torch.float64, "device": network.device}
    total_P, num_others = torch.zeros(len(refs) + sum(math.prod(shapes[name]) for name in tensors), **options), 0
    for group in _grouped(others, ROWS_AT_ONCE):
        passes, count = [passed(group)], len(group)
        blocks = [each.double().square().sum(1) for each in _blocks(passes, tensors, refs, count, network)]
        norms_M = torch.stack(blocks).sum(0).sqrt()
        units_M = torch.where(norms_M > 0, 1 / norms_M, 0.0)
        total_P += torch.cat([units_M @ each.double() for each in _blocks(passes, tensors, refs, count, network)])
        num_others += int((norms_M > 0).sum())
    passes, first, crosses_B = [passed([own]), passed(left)], 0, None
    square, along = torch.zeros((), **options), torch.zeros((), **options)
    squares_B, with_B, along_B = (torch.zeros(num_rows, **options) for _ in range(3))
    for gradients in _blocks(passes, tensors, refs, 1 + num_rows, network):
        between_tiles()
        (own_P, *_), without_BP = gradients.double().split([1, num_rows])
        steps_BP, others_P = without_BP - own_P, total_P[first : first + len(own_P)]
        first += len(own_P)
        square += own_P @ own_P
        along += own_P @ others_P
        squares_B += steps_BP.square().sum(1)
        with_B += steps_BP @ own_P
        along_B += steps_BP @ others_P
        if refs:
            crosses_B = crosses_of(steps_BP.cpu().numpy(), own_P.cpu().numpy())
    return influence_of_steps(
        square.item(),
        along.item(),
        (total_P @ total_P).item(),
        num_others,
        squares_B.cpu().numpy(),
        with_B.cpu().numpy(),
        along_B.cpu().numpy(),
        crosses_B,
    )


def _blocks(
    passes: Sequence[Resolution], tensors: Sequence[str], refs: Sequence[ParameterRef], count: int, network: Network
) -> Iterator[Tensor]:
    """(count, P): the gradients of all passes' minibatches, some parameters at a time."""
    if refs:
        yield torch.cat([torch.stack([each.entry(ref) for ref in refs], 1) for each in passes])
    for name in tensors:
        k, shape = layer_of(network, name), parameter_shapes(network)[name]
        if len(shape) == 1:
            yield torch.cat([each.vector(name) for each in passes])
            continue
        step = max(1, ENTRIES_AT_ONCE // (count * shape[1]))
        for first in range(0, shape[0], step):
            yield torch.cat([each.block(k, slice(first, first + step)).flatten(1) for each in passes])
