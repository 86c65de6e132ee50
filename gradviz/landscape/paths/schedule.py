"""Which rows a replica sees in which step, and whose masks: the conditions, each one function."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from gradviz.landscape.paths.request import Condition, Replicas

_POINTS, _FEW_POINTS, _MANY = 32, 6, 1_000_000  # parameters: a point of so many takes megabytes

# Shape suffixes: N = epochs, S = steps of an epoch or of all, B = rows of a minibatch.


@dataclass(frozen=True, eq=False)
class Schedule:
    """`rows_SB`: the rows of each step. `recorded_S`: which of the run's own steps each takes its random draws, such as
    masks, from; None: it draws others, by `seed`."""

    rows_SB: Tensor
    recorded_S: Tensor | None
    seed: int = 0


def own_schedule(own_NSB: Tensor) -> Schedule:
    """The run's own steps."""
    rows_SB = own_NSB.flatten(0, 1)
    return Schedule(rows_SB, torch.arange(len(rows_SB)))


def schedule(request: Replicas, condition: Condition, replica: int, own_NSB: Tensor, num_train: int) -> Schedule:
    """What a replica trains with: a pure function of the request's seed, the condition and the replica's number.

    `own_NSB`: the rows of the run's own minibatches in these epochs. A minibatch that comes at another time keeps the
    draws that the run made for it; a new minibatch takes those of the run's own step at its time.
    """
    generator = torch.Generator().manual_seed(_seed(request.seed, condition, replica))
    own = own_schedule(own_NSB)
    if condition == "masks":
        return Schedule(own.rows_SB, None, _seed(request.seed, "draws", replica))
    if condition == "order":
        steps = own_NSB.shape[1]
        orders = [torch.randperm(steps, generator=generator) + epoch * steps for epoch in range(len(own_NSB))]
        chosen_S = torch.cat(orders)
        return Schedule(own.rows_SB[chosen_S], chosen_S)
    rows_NSB = torch.stack([_REARRANGED[condition](own_SB, num_train, generator) for own_SB in own_NSB])
    return Schedule(rows_NSB.flatten(0, 1), own.recorded_S)


def _composition(own_SB: Tensor, num_train: int, generator: torch.Generator) -> Tensor:
    """The rows that the run used in this epoch: those of its incomplete last minibatch stay out."""
    return own_SB.flatten()[torch.randperm(own_SB.numel(), generator=generator)].view_as(own_SB)


def _resampled(own_SB: Tensor, num_train: int, generator: torch.Generator) -> Tensor:
    return torch.randint(num_train, own_SB.shape, generator=generator)


def _rows(own_SB: Tensor, num_train: int, generator: torch.Generator) -> Tensor:
    return torch.stack([own_B[torch.randperm(len(own_B), generator=generator)] for own_B in own_SB])


_Rearrange = Callable[[Tensor, int, torch.Generator], Tensor]
_REARRANGED: dict[Condition, _Rearrange] = {
    "same": lambda own_SB, num_train, generator: own_SB,
    "composition": _composition,
    "resampled": _resampled,
    "rows": _rows,
}


def _seed(seed: int, purpose: str, replica: int) -> int:
    digest = hashlib.sha256(f"gradviz:paths:{purpose}:{seed}:{replica}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def usual_points(num_parameters: int) -> int:
    """At how many times parameters are compared where nobody says: command line, page and evidence ask for the same."""
    return _POINTS if num_parameters <= _MANY else _FEW_POINTS


def times(steps: int, points: int | None, num_parameters: int) -> list[int]:
    """After how many steps the parameters are compared, ascending; the last is the end."""
    number = min(points or usual_points(num_parameters), steps)
    return [round(steps * point / number) for point in range(1, number + 1)]
