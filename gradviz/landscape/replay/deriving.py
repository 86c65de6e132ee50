"""The loss at a point, or at all points of a tile, with its derivatives by the two steps: of the minibatch, or of each
of its rows.

A backward pass that starts with the weights c_b gives Σ_b c_b ∂ℓ_b/∂α. That is linear in c, so its own derivative by c
is ∂ℓ_b/∂α of all rows at once, whether or not they depend on each other: two more passes, one for each step, in place
of one for each row. (Forward derivatives by two reverse ones: Townsend, "A new trick for calculating
Jacobian-vector products", 2017.)
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import grad_and_value, vjp, vmap

from gradviz.landscape.replay.loop import mean_loss, row_losses

# Shape suffixes: P = points of a tile, B = rows of the minibatch.


class Deriving(NamedTuple):
    """What is derived. Each function returns the loss, (), (P,), (B,) or (P, B), and its derivatives by x and y.

    `of_losses` reads what the user's loss returned for so many rows; `by_graph` goes back from the loss to the steps,
    of one point or of all of a tile; `within` maps the whole over the points of a tile, for functions that `vmap` knows
    no other way.
    """

    of_losses: Callable[[object, int], Tensor]
    by_graph: Callable[[Tensor, Sequence[Tensor]], list[Tensor]]
    within: Callable[[Any, Tensor, Tensor, Sequence[Tensor]], list[Tensor]]
    is_of_rows: bool


def _mean(losses: object, num_rows: int) -> Tensor:
    return mean_loss(losses)


def _backward(value: Tensor, steps: Sequence[Tensor]) -> list[Tensor]:
    if value.requires_grad:
        torch.autograd.backward(value.sum() if value.ndim else value, inputs=list(steps))
    return [value, *(torch.zeros_like(value) if step.grad is None else step.grad for step in steps)]


def _mean_within(loss: Any, x: Tensor, y: Tensor, batched: Sequence[Tensor]) -> list[Tensor]:
    gradient, value = vmap(grad_and_value(loss, argnums=(0, 1)))(x, y, *batched)
    return [value, *gradient]


def _twice(losses: Tensor, steps: Sequence[Tensor]) -> list[Tensor]:
    if not losses.requires_grad:
        return [losses, *(torch.zeros_like(losses) for _ in steps)]
    weights = torch.ones_like(losses, requires_grad=True)
    sums = torch.autograd.grad(losses, steps, weights, create_graph=True, allow_unused=True)
    return [losses, *(_by_weights(each, weights) for each in sums)]


def _by_weights(weighed: Tensor | None, weights: Tensor) -> Tensor:
    if weighed is None or not weighed.requires_grad:
        return torch.zeros_like(weights)
    [found] = torch.autograd.grad(weighed, weights, torch.ones_like(weighed), retain_graph=True, allow_unused=True)
    return torch.zeros_like(weights) if found is None else found


def _twice_within(loss: Any, x: Tensor, y: Tensor, batched: Sequence[Tensor]) -> list[Tensor]:
    def at_point(x: Tensor, y: Tensor, *of_point: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        losses, back, *_ = vjp(lambda x, y: loss(x, y, *of_point), x, y)
        _, again, *_ = vjp(back, torch.ones_like(losses))
        one, none = torch.ones_like(x), torch.zeros_like(x)
        return losses, *again((one, none)), *again((none, one))

    return list(vmap(at_point)(x, y, *batched))


def _row_after_row(losses: Tensor, steps: Sequence[Tensor]) -> list[Tensor]:
    slopes = [torch.zeros_like(losses) for _ in steps]
    for row, loss in enumerate(losses.unbind() if losses.requires_grad else ()):
        found = torch.autograd.grad(loss, steps, retain_graph=True, allow_unused=True)
        for own, slope in zip(slopes, found, strict=True):
            if slope is not None:
                own[row] = slope
    return [losses, *slopes]


MEAN = Deriving(_mean, _backward, _mean_within, is_of_rows=False)
ROWS = Deriving(row_losses, _twice, _twice_within, is_of_rows=True)
EACH_ROW = Deriving(row_losses, _row_after_row, _twice_within, is_of_rows=True)
"""For functions whose backward pass cannot be derived: a pass for each row."""
