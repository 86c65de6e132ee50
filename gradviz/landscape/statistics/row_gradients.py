"""Gradients of single rows of any network: `vmap(grad)` of the user's own loss over batches of one row.

Used only where the mean over the rows of each minibatch is that minibatch's gradient: where the loss is a mean over
rows that do not depend on each other.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradviz.errors import UserError
from gradviz.experiment.batches import Batch, mapped, tensors_of
from gradviz.experiment.users_code import users_code
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.replay.axes import check_scalar
from gradviz.landscape.replay.evaluating import own_rules_only
from gradviz.landscape.replay.loop import mean_loss
from gradviz.landscape.replay.private import PrivateModel
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.replay.randomness import Seeded, Source
from gradviz.landscape.replay.stand_ins import attention
from gradviz.landscape.scalar import Scalar
from gradviz.landscape.statistics.problem_gradients import HELD, gradient_blocks, parameters_of, whole
from gradviz.landscape.surroundings import undisturbed

# Shape suffixes: R = rows of all minibatches, K = minibatches, P = parameters.

_TOLERANCE = 1e-9
"""Of the largest number, in float64: both sum the same terms in another order."""


def row_gradients(problems: Sequence[Problem], names: Sequence[str]) -> Tensor | None:
    """(R, P) float64: the gradient of each row of all problems' minibatches by these parameters, in order.

    None where rows have none, or the model cannot be run under `vmap`. Costs a pass forward and backward over each
    minibatch, and about two over its rows one by one.
    """
    rows = list(gradients_by_minibatch(problems, names))
    return torch.cat(rows) if len(rows) == len(problems) else None


def row_slopes(problems: Sequence[Problem], scalars: Sequence[Scalar]) -> Tensor | None:
    """(R, len(scalars)) float64: the same by single parameters alone, of which one minibatch's rows are held at a
    time.

    None too where the rows' gradients by their tensors exceed `HELD` numbers.
    """
    names, columns = columns_of(problems[0].model, scalars)
    parameters = parameters_of(problems[0].model)
    if sum(parameters[name].numel() for name in names) * max(problem.num_rows for problem in problems) > HELD:
        return None
    rows = [found_BP[:, columns] for found_BP in gradients_by_minibatch(problems, names)]
    return torch.cat(rows) if len(rows) == len(problems) else None


def columns_of(model: nn.Module, scalars: Sequence[Scalar]) -> tuple[list[str], list[int]]:
    """The tensors that hold these single parameters, and the places of these among all numbers of the tensors in turn;
    `UserError` for one that the model lacks."""
    first = {id(tensor): name for name, tensor in parameters_of(model).items()}  # of tied ones
    entries = [(check_scalar(model, scalar), scalar.index) for scalar in scalars]
    tensors = {first[id(tensor)]: tensor for tensor, _ in entries}
    starts = dict(zip(tensors, accumulate((each.numel() for each in tensors.values()), initial=0), strict=False))
    places = [int(np.ravel_multi_index(index, tuple(tensor.shape))) if index else 0 for tensor, index in entries]
    own = [starts[first[id(tensor)]] + place for (tensor, _), place in zip(entries, places, strict=True)]
    return list(tensors), own


def gradients_by_minibatch(problems: Sequence[Problem], names: Sequence[str]) -> Iterator[Tensor]:
    """(B, P) float64: the gradients of each minibatch's rows by these parameters, one minibatch after the other; ends
    at the first whose rows have none of their own, or cannot be run under `vmap`."""
    exact = [problem.computed_in(torch.float64) for problem in problems]
    parameters = parameters_of(exact[0].model)
    if any(parameters[name].is_complex() for name in names):
        return
    blocks = gradient_blocks(exact, [whole(name, parameters[name]) for name in names], is_judged=False)
    wanted_KP = torch.cat([block.gradients_KNR.flatten(1) for block in blocks], 1)
    for problem, wanted_P in zip(exact, wanted_KP, strict=True):
        between_tiles()
        found_BP = _by_row(problem, names)
        if found_BP is None:
            return
        error_P, size = (found_BP.mean(0) - wanted_P).abs(), wanted_P.abs().max()
        if not bool((error_P <= _TOLERANCE * size).all()):  # neither where a row's is not finite
            return
        yield found_BP


def _by_row(problem: Problem, names: Sequence[str]) -> Tensor | None:
    model = PrivateModel(problem)
    model.module.requires_grad_(False)
    loss, source = _Loss(model.module, problem), Source(problem.own_seed, 0)
    tensors = list(tensors_of(model.batch).values())
    axes = [0 if tensor.ndim else None for tensor in tensors]

    def of_row(parameters: dict[str, Tensor], parts: list[Tensor]) -> Tensor:
        row = iter([part if axis is None else part[None] for part, axis in zip(parts, axes, strict=True)])
        return torch.func.functional_call(loss, parameters, (mapped(problem.batch, lambda _: next(row)),))

    moved = {f"model.{name}": model.tensors[name].detach() for name in names}
    with undisturbed(), torch.enable_grad():
        try:
            with users_code("loss"), own_rules_only(), _Written(source, exact=True):
                gradients = torch.func.vmap(torch.func.grad(of_row), in_dims=(None, axes))(moved, tensors)
        except UserError:  # not every model runs under vmap: there is another way
            return None
    return torch.cat([gradients[name].flatten(1) for name in moved], 1)


class _Written(Seeded):
    """`vmap` has no rules for the fused kernels of attention, so that is computed as it is defined."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.scaled_dot_product_attention:
            with self:
                return attention(*args, **(kwargs or {}))
        return super().__torch_function__(func, types, args, kwargs)


class _Loss(nn.Module):
    """The loss of a batch as a function of the model's parameters."""

    def __init__(self, model: nn.Module, problem: Problem) -> None:
        super().__init__()
        self.model, self._loss = model, problem.loss

    def forward(self, batch: Batch) -> Tensor:
        return mean_loss(self._loss(self.model, batch))
