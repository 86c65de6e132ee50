"""Which minibatch made a step of a replica, and whether it is one of those that landscapes are drawn at."""

from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment.continuation import Continuation
from gradviz.landscape.paths.request import Condition, Replicas
from gradviz.landscape.paths.schedule import schedule

# Shape suffixes: N = epochs, S = steps, B = rows of a minibatch.


@dataclass(frozen=True)
class StepMinibatch:
    """`rows`: numbers of training rows, in the order in which they were used, repeated where they were drawn twice.

    `own_step`: the step of the run's own epochs whose minibatch has the same rows, counted from 1; None for a minibatch
    of another composition. `minibatch`: its number among the minibatches of this size that landscapes are drawn at;
    None if it is none of them.
    """

    rows: tuple[int, ...]
    own_step: int | None
    minibatch: int | None


def minibatch_of(run: Continuation, request: Replicas, condition: Condition, replica: int, step: int) -> StepMinibatch:
    """Made again from the request: nothing is trained. UserError if the request has no such condition, replica or
    step."""
    if condition not in request.conditions:
        raise UserError(f"`condition` must be one of {', '.join(request.conditions)}, got {condition}.")
    count = request.num_replicas(condition)
    if replica >= count:
        raise UserError(f"`replica` of {condition} must be in [0, {count - 1}], got {replica}.")
    each = range(request.epoch + 1, request.epoch + request.epochs + 1)
    own_NSB = torch.stack([run.minibatches(epoch) for epoch in each])
    own_SB = own_NSB.flatten(0, 1)
    if step > len(own_SB):
        raise UserError(f"`step` must be in [1, {len(own_SB)}], got {step}.")
    rows_B = schedule(request, condition, replica, own_NSB, run.num_train).rows_SB[step - 1]
    return StepMinibatch(tuple(rows_B.tolist()), _same_rows(own_SB, rows_B), run.drawn_at(rows_B))


def _same_rows(own_SB: Tensor, rows_B: Tensor) -> int | None:
    found = (own_SB.sort(1).values == rows_B.sort().values).all(1).nonzero().flatten().tolist()
    return found[0] + 1 if found else None
