"""The gradients of all rows as points of a plane: where each of them points, and how long it is.

By two parameters these are the gradients themselves. By more, the plane is that of the two directions along which the
gradients of a sample of rows are longest, in the root of the mean square: the leading eigenvectors of Σ g gᵀ, from the
sample's inner products alone (classical scaling, Torgerson 1952; the other rows as by Nyström, Williams & Seeger 2001).
A row's coordinates are exact projections on these directions, and its length is that of its whole gradient.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import torch
from torch import Tensor

from gradviz.landscape.network import Network
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.per_row.influence import CannotTell
from gradviz.landscape.per_row.row_factors import Part, RowFactors, explicit, row_factors
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.rows import check_rows
from gradviz.landscape.scalar import Scalar
from gradviz.landscape.statistics.problem_gradients import HELD, parameters_of
from gradviz.landscape.statistics.problem_products import tensors_of_parts
from gradviz.landscape.statistics.row_gradients import gradients_by_minibatch, row_slopes
from gradviz.landscape.statistics.sampling import ROWS_AT_ONCE

# Shape suffixes: R = rows, S = rows of the sample, 2 = the coordinates, P = parameters.

SAMPLE_ROWS = 512
"""Enough to tell the two leading directions; their inner products with all rows cost less than a pass over these."""

_SEED = 0
_NEGLIGIBLE = 1e-10
"""Of the largest eigenvalue: below it, a direction is round-off."""

COUPLED = (
    "Rows of this study have no gradients of their own here: its loss is no mean over rows that do not depend on each "
    "other, or its model cannot be run row by row, or the gradients are too large to hold. Only minibatches can be "
    "compared."
)


@dataclass(frozen=True, eq=False)
class AllRows:
    """(R, 2) coordinates and (R,) lengths, float64. `sampled`: of how many rows the two directions are, None for a pair
    of parameters, whose coordinates are the gradients; `share` of Σ length² that the coordinates hold, None if all are
    zero."""

    at_R2: np.ndarray
    lengths_R: np.ndarray
    sampled: int | None
    share: float | None


def network_rows(network: Network, inputs_RM: Tensor, targets_R: Tensor, part: Part) -> AllRows:
    """Of the built-in network in eval mode, `ROWS_AT_ONCE` rows at a time.

    Costs a pass forward and backward over the rows; by more than two parameters also R · `SAMPLE_ROWS` · 2 (M + N)
    operations for each M × N weight matrix. `UserError` for a part or rows that do not fit the network.
    """
    check_rows(network, inputs_RM, targets_R)

    def blocks() -> Iterator[RowFactors]:
        for inputs, targets in zip(inputs_RM.split(ROWS_AT_ONCE), targets_R.split(ROWS_AT_ONCE), strict=True):
            between_tiles()
            yield row_factors(network, inputs, targets, part)

    if not isinstance(part, str):
        return _of_pair(torch.cat([block.vectors[0] for block in blocks()]))
    order = torch.randperm(len(targets_R), generator=torch.Generator().manual_seed(_SEED))[:SAMPLE_ROWS]
    sample = row_factors(network, inputs_RM[order], targets_R[order], part)
    return _projected(sample, blocks)


def problem_rows(problems: Sequence[Problem], part: Part) -> AllRows:
    """Of all rows of the problems' minibatches, one minibatch after the other, in float64: one model of any kind.

    By more than two parameters the sample is the first `SAMPLE_ROWS` rows, or as many as `HELD` allows. Costs about
    three passes over the rows one by one. `CannotTell` where rows have none, or these are too
    large to hold for a minibatch.
    """
    if not isinstance(part, str):
        slopes_R2 = row_slopes(problems, [Scalar.parse(text) for text in part])
        if slopes_R2 is None:
            raise CannotTell(COUPLED)
        return _of_pair(slopes_R2)
    names = tensors_of_parts(problems[0].model, [part])[part]
    parameters = parameters_of(problems[0].model)
    num_parameters = sum(parameters[name].numel() for name in names)
    check_held(num_parameters, max(len(problems), *(problem.num_rows for problem in problems)), part)

    def blocks(of: Sequence[Problem] = problems) -> Iterator[RowFactors]:
        count = 0
        for rows_BP in gradients_by_minibatch(of, names):
            count += 1
            yield explicit(rows_BP)
        if count < len(of):
            raise CannotTell(COUPLED)

    sizes = list(accumulate(problem.num_rows for problem in problems))
    most = min(SAMPLE_ROWS, HELD // max(1, num_parameters))
    first = problems[: 1 + sum(size < most for size in sizes[:-1])]
    sample_SP = torch.cat([block.vectors[0] for block in blocks(first)])[:most]
    return _projected(explicit(sample_SP), blocks)


def check_held(num_parameters: int, num_rows: int, part: str) -> None:
    """`CannotTell` if the gradients of so many rows by a part are more than are held."""
    if num_parameters * num_rows > HELD:
        raise CannotTell(
            f"The gradients of {num_rows} rows by the {num_parameters:,} parameters of `{part}` are too many to hold: "
            "choose a smaller part, such as a layer, or the pair."
        )


def _of_pair(slopes_R2: Tensor) -> AllRows:
    at_R2 = slopes_R2.double().cpu().numpy()
    lengths_R = np.hypot(*at_R2.T)
    return AllRows(at_R2, lengths_R, None, 1.0 if lengths_R.any() else None)


def _projected(sample: RowFactors, blocks: Callable[[], Iterator[RowFactors]]) -> AllRows:
    axes_S2 = _principal(sample.products(sample))
    found = [(block.products(sample).double() @ axes_S2, block.squares().double()) for block in blocks()]
    at_R2 = torch.cat([coordinates for coordinates, _ in found]).cpu().numpy()
    squares_R = torch.cat([squares for _, squares in found]).clamp_min(0).cpu().numpy()
    at_R2 = at_R2 * np.where(at_R2.mean(0) < 0, -1, 1)  # an eigenvector has no sign: all rows' mean has this one
    total = float(squares_R.sum())
    share = min(1.0, float((at_R2**2).sum()) / total) if total > 0 else None
    return AllRows(at_R2, np.sqrt(squares_R), len(sample), share)


def _principal(products_SS: Tensor) -> Tensor:
    """(S, 2): the sums of the sample's gradients that are unit vectors along its two leading directions, 0 for a
    direction that there is not."""
    values_S, vectors_SS = torch.linalg.eigh(products_SS.double())
    values_2, vectors_S2 = values_S[-2:].flip(0), vectors_SS[:, -2:].flip(1)
    if len(values_S) == 1:
        values_2, vectors_S2 = (torch.cat([each, torch.zeros_like(each)], -1) for each in (values_2, vectors_S2))
    is_there_2 = values_2 > _NEGLIGIBLE * values_S[-1]
    return torch.where(is_there_2, vectors_S2 / values_2.clamp_min(torch.finfo(torch.float64).tiny).sqrt(), 0.0)
