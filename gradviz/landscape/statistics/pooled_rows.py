"""The null model for any network: the rows of all its minibatches, mixed and cut anew at random.

If the recorded minibatches are random rows, their gradients agree as those of any other cut do, up to chance. Where
rows have gradients of their own, a cut is a sum of these; elsewhere each takes a backward pass for each minibatch.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment.batches import joined, num_rows, selected
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.statistics.null_model import NullAgreement, agreement_of_dots, summary_of
from gradviz.landscape.statistics.problem_gradients import HELD, parameters_of
from gradviz.landscape.statistics.problem_products import parts_of_model, problem_products
from gradviz.landscape.statistics.row_gradients import row_gradients

# Shape suffixes: R = rows of all minibatches, K = minibatches, P = parameters.

DRAWS, REDRAWS = 60, 20
"""Cuts that are sums of rows, and cuts that take backward passes."""

_Found = list[tuple[float, float, float]]


def pooled_null(
    problems: Sequence[Problem], generator: np.random.Generator, *, parts: Sequence[str], draws: int | None = None
) -> dict[str, NullAgreement]:
    """Agreement of minibatches of the same sizes whose rows are mixed at random, by part; `draws` such cuts (by default
    as many as `DRAWS` or `REDRAWS`).

    `minibatch_size` is that of the first. Costs the gradients of all rows, and an addition for each of their numbers
    and cut; else a backward pass for each minibatch and cut. `UserError` if the minibatches' rows cannot be mixed, or
    there is only one.
    """
    if len(problems) < 2:
        raise UserError("The null model mixes the rows of several minibatches, and this run has only one.")
    pooled = replace(problems[0], batch=joined([problem.batch for problem in problems]))
    sizes = [num_rows(problem.batch) for problem in problems]
    available, parameters = parts_of_model(pooled.model), parameters_of(pooled.model)
    names = list(dict.fromkeys(name for part in parts for name in available[part]))
    found: dict[str, _Found] = {part: [] for part in parts}
    rows_RP = None
    if sum(parameters[name].numel() for name in names) * sum(sizes) <= HELD:
        rows_RP = row_gradients(problems, names)
    draws = draws or (REDRAWS if rows_RP is None else DRAWS)
    for _ in range(draws):
        between_tiles()
        cut = [torch.from_numpy(each) for each in np.split(generator.permutation(sum(sizes)), np.cumsum(sizes)[:-1])]
        dots = _of_passes(problems, pooled, cut, parts) if rows_RP is None else _of_rows(rows_RP, cut, parts, pooled)
        for part, dot_KK in dots.items():
            found[part].append(agreement_of_dots(dot_KK))
    return {
        part: NullAgreement(sizes[0], len(problems), sum(sizes), draws, *summary_of(each), None, None)
        for part, each in found.items()
    }


def _of_passes(
    problems: Sequence[Problem], pooled: Problem, cut: Sequence[Tensor], parts: Sequence[str]
) -> dict[str, np.ndarray]:
    """(K, K) by part: the inner products of the gradients of new minibatches."""
    device = pooled.device
    mixed = [
        replace(problem, batch=selected(pooled.batch, rows.to(device)))
        for problem, rows in zip(problems, cut, strict=True)
    ]
    return {part: found.dot_KK for part, found in problem_products(mixed, parts=parts, is_judged=False).items()}


def _of_rows(rows_RP: Tensor, cut: Sequence[Tensor], parts: Sequence[str], pooled: Problem) -> dict[str, np.ndarray]:
    """The same as means of rows' gradients."""
    means_KP = torch.stack([rows_RP[rows.to(rows_RP.device)].mean(0) for rows in cut])
    available, parameters = parts_of_model(pooled.model), parameters_of(pooled.model)
    names = list(dict.fromkeys(name for part in parts for name in available[part]))
    columns = dict(zip(names, means_KP.split([parameters[name].numel() for name in names], 1), strict=True))
    grams = {name: (each @ each.T).cpu().numpy() for name, each in columns.items()}
    return {part: np.sum([grams[name] for name in available[part]], 0) for part in parts}
