"""The axes of a plane: what a step along one does to a model's tensors, and the slope of the loss along it."""

from collections.abc import Mapping

from torch import Tensor, nn

from gradviz.errors import UserError, shown
from gradviz.landscape.directions.vector import Vector, dot
from gradviz.landscape.scalar import Scalar

PlaneAxis = Scalar | Vector


def names_of(axis: PlaneAxis) -> list[str]:
    """The tensors that move."""
    return [axis.name] if isinstance(axis, Scalar) else list(axis.parts)


def move(tensors: Mapping[str, Tensor], axis: PlaneAxis, step: float) -> None:
    """Moves the tensors in place."""
    if isinstance(axis, Scalar):
        tensors[axis.name][axis.index] += step
    else:
        for name, part in axis.parts.items():
            tensors[name].add_(part.to(tensors[name]), alpha=step)


def slope(gradients: Mapping[str, Tensor | None], axis: PlaneAxis) -> float:
    """The derivative along the axis, from those by the tensors that it moves; None: not reached."""
    if isinstance(axis, Scalar):
        gradient = gradients[axis.name]
        return 0.0 if gradient is None else gradient[axis.index].item()
    found = 0.0
    for name, part in axis.parts.items():
        gradient = gradients[name]
        if gradient is not None:
            found += dot(gradient, part.to(gradient.device))
    return found


def gradient_of(parameter: Tensor) -> Tensor | None:
    """What a backward pass left there, dense; None if it did not reach the parameter."""
    gradient = parameter.grad
    return gradient.to_dense() if gradient is not None and gradient.is_sparse else gradient


def check_axis(model: nn.Module, axis: PlaneAxis) -> None:
    """`UserError` unless the axis moves floating parameters of the model alone, within their shapes."""
    if isinstance(axis, Scalar):
        check_scalar(model, axis)
        return
    parameters = dict(model.named_parameters(remove_duplicate=False))
    for name, part in axis.parts.items():
        own = parameters.get(name)
        if own is None or own.shape != part.shape or not own.is_floating_point():
            raise UserError(f"`{axis.text}` is of another network: this one has no such {shown(name)}.")


def check_scalar(model: nn.Module, scalar: Scalar) -> Tensor:
    """The tensor of a number that a step can move; `UserError` if the model has none of this name."""
    parameters = dict(model.named_parameters(remove_duplicate=False))
    tensor = parameters.get(scalar.name)
    if tensor is None:
        names = ", ".join(list(parameters)[:12]) + (", …" if len(parameters) > 12 else "")
        raise UserError(f"`{shown(scalar)}`: this model has no parameter {shown(scalar.name)}, only {names}.")
    if len(scalar.index) != tensor.ndim or any(i >= n for i, n in zip(scalar.index, tensor.shape, strict=False)):
        allowed = ",".join(f"0..{n - 1}" for n in tensor.shape)
        raise UserError(f"`{shown(scalar)}` is out of range: {scalar.name} takes [{allowed}].")
    if not tensor.is_floating_point():
        raise UserError(f"`{shown(scalar)}` cannot move: {scalar.name} holds {tensor.dtype}, not real numbers.")
    return tensor
