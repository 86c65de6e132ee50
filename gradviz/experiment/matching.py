"""Fits the state that another program saved to a study's model: names without wrappers' prefixes, in its own dtypes."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from gradviz.experiment.model_state import difference, load_state, own_state
from gradviz.experiment.outside import UnusableFile
from gradviz.experiment.wrappers import own_name

_PREFIXES = ("", "module.", "model.", "module.model.", "model.module.", "_forward_module.", "net.", "network.")
"""What DistributedDataParallel, Lightning and usual wrappers put before names; `_orig_mod.` goes wherever it stands."""


def fit(model: nn.Module, state: Mapping[str, Tensor], path: Path, prefix: str | None = None) -> list[str]:
    """Loads the state of the file `path` into the model, and tells what was changed so that it fits, as phrases.

    `prefix` is taken off every name, and tensors without it are left out; None finds the usual ones. UnusableFile if a
    tensor is missing, has another shape, or has values that are not finite.
    """
    notes = []
    names = {name: own_name(name) for name in state}
    if any(name != own for name, own in names.items()):
        notes.append("`_orig_mod.` (torch.compile) taken off the names")
    reasons: dict[str, str] = {}
    tried = _PREFIXES if prefix is None else (prefix,)
    for each in tried:
        chosen = {own.removeprefix(each): state[name] for name, own in names.items() if own.startswith(each)}
        reason = difference(model, {name: tuple(tensor.shape) for name, tensor in chosen.items()})
        if reason is None:
            if each:
                notes.append(f"`{each}` taken off the names")
            if len(chosen) < len(state):
                notes.append(f"{len(state) - len(chosen)} tensors without `{each}` left out")
            return [*notes, *_load(model, chosen, path)]
        if chosen:
            reasons[each] = reason
    # The prefix under which most names are the model's tells most.
    best = max(reasons, key=lambda each: _num_known(model, names.values(), each), default=None)
    if best is None:
        raise UnusableFile(path, f"none of its names begins with `{prefix}`")
    raise UnusableFile(path, reasons[best] + (f" (without `{best}` before its names)" if best else ""))


def _load(model: nn.Module, state: Mapping[str, Tensor], path: Path) -> list[str]:
    notes = []
    own = own_state(model)
    for name, tensor in state.items():
        there = own[name].dtype
        if tensor.is_floating_point() != there.is_floating_point or tensor.is_complex() != there.is_complex:
            raise UnusableFile(path, f"{name} is {_short(tensor.dtype)}, and the study's model has {_short(there)}")
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise UnusableFile(path, f"{name} has values that are not finite")
        if tensor.dtype != there:
            notes.append(f"{_short(tensor.dtype)} converted to {_short(there)}")
    tied = [name for name in own if name not in state]
    if tied:
        notes.append(f"{', '.join(tied[:3])} taken from the tensor that the model ties to it")
    load_state(model, state)
    return list(dict.fromkeys(notes))


def _num_known(model: nn.Module, names: Iterable[str], prefix: str) -> int:
    own = own_state(model)
    return sum(name.startswith(prefix) and name.removeprefix(prefix) in own for name in names)


def _short(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
