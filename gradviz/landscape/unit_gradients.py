"""The units of a layer of any network: the parameter that stands for each, and its gradients over the minibatches."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gradviz.errors import UserError
from gradviz.experiment.anatomy import Anatomy, Layer
from gradviz.experiment.anatomy import Tensor as Named
from gradviz.landscape.gates import Gated, gated
from gradviz.landscape.replay.problem import Problem
from gradviz.landscape.scalar import Scalar
from gradviz.landscape.statistics.problem_gradients import gradient_blocks, parameters_of, whole

# Shape suffixes: K = minibatches, N = units of a layer, R = numbers of each unit.


@dataclass(frozen=True, eq=False)
class Units:
    """`tensor`: whose first axis counts the units. `parameters`: the number of it that stands for each unit.

    `gradients_KN`: of these parameters, float64. `rms_N`: the root mean square of the gradient by all of a unit's
    numbers in the tensor. `active_N`: the share of the minibatches' rows and positions on which each is active, None
    if no ReLU follows the layer.
    """

    tensor: str
    parameters: tuple[str, ...]
    gradients_KN: Tensor
    rms_N: Tensor
    active_N: Tensor | None


def units_of(problems: Sequence[Problem], anatomy: Anatomy, layer: Layer) -> Units:
    """The units of a layer: by its bias; by that of the norm behind it if batch statistics take the bias out; without
    a bias by its first tensor, where the number with the largest gradient stands for the unit.

    Costs the passes of `gradient_blocks`, at most twice, and a forward pass of each minibatch.
    """
    own = [tensor for tensor in anatomy.tensors if tensor.layer == layer.name and 0 not in tensor.shape]
    if not own:
        raise UserError(f"The layer {layer.label} has no units: its parameters have no numbers.")
    seen = gated(problems, [tensor.name for tensor in own])
    biases = [tensor for tensor in own if _is_bias(tensor)]
    if not biases:
        return _of_tensor(problems, own[0].name, seen)
    found = _of_tensor(problems, biases[0].name, seen)
    behind = _bias_behind(seen, anatomy, len(found.parameters))
    is_taken_out = problems[0].mode == "train" and not bool(found.rms_N.any())
    return _of_tensor(problems, behind, seen) if is_taken_out and behind is not None else found


def _is_bias(tensor: Named) -> bool:
    return len(tensor.shape) == 1 and (tensor.kind == "beta" or "bias" in tensor.kind)


def _bias_behind(seen: Gated, anatomy: Anatomy, width: int) -> str | None:
    """β of the norm that follows, if it has one for each unit."""
    layers = {tensor.name: tensor.layer for tensor in anatomy.tensors}
    norm = None if seen.norm is None else layers.get(seen.norm)
    found = (each for each in anatomy.tensors if each.layer == norm and each.kind == "beta" and each.shape == (width,))
    return next((tensor.name for tensor in found), None)


def _of_tensor(problems: Sequence[Problem], name: str, seen: Gated) -> Units:
    parameter = parameters_of(problems[0].model)[name]
    parameters: list[str] = []
    columns, squares = [], []
    for block in gradient_blocks(problems, [whole(name, parameter)]):
        gradients_KNR = block.gradients_KNR.double()
        squares_NR = gradients_KNR.square().mean(0)
        best_N = squares_NR.argmax(1)
        squares.append(squares_NR.sum(1))
        columns.append(gradients_KNR.gather(2, best_N.expand(len(problems), -1)[..., None])[..., 0])
        for unit, place in enumerate(best_N.tolist(), block.piece.first):
            inner = (int(each) for each in np.unravel_index(place, parameter.shape[1:])) if parameter.ndim > 1 else ()
            parameters.append(str(Scalar(name, (unit, *inner) if parameter.ndim else ())))
    active_N = seen.active_N if seen.active_N is not None and len(seen.active_N) == len(parameters) else None
    return Units(name, tuple(parameters), torch.cat(columns, 1), torch.cat(squares).sqrt(), active_N)
