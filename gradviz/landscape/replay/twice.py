"""The loss of a minibatch as a value that can be derived twice: gradients, and products with its Hessian."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.experiment.users_code import users_code
from gradviz.landscape.replay.loop import differentiable, mean_loss
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.replay.randomness import Seeded, Source
from gradviz.landscape.replay.stand_ins import attention
from gradviz.landscape.surroundings import undisturbed

FLAT = 1e-12
"""A product with the Hessian below this share of the gradient's size is round-off."""


@contextmanager
def loss_to_derive(problem: Problem, number: int) -> Iterator[tuple[Tensor, Mapping[str, Tensor]]]:
    """The loss with a set of random numbers, and the real parameters that it can be derived by, tied ones once."""
    model = differentiable(problem)
    parameters = {name: each for name, each in model.module.named_parameters() if each.is_floating_point()}
    source = Source(problem.own_seed, number)
    with (
        undisturbed(problem.model),
        torch.enable_grad(),
        users_code("loss"),
        _Twice(source, exact=problem.dtype == torch.float64),
    ):
        value = mean_loss(problem.loss(model.module, model.copied_batch()))
        source.close()
        yield value, parameters


class _Twice(Seeded):
    """Attention is written out: the fused kernels have no second derivative."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is F.scaled_dot_product_attention:
            with self:
                return attention(*args, **(kwargs or {}))
        return super().__torch_function__(func, types, args, kwargs)
