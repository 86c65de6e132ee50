"""What a row's numbers depend on beside the row itself: the other rows, and random numbers of its place."""

from itertools import combinations, count, islice
from math import comb
from typing import NamedTuple

import torch
from torch import Tensor

from gradviz.experiment.batches import selected
from gradviz.experiment.users_code import users_code
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.replay.loop import row_losses
from gradviz.landscape.replay.private import PrivateModel
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.replay.randomness import Seeded, Source
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: B = rows of the minibatch, N = those of them that are kept.

_ROUNDING = 64
"""A row that depends on no other keeps its loss to so many ε of the largest: mostly to the bit."""


class Dependence(NamedTuple):
    """`coupled`: on other rows, as with batch statistics; `has_masks`: on anything that is drawn."""

    coupled: bool
    has_masks: bool


def dependence_of(problem: Problem) -> Dependence:
    """Found by forward passes at the checkpoint, 9 for 64 rows: in each, some rows keep their places, and copies of
    them take those of the others. Of any two rows, one pass keeps the first and exchanges the second, and a row that
    depends on no other keeps its loss. `UserError` if the loss fails, or gives none of rows.
    """
    with undisturbed(problem.model), torch.enable_grad():  # a loss may take a gradient itself
        model, places = PrivateModel(problem), torch.arange(problem.num_rows)
        whole_B, draws = _losses(problem, model, places)
        limit = _ROUNDING * torch.finfo(whole_B.dtype).eps * whole_B.abs().max()
        for kept_N in _kept(problem.num_rows):
            exchanged = kept_N[places % len(kept_N)]
            exchanged[kept_N] = kept_N
            found_B, _ = _losses(problem, model, exchanged)
            if bool(((found_B - whole_B)[kept_N].abs() > limit).any()):
                return Dependence(True, draws)
    return Dependence(False, draws)


def _kept(num_rows: int) -> list[Tensor]:
    """The rows that each pass keeps: every row is kept by another half of the passes, so that none is kept by all those
    that keep another one (Sperner 1928)."""
    passes = next(passes for passes in count(1) if comb(passes, passes // 2) >= num_rows)
    signatures = list(islice(combinations(range(passes), passes // 2), num_rows))
    kept = ([row for row, signature in enumerate(signatures) if number in signature] for number in range(passes))
    return [torch.tensor(rows) for rows in kept if 0 < len(rows) < num_rows]


def _losses(problem: Problem, model: PrivateModel, places: Tensor) -> tuple[Tensor, bool]:
    """(B,) of the rows of these places, and whether anything is drawn."""
    between_tiles()
    batch = selected(model.copied_batch(), places.to(problem.device))
    source = Source(problem.own_seed, 0)
    with users_code("loss"), Seeded(source, exact=problem.dtype == torch.float64):
        losses_B = row_losses(problem.loss(model.module, batch), problem.num_rows).detach().cpu()
    model.restore(always=True)
    return losses_B, source.position > 0 or source.call > 0
