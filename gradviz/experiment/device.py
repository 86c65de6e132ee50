"""Resolves `auto`, `cpu` or `cuda` to an available device."""

import torch

from gradviz.errors import UserError

DEVICES = ("auto", "cpu", "cuda")


def resolve_device(name: str) -> torch.device:
    """The device of that name; `auto` takes the first CUDA device if there is one. UserError otherwise."""
    if name not in DEVICES:
        raise UserError(f"`device` must be one of {', '.join(DEVICES)}, got {name!r}.")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("`device` is 'cuda', but torch finds no CUDA device here: use auto or cpu.")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", 0)
