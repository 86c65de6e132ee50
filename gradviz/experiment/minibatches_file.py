"""`minibatches.safetensors`: the minibatches of a run, any nesting of tensors, without a pickle.

The tensors have the names `NUMBER.PATH`; the nesting is JSON in the file's metadata.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from gradviz.experiment.batches import Batch, Structure, rebuilt, structure_of, tensors_of
from gradviz.experiment.outside import UnusableFile, parse_json
from gradviz.experiment.tensor_file import read_header, read_metadata, read_some_tensors, write_tensors

_KEY = "structure"


def write_minibatches(path: Path, batches: Sequence[Batch]) -> None:
    """Writes all minibatches or nothing."""
    tensors = {
        _name(number, own): tensor for number, batch in enumerate(batches) for own, tensor in tensors_of(batch).items()
    }
    # The same tensor in several places is written for each.
    separate = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}
    structures = [structure_of(batch, str(number)) for number, batch in enumerate(batches)]
    write_tensors(path, separate, {_KEY: json.dumps(structures)})


def read_minibatch(path: Path, number: int, count: int, classes: Mapping[str, type]) -> Batch:
    """One of the `count` minibatches of a file; `classes` are the dataclasses and named tuples that may be in it.

    Reads no other's tensors. UnusableFile if the file is damaged; UserError if it needs another class.
    """
    structure = read_structures(path, count)[number]
    own = _name(number, "")
    tensors = read_some_tensors(path, lambda name: name == own or name.startswith(f"{own}."))
    return _batch(path, structure, tensors, classes)


def read_structures(path: Path, count: int) -> list[Structure]:
    """The nestings of the `count` minibatches of a file; UnusableFile if it is damaged or has another number."""
    read_header(path)
    structures = parse_json(read_metadata(path).get(_KEY, "").encode(), path)
    if not isinstance(structures, list):
        raise UnusableFile(path, "its structure is not a list of minibatches")
    if len(structures) != count:
        raise UnusableFile(path, f"it has {len(structures)} minibatches, run.json says {count}")
    return structures


def read_sizes(path: Path, count: int) -> list[int]:
    """The numbers of rows of the `count` minibatches of a file, from its header; UnusableFile as `read_structures`, and
    if one has no rows."""
    read_structures(path, count)
    sizes: dict[int, int] = {}
    for name, tensor in read_header(path).items():
        if tensor.shape and (number := name.partition(".")[0]).isdecimal():
            sizes[int(number)] = tensor.shape[0]
    if sizes.keys() != set(range(count)):
        raise UnusableFile(path, "a minibatch of it has no rows")
    return [sizes[number] for number in range(count)]


def _batch(path: Path, structure: Structure, tensors: Mapping, classes: Mapping[str, type]) -> Batch:
    try:
        return rebuilt(structure, tensors, classes)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if type(error).__module__.startswith("gradviz."):  # a sentence of ours
            raise
        raise UnusableFile(path, f"its structure does not fit its tensors ({error})") from error


def _name(number: int, path: str) -> str:
    return f"{number}.{path}" if path else str(number)
