"""The influence of a minibatch's rows in any network, in float64, from the gradients of rows by the user's own loss.

Where rows have no gradients of their own, because batch statistics or the loss make them depend on each other or the
model cannot be run row by row, the minibatch is computed again without each of them.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from gradviz.experiment.batches import selected
from gradviz.landscape.per_row.all_rows import check_held
from gradviz.landscape.per_row.influence import (
    MOST_RECOMPUTED,
    CannotTell,
    Influence,
    check_row_count,
    crosses_of,
    influence_of_rows,
    influence_of_steps,
)
from gradviz.landscape.per_row.row_factors import Part
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.scalar import Scalar
from gradviz.landscape.statistics.problem_gradients import gradient_blocks, parameters_of, whole
from gradviz.landscape.statistics.problem_products import tensors_of_parts
from gradviz.landscape.statistics.row_gradients import columns_of, row_gradients

# Shape suffixes: B = rows of the minibatch, M = the other minibatches and then it, P = parameters.


def problem_influence(problems: Sequence[Problem], at: int, part: Part, *, draws_masks: bool = False) -> Influence:
    """Of the rows of `problems[at]`, beside all the others: one model at several minibatches.

    `draws_masks`: whether the model draws random numbers in the problems' mode. Costs a pass forward and backward for
    each minibatch and one for each row, in float64. `UserError` for a part that the model lacks, `CannotTell` for
    gradients that are too large to hold, a minibatch of one row, and, where rows have no gradients of their own, for
    more than `MOST_RECOMPUTED` of them, or with masks.
    """
    model, own = problems[0].model, problems[at]
    check_row_count(own.num_rows)
    if isinstance(part, str):
        names, columns, told = tensors_of_parts(model, [part])[part], slice(None), part
    else:
        names, columns = columns_of(model, [Scalar.parse(text) for text in part])
        told = " & ".join(names)
    parameters = parameters_of(model)
    num_parameters = sum(parameters[name].numel() for name in names)
    check_held(num_parameters, max(len(problems), own.num_rows), told)
    in_turn = [*problems[:at], *problems[at + 1 :], own]
    rows_BP = row_gradients([own], names)
    if rows_BP is None:
        return _recomputed(in_turn, names, columns, not isinstance(part, str), told, draws_masks)
    each_MP = _gradients(in_turn, names)[:, columns]
    rows_BP = rows_BP[:, columns] * (each_MP != 0).any(0)  # round-off, where it is zero at all minibatches
    total_P, num_others = _total(each_MP[:-1])
    return influence_of_rows(
        (rows_BP @ rows_BP.T).cpu().numpy(),
        (rows_BP @ total_P).cpu().numpy(),
        float(total_P.square().sum()),
        num_others,
        None if isinstance(part, str) else crosses_of(rows_BP.cpu().numpy()),
    )


def _recomputed(
    in_turn: Sequence[Problem],
    names: Sequence[str],
    columns: slice | list[int],
    is_pair: bool,
    told: str,
    draws_masks: bool,
) -> Influence:
    """In which what is zero up to round-off is exactly 0."""
    own = in_turn[-1]
    num_rows = own.num_rows
    why = "Rows of this minibatch have no gradients of their own here, so it is computed again without each"
    if draws_masks:
        raise CannotTell(f"{why}, but masks belong to places in a minibatch: choose eval mode.")
    if num_rows > MOST_RECOMPUTED:
        raise CannotTell(
            f"{why}, for at most {MOST_RECOMPUTED} rows, got {num_rows}. Choose eval mode, if rows have gradients of "
            "their own there."
        )
    parameters = parameters_of(own.model)
    check_held(sum(parameters[name].numel() for name in names), len(in_turn) + num_rows, told)
    kept = ~torch.eye(num_rows, dtype=torch.bool, device=own.device)
    left = [replace(own, batch=selected(own.batch, rows)) for rows in kept]
    each_MP, without_BP = _gradients([*in_turn, *left], names)[:, columns].split([len(in_turn), num_rows])
    total_P, num_others = _total(each_MP[:-1])
    own_P, steps_BP, total_P = (each.cpu().numpy() for each in (each_MP[-1], without_BP - each_MP[-1], total_P))
    return influence_of_steps(
        float(own_P @ own_P),
        float(own_P @ total_P),
        float(total_P @ total_P),
        num_others,
        (steps_BP**2).sum(1),
        steps_BP @ own_P,
        steps_BP @ total_P,
        crosses_of(steps_BP, own_P) if is_pair else None,
    )


def _total(others_MP: Tensor) -> tuple[Tensor, int]:
    """(P,) T, and of how many whose gradient is not zero."""
    norms_M = others_MP.norm(dim=1)
    live_M = norms_M > 0
    return (others_MP[live_M] / norms_M[live_M, None]).sum(0), int(live_M.sum())


def _gradients(problems: Sequence[Problem], names: Sequence[str]) -> Tensor:
    """(number of problems, P) float64, exactly 0 where it is zero up to round-off."""
    exact = [problem.computed_in(torch.float64) for problem in problems]
    parameters = parameters_of(exact[0].model)
    blocks = gradient_blocks(exact, [whole(name, parameters[name]) for name in names])
    return torch.cat([block.gradients_KNR.flatten(1) for block in blocks], 1)
