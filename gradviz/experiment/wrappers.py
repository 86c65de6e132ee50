"""Wrappers around a user's model: it is found within, and so are the names of its tensors."""

from torch import nn

_WRAPPERS = {"DataParallel": "module", "DistributedDataParallel": "module", "OptimizedModule": "_orig_mod"}
_COMPILED = "_orig_mod."


def unwrapped(model: nn.Module) -> nn.Module:
    """The user's own model within `torch.compile` and (Distributed)DataParallel."""
    while (inner := _WRAPPERS.get(type(model).__name__)) in model._modules:
        model = model.get_submodule(inner)
    return model


def own_name(name: str) -> str:
    """A tensor's name in the user's model, of which `torch.compile` may have wrapped a part."""
    return name.replace(_COMPILED, "")
