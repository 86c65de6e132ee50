"""The state of any model: copied without changing it, compared with a study's own model, and loaded into that."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gradviz.errors import UserError, shown
from gradviz.experiment.tensor_file import DTYPES
from gradviz.experiment.wrappers import own_name, unwrapped


def copied_state(model: nn.Module) -> dict[str, Tensor]:
    """A copy on the CPU of every tensor of the model's state dict, under its name in the user's own model.

    Tied tensors are copied once for each name. UserError for a tensor that a file cannot hold.
    """
    state: dict[str, Tensor] = {}
    for name, tensor in unwrapped(model).state_dict().items():
        if not isinstance(tensor, Tensor):  # extra state of a module's own
            continue
        if is_lazy(tensor) or tensor.is_meta:
            raise UserError(f"The model has no values in {name} yet: call it once, or load its weights, first.")
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.dtype not in DTYPES.values():
            kind = str(tensor.dtype).removeprefix("torch.")
            raise UserError(f"{name} of the model ({kind}, {tensor.layout}) cannot be recorded: use ordinary tensors.")
        state[own_name(name)] = tensor.detach().to("cpu", copy=True).contiguous()
    return state


def difference(model: nn.Module, shapes: Mapping[str, tuple[int, ...]]) -> str | None:
    """How a state with these shapes differs from the model's own, as the end of a sentence; None if it fits.

    Of tied tensors, one name is enough.
    """
    own = own_state(model)
    for name, tensor in own.items():
        found = _source(name, own, shapes)
        if found is None:
            other = next((each for each in shapes if each not in own), None)
            return f"it has no {name}" + (f", but {shown(other)}" if other else "")
        if shapes[found] != tuple(tensor.shape):
            return f"{name} has shape {shapes[found]}, and the study's model has {tuple(tensor.shape)}"
    other = next((name for name in shapes if name not in own), None)
    return None if other is None else f"it has {shown(other)}, which the study's model does not have"


def load_state(model: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Copies a state that fits into the model, in the model's own dtypes."""
    own = own_state(model)
    sources = {name: _source(name, own, state) for name in own}
    with torch.no_grad():
        for name, tensor in own.items():
            source = sources[name]
            assert source is not None
            tensor.copy_(state[source])


def own_state(model: nn.Module) -> dict[str, Tensor]:
    """Every tensor of the model's state dict by its name: the model's own tensors, not copies."""
    return {name: tensor for name, tensor in model.state_dict(keep_vars=True).items() if isinstance(tensor, Tensor)}


def _source(name: str, own: Mapping[str, Tensor], given: Mapping[str, object]) -> str | None:
    """The name under which the given state has a tensor, or one that is tied to it."""
    if name in given:
        return name
    return next((other for other, tensor in own.items() if other in given and tensor is own[name]), None)
