"""The plain loop, the reference for the engine: one forward and one backward pass of the model for each grid point.

The model's own code and torch's autograd do all the work; it shares only the definition of the masks with the engine.
"""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from gradviz.experiment.model import MLP
from gradviz.landscape.masks import numbered_masks
from gradviz.landscape.parameters import ParameterRef
from gradviz.landscape.pausing import between_tiles
from gradviz.landscape.request import LandscapeSpec, grid_steps

# Shape suffixes: Y/X = grid rows/columns, B = examples of a minibatch.


def landscape_by_loop(
    model: MLP, inputs: Tensor, targets: Tensor, spec: LandscapeSpec
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """u, v and loss, (Y, X) each, in the dtype and on the device of `inputs`, by points² passes over a copy of `model`.

    With averaged masks there are `num_masks` passes at every point.
    """
    model = copy.deepcopy(model).to(device=inputs.device, dtype=inputs.dtype).requires_grad_(True)
    draws_masks = spec.mode == "train" and model.regularizer.draws_masks
    tensors = dict(model.named_parameters())
    x, y = (tensors[ref.tensor_name] for ref in spec.refs)
    x_ref, y_ref = spec.refs
    x_centre, y_centre = x[x_ref.index].item(), y[y_ref.index].item()
    steps = grid_steps(spec)
    u, v, loss = (
        np.zeros((spec.points, spec.points), dtype=str(inputs.dtype).removeprefix("torch.")) for _ in range(3)
    )
    for j, step_y in enumerate(steps):
        for i, step_x in enumerate(steps):
            between_tiles()
            with torch.no_grad():
                x[x_ref.index] = x_centre + step_x
                y[y_ref.index] = y_centre + step_y
            numbers = mask_numbers(spec, j * spec.points + i) if draws_masks else [None]
            for number in numbers:
                masks = None if number is None else _masks(model, spec.seed, number, inputs)
                model.train(spec.mode == "train").zero_grad()
                value = F.l1_loss(model(inputs, masks), targets)
                value.backward()
                u[j, i] += _entry(x, x_ref) / len(numbers)
                v[j, i] += _entry(y, y_ref) / len(numbers)
                loss[j, i] += value.item() / len(numbers)
    return u, v, loss


def mask_numbers(spec: LandscapeSpec, point: int) -> Sequence[int]:
    """The sets of masks of a grid point: its own, the first of all, or the first `num_masks` of all."""
    return {"fresh": [point], "frozen": [0], "averaged": range(spec.num_masks)}[spec.masks]


def _masks(model: MLP, seed: int, number: int, inputs: Tensor) -> list[Tensor]:
    masks = numbered_masks(model.regularizer, seed, number, len(inputs), model.widths)
    return [mask.to(inputs.device) for mask in masks]


def _entry(tensor: Tensor, ref: ParameterRef) -> float:
    return 0.0 if tensor.grad is None else tensor.grad[ref.index].item()
