"""How the loss of each minibatch bends along its own gradient: where stochastic gradient descent becomes unstable.

Batch sharpness (Andreyev & Beneventano, "Edge of stochastic stability: revisiting the edge of stability for SGD", arXiv
2412.20553, 2024): with the gradient g_k of minibatch k and the Hessian H_k of the same loss, E g_k·H_k g_k / E |g_k|².
Under SGD at a rate η it rises to 2/η and stays there, while the largest eigenvalue of the whole loss stays below.

A network of ReLUs with the loss |prediction - target| is piecewise linear in the parameters of any one layer: there
g·H g is 0 almost everywhere, and all bending is in the kinks, which no Hessian sees. Of several layers together it is
a product of their parameters, and bends.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError, shown
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.replay.twice import FLAT, loss_to_derive
from gradviz.landscape.statistics.bootstrap import Estimate, estimate, mean_of

# Shape suffixes: K = minibatches.


@dataclass(frozen=True)
class Sharpness:
    """`along_K`: g_k·H_k g_k / |g_k|² of each minibatch, in units of the loss per parameter², None where g_k is zero.

    `batch_sharpness` weighs them by |g_k|²; None if all gradients are zero, or no loss bends (`is_flat`).
    """

    along_K: tuple[float | None, ...]
    batch_sharpness: Estimate | None
    is_flat: bool


def sharpness_along_gradients(
    problems: Sequence[Problem], names: Sequence[str], generator: np.random.Generator
) -> Sharpness:
    """Of one model at several minibatches, by the parameters `names` alone, in float64.

    The k-th minibatch has the k-th set of random numbers if masks are `fresh`. Costs about five passes of each
    minibatch and set. `UserError` for a loss that cannot be derived twice.
    """
    bends, squares, flat = [], [], []
    for k, problem in enumerate(problems):
        between_tiles()
        bend, square, is_flat = _along(problem.computed_in(torch.float64), k, names)
        bends.append(bend)
        squares.append(square)
        flat.append(is_flat)
    bends_K, squares_K = np.array(bends), np.array(squares)
    along_K = tuple(b / s if s > 0 else None for b, s in zip(bends, squares, strict=True))
    is_flat = bool(squares_K.any()) and all(flat)
    if is_flat or not squares_K.any():
        return Sharpness(along_K, None, is_flat)
    bend, square = mean_of(bends_K), mean_of(squares_K)

    def statistic(weights_RK: np.ndarray) -> np.ndarray:
        square_R = square(weights_RK)
        return np.divide(bend(weights_RK), square_R, out=np.full(len(square_R), np.nan), where=square_R > 0)

    return Sharpness(along_K, estimate(statistic, len(problems), generator), False)


def _along(problem: Problem, k: int, names: Sequence[str]) -> tuple[float, float, bool]:
    """g·H g, |g|², and whether H g is 0 up to round-off (for g = 0 too)."""
    sets = problem.sets(k)
    if len(sets) == 1:
        gradient, product = _derived(problem, sets[0], names, None)
    else:  # H g of a mean over sets takes the mean gradient first
        gradient = _mean([_derived(problem, number, names, None)[0] for number in sets])
        product = _mean([_derived(problem, number, names, gradient)[1] for number in sets])
    square, bend = (_dot(gradient, each) for each in (gradient, product))
    return bend, square, _dot(product, product) ** 0.5 <= FLAT * square


def _derived(
    problem: Problem, number: int, names: Sequence[str], along: Sequence[Tensor] | None
) -> tuple[list[Tensor], list[Tensor]]:
    """The gradient, and the product of the Hessian with `along` (None: with that gradient)."""
    between_tiles()
    with loss_to_derive(problem, number) as (value, parameters):
        tensors = [parameters[name] for name in names]
        blank = [torch.zeros_like(each) for each in tensors]
        if not value.requires_grad:
            return blank, blank
        found = torch.autograd.grad(value, tensors, create_graph=True, allow_unused=True)
        gradient = [zero if own is None else own.detach() for own, zero in zip(found, blank, strict=True)]
        by = [j for j, own in enumerate(found) if own is not None and own.requires_grad]
        if not by:
            return gradient, blank
        into = gradient if along is None else along
        try:
            products = torch.autograd.grad([found[j] for j in by], tensors, [into[j] for j in by], allow_unused=True)
        except RuntimeError as error:
            raise UserError(f"The loss cannot be derived twice: {shown(error)}.") from error
        return gradient, [zero if own is None else own.detach() for own, zero in zip(products, blank, strict=True)]


def _mean(each: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    return [torch.stack(list(parts)).mean(0) for parts in zip(*each, strict=True)]


def _dot(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    return sum(float((x * y).sum()) for x, y in zip(a, b, strict=True))
