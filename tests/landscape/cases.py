"""Small random networks, and the gradient landscape once more: from the formulas, by autograd, sharing nothing."""

# Shape suffixes: B = examples of a minibatch, I = inputs, N = units of a layer.

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradviz.experiment.model import MLP
from gradviz.experiment.regularizers import placed, regularizer_of
from gradviz.landscape import LandscapeSpec
from gradviz.landscape.masks import numbered_masks
from gradviz.landscape.reference import mask_numbers
from gradviz.landscape.request import grid_steps

KINDS = [("none", "before"), ("dropout", "before"), ("batchnorm", "before"), ("batchnorm", "after")]


@dataclass(frozen=True)
class Case:
    model: MLP
    inputs: Tensor
    targets: Tensor


def random_case(
    regularizer: str,
    placement: str = "before",
    *,
    seed: int = 0,
    hidden: Sequence[int] = (12, 9, 7),
    num_inputs: int = 10,
    num_rows: int = 16,
) -> Case:
    """A network whose parameters and statistics are all random, with a minibatch of dense inputs; float32 values."""
    generator = torch.Generator().manual_seed(seed)
    model = MLP(
        num_inputs=num_inputs,
        hidden=hidden,
        regularizer=placed(regularizer_of(regularizer), placement),
        output_scale=3.0,
        generator=generator,
    ).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
        for buffer in model.buffers():
            buffer.add_(torch.rand(buffer.shape, generator=generator))
    inputs = torch.rand((num_rows, num_inputs), generator=generator)
    targets = 3 * torch.randn(num_rows, generator=generator)
    return Case(model, inputs, targets)


def parameters_of(case: Case) -> list[str]:
    """One or two scalars of every tensor of the model, so that pairs share units, feed each other, or do neither."""
    names = []
    for name, tensor in case.model.named_parameters():
        last = ",".join(str(n - 1) for n in tensor.shape)
        names += [f"{name}[{','.join('0' for _ in tensor.shape)}]"] + (
            [f"{name}[{last}]"] if tensor.numel() > 1 else []
        )
    return names


def autograd_field(case: Case, spec: LandscapeSpec) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """u, v, loss (Y, X) in float64 by `torch.func.grad_and_value` of the loss by the two steps, over the grid."""
    return autograd_field_and_margin(case, spec)[:3]


def autograd_field_and_margin(case: Case, spec: LandscapeSpec) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """As `autograd_field`, and how far each grid point is from a kink.

    That is the smallest |gate input| or |residual|, relative to the largest of its layer.
    """
    state = {name: tensor.detach().double() for name, tensor in case.model.state_dict().items()}
    steps = torch.tensor(grid_steps(spec), dtype=torch.float64)
    y_P, x_P = (grid.flatten() for grid in torch.meshgrid(steps, steps, indexing="ij"))

    def loss(x: Tensor, y: Tensor, masks: list[Tensor] | None) -> tuple[Tensor, Tensor]:
        moved = dict(state)
        for ref, step in zip(spec.refs, (x, y), strict=True):
            direction = torch.zeros_like(state[ref.tensor_name])
            direction[ref.index] = 1
            moved[ref.tensor_name] = moved[ref.tensor_name] + step * direction
        predictions, margins = _predict(case, moved, spec, masks)
        residuals = predictions - case.targets.double()
        return residuals.abs().mean(), torch.stack([*margins, _margin(residuals)]).min()

    gradients = torch.func.grad_and_value(loss, argnums=(0, 1), has_aux=True)
    if spec.mode == "train" and case.model.regularizer.draws_masks:
        numbers_PK = [list(mask_numbers(spec, point)) for point in range(len(x_P))]
        sets = {number: _masks(case, spec, number) for number in {n for numbers in numbers_PK for n in numbers}}
        results = []
        for numbers_P in zip(*numbers_PK, strict=True):
            masks = [torch.stack(layer) for layer in zip(*(sets[number] for number in numbers_P), strict=True)]
            results.append(torch.func.vmap(gradients)(x_P, y_P, masks))
    else:
        results = [torch.func.vmap(gradients, in_dims=(0, 0, None))(x_P, y_P, None)]
    shape = (spec.points, spec.points)
    arrays = [torch.stack(array) for array in zip(*((u, v, value, m) for (u, v), (value, m) in results), strict=True)]
    u, v, value = (array.mean(0).reshape(shape).numpy() for array in arrays[:3])
    return u, v, value, arrays[3].amin(0).reshape(shape).numpy()


def _margin(z: Tensor) -> Tensor:
    return z.abs().min() / z.abs().max()


def _masks(case: Case, spec: LandscapeSpec, number: int) -> list[Tensor]:
    return numbered_masks(case.model.regularizer, spec.seed, number, len(case.inputs), case.model.widths)


def _predict(case: Case, state: dict[str, Tensor], spec: LandscapeSpec, masks: list[Tensor] | None):
    h_BN, margins = case.inputs.double(), []
    for k in range(len(case.model.widths)):
        z_BN = h_BN @ state[f"hidden.{k}.linear.weight"].T + state[f"hidden.{k}.linear.bias"]
        after = case.model.regularizer.norm_after
        h_BN = z_BN.relu() if after else z_BN
        if after:
            margins.append(_margin(z_BN))
        if case.model.regularizer.has_batch_statistics:
            mean, var = state[f"hidden.{k}.norm.running_mean"], state[f"hidden.{k}.norm.running_var"]
            if spec.mode == "train":
                mean, var = h_BN.mean(0), ((h_BN - h_BN.mean(0)) ** 2).mean(0)
            h_BN = (h_BN - mean) / (var + 1e-5).sqrt() * state[f"hidden.{k}.norm.weight"]
            h_BN = h_BN + state[f"hidden.{k}.norm.bias"]
        if not after:
            margins.append(_margin(h_BN))
            h_BN = h_BN.relu()
        if masks is not None:
            h_BN = h_BN * masks[k] / (1 - getattr(case.model.regularizer, "p", 0.0))
    return case.model.output_scale * (h_BN @ state["output.weight"].T + state["output.bias"])[:, 0], margins


def modes_of(regularizer: str) -> list[dict[str, Any]]:
    """Every way to evaluate a model with this regularizer."""
    train: list[dict[str, Any]] = [{"mode": "train"}] if regularizer == "batchnorm" else []
    if regularizer == "dropout":
        train = [{"mode": "train", "masks": masks, "num_masks": 3} for masks in ("fresh", "frozen", "averaged")]
    return [{"mode": "eval"}, *train]


def relative_error(field_u, field_v, u, v) -> float:
    """The largest difference of u and v over the largest arrow component."""
    scale = max(abs(u).max(), abs(v).max())
    return max(abs(field_u - u).max(), abs(field_v - v).max()) / scale if scale > 0 else 0.0
