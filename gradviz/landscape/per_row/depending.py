"""What a row's numbers depend on beside the row itself: the other rows, and random numbers of its place."""

from typing import NamedTuple

import torch
from torch import Tensor

from gradviz.experiment.batches import selected
from gradviz.experiment.users_code import users_code
from gradviz.landscape.replay.checking import TOLERANCE
from gradviz.landscape.replay.loop import row_losses
from gradviz.landscape.replay.private import PrivateModel
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.replay.randomness import Seeded, Source
from gradviz.landscape.surroundings import undisturbed


class Dependence(NamedTuple):
    """`coupled`: on other rows, as with batch statistics; `has_masks`: on anything that is drawn."""

    coupled: bool
    has_masks: bool


def dependence_of(problem: Problem) -> Dependence:
    """Found by three forward passes at the checkpoint: a row that depends on no other keeps its loss when the other
    half of the minibatch is exchanged for rows of its own half. `UserError` if the loss fails, or gives none."""
    with undisturbed(problem.model):
        return _dependence(problem, PrivateModel(problem))


def _dependence(problem: Problem, model: PrivateModel) -> Dependence:
    count = problem.num_rows
    places = torch.arange(count)
    whole_B, draws = _losses(problem, model, places)
    if count == 1:
        return Dependence(False, draws)
    first, second = places[: count // 2], places[count // 2 :]
    in_first = torch.cat([first, first[torch.arange(len(second)) % len(first)]])
    in_second = torch.cat([second[: len(first)], second])
    limit = TOLERANCE[problem.dtype] * whole_B.abs().max()
    coupled = any(
        bool((_losses(problem, model, rows)[0] - whole_B)[kept].abs().max() > limit)
        for kept, rows in ((first, in_first), (second, in_second))
    )
    return Dependence(coupled, draws)


def _losses(problem: Problem, model: PrivateModel, places: Tensor) -> tuple[Tensor, bool]:
    """(B,) of the rows of these places, and whether anything is drawn."""
    batch = selected(model.copied_batch(), places.to(problem.device))
    source = Source(problem.own_seed, 0)
    with torch.no_grad(), users_code("loss"), Seeded(source, exact=problem.dtype == torch.float64):
        losses_B = row_losses(problem.loss(model.module, batch), problem.num_rows).cpu()
    model.restore(always=True)
    return losses_B, source.position > 0 or source.call > 0
