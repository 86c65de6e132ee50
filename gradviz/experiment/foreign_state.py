"""Reads the state of a model from files of other programs: safetensors, whole or in shards, or torch's `.pt`.

Nothing is unpickled: `torch.load` with `weights_only` reads tensors and plain values, and refuses anything else.
"""

import re
from collections.abc import Mapping
from pathlib import Path, PurePath

import torch
from torch import Tensor

from gradviz.errors import UserError, shown
from gradviz.experiment.outside import UnusableFile, open_outside, read_json
from gradviz.experiment.tensor_file import MAX_BYTES, read_tensors

INDEX_SUFFIX = ".safetensors.index.json"
_PICKLES = (".pt", ".pth", ".ckpt", ".bin")
_IN_DIRECTORIES = (f"model{INDEX_SUFFIX}", "model.safetensors", "pytorch_model.bin")
_WITHIN = ("state_dict", "model_state_dict", "model_state", "model", "module", "net", "weights")
_MAX_INDEX_BYTES = 16 * 2**20
_REFUSED = re.compile(
    r"(?:[Uu]nsupported (?:global: GLOBAL|GLOBAL|class|operand)|for unrecognized function) <?([^>\n]+?)(?:>| w|$)",
    re.MULTILINE,
)


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a file, or of the model in a directory, by their names there; UnusableFile with the reason."""
    if path.is_dir():
        inside = next((path / name for name in _IN_DIRECTORIES if (path / name).exists()), None)
        if inside is None:
            raise UnusableFile(path, f"this directory has none of {', '.join(_IN_DIRECTORIES)}")
        return read_state(inside)
    if path.name.endswith(INDEX_SUFFIX):
        return _read_shards(path)
    if path.suffix == ".safetensors":
        return read_tensors(path)
    if path.suffix in _PICKLES:
        return _tensors_within(path, _loaded(path))
    raise UnusableFile(path, f"a checkpoint ends in .safetensors, {INDEX_SUFFIX} or {', '.join(_PICKLES)}")


def _read_shards(path: Path) -> dict[str, Tensor]:
    index = read_json(path, _MAX_INDEX_BYTES)
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict) or not all(isinstance(place, str) for place in places.values()):
        raise UnusableFile(path, "it has no `weight_map` from the names of tensors to files")
    state: dict[str, Tensor] = {}
    for shard in dict.fromkeys(places.values()):
        if PurePath(shard).name != shard or not shard.endswith(".safetensors"):
            raise UnusableFile(path, f"its shard {shown(shard)} is not a safetensors file beside it")
        tensors = read_tensors(path.with_name(shard))
        lacking = [name for name, place in places.items() if place == shard and name not in tensors]
        if lacking:
            raise UnusableFile(path.with_name(shard), f"it has no {shown(lacking[0])}, which {path.name} places there")
        state |= {name: tensor for name, tensor in tensors.items() if places.get(name) == shard}
    return state


def _loaded(path: Path) -> object:
    try:
        with open_outside(path, MAX_BYTES) as stream:
            return torch.load(stream, map_location="cpu", weights_only=True)
    except UserError:
        raise
    except Exception as error:  # bytes from elsewhere may make torch.load raise anything
        refused = _REFUSED.search(str(error))
        if refused:
            remedy = "it is not unpickled, because a pickle can run any program: save `model.state_dict()` alone"
            raise UnusableFile(path, f"it holds {shown(refused[1])}, not only tensors; {remedy}") from error
        raise UnusableFile(path, f"torch cannot read it as a checkpoint ({type(error).__name__})") from error


def _tensors_within(path: Path, content: object) -> dict[str, Tensor]:
    """The state dict that a checkpoint is, or holds under a usual name."""
    if isinstance(content, Mapping):
        inner = next((content[name] for name in _WITHIN if isinstance(content.get(name), Mapping)), None)
        if inner is not None:
            return _tensors_within(path, inner)
        tensors = {name: tensor for name, tensor in content.items() if isinstance(tensor, Tensor)}
        if tensors and all(isinstance(name, str) for name in tensors):
            return tensors
    raise UnusableFile(path, f"it holds no state dict, neither itself nor under {', '.join(_WITHIN)}")
