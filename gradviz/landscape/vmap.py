"""The gradient by two scalars, mapped over the grid by `torch.func`, as an expert would write it without an engine.

The second reference of the benchmark, beside the plain loop.
"""

import copy

import numpy as np
import torch
from torch import Tensor

from gradviz.experiment.model import MLP
from gradviz.landscape.masks import stacked_masks
from gradviz.landscape.reference import mask_numbers
from gradviz.landscape.request import LandscapeSpec, grid_steps

# Shape suffixes: P = grid points of a chunk, K = sets of masks of a point, Y/X = grid rows/columns.

CHUNK, SMALL_CHUNK = 63, 7
"""Grid points mapped at once; the smaller number if each point has its own weight matrix or masks."""


def landscape_by_vmap(
    model: MLP, inputs: Tensor, targets: Tensor, spec: LandscapeSpec
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """u, v and loss, (Y, X) each, in the dtype and on the device of `inputs`, which must be the model's."""
    model = copy.deepcopy(model).train(spec.mode == "train")
    state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    places = [tuple(torch.tensor(i, device=inputs.device) for i in ref.index) for ref in spec.refs]
    draws_masks = spec.mode == "train" and model.regularizer.draws_masks
    # Train mode writes running statistics, so every point gets its own.
    running = [name for name, _ in model.named_buffers() if spec.mode == "train"]

    def loss(x: Tensor, y: Tensor, masks: list[Tensor] | None, buffers: dict[str, Tensor]) -> Tensor:
        moved = state | buffers
        for ref, place, step in zip(spec.refs, places, (x, y), strict=True):
            moved[ref.tensor_name] = moved[ref.tensor_name].index_put(place, step, accumulate=True)
        predictions = torch.func.functional_call(model, moved, (inputs, masks))
        return (predictions - targets).abs().mean()

    gradient = torch.func.grad_and_value(loss, argnums=(0, 1))
    in_dims = (0, 0, 0 if draws_masks else None, 0 if running else None)
    own_matrix = any(ref.kind == "weight" for ref in spec.refs)
    chunk = SMALL_CHUNK if own_matrix or (draws_masks and spec.masks == "fresh") else CHUNK
    steps = torch.tensor(grid_steps(spec), device=inputs.device, dtype=inputs.dtype)
    y_YX, x_YX = torch.meshgrid(steps, steps, indexing="ij")
    results = []
    for points in torch.arange(spec.points**2).split(chunk):
        x_P, y_P = x_YX.flatten()[points], y_YX.flatten()[points]
        buffers = {name: state[name].expand(len(points), -1).clone() for name in running}
        sums = torch.zeros((3, len(points)), dtype=inputs.dtype, device=inputs.device)
        numbers_KP = zip(*(mask_numbers(spec, point) for point in points.tolist()), strict=True)
        sets = (
            [_stacked_masks(model, spec, list(numbers_P), inputs) for numbers_P in numbers_KP]
            if draws_masks
            else [None]
        )
        for masks in sets:
            (u_P, v_P), loss_P = torch.func.vmap(gradient, in_dims=in_dims)(x_P, y_P, masks, buffers)
            sums += torch.stack((u_P, v_P, loss_P)) / len(sets)
        results.append(sums)
    u, v, value = torch.cat(results, dim=1).reshape(3, spec.points, spec.points).cpu().numpy()
    return u, v, value


def _stacked_masks(model: MLP, spec: LandscapeSpec, numbers_P: list[int], inputs: Tensor) -> list[Tensor]:
    """(P, B, N) per hidden layer; points that share a set share its memory."""
    numbers_K = numbers_P[:1] if len(set(numbers_P)) == 1 else numbers_P
    masks = stacked_masks(model.regularizer, spec.seed, numbers_K, len(inputs), model.widths)
    return [mask.to(inputs.device).expand(len(numbers_P), -1, -1) for mask in masks]
