"""Does the order of two steps matter: |θ_ab - θ_ba| for two minibatches a and b, over the length of both steps.

From a checkpoint θ, stochastic gradient descent at a rate η goes to θ_ab by a step on minibatch a and then one on b,
and to θ_ba the other way round. To first order in η the difference is η² (H_b g_a - H_a g_b), with the gradients g and
the Hessians H of the two losses: zero where a loss is linear in the parameters, and for two equal minibatches.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.replay.axes import gradient_of
from gradviz.landscape.replay.loop import differentiable, passed_back, renew
from gradviz.landscape.replay.private import PrivateModel
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.statistics.problem_gradients import HELD, parameters_of
from gradviz.landscape.surroundings import undisturbed

# Shape suffix: K = minibatches.

Steps = Mapping[str, Tensor]


def commutators(problems: Sequence[Problem], rate: float) -> np.ndarray:
    """(K, K) float64: |θ_ab - θ_ba| over the mean of |θ_ab - θ| and |θ_ba - θ|; symmetric, 0 on its diagonal, nan where
    neither step moves anything.

    One model at several minibatches, in float64; the k-th minibatch has the first of its sets of random numbers in all
    of its steps. Costs K² passes forward and backward; K gradients are held. `UserError` for a rate that is not
    positive, or a model too large for that.
    """
    if not rate > 0:
        raise UserError(f"`rate` must be above 0, got {rate}: it is the learning rate of both steps.")
    exact = [problem.computed_in(torch.float64) for problem in problems]
    size = sum(parameter.numel() for parameter in parameters_of(exact[0].model).values())
    if size * len(exact) > HELD:
        raise UserError(
            f"{len(exact)} gradients of {size} parameters are too many to hold: give at most {HELD // size} of them."
        )
    with undisturbed(exact[0].model), torch.enable_grad():
        models = [differentiable(problem) for problem in exact]
        first = [_gradient(exact[k], models[k], k, {}, rate) for k in range(len(exact))]
        found_KK = np.zeros((len(exact), len(exact)))
        for a in range(len(exact)):
            for b in range(a):
                after_a, after_b = (_gradient(exact[j], models[j], j, first[i], rate) for i, j in ((a, b), (b, a)))
                ab, ba = _sum(first[a], after_a), _sum(first[b], after_b)
                apart = _length({name: ab[name] - ba[name] for name in ab})
                steps = (_length(ab) + _length(ba)) / 2
                found_KK[a, b] = found_KK[b, a] = apart / steps if steps > 0 else np.nan
    return found_KK


def _gradient(problem: Problem, model: PrivateModel, k: int, moved: Steps, rate: float) -> dict[str, Tensor]:
    """Of a minibatch where the parameters have gone a step along `moved`."""
    between_tiles()
    renew(model)
    with torch.no_grad():
        for name, step in moved.items():
            model.tensors[name].sub_(step, alpha=rate)
    passed_back(problem, model, problem.sets(k)[0])
    parameters = parameters_of(model.module)
    found = {name: gradient_of(parameter) for name, parameter in parameters.items()}
    return {
        name: torch.zeros_like(parameters[name]) if each is None else each.detach().clone()
        for name, each in found.items()
    }


def _sum(a: Steps, b: Steps) -> dict[str, Tensor]:
    return {name: each + b[name] for name, each in a.items()}


def _length(parts: Steps) -> float:
    return float(sum(each.abs().square().sum() for each in parts.values())) ** 0.5
